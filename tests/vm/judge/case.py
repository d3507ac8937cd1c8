# SPDX-License-Identifier: GPL-2.0-only
"""One script on one stack: what tests/vm/judge/play.sh plays and judge.py judges."""

import dataclasses
import re

MIB = 1 << 20
ASYNC_DIRECT = re.compile(r"\b(aio|uring)ddsync\b")
DISK_SIZE = 512 * MIB
# What this machine's kernel can bring up again; the rest needs a guest.
GUEST_VARIANTS = ("f2fs", "xfs-realtime", "vfat", "exfat")
HOST_STACKS = {"plain", "partition", "override", "loop", "loop-nobarrier", "loop-loop"}


# Where a kernel reports success and the data is gone: on which of our kernels.
# README has the table. The auditor names them.
HOLES = {
    "ext4-nojournal-early-return": "5.10 6.1",
    "btrfs-compress-sync": "5.10 6.1 6.12 7.x",
    "ext4-size-on-disk": "5.10 6.1 6.12 7.x",
    "ext4-nojournal-inode": "5.10 6.1",
    "ext4-nojournal-direct": "5.10 6.1 6.12 7.x",
    "ext4-nojournal-directory-race": "5.10 6.1 6.12 7.x",
    "ext4-nojournal-syncfs": "5.10 6.1 6.12 7.x",
    "ext4-journal-zeroed": "5.10 6.1 6.12 7.x",
    "ext4-zeroed-tail": "7.x",
    "ext4-tmpfile-linked": "5.10 6.1 6.12 7.x",
    "ext4-fast-commit": "5.10 6.1 6.12 7.x",
    "ext4-inline-data": "5.10 6.1 6.12 7.x",
    "ext4-inline-data-converted": "5.10 6.1 6.12 7.x",
    "ext4-async-commit-replay": "5.10 6.1 6.12 7.x",
    "ext4-external-journal-data": "5.10 6.1 6.12",
    "xfs-stray-wakeup": "5.10",
    "xfs-syncfs": "5.10 6.1 6.12 7.x",
    "btrfs-concurrent-fsync": "5.10 6.1 6.12 7.x",
    "btrfs-directory-logged": "5.10",
    "f2fs-concurrent-fsync": "5.10 6.1 6.12 7.x",
    "f2fs-direct-overwrite": "5.10 6.1 6.12 7.x",
    "f2fs-direct-size": "5.10 6.1 6.12 7.x",
    "f2fs-size-in-page": "5.10 6.1 6.12 7.x",
    "f2fs-lfs-direct": "5.10",
    "f2fs-node-not-awaited": "5.10 6.1 6.12 7.x",
    "exfat-syncfs": "5.10 7.x",
    "vfat-syncfs": "5.10 6.1 6.12 7.x",
}

# The drive is told of the return a little later than the workload has seen it.
MARK_NS = 3_000_000


