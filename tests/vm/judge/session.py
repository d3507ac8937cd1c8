# SPDX-License-Identifier: GPL-2.0-only
"""One boot: plays its cases in a guest, then judges each."""

import collections
import dataclasses
import os
import re
import shutil
import subprocess

from crash import LogError
from judge import BadRun, Judge, Tally
from recovery import GuestRecovery, HostRecovery, RecoveryError

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
RUNS = os.path.join(TOP, ".build", "vm", "judge")
# Recovering always on one kernel, and not the oldest, keeps the judge apart from
# the kernel that is judged.
RECOVERY_KERNEL = "6.12"


@dataclasses.dataclass
class Session:
    out: str  # directory of its logs
    kernel: str
    level: str
    cases: list
    audit: str = "apart"  # one for each case; one "together" for all; "beside": see play.sh
    images: int = 2
    seed: int = 0
    limit: int | None = None  # seconds; None: by the number of cases

    def __post_init__(self):
        if self.audit == "beside":
            self.cases = list(on_own_disks(self.cases))
        self.limit = self.limit or 120 + 25 * len(self.cases)
        self.tally = Tally()
        self.host = self.guest = None

    def disks(self):
        names = []
        for case in self.cases:
            for name in case.all_disks():
                if name not in names:
                    names.append(name)
        # virtio-wb-2 is the second disk of its kind: the first must be there too.
        for name in list(names):
            kind, _, number = name.rpartition("-")
            if number.isdigit():
                names += [f"{kind}-{n}" for n in range(2, int(number)) if f"{kind}-{n}" not in names]
                names += [kind] if kind not in names else []
        return sorted(names, key=lambda name: (kind_of(name), name))

    def play(self):
        """Boots and plays. Raises BadRun when the harness says that it went wrong."""
        extra = self.out + ".extra"
        shutil.rmtree(extra, ignore_errors=True)
        os.makedirs(extra)
        with open(os.path.join(extra, "cases"), "w", encoding="ascii") as file:
            file.writelines(case.line() for case in self.cases)
        for case in self.cases:
            with open(os.path.join(extra, f"{case.name}.script"), "w", encoding="ascii") as file:
                file.write(case.script)
        with open(os.path.join(extra, self.audit), "w", encoding="ascii"):
            pass
        command = [os.path.join(HERE, "..", "boot"), "--kernel", self.kernel, "--keep"]
        command += ["--scenario", os.path.join(HERE, "play.sh"), "--extra", extra]
        command += ["--out", self.out, "--timeout", str(self.limit), "--level", self.level]
        for name in self.disks():
            command += ["--disk", f"{kind_of(name)}:{self.cases[0].size >> 20}M"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            outcome = read(os.path.join(self.out, "outcome")) or done.stderr.strip()
            raise BadRun(f"{outcome.strip()} (logs: {self.out})")

    def judge(self):
        """Yields (case, summary, complaints, skipped) for each case."""
        judge = Judge(self.out, self.kernel, self.recovery_of, self.images, self.seed)
        self.tally = judge.tally
        outcomes = {}
        for line in read(os.path.join(self.out, "results", "outcomes")).splitlines():
            name, what, why = line.split(" ", 2)
            outcomes[name] = (what, why)
        try:
            for case in self.cases:
                what, why = outcomes.get(case.name, (None, ""))
                try:
                    if what == "missing":
                        yield case, "", [], why
                    elif what != "played":
                        raise BadRun("it was not played")
                    else:
                        yield case, *judge.judge(case, why), None
                except (BadRun, LogError, RecoveryError) as error:
                    yield case, "", [str(error)], None
        finally:
            for recovery in (self.host, self.guest):
                if recovery:
                    recovery.close()
            self.host = self.guest = None

    def recovery_of(self, case):
        if case.recovers_on_host():
            self.host = self.host or HostRecovery()
            return self.host
        if not self.guest:
            out, kernel = self.out + ".recovery", RECOVERY_KERNEL
            # Its arrays say what their logical block is, which older kernels refuse.
            if self.kernel == "7.x" and any(case.stack.startswith("raid") for case in self.cases):
                kernel = self.kernel
            self.guest = GuestRecovery(out, kernel, self.disks(), case.size, 3600)
        return self.guest


def on_own_disks(cases):
    """The cases, so that no two have a disk in common."""
    taken = collections.Counter()
    for case in cases:
        own = {}
        for name in case.all_disks():
            kind = kind_of(name)
            taken[kind] += 1
            own[name] = kind if taken[kind] == 1 else f"{kind}-{taken[kind]}"
        script = re.sub(r"(?<= tell set )\S+", lambda found: own[found[0]], case.script)
        disks = [own[name] for name in case.disks]
        second = own[case.second] if case.second else None
        yield dataclasses.replace(case, disks=disks, second=second, script=script)


def kind_of(name):
    """virtio-wb-2 -> virtio-wb"""
    kind, _, number = name.rpartition("-")
    return kind if number.isdigit() else name


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
