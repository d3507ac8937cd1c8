# SPDX-License-Identifier: GPL-2.0-only
"""Holds flushaudit's verdicts against what a power cut leaves.

The rule: "durable" means that what the call promised survives in every legal
image; "not-durable" that it is lost in at least one; "unproven" is allowed only
where a case says so, never on a healthy stack.
"""

import collections
import json
import os
import re

from case import named_hole
import names
from crash import CrashDisk, DriveLog, FuaTrace, LogError, chance_of

# What is lost where the kernel skips runs of BPF programs.
SKIPPED = re.compile("skipped by the kernel|(entries|returns) of calls not seen")
SEVERITY = {"durable": 0, "unproven": 1, "not-durable": 2}


class BadRun(Exception):
    """There is nothing to judge by: never to be taken for a pass."""


class Call:
    """One sync call of a script, with what it promised and what was said of it."""

    def __init__(self, fields):
        self.n = int(fields[1])
        self.tid = int(fields[2])
        self.kind = fields[3]
        self.ret = int(fields[4])
        self.begin_ns, self.end_ns = int(fields[5]), int(fields[6])
        self.path = fields[7]
        self.line = int(fields[8])
        self.promises = []
        self.sync = None  # of the report
        self.flushes_ns = []  # when flushes of the report ended

    def __str__(self):
        said = f"{self.sync['verdict']}/{self.sync['reason']}" if self.sync else "not in the report"
        return f"call {self.n} (line {self.line}: {self.kind} {self.path} = {self.ret}) {said}"


def load_history(path):
    """The calls, and all names there were when the script had ended; None: they are not known."""
    calls, present = [], set()
    complete = False
    try:
        with open(path, encoding="ascii") as lines:
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                if fields[0] == "C":
                    calls.append(Call(fields))
                elif fields[0] in "FDGB":
                    calls[-1].promises.append(line)
                elif fields[0] == "N":
                    present.add(fields[1])
                elif fields[:2] == ["E", "names"]:
                    present = None  # after those that were
                complete = fields[0] == "END"
    except OSError as error:
        raise BadRun(f"no history: {error}") from error
    if not complete:
        raise BadRun(f"{path}: the script was not played to its end")
    return calls, present


def join(calls, report, unseen=lambda call, spots: False):
    """Gives each call the report's word for it. Returns complaints."""
    spots = report["tool"]["blind_spots"]
    by_tid = collections.defaultdict(list)
    for sync in report["syncs"]:
        if sync["kind"] != "kernel":
            by_tid[sync["tid"]].append(sync)
    flushes_ns = [flush["complete_ns"] for flush in report["flushes"] if not flush["error"]]
    complaints = []
    for call in calls:
        call.flushes_ns = flushes_ns
        found = [s for s in by_tid[call.tid] if call.begin_ns <= s["t_ns"] <= call.end_ns]
        kinds = {sync["kind"] for sync in found}
        if kinds == {call.kind} and (len(found) == 1 or call.kind in ("o_sync", "o_dsync")):
            # A direct write of which a part is written buffered is synced twice: the worse counts.
            call.sync = max(found, key=lambda sync: SEVERITY[sync["verdict"]])
        elif found and not report["totals"]["lost_events"]:
            # Where an entry was lost, the sync below is taken for the end of a write.
            complaints.append(f"{call}: the report has {[s['kind'] for s in found]} for it")
        elif unseen(call, spots):
            continue
        elif not report["totals"]["lost_events"]:
            complaints.append(f"{call}: it is not in the report")
    return complaints


def never_synced(report, ends, mount):
    """The files, as they were when all was over, whose data the report says is at risk."""
    found = {f["path"]: f for f in report["findings"] if f["kind"] == "never-synced"}
    exposed = []
    for end in ends:
        end.finding = found.get(f"{mount}/{end.path}")
        if end.finding:
            exposed.append(end)
    return exposed