@dataclasses.dataclass
class Case:
    """flags: see play.sh."""

    name: str
    stack: str
    variant: str
    disks: list
    second: str | None = None
    script: str = ""
    flags: str = "-"
    healthy: bool = True  # a stack that must give no alarm
    images: bool = True  # a power cut leaves something
    size: int = DISK_SIZE

    def __post_init__(self):
        # Whose these are is not seen on btrfs: a blind spot.
        if self.variant.startswith("btrfs"):
            kept = [line for line in self.script.splitlines() if not ASYNC_DIRECT.search(line)]
            self.script = "".join(line + "\n" for line in kept)

    def mount(self):
        """Where play.sh mounts it."""
        return f"/played/{self.name}"

    def all_disks(self):
        return self.disks + ([self.second] if self.second else [])

    def line(self):
        """For /harness/extra/cases."""
        return (
            f"{self.name} {self.stack} {self.variant} {','.join(self.disks)}"
            f" {self.second or '-'} {self.name}.script {self.flags}\n"
        )

    def requests(self):
        """For recover.sh: each way in which the stack may come up again."""
        ways = [self.disks]
        if self.stack.startswith("raid1"):
            ways += [["missing", self.disks[1]], [self.disks[0], "missing"]]
        for disks in ways:
            yield f"{self.stack} {self.variant} {','.join(disks)} {self.second or '-'}"

    def doubt(self, sync, kernel, skipped=False):
        """Why the auditor may be in doubt about this call of the report, or None.
        skipped: all that was lost is runs that the kernel skipped."""
        hole = named_hole(sync, kernel)
        if hole:
            return hole
        reason, several = sync["reason"], len(self.threads()) > 1
        if reason == "untracked" and self.variant.startswith("f2fs"):
            return "f2fs: a bio mixes the pages of several files"
        if reason == "commit-unseen" and self.variant == "vfat":
            return "vfat: whether the directories above a file are written is not followed"
        direct = " direct " in self.script or " ddsync " in self.script
        if reason == "untracked" and direct and self.variant.startswith("btrfs"):
            return "btrfs: whose a direct write is cannot be known"
        others = several or " range " in self.script
        if reason == "untracked" and others and self.variant == "btrfs-compress":
            return "btrfs: whose compressed data are cannot be known"
        if reason == "commit-unseen" and self.variant == "ext4-fast-commit":
            return "fast_commit: what a fast commit of another thread holds is not told"
        if "were not known when the call returned" in (sync["detail"] or ""):
            return "a device of a moment ago: what is below it was not known yet"
        if "its return was not seen" in (sync["detail"] or ""):
            return "where the sync of an io_uring worker returns is not always seen"
        if sync["kind"] == "sync" and reason in ("untracked", "commit-unseen"):
            return "sync(2) on devices that others write to"
        if reason == "untracked" and "realtime" in self.variant:
            return "xfs-realtime: what was on the second device before the audit was not watched"
        if "faults" in self.flags:
            return "what a failed request has hit is not always known"
        if reason == "events-lost" and skipped:
            return "the kernel skips runs of BPF programs that another one interrupts, and counts them"
        return None

    def unseen(self, call, spots):
        """May the call be missing from the report? spots: the report's blind spots."""
        operation = self.script.splitlines()[call.line - 1].split()[1]
        if operation.startswith(("aio", "uring")) and any("(io_uring, Linux AIO)" in s for s in spots):
            return True
        if operation.startswith(("aiod", "uringd")) and any("volatile overlayfs" in s for s in spots):
            return True
        if operation.endswith("ddsync") and any("direct O_DSYNC writes" in s for s in spots):
            return True
        if call.kind in ("o_dsync", "o_sync") and self.variant == "none":
            if any("not on block devices" in s for s in spots):
                return True
        if call.kind in ("o_dsync", "o_sync") and self.variant in ("vfat", "exfat"):
            if any("O_DSYNC) are seen on ext4" in s for s in spots):
                return True
        if call.kind in ("o_dsync", "o_sync") and self.variant.startswith("xfs"):
            if any("synchronous writes on xfs" in s for s in spots):
                return True
        return False

    def recovers_on_host(self):
        return self.stack in HOST_STACKS and not self.variant.startswith(GUEST_VARIANTS)

    def excuses(self, call, kernel):
        """Why this call survives every image although it is not durable, or None."""
        if call.sync["reason"] == "writeout-only":
            return "sync_file_range promises nothing; these bytes were safe by something else"
        if call.path.startswith("shared") and len(self.threads()) > 1:
            return "a file shared by threads: the promise is about the caller's part only"
        if all(line.split("\t")[1:3] == ["-", "-"] for line in call.promises):
            return "the thread had written nothing there itself: nothing to compare"
        if call.sync["reason"] == "swallowed" and self.variant.startswith("overlay"):
            return "other calls made it safe: O_DSYNC writes do reach the file system below"
        if call.sync["reason"] == "flush-failed":
            return "a flush of the call failed, another one ended well"
        if not self.healthy and "scsi-fua" in self.all_disks() and " ddsync " in self.script:
            return "QEMU carries out a FUA write on SCSI as a write and a flush of all"
        if not self.healthy and "journal or metadata" in (call.sync["detail"] or ""):
            return "without barriers the log writes of others count too: they cannot be told apart"
        if not self.healthy and self.stack.startswith("loop") and call.sync["reason"] == "no-flush":
            return "no flush of the loop device; the file system below wrote and flushed by itself"
        if covered_before(call):
            return "another call's flush covered it after the return, before the workload saw it"
        if named_hole(call.sync, kernel):
            return "a kernel hole left something unflushed that is not compared here"
        return None

    def promises(self, call):
        """What to ask of an image, for recover.sh. Without a journal a file that was
        renamed may be gone from its old directory and not be in its new one yet."""
        durable = not call.sync or call.sync["verdict"] == "durable"
        for line in call.promises:
            renamed = line.startswith("F") and len(line.split("\t")) > 4
            loose = renamed and durable and call.kind != "end" and self.variant in ("ext2", "ext4-nojournal")
            yield "f" + line[1:] if loose else line

    def threads(self):
        return {line.split()[0] for line in self.script.splitlines() if line[:1].isdigit()}


def covered_before(call):
    """Was it made durable between the call's return and the moment the workload told of it?"""
    sync = call.sync
    returned_ns = sync["t_ns"] + sync["latency_ns"]
    if sync["covered_by"]:
        return returned_ns + sync["covered_after_ns"] <= call.end_ns + MARK_NS
    # By which is not known where other writes of the file were in flight.
    return any(returned_ns < flush_ns <= call.end_ns + MARK_NS for flush_ns in call.flushes_ns)


def named_hole(sync, kernel):
    """The kernel hole that the auditor named, if this kernel has it."""
    for name, kernels in HOLES.items():
        if f"kernel hole {name}," in (sync["detail"] or "") and kernel in kernels.split():
            return name
    return None
