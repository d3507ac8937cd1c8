# SPDX-License-Identifier: GPL-2.0-only
"""The scenario matrix: what is played on which stack and what must come out."""

import fnmatch
import os

from case import Case

HERE = os.path.dirname(os.path.abspath(__file__))

FILE_SYSTEMS = (
    "ext4 ext4-data-journal ext4-data-writeback ext4-nojournal ext4-async-commit"
    " ext4-fast-commit ext4-inline ext3 ext2 xfs btrfs btrfs-nodatacow btrfs-compress"
    " f2fs f2fs-strict f2fs-lfs f2fs-compress overlay-ext4"
).split()
UNSAFE_FILE_SYSTEMS = "ext4-nobarrier btrfs-nobarrier f2fs-nobarrier overlay-volatile-ext4".split()
# Without all that the script of the others does.
SMALL_FILE_SYSTEMS = {"f2fs-no-checkpoint": False, "vfat": True, "exfat": True}
TWO_DEVICES = "ext4-external-journal xfs-external-log xfs-realtime btrfs-raid1".split()
DRIVES = "virtio-wt nvme nvme-paths scsi scsi-fua ahci nbd".split()
# Stack: its disks. Below the line: those on which calls cannot be durable.
STACKS = {
    "partition": "virtio-wb",
    "linear": "virtio-wb",
    "stripe": "virtio-wb scsi",
    "crypt": "virtio-wb",
    "thin": "virtio-wb",
    "snapshot": "virtio-wb",
    "snapshot-cow": "virtio-wb",
    "writecache": "virtio-wb scsi",
    "cache": "virtio-wb scsi",
    "raid0": "virtio-wb scsi",
    "raid1": "virtio-wb scsi",
    "raid5": "virtio-wb scsi ahci",
    "dm-raid1": "virtio-wb scsi",
    "multipath": "scsi",
    "multipath-bio": "virtio-wb",
    "bcache": "virtio-wb scsi",
    "loop": "virtio-wb",
    "loop-loop": "virtio-wb",
}
UNSAFE_STACKS = {
    "loop-nobarrier": "virtio-wb",
    "loop-tmpfs": "virtio-wb",
    "zram": "virtio-wb",
    "raid1-wt": "virtio-wb scsi",
    "override": "virtio-wb",
    "linear-override": "virtio-wb",
}
FAULTS = "fail-write fail-flush fail-direct fail-background".split()


def _table():
    with open(os.path.join(HERE, "..", "matrix"), encoding="ascii") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def levels(kernel):
    """The attach levels of a kernel, best first."""
    return _table()[kernel]


def best_level(kernel):
    return levels(kernel)[0]


def _script(name, disk=""):
    with open(os.path.join(HERE, "scripts", name), encoding="ascii") as file:
        return file.read().replace("DISK", disk)


def _text(lines):
    return "".join(line + "\n" for line in lines)


def _file_systems():
    for name in FILE_SYSTEMS:
        yield Case(name, "plain", name, ["virtio-wb"], script=_script("calls"))
    for name in UNSAFE_FILE_SYSTEMS:
        yield Case(name, "plain", name, ["virtio-wb"], script=_script("calls"), healthy=False)
    for name, healthy in SMALL_FILE_SYSTEMS.items():
        for disk in ("virtio-wb", "virtio-wt"):
            where = "" if disk == "virtio-wb" else f"-on-{disk}"
            yield Case(name + where, "plain", name, [disk], script=_script("few"), healthy=healthy)
    for name in TWO_DEVICES:
        yield Case(name, "plain", name, ["virtio-wb"], "scsi", _script("calls"))


def _drives():
    for disk in DRIVES:
        for name in ("ext4", "xfs", "btrfs"):
            yield Case(f"{name}-on-{disk}", "plain", name, [disk], script=_script("few"))
        yield Case(f"device-{disk}", "plain", "none", [disk], script=_script("device"))
    yield Case("f2fs-on-scsi-fua", "plain", "f2fs", ["scsi-fua"], script=_script("few"))
    yield Case("device-virtio-wb", "plain", "none", ["virtio-wb"], script=_script("device"))


