#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The judge itself: a good run passes, and whatever is spoilt in it is noticed.

One guest plays a safe and an unsafe file system and changes of names; copies of its record are then
spoilt one way each. Prints TAP."""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "vm", "judge"))
import matrix  # noqa: E402
from judge import BadRun, Call  # noqa: E402
from session import RUNS, TOP, Session  # noqa: E402

KERNEL = "6.12"
OUT = os.path.join(RUNS, "harness")
SAFE, UNSAFE, NAMES = "linear-xfs", "ext4-nobarrier", "names-ext4-both"


def cases(*names):
    found = []
    for name in names:
        case = matrix.find(name)
        case.stack = "plain"  # brought up again on this machine
        found.append(case)
    return found


class Spoilt:
    """A copy of the record to be spoilt."""

    def __init__(self):
        self.out = OUT + "-spoilt"
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(OUT, self.out)

    def path(self, *name):
        return os.path.join(self.out, *name)

    @contextlib.contextmanager
    def report(self, case):
        path = self.path("results", f"{case}.json")
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        yield report
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file)

    def verdicts(self, case, old, new, reason):
        """Changes the first verdict of a case from old to new."""
        with self.report(case) as report:
            call = next(sync for sync in report["syncs"] if sync["verdict"] == old)
            call["verdict"], call["reason"], call["detail"] = new, reason, ""

    def drop_call(self, case):
        with self.report(case) as report:
            report["syncs"] = [sync for sync in report["syncs"] if sync["kind"] != "fdatasync"]

    def drop_change(self, lost):
        """Of two changes of one name the later is missing, with so many events lost."""
        with self.report(NAMES) as report:
            changes = report["changes"]
            kept = [change for change in changes if not (change["old_path"] or "").endswith("/over/temp")]
            assert len(kept) == len(changes) - 1
            report["changes"] = kept
            report["totals"]["lost_events"] = lost

    def lines(self, name, keep):
        path = self.path(*name.split("/"))
        with open(path, encoding="ascii") as file:
            lines = [line for line in file if keep(line)]
        with open(path, "w", encoding="ascii") as file:
            file.writelines(lines)


def judge(out, *names):
    """All complaints by case."""
    session = Session(out, KERNEL, "fentry", cases(*names), images=1)
    return {case.name: complaints for case, _, complaints, _ in session.judge()}


def complains(spoil, case, words):
    spoilt = Spoilt()
    spoil(spoilt)
    try:
        found = judge(spoilt.out, case)[case]
    except BadRun as error:
        found = [str(error)]
    assert found, "taken for good"
    assert words in found[0], f"for another reason: {found[0]}"


def good_run():
    for case, complaints in judge(OUT, SAFE, UNSAFE, NAMES).items():
        assert not complaints, f"{case}: {complaints[0]}"


def lost_change():
    """The name that it took away was durable, and is not there: nothing false was said."""
    spoilt = Spoilt()
    spoilt.drop_change(lost=1)
    complaints = judge(spoilt.out, NAMES)[NAMES]
    assert not complaints, complaints[0]


def dead_guest():
    session = Session(OUT + "-dead", KERNEL, "fentry", cases(SAFE), limit=1)
    try:
        session.play()
    except BadRun as error:
        assert "hang" in str(error), f"for another reason: {error}"
        return
    raise AssertionError("a guest that was stopped is taken for good")


def renamed_files():
    """Without a journal one may be gone, if the call is durable; never be another."""
    renamed = "F\t3\t-\tnew\told\n"
    case = dataclasses.replace(cases(SAFE)[0], variant="ext4-nojournal")
    for verdict, content, answer in (
        ("durable", None, "survived"),
        ("durable", "abcd", "lost"),
        ("durable", "abc", "survived"),
        ("not-durable", None, "lost"),
    ):
        call = Call("C\t1\t1\tfsync\t0\t1\t2\tnew\t1".split("\t"))
        call.sync = {"verdict": verdict}
        call.promises = [renamed]
        with tempfile.TemporaryDirectory() as directory:
            if content:
                with open(os.path.join(directory, "old"), "w", encoding="ascii") as file:
                    file.write(content)
            command = [os.path.join(TOP, ".build", "vm", "player"), "verify", "--dir", directory]
            said = subprocess.run(
                command, input="".join(case.promises(call)), stdout=subprocess.PIPE, text=True, check=True
            ).stdout
        assert said.startswith(answer), f"{verdict}, {content}: {said}"


CHECKS = [
    ("a good run passes", good_run),
    ("a renamed file without a journal", renamed_files),
    (
        "a call that is called durable and is not",
        lambda: complains(
            lambda s: s.verdicts(UNSAFE, "not-durable", "durable", "flushed"), UNSAFE, "FALSE DURABLE"
        ),
    ),
    (
        "a call that is called not-durable and is",
        lambda: complains(
            lambda s: s.verdicts(SAFE, "durable", "not-durable", "no-flush"), SAFE, "FALSE NOT-DURABLE"
        ),
    ),
    (
        "doubt on a healthy stack",
        lambda: complains(
            lambda s: s.verdicts(SAFE, "durable", "unproven", "untracked"), SAFE, "unproven/untracked"
        ),
    ),
    (
        "calls that are missing in the report",
        lambda: complains(lambda s: s.drop_call(SAFE), SAFE, "it is not in the report"),
    ),
    (
        "a drive that answers flushes and does nothing",
        lambda: complains(
            lambda s: s.lines("drive.log", lambda line: "\tflush\t" not in line), SAFE, "FALSE DURABLE"
        ),
    ),
    (
        "a change of names that is missing in the report",
        lambda: complains(lambda s: s.drop_change(lost=0), NAMES, "the report lacks"),
    ),
    ("one that was lost, as the report says", lost_change),
    ("no log", lambda: complains(lambda s: os.remove(s.path("drive.log")), SAFE, "drive.log")),
    (
        "a log that is cut short",
        lambda: complains(lambda s: s.lines("drive.log", lambda line: line != "# end\n"), SAFE, "cut short"),
    ),
    (
        "a log without marks",
        lambda: complains(lambda s: s.lines("drive.log", lambda line: "\tmark\t" not in line), SAFE, "no mark"),
    ),
    ("no data", lambda: complains(lambda s: os.remove(s.path("payload.bin")), SAFE, "payload.bin")),
    (
        "a script that did not end",
        lambda: complains(
            lambda s: s.lines(f"results/{SAFE}.history", lambda line: line != "END\n"), SAFE, "not played to its end"
        ),
    ),
    (
        "a report that is no JSON",
        lambda: complains(lambda s: open(s.path("results", f"{SAFE}.json"), "w").close(), SAFE, "no report"),
    ),
    ("a guest that hangs", dead_guest),
]


def main():
    os.makedirs(RUNS, exist_ok=True)
    bad = 0
    try:
        Session(OUT, KERNEL, "fentry", cases(SAFE, UNSAFE, NAMES)).play()
    except BadRun as error:
        print(f"not ok 1 - the guest: {error}\n1..1")
        return 1
    for number, (name, check) in enumerate(CHECKS, 1):
        try:
            check()
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, BadRun, KeyError, StopIteration) as error:
            bad += 1
            print(f"not ok {number} - {name}: {error!r}", flush=True)
    shutil.rmtree(OUT + "-spoilt", ignore_errors=True)
    print(f"1..{len(CHECKS)}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
