# SPDX-License-Identifier: GPL-2.0-only
"""No alarm and no doubt on healthy stacks, however many threads sync at once."""

import collections
import json
import os
import re
import shutil
import subprocess

from case import Case, named_hole
from judge import BadRun
from session import HERE, RUNS, read

VARIANTS = "ext4 xfs btrfs f2fs"
LIMIT = 3000


def storm(kernel, level, calls, seed, variants=VARIANTS):
    """Yields a TAP line for each file system."""
    out = os.path.join(RUNS, f"storm-{kernel}-{level}")
    extra = out + ".extra"
    shutil.rmtree(extra, ignore_errors=True)
    os.makedirs(extra)
    with open(os.path.join(extra, "storm"), "w", encoding="ascii") as file:
        file.write(f"{calls} 32 {seed} {variants}\n")
    command = [os.path.join(HERE, "..", "boot"), "--kernel", kernel, "--level", level, "--out", out]
    command += ["--scenario", os.path.join(HERE, "storm.sh"), "--extra", extra]
    command += ["--timeout", str(LIMIT), "--disk", "virtio-wb:1G"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BadRun((read(os.path.join(out, "outcome")) or done.stderr).strip())
    for variant in variants.split():
        problem, summary = look(os.path.join(out, "results"), variant, kernel)
        words = f"storm of 32 threads, {variant} on {kernel} at {level}"
        yield f"not ok - {words}: {problem}" if problem else f"ok - {words}: {summary}"


def look(results, variant, kernel):
    """Returns (problem or None, summary)."""
    with open(os.path.join(results, f"{variant}.json"), encoding="utf-8") as file:
        report = json.load(file)
    made = sum(map(int, re.findall(r"=(\d+)", read(os.path.join(results, f"{variant}.calls")))))
    totals = report["totals"]
    if not made or totals["syncs"] != made:
        return f"{made} calls were made, {totals['syncs']} are in the report", ""
    case = Case(variant, "plain", variant, ["virtio-wb"], script="0 x\n1 x\n")
    counts, bad = collections.Counter(), []
    for sync in report["syncs"]:
        counts[f"{sync['verdict']}/{sync['reason']}"] += 1
        if sync["verdict"] == "durable" or named_hole(sync, kernel):
            continue
        # btrfs: every call of the storm has something to do, so there is no doubt to have.
        if sync["verdict"] == "unproven" and variant != "btrfs" and case.doubt(sync, kernel):
            continue
        bad.append(sync)
    words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    if bad:
        first = bad[0]
        return f"{len(bad)} calls, e.g. {first['kind']} {first['path']}: {first['reason']}: {first['detail']} ({words})", ""
    return None, f"{made} calls, {totals['flushes']} flushes: {words}"
