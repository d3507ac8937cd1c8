# SPDX-License-Identifier: GPL-2.0-only
"""Random workloads: the same seed gives the same script and the same stack."""

import random

import matrix
from case import HOST_STACKS, Case

VARIANTS = {
    # name: (weight, healthy)
    "ext4": (4, True),
    "ext4-data-journal": (1, True),
    "ext4-data-writeback": (1, True),
    "ext4-nojournal": (2, True),
    "ext4-async-commit": (1, True),
    "ext4-fast-commit": (2, True),
    "ext4-inline": (1, True),
    "ext4-nobarrier": (1, False),
    "ext3": (1, True),
    "ext2": (1, True),
    "xfs": (4, True),
    "btrfs": (4, True),
    "btrfs-nodatacow": (1, True),
    "btrfs-compress": (1, True),
    "btrfs-nobarrier": (1, False),
}
TWO_DEVICES = {
    "ext4-external-journal": (1, True),
    "xfs-external-log": (1, True),
    "xfs-realtime": (1, True),
    "btrfs-raid1": (1, True),
}
# Recovered in a guest, which takes its time: a kind of its own.
GUEST_VARIANTS = {
    "f2fs": (3, True),
    "f2fs-strict": (1, True),
    "f2fs-lfs": (1, True),
    "f2fs-compress": (1, True),
    "f2fs-nobarrier": (1, False),
}
# Recovered in a guest, too: what stands between file system and drive. No multipath, which is
# not fit for use on 5.10.
LAYERS = [name for name in matrix.STACKS if name not in HOST_STACKS and "multipath" not in name]
# What becomes of names: an audit for each workload.
NAMES_VARIANTS = {
    **VARIANTS,
    "f2fs": (3, True),
    "f2fs-strict": (1, True),
    "f2fs-lfs": (1, True),
}
KINDS = ("host", "guest", "layers", "names")
DISKS = ["virtio-wb", "scsi", "scsi-fua", "ahci", "nbd", "nvme", "nvme-paths", "virtio-wt"]


class Thread:
    """What one thread of the script has made so far."""

    def __init__(self, number):
        self.number = number
        self.home = f"t{number}"
        self.dirs = [self.home]
        self.files = {}  # path: size
        self.links = []  # symbolic ones
        self.linked = False  # two names may be one file's
        self.last = [self.home]  # the directories that the last change of names was in
        self.names = 0

    def new_name(self, rng, letter="f"):
        self.names += 1
        return f"{rng.choice(self.dirs)}/{letter}{self.names}"


def length_of(rng):
    kind = rng.random()
    if rng.large and kind < 0.03:
        return rng.randint(300000, 3000000)
    if kind < 0.25:
        return rng.randint(1, 60)
    if kind < 0.5:
        return rng.randint(61, 5000)
    if kind < 0.85:
        return 4096 * rng.randint(1, 4)
    return rng.randint(5000, 70000)


def aligned(rng):
    return 4096 * rng.randint(0, 15), 4096 * rng.randint(1, 4)


def change(rng, thread):
    """One operation that changes something; returns it without the thread number."""
    files = list(thread.files)
    kind = rng.choices(
        ["new", "write", "append", "direct", "mmap", "truncate", "fallocate", "punch"]
        + ["keep", "zero", "rename", "link", "unlink", "mkdir", "reflink", "shared"],
        [14, 18, 12, 8, 6, 6, 4, 3, 2, 2, 6, 2, 3, 2, 2, 6],
    )[0]
    if kind == "shared":
        base = thread.number << 18
        return f"write shared {base + rng.randint(0, 1 << 16)} {min(length_of(rng), 70000)}"
    if kind == "mkdir":
        name = thread.new_name(rng, "d")
        thread.dirs.append(name)
        return f"mkdir {name}"
    if kind == "new" or not files:
        name = thread.new_name(rng)
        length = length_of(rng)
        thread.files[name] = length
        return f"write {name} 0 {length}"
    path = rng.choice(files)
    size = thread.files[path]
    if kind == "write":
        offset, length = rng.randint(0, max(size, 1) + 4096), length_of(rng)
        thread.files[path] = max(size, offset + length)
        return f"write {path} {offset} {length}"
    if kind == "append":
        length = length_of(rng)
        thread.files[path] += length
        return f"append {path} {length}"
    if kind == "direct":
        offset, length = aligned(rng)
        thread.files[path] = max(size, offset + length)
        return f"direct {path} {offset} {length}"
    if kind == "mmap" and size:
        offset = rng.randrange(size)
        return f"mmap {path} {offset} {rng.randint(1, min(size - offset, 20000))}"
    if kind == "truncate":
        thread.files[path] = rng.randint(0, size + 10000)
        return f"truncate {path} {thread.files[path]}"
    if kind in ("fallocate", "punch", "keep", "zero"):
        offset, length = aligned(rng)
        if kind in ("fallocate", "zero"):
            thread.files[path] = max(size, offset + length)
        return f"{kind} {path} {offset} {length}"
    if kind in ("rename", "link", "reflink"):
        over = kind != "link" and len(files) > 1 and rng.random() < 0.4
        name = rng.choice(files) if over else thread.new_name(rng)
        if name == path:
            return f"truncate {path} {size}"
        if kind == "rename":
            del thread.files[path]
        thread.files[name] = size
        return f"{kind} {path} {name}"
    if kind == "unlink" and len(files) > 2:
        del thread.files[path]
        return f"unlink {path}"
    return f"append {path} 100"