def _large():
    """More in one write than a chunk of raid0 or a command of the drive takes."""
    lines = []
    for n in range(4):
        lines += [f"0 write f{n} 0 3000000", f"0 fsync f{n}", f"0 direct f{n} 0 2097152", f"0 fdatasync f{n}"]
    return _text(lines)


def _stacks():
    for stacks, healthy in ((STACKS, True), (UNSAFE_STACKS, False)):
        for stack, disks in stacks.items():
            for name in ("ext4", "xfs", "btrfs"):
                if name == "btrfs" and stack not in ("linear", "raid1", "loop", "override"):
                    continue
                yield Case(
                    f"{stack}-{name}", stack, name, disks.split(), None, _script("few"), healthy=healthy
                )
    # Sent on twice: by raid0, and by the head of the paths.
    for name in ("ext4", "xfs"):
        yield Case(f"raid0-paths-{name}", "raid0", name, ["nvme-paths", "scsi"], script=_script("few"))
    for stack, disks in STACKS.items():
        yield Case(f"large-{stack}", stack, "ext4", disks.split(), script=_large())
    for disk in DRIVES:
        yield Case(f"large-on-{disk}", "plain", "ext4", [disk], script=_large())
    for stack in ("linear", "crypt", "thin", "raid1", "raid5"):
        yield Case(f"large-{stack}-xfs", stack, "xfs", STACKS[stack].split(), script=_large())
    # What is sent on as it is, is split there.
    for name in ("ext4", "xfs"):
        yield Case(f"split-raid0-{name}", "raid0", name, ["scsi", "virtio-wb"], script=_large())
        yield Case(f"split-paths-{name}", "plain", name, ["nvme-paths"], script=_large())
        yield Case(f"split-raid0-paths-{name}", "raid0", name, ["nvme-paths", "scsi"], script=_large())
    yield Case("device-linear", "linear", "none", ["virtio-wb"], script=_script("device"))
    # In memory: a power cut leaves nothing to compare with.
    yield Case("null-ext4", "null", "ext4", ["virtio-wb"], script=_script("few"), healthy=False, images=False)


def _crowd(disk):
    """A script of its own making: 8 threads, each with 40 writes in its part of a file."""
    starts = range(0, 8 << 18, 1 << 18)
    lines = ["# Many threads write and sync one file: whose flush covers whom?"]
    lines += [f"p write shared {start} 4096" for start in (0, *starts)]
    lines += ["p fsync shared", f"p tell set {disk} delay-flush=3"]
    for thread, start in enumerate(starts):
        for offset in range(start, start + 40 * 4096, 4096):
            lines += [f"{thread} write shared {offset} 4096", f"{thread} fsync shared"]
    return _text(lines)


def _meeting():
    """Threads that meet in the first syncs of a new file, beside some that only write."""
    lines = ["p write shared 0 4096"]
    for thread in range(20):
        for page in range(thread * 30, thread * 30 + (4 if thread < 16 else 24)):
            lines.append(f"{thread} write shared {page * 4096} 4096")
            if thread < 16:
                lines.append(f"{thread} {'fdatasync' if page & 1 else 'fsync'} shared")
    return _text(lines)


def _reach(sync):
    """A direct write that needs no sync, to a file that is reached by what was not flushed."""
    lines = ["p write shared 0 65536", f"p {sync}", "0 ddsync shared 4096 8192", "0 ddsync shared 0 4096"]
    return _text(lines)


def _fresh():
    """Direct writes over what is in files that nobody has synced yet."""
    lines = []
    for n, write in enumerate(("ddsync", "aioddsync", "uringddsync")):
        lines += [f"0 write f{n} 0 65536", f"0 {write} f{n} 4096 8192"]
        lines += [f"0 append f{n} 9000", f"0 {write} f{n} 65536 4096", f"0 {write} f{n} 0 4096"]
    return _text(lines)


def _beyond():
    """A range is synced that lies beyond the file's size on disk, and what made it longer is not."""
    lines = []
    for n, sync in enumerate(("dsync f{n} 5664 41", "osync f{n} 5664 41", "msync f{n} 0 8192", "fdatasync f{n}")):
        lines += [f"p write f{n} 0 4454", f"p fsync f{n}"]
        lines += [f"0 write f{n} 100392 35"]
        if sync.startswith("msync"):
            lines += [f"0 mmap f{n} 5664 41"]
        lines += ["0 " + sync.format(n=n)]
    return _text(lines)


