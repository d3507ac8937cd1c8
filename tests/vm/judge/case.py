# SPDX-License-Identifier: GPL-2.0-only
"""One script on one stack: what tests/vm/judge/play.sh plays and judge.py judges."""

MIB = 1 << 20
DISK_SIZE = 512 * MIB
# What this machine's kernel can bring up again; the rest needs a guest.
GUEST_VARIANTS = ("f2fs", "xfs-realtime")
HOST_STACKS = {"plain", "partition", "override", "loop", "loop-nobarrier", "loop-loop"}


# Where a kernel reports success and the data is gone: on which of our kernels.
# README has the table. The auditor names them.
HOLES = {
    "ext4-nojournal-early-return": "5.10 6.1",
    "ext4-fast-commit": "5.10 7.x",
    "ext4-inline-data": "5.10 6.1 6.12 7.x",
    "ext4-external-journal-data": "5.10 6.1 6.12",
    "btrfs-directory-logged": "5.10",
    "f2fs-concurrent-fsync": "5.10 6.1 6.12 7.x",
}


class Case:
    """healthy: a stack that must give no alarm. images: a power cut leaves something."""

    def __init__(
        self,
        name,
        stack,
        variant,
        disks,
        second=None,
        script="",
        flags="-",
        healthy=True,
        images=True,
    ):
        self.name = name
        self.stack = stack
        self.variant = variant
        self.disks = list(disks)
        self.second = second
        self.script = script
        self.flags = flags
        self.healthy = healthy
        self.images = images
        self.size = DISK_SIZE

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

    def doubt(self, call, kernel):
        """Why the auditor may be in doubt about this call, or None."""
        hole = named_hole(call, kernel)
        if hole:
            return hole
        reason, several = call.sync["reason"], len(self.threads()) > 1
        if reason == "untracked" and several and self.variant.startswith("f2fs"):
            return "f2fs: a bio mixes the pages of several files"
        direct = " direct " in self.script or " ddsync " in self.script
        if reason == "untracked" and direct and self.variant.startswith("btrfs"):
            return "btrfs: whose a direct write is cannot be known"
        if reason in ("commit-unseen", "untracked") and self.variant == "ext4-async-commit":
            return "journal_async_commit: other log writes are under way"
        if "faults" in self.flags:
            return "what a failed request has hit is not always known"
        if reason == "events-lost" and kernel == "7.x":
            return "7.x skips runs of BPF programs under preemption, and counts them"
        return None

    def recovers_on_host(self):
        return self.stack in HOST_STACKS and not self.variant.startswith(GUEST_VARIANTS)

    def excuses(self, call, kernel):
        """Why this call survives every image although it is not durable, or None."""
        if call.sync["reason"] == "writeout-only":
            return "sync_file_range promises nothing; these bytes were safe by something else"
        if call.path.startswith("shared") and len(self.threads()) > 1:
            return "a file shared by threads: the promise is about the caller's part only"
        if call.sync["reason"] == "flush-failed":
            return "a flush of the call failed, another one ended well"
        if not self.healthy and "journal or metadata" in (call.sync["detail"] or ""):
            return "without barriers the log writes of others count too: they cannot be told apart"
        if named_hole(call, kernel):
            return "a kernel hole left something unflushed that is not compared here"
        return None

    def threads(self):
        return {line.split()[0] for line in self.script.splitlines() if line[:1].isdigit()}


def named_hole(call, kernel):
    """The kernel hole that the auditor named, if this kernel has it."""
    for name, kernels in HOLES.items():
        if f"kernel hole {name}" in (call.sync["detail"] or "") and kernel in kernels.split():
            return name
    return None