class Tally:
    """What was judged, over many cases."""

    def __init__(self):
        self.verdicts = collections.Counter()
        self.images = 0
        self.false_durable = 0
        self.false_not_durable = 0
        self.findings = 0
        self.false_findings = 0
        self.holes = collections.Counter()
        self.excused = collections.Counter()
        self.doubts = collections.Counter()
        self.names = collections.Counter()

    def add(self, other):
        self.images += other.images
        self.false_durable += other.false_durable
        self.false_not_durable += other.false_not_durable
        self.findings += other.findings
        self.false_findings += other.false_findings
        # Not with +=, which drops what was counted as nought.
        self.verdicts.update(other.verdicts)
        self.holes.update(other.holes)
        self.excused.update(other.excused)
        self.doubts.update(other.doubts)
        self.names.update(other.names)


class Judge:
    """Judges the cases of one boot. recovery.ask(request_lines) -> answer."""

    def __init__(self, out, kernel, recovery_of, images=2, seed=0):
        self.out = out
        self.kernel = kernel
        self.results = os.path.join(out, "results")
        self.recovery_of = recovery_of
        self.images = images
        self.seed = seed
        self.tally = Tally()
        traced = os.path.join(self.results, "traced")
        try:
            fua_of = None
            if os.path.exists(traced):
                fua_of = FuaTrace(os.path.join(self.results, "trace"), traced)
            self.log = DriveLog(
                os.path.join(out, "drive.log"), os.path.join(out, "payload.bin"), fua_of
            )
        except (OSError, LogError, ValueError) as error:
            raise BadRun(str(error)) from error
        self.reports = {}

    def report(self, name):
        if name not in self.reports:
            try:
                with open(os.path.join(self.results, name), encoding="utf-8") as file:
                    self.reports[name] = json.load(file)
            except (OSError, ValueError) as error:
                raise BadRun(f"no report {name}: {error}") from error
        return self.reports[name]

    def judge(self, case, report_name):
        """Returns (summary, complaints) of one case that was played."""
        report = self.report(report_name)
        history, present = load_history(os.path.join(self.results, f"{case.name}.history"))
        calls = [call for call in history if call.kind != "end"]
        exposed = never_synced(report, [call for call in history if call.kind == "end"], case.mount())
        if not calls:
            raise BadRun("no sync call was made")
        complaints = join(calls, report, case.unseen)
        counts = collections.Counter()
        recovery = self.recovery_of(case)
        disks = {}
        try:
            for name in case.all_disks():
                if name not in self.log.disks:
                    raise BadRun(f"nothing was ever written to {name}")
                disks[name] = CrashDisk(
                    self.log, self.log.disks[name], case.size, recovery.image_path(name)
                )
            recovery.begin(case)
            for call in calls:
                if call.sync:
                    verdict = call.sync["verdict"]
                    counts[f"{verdict}/{call.sync['reason']}"] += 1
                    self.tally.verdicts[verdict] += 1
                complaints += self.judge_call(case, call, disks, recovery)
            for end in exposed:
                complaints += self.judge_finding(case, end, disks, recovery)
            if "names" in case.flags:
                complaints += self.judge_names(case, report, history[-1].n, present, disks, recovery)
        finally:
            recovery.end()
            for disk in disks.values():
                disk.close()
        complaints += self.judge_whole(case, calls, report)
        words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        return f"{len(calls)} calls: {words}", complaints

    def judge_call(self, case, call, disks, recovery):
        if not call.promises or not case.images:
            if call.ret < 0 and call.sync and call.sync["verdict"] == "durable":
                self.tally.false_durable += 1
                return [f"{call}: durable, but it reported an error"]
            return []
        verdict = call.sync["verdict"] if call.sync else None
        answers = []
        # Only a claim of durability must hold in every image; the worst is first.
        more = self.images if case.recovers_on_host() else self.images // 2
        more = more if verdict == "durable" else 0
        for number in range(1 + more):
            for request in case.requests():
                answer = self.try_image(case, call, number, request, disks, recovery)
                if verdict == "durable" and answer != "survived":
                    # This machine may have failed, not the image: that would not repeat.
                    answer = self.try_image(case, call, number, request, disks, recovery)
                answers.append(answer)
                if number:
                    break
        lost = [answer for answer in answers if answer != "survived"]
        call.lost = bool(lost)
        if verdict == "durable" and lost:
            self.tally.false_durable += 1
            which = "the worst image" if answers[0] != "survived" else "a legal image"
            return [f"{call}: FALSE DURABLE, {which}: {lost[0]}; {call.sync['detail']}"]
        if verdict == "not-durable" and not lost and not self.excused(case, call):
            self.tally.false_not_durable += 1
            return [f"{call}: FALSE NOT-DURABLE, it survives; {call.sync['detail']}"]
        return []

    def judge_finding(self, case, end, disks, recovery):
        """A file that the report says was never synced must be lost in the worst image."""
        if not case.images or not end.promises:
            return []
        self.tally.findings += 1
        for request in case.requests():
            if self.try_image(case, end, 0, request, disks, recovery) != "survived":
                return []
        self.tally.false_findings += 1
        return [f"{end.path}: FALSE never-synced, it survives: {end.finding['detail']}"]

    def judge_names(self, case, report, last, present, disks, recovery):
        """What is said of the names, as it was when the script ended and when the audit had."""
        if present is None:
            raise BadRun("which names there were in the end could not be listed")
        changes = names.changes_of(report, case.mount() + "/")
        untold = names.drop_undone(changes, present)
        for change in changes:
            self.tally.names[change.row["filesystem"]] += 1
            self.tally.names["judged"] += bool(change.effects)

        def asker(mark):
            def ask(promises, number):
                answers = []
                for request in case.requests():
                    answers.append(self.ask_image(case, mark, number, [request, *promises], disks, recovery))
                lost = [answer for answer in answers if answer != "survived"]
                return lost[0] if lost else "survived"

            return ask

        complaints = [] if report["totals"]["lost_events"] else untold
        complaints += names.judge_early(changes, asker(last))
        complaints += names.judge_late(changes, asker("audited"), self.images)
        self.tally.names["false"] += len(complaints)
        return complaints

    def try_image(self, case, call, number, request, disks, recovery):
        """Was the promise kept in this image?"""
        return self.ask_image(case, call.n, number, [request, *case.promises(call)], disks, recovery)

    def ask_image(self, case, mark, number, request, disks, recovery):
        """What an image as of that mark holds. Number 0 is the worst, others are random."""
        position = self.log.mark(f"{case.name}-{mark}")
        recovery.prepare()
        chance = chance_of(self.seed, case.name, mark, number) if number else None
        for disk in disks.values():
            disk.write_out(position, chance)
        answer = recovery.ask(request)
        self.tally.images += 1
        if answer.startswith("failed"):
            raise BadRun(f"{case.name}, mark {mark}: recovery {answer}")
        return answer

    def excused(self, case, call):
        """Not durable, and no image loses it: where that is right."""
        why = case.excuses(call, self.kernel)
        if why:
            self.tally.excused[why] += 1
        return why

    def judge_whole(self, case, calls, report):
        """What a healthy stack must not show."""
        skipped = all(SKIPPED.search(loss["cause"]) for loss in report["losses"])
        complaints = []
        for call in calls:
            if not call.sync:
                continue
            verdict, reason = call.sync["verdict"], call.sync["reason"]
            lost = getattr(call, "lost", False)
            hole = named_hole(call.sync, self.kernel)
            if hole:
                self.tally.holes[hole] += lost
            elif verdict == "unproven":
                doubt = case.doubt(call.sync, self.kernel, skipped)
                self.tally.doubts[doubt] += bool(doubt)
                if not doubt:
                    complaints.append(f"{call}: {call.sync['detail']}")
            elif case.healthy and verdict == "not-durable" and reason != "writeout-only":
                complaints.append(f"{call} on a healthy stack: {call.sync['detail']}")
        return complaints