def _grown():
    """A file is made longer by direct writes: within its last block, and beyond it."""
    lines = []
    for n, sync in enumerate(("", "fdatasync f{n}", "fsync f{n}", "aiofdatasync f{n}")):
        lines += [f"p write f{n} 0 3000", f"p fsync f{n}"]
        lines += [f"0 direct f{n} 0 4096", "0 " + sync.format(n=n)] if sync else [f"0 ddsync f{n} 0 4096"]
    for n, write in enumerate(("uringddsync", "aioddsync", "ddsync", "direct", "direct", "direct"), 4):
        lines += [f"p write f{n} 0 3174", f"p fsync f{n}", f"0 mmap f{n} 390 317", f"0 fsync f{n}"]
        lines += [f"0 {write} f{n} 0 4096"]
    lines += ["0 fdatasync f7", "0 fsync f8", "0 aiofdatasync f9"]
    for n, write in enumerate(("ddsync", "uringddsync", "aioddsync", "direct"), 10):
        lines += [f"0 write f{n} 0 30", f"0 {write} f{n} 36864 16384"]
    lines += ["0 fdatasync f13"]
    return _text(lines)


def _rounded():
    """A file that was synced is filled up to the end of its last page, within one tick of the clock."""
    lines = []
    for n in range(24):
        write, size = ("write", "4000 96") if n % 3 else ("direct", "0 4096")
        lines += [f"0 write f{n} 0 4000", f"0 fsync f{n}", f"0 {write} f{n} {size}", f"0 fsync f{n}"]
    return _text(lines)


def _zeroed():
    """What the journal holds of a file's blocks is older than the zeroes that are on the disk."""
    lines = ["p mkdir t0"]
    for number, synced in ((1, False), (2, True)):
        lines.append(f"0 write t0/f{number} 0 12288")
        lines += [f"0 fsync t0/f{number}"] if synced else []
        lines += [f"0 zero t0/f{number} 0 12288", f"0 write t0/f{number} 7305 33"]
        lines += [f"0 fdatasync t0/f{number}", f"0 fsync t0/f{number}"]
    lines += ["0 write t0/f3 0 12288", "0 fsync t0/f3", "0 syncfs"]
    return _text(lines)


def _zeroed_tail():
    """Zeroes that make a file longer, from within its last page on; then one they do not."""
    lines = ["p mkdir t0"]
    for number, size in ((1, 21716), (2, 20480), (3, 24576)):
        lines += [f"0 write t0/f{number} 0 {size}", f"0 fdatasync t0/f{number}"]
        lines += [f"0 zero t0/f{number} 20480 4096", f"0 write t0/f{number} 21758 4096"]
        lines += [f"0 fsync t0/f{number}"]
    return _text(lines)


def _filled():
    """Direct writes beyond a file's end, into the hole that this leaves, and over what is there."""
    lines = []
    for n, writes in enumerate(("57344 16384", "57344 16384|45056 4096", "0 4096", "8192 4096|8192 4096")):
        lines += [f"0 osync f{n} 5840 2930"]
        lines += [f"0 direct f{n} {write}" for write in writes.split("|")]
        lines += [f"0 {'fdatasync' if n & 1 else 'fsync'} f{n}"]
    return _text(lines)


def _late():
    """Direct writes that a worker may bring to their end, and sync."""
    lines = ["p write f 0 65536", "p fsync f"]
    lines += [f"0 {'aioddsync' if n & 1 else 'uringddsync'} f {n % 8 * 8192} 8192" for n in range(60)]
    return _text(lines)


def _strays():
    """io_uring may leave a wake-up behind, which ends the next sleep too early."""
    lines = [f"p write f{thread} 0 4096" for thread in range(4)] + ["p tell set scsi-fua delay-flush=10"]
    for thread in range(4):
        for _ in range(12):
            name = f"{thread} %s f{thread}"
            lines += [name % "uringfsync", name % "append" + " 5000", name % "fsync", name % "fdatasync"]
    return _text(lines)


def _crowds():
    for name in ("ext4", "xfs", "btrfs", "f2fs"):
        yield Case(f"crowd-{name}", "plain", name, ["virtio-wb"], script=_crowd("virtio-wb"))
        for number in range(4 if name == "btrfs" else 1):
            yield Case(f"meet-{name}-{number}", "plain", name, ["virtio-wb"], script=_meeting())


