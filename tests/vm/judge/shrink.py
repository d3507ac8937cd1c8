# SPDX-License-Identifier: GPL-2.0-only
"""Makes a failing script short: removes what is not needed for it to fail."""

import copy
import os

from judge import BadRun
from session import RUNS, Session

PER_BOOT = 16


def pieces(lines, size):
    """The script without one piece of that size, for each piece."""
    for start in range(0, len(lines), size):
        yield lines[:start] + lines[start + size :]


def failing(case, candidates, kernel, level, round_number, images):
    """The complaints of each candidate that fails by a verdict, by its number."""
    cases = []
    for number, lines in enumerate(candidates):
        candidate = copy.copy(case)
        candidate.name = f"{case.name}-{number}"
        candidate.script = "".join(line + "\n" for line in lines)
        candidate.flags = "faults"  # an operation that has lost its file is no failure
        cases.append(candidate)
    out = os.path.join(RUNS, f"shrink-{case.name}-{round_number}")
    session = Session(out, kernel, level, cases, audit="together", images=images)
    session.play()
    bad = {}
    for number, (_, _, complaints, _) in enumerate(session.judge()):
        complaints = [text for text in complaints if text.startswith("call ")]
        if complaints:
            bad[number] = complaints
    return bad


def shrink(case, kernel, level, images):
    """Prints the shortest script found. Returns an exit status."""
    lines = [line for line in case.script.splitlines() if line and not line.startswith("#")]
    boots = 1
    why = failing(case, [lines], kernel, level, 0, images)
    if not why:
        print(f"{case.name} does not fail on {kernel} at {level}")
        return 2
    size = max(1, len(lines) // 2)
    while True:
        found = False
        candidates = list(pieces(lines, size))
        for start in range(0, len(candidates), PER_BOOT):
            some = candidates[start : start + PER_BOOT]
            try:
                bad = failing(case, some, kernel, level, boots, images)
            except BadRun as error:
                print(f"# round {boots}: {error}", flush=True)
                bad = {}
            boots += 1
            if bad:
                number = min(bad)
                lines, why, found = some[number], {0: bad[number]}, True
                break
        print(f"# {boots} boots: {len(lines)} lines, pieces of {size}", flush=True)
        if not found:
            if size == 1:
                break
            size = max(1, size // 2)
    print(f"# {case.stack} {case.variant} {','.join(case.all_disks())} on {kernel} at {level}")
    print("\n".join(lines))
    print("\n".join(f"# {text}" for text in why[0]))
    return 1