def sync(rng, thread):
    files = list(thread.files)
    kind = rng.choices(
        ["fsync", "fdatasync", "range", "dsync", "osync", "ddsync", "msync", "fsyncdir"]
        + ["syncfs", "shared", "again", "sync", "aio", "uring"],
        [30, 25, 6, 6, 2, 5, 3, 10, 2, 6, 5, 1, 5, 6],
    )[0]
    if kind == "shared":
        return rng.choice(["fsync shared", "fdatasync shared"])
    if kind == "fsyncdir" or not files:
        return f"fsyncdir {rng.choice(thread.dirs)}"
    if kind in ("syncfs", "sync"):
        return kind
    path = rng.choice(files[-3:])  # what was just changed, mostly
    size = thread.files[path]
    if kind == "again":
        return f"repeat 2 fdatasync {path}"
    if kind in ("aio", "uring"):
        kind += rng.choice(["fsync", "fdatasync", "ddsync"])
        if kind.endswith("fdatasync") and rng.random() < 0.3:
            kind = rng.choice(["uringdsync", "uringrange"])
    if kind.endswith("ddsync"):
        offset, length = aligned(rng)
        thread.files[path] = max(size, offset + length)
        return f"{kind} {path} {offset} {length}"
    if kind in ("dsync", "osync", "uringdsync"):
        offset, length = rng.randint(0, max(size, 1)), length_of(rng)
        thread.files[path] = max(size, offset + length)
        return f"{kind} {path} {offset} {length}"
    if kind in ("range", "uringrange", "msync"):
        if not size:
            return f"fsync {path}"
        offset = rng.randrange(size)
        return f"{kind} {path} {offset} {rng.randint(1, size - offset)}"
    return f"{kind} {path}"


def above(path):
    return path.rpartition("/")[0]


def moved(paths, old, new):
    """Names below a directory that is renamed."""
    return [new + path[len(old) :] if (path + "/").startswith(old + "/") else path for path in paths]


def change_name(rng, thread):
    """One operation on names; the directories that it changed are in thread.last."""
    files, dirs = list(thread.files), thread.dirs
    kind = rng.choices(
        ["new", "mkdir", "rename", "over", "movedir", "link", "symlink", "tmplink", "unlink", "rmdir", "replace"],
        [6, 3, 8, 4, 3, 4, 2, 2, 5, 1, 4],
    )[0]
    new = thread.new_name(rng)
    thread.last = [above(new)]
    if kind == "mkdir":
        thread.dirs.append(new)
        return [f"mkdir {new}"]
    if kind == "symlink":
        thread.links.append(new)
        return [f"symlink {rng.choice(['x', 'f1'])} {new}"]
    if kind == "tmplink":
        thread.files[new] = 0
        return [f"tmplink {new}"]
    if kind == "movedir" and len(dirs) > 1:
        old = rng.choice(dirs[1:])
        if (new + "/").startswith(old + "/"):
            thread.links.append(new)
            return [f"symlink x {new}"]
        thread.last = [above(old), above(new)]
        thread.dirs = moved(dirs, old, new)
        thread.files = dict(zip(moved(files, old, new), thread.files.values()))
        thread.links = moved(thread.links, old, new)
        return [f"rename {old} {new}"]
    if kind == "rmdir" and len(dirs) > 1:
        path = rng.choice(dirs[1:])
        if not any(name.startswith(path + "/") for name in dirs + files + thread.links):
            thread.dirs.remove(path)
            thread.last = [above(path)]
            return [f"rmdir {path}"]
    if kind == "new" or len(files) < 2:
        thread.files[new] = length_of(rng)
        return [f"write {new} 0 {thread.files[new]}"]
    path = rng.choice(files)
    size = thread.files[path]
    if kind == "unlink":
        del thread.files[path]
        thread.last = [above(path)]
        return [f"unlink {path}"]
    if kind == "link":
        thread.files[new] = size
        thread.linked = True
        return [f"link {path} {new}"]
    if kind == "replace" and not thread.linked:
        thread.files[path] = length_of(rng)
        thread.last = [above(path), above(new)]
        lines = [f"write {new} 0 {thread.files[path]}", f"fsync {new}", f"rename {new} {path}"]
        return lines if rng.random() < 0.7 else [lines[0], lines[2]]
    if kind == "over":
        new = rng.choice([name for name in files if name != path])
    # Between two links to one file rename does nothing.
    if kind == "over" and thread.linked:
        return [f"append {path} 10"]
    del thread.files[path]
    thread.files[new] = size
    thread.last = [above(path), above(new)]
    return [f"rename {path} {new}"]