def _lates():
    for name in ("ext4", "xfs", "f2fs"):
        yield Case(f"late-{name}", "plain", name, ["virtio-wb"], script=_late())
    # Longer than dirty pages are left alone (vm.dirty_expire_centisecs).
    background = _reach("sleep 45000")
    yield Case("reach-ext4-nojournal", "plain", "ext4-nojournal", ["nvme"], script=background)
    for name in ("ext4", "ext4-nojournal", "ext4-data-journal", "ext3", "xfs", "btrfs", "f2fs"):
        yield Case(f"beyond-{name}", "plain", name, ["virtio-wb"], script=_beyond())
    for name in ("ext4", "ext4-nojournal", "xfs", "btrfs", "f2fs"):
        yield Case(f"grown-{name}", "plain", name, ["virtio-wb"], script=_grown())
    for name in ("ext4", "xfs", "btrfs", "f2fs", "f2fs-lfs"):
        yield Case(f"filled-{name}", "plain", name, ["ahci"], script=_filled())
    for name in ("ext4", "xfs", "btrfs", "f2fs"):
        yield Case(f"fresh-{name}", "plain", name, ["nvme"], script=_fresh())
    for name in ("ext4", "ext4-data-journal"):
        yield Case(f"zeroed-{name}", "plain", name, ["virtio-wb"], script=_zeroed())
    for name in ("ext4", "ext4-nojournal", "xfs"):
        yield Case(f"zeroed-tail-{name}", "plain", name, ["virtio-wb"], script=_zeroed_tail())
    for name in ("f2fs", "f2fs-lfs", "f2fs-strict"):
        yield Case(f"rounded-{name}", "plain", name, ["virtio-wb"], script=_rounded())
    fsync = _reach("fsync shared")
    yield Case("reach-ext4-nobarrier", "plain", "ext4-nobarrier", ["nvme"], script=fsync, healthy=False)
    yield Case("reach-ext4", "plain", "ext4", ["nvme"], script=fsync)
    yield Case("stray-xfs", "plain", "xfs", ["scsi-fua"], script=_strays())


def _fault(fault, name, disks, stack="plain", variant="ext4", flags="faults"):
    """Of the last disk. The nvme driver tries a request five times more (nvme_core.max_retries)."""
    script = _script(fault, disks[-1])
    if disks[-1].startswith("nvme"):
        script = f"p tell set {disks[-1]} fail-again=5\n" + script
    return Case(f"{fault}-{name}", stack, variant, disks, None, script, flags, False)


def _faults():
    for fault in FAULTS:
        for name in ("ext4", "ext4-nojournal", "xfs", "btrfs", "f2fs"):
            yield _fault(fault, name, ["virtio-wb"], variant=name)
        yield _fault(fault, "raid1", ["virtio-wb", "scsi"], "raid1")
        # What these send on as it is ends where it was sent to. A failed write of the log
        # stands against all that follows on the disk, so each has an audit of its own.
        for variant in ("ext4", "xfs"):
            paths, both = ["nvme-paths"], ["nvme-paths", "virtio-wb"]
            yield _fault(fault, f"{variant}-paths", paths, "plain", variant, "faults,apart")
            yield _fault(fault, f"{variant}-raid0", both, "raid0", variant, "faults,apart")


def _vanishing():
    for name in ("ext4", "xfs", "btrfs"):
        yield Case(
            f"vanish-{name}",
            "plain",
            name,
            ["virtio-wb"],
            script=_script("vanish", "virtio-wb"),
            flags="faults,vanishes",
            healthy=False,
        )


def _left():
    """Findings are made when an audit ends, so each has one of its own."""
    names = "ext4 ext4-nojournal ext4-data-journal ext4-nobarrier xfs btrfs f2fs overlay-ext4".split()
    for name in names:
        healthy = name != "ext4-nobarrier"
        yield Case(
            f"left-{name}", "plain", name, ["virtio-wb"], None, _script("left"), "apart", healthy
        )
    yield Case("left-loop", "loop", "ext4", ["virtio-wb"], None, _script("left"), "apart")
    yield Case("left-crypt", "crypt", "xfs", ["virtio-wb"], None, _script("left"), "apart")