def sync_name(rng, thread):
    kind = rng.choices(["last", "both", "dir", "file", "data", "dsync", "syncfs"], [6, 3, 3, 8, 3, 2, 1])[0]
    files = list(thread.files)
    if kind == "both":
        return [f"fsyncdir {name}" for name in dict.fromkeys(thread.last) if name in thread.dirs]
    if kind in ("last", "dir") or not files:
        name = rng.choice(thread.last if kind == "last" else thread.dirs)
        return [f"fsyncdir {name if name in thread.dirs else thread.home}"]
    path = rng.choice(files[-3:])
    calls = {"file": f"fsync {path}", "data": f"fdatasync {path}", "dsync": f"dsync {path} 0 100", "syncfs": "syncfs"}
    return [calls[kind]]


def names_script_of(rng, disks):
    threads = [Thread(n) for n in range(rng.choice([1, 1, 2, 3]))]
    lines = [f"p mkdir {thread.home}" for thread in threads] + ["p syncfs"]
    if rng.random() < 0.3:
        lines.append(f"p tell set {rng.choice(disks)} delay-flush={rng.choice([2, 10, 30])}")
    for thread in threads:
        for _ in range(rng.randint(15, 50) // len(threads)):
            steps = sync_name(rng, thread) if rng.random() < 0.3 else change_name(rng, thread)
            lines += [f"{thread.number} {step}" for step in steps]
        # A call that is judged, and what nobody syncs.
        lines.append(f"{thread.number} fsyncdir {thread.home}")
        for _ in range(rng.randint(0, 4)):
            lines += [f"{thread.number} {step}" for step in change_name(rng, thread)]
    return lines


def script_of(rng, disks):
    """The lines of a script."""
    count = rng.choice([1, 1, 1, 2, 3, 4])
    threads = [Thread(n) for n in range(count)]
    lines = [f"p mkdir {thread.home}" for thread in threads]
    for thread in threads:
        lines.append(f"p write shared {thread.number << 18} {4096}")
    if rng.random() < 0.3:
        lines.append(f"p tell set {rng.choice(disks)} delay-flush={rng.choice([2, 10, 30])}")
    if rng.random() < 0.15:
        lines.append(f"p tell set {rng.choice(disks)} delay-write={rng.choice([2, 10])}")
    for thread in threads:
        for _ in range(rng.randint(15, 60) // len(threads)):
            step = sync(rng, thread) if rng.random() < 0.4 else change(rng, thread)
            lines.append(f"{thread.number} {step}")
        # Something at the end that must be there.
        lines.append(f"{thread.number} {sync(rng, thread)}")
    return lines


def case_of(seed, kind="host"):
    """The workload of a seed. kind: see KINDS; all but host are recovered in a guest."""
    rng = random.Random(f"flushaudit/{kind}/{seed}")
    # More than a drive takes in one command, or a layer in one piece.
    rng.large = kind == "layers"
    choices = {
        "host": {**VARIANTS, **TWO_DEVICES},
        "guest": GUEST_VARIANTS,
        "layers": VARIANTS,
        "names": NAMES_VARIANTS,
    }[kind]
    names = list(choices)
    variant = rng.choices(names, [choices[name][0] for name in names])[0]
    healthy = choices[variant][1]
    stack = "plain"
    if kind == "host" and variant not in TWO_DEVICES:
        stack = rng.choices(["plain", "partition", "loop", "override"], [16, 2, 2, 1])[0]
    if stack == "override":
        healthy = False
    disk = rng.choices(DISKS, [6, 2, 2, 1, 2, 2, 1, 1])[0]
    if stack == "override" and disk == "virtio-wt":
        disk = "virtio-wb"
    second = None
    if variant in TWO_DEVICES:
        second = rng.choice([name for name in DISKS if name != disk])
    disks = [disk]
    if kind == "layers":
        stack = rng.choice(LAYERS)
        disks = matrix.STACKS[stack].split()
    if kind == "names":
        lines = names_script_of(rng, disks)
    else:
        lines = script_of(rng, disks + ([second] if second else []))
    return Case(
        f"{kind}-{seed}",
        stack,
        variant,
        disks,
        second,
        "".join(line + "\n" for line in lines),
        flags="names" if kind == "names" else "-",
        healthy=healthy,
    )


def find(name):
    """The case of a name like host-1234, or None."""
    kind, _, seed = name.partition("-")
    if kind in KINDS and seed.isdigit():
        return case_of(int(seed), kind)
    return None