# As many as a guest has room for, each on a disk of its own.
MOST_BESIDE = 12

# What of each pattern is synced afterwards.
NAME_SYNCS = {
    "none": (),
    "file": ("file",),
    "data": ("data",),
    "destination": ("destination",),
    "source": ("source",),
    "both": ("source", "destination"),
    "file-and-both": ("file", "source", "destination"),
    "syncfs": ("syncfs",),
}
NAMED_FILE_SYSTEMS = (
    "ext4 ext4-data-journal ext4-data-writeback ext4-nojournal ext4-async-commit ext4-fast-commit"
    " ext4-inline ext4-nobarrier ext3 ext2 xfs btrfs btrfs-nodatacow f2fs f2fs-strict f2fs-lfs overlay-ext4"
).split()


def _names(syncs, tmpfile):
    """Each way of changing names, in directories of its own: file, source, destination.
    tmpfile: the file system knows O_TMPFILE."""
    patterns = [
        ("within/new", "within", "within", ["rename within/old within/new"]),
        ("to/moved", "from", "to", ["rename from/moved to/moved"]),
        ("over/name", "over", "over", ["write over/temp 0 5000", "fdatasync over/temp", "rename over/temp over/name"]),
        ("trees/new/f", "trees", "trees", ["rename trees/old trees/new"]),
        ("linked/b", "linked", "linked", ["link linked/a linked/b", "unlink linked/a"]),
        ("tmp/named", "tmp", "tmp", ["tmplink tmp/named"]),
        ("swing/one", "swing", "swing", ["symlink two swing/temp", "rename swing/temp swing/link"]),
        ("made/f", "made", "made", ["write made/f 0 3000", "mkdir made/d"]),
        ("gone/left", "gone", "gone", ["unlink gone/f", "rmdir gone/d"]),
    ]
    if not tmpfile:
        patterns = [pattern for pattern in patterns if pattern[1] != "tmp"]
    files = "within/old from/moved over/name trees/old/f linked/a swing/one gone/f gone/left".split()
    tops = "within from to over trees trees/old linked tmp swing made gone gone/d".split()
    lines = [f"p mkdir {top}" for top in tops]
    lines += [f"p write {name} 0 4000" for name in files]
    lines += ["p symlink one swing/link", "p syncfs"]
    for *_, changes in patterns:
        lines += [f"0 {change}" for change in changes]
    for file, source, destination, _ in patterns:
        places = {"file": f"fsync {file}", "data": f"fdatasync {file}"}
        places |= {"source": f"fsyncdir {source}", "destination": f"fsyncdir {destination}"}
        lines += [f"0 {places[sync]}" for sync in syncs if sync != "syncfs"]
    lines += ["0 syncfs"] * ("syncfs" in syncs)
    return _text(lines + ["0 create made/late", "0 rename from to/from"])


def _named():
    for variant in NAMED_FILE_SYSTEMS:
        for name, syncs in NAME_SYNCS.items():
            healthy = variant != "ext4-nobarrier"
            yield Case(
                f"names-{variant}-{name}",
                "plain",
                variant,
                ["virtio-wb"],
                None,
                _names(syncs, not variant.startswith("overlay")),
                "names",
                healthy,
            )


def all_cases():
    for part in (_file_systems, _drives, _stacks, _crowds, _lates, _faults, _vanishing, _left, _named):
        yield from part()


def find(name):
    for case in all_cases():
        if case.name == name:
            return case
    return None


def groups(pattern, per_boot):
    """The cases whose names match, as many lists as boots are needed, each with how it is audited:
    a drive that vanishes ends its guest."""
    cases = [
        case
        for case in all_cases()
        if any(fnmatch.fnmatch(case.name, one) for one in pattern.split())
    ]
    beside = [case for case in cases if "names" in case.flags]
    apart = [case for case in cases if "apart" in case.flags]
    alone = [case for case in cases if "vanishes" in case.flags]
    kept = [case for case in cases if case not in beside + apart + alone]
    parts = [("together", kept, per_boot), ("apart", apart, per_boot)]
    parts += [("beside", beside, min(per_boot, MOST_BESIDE)), ("together", alone, 1)]
    return [(audit, some[n : n + most]) for audit, some, most in parts for n in range(0, len(some), most)]
