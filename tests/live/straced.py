"""What sync calls a log of strace -f -y holds: "KIND<tab>TID<tab>PATH" a line, one for each that returned.

    straced.py LOG          that list
    straced.py --ring LOG   how many requests the rings of io_uring took
    straced.py --names LOG  the changes of names: "KIND<tab>TID<tab>OLD<tab>NEW", last components only
    straced.py --traced     what strace has to trace

A write counts as o_sync or o_dsync when the descriptor was opened so, or the call carries RWF_SYNC or RWF_DSYNC.
Requests of Linux AIO count when they were submitted; what a ring of io_uring carries, strace does not see.
"""
import re
import sys

SYNCS = ("fsync", "fdatasync", "sync_file_range", "sync", "syncfs", "msync")
OPENS = ("open", "openat", "openat2", "creat")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "fallocate")
CLONES = ("clone", "clone3", "fork", "vfork")
COPIES = ("dup", "dup2", "dup3", "fcntl")
# Kind, and which of the quoted arguments are the old name and the new one.
NAMES = {
    "rename": ("rename", 0, 1), "renameat": ("rename", 0, 1), "renameat2": ("rename", 0, 1),
    "link": ("link", None, 1), "linkat": ("link", None, 1), "symlink": ("symlink", None, 1),
    "symlinkat": ("symlink", None, 1), "unlink": ("unlink", 0, None), "unlinkat": ("unlink", 0, None),
    "rmdir": ("rmdir", 0, None), "mkdir": ("mkdir", None, 0), "mkdirat": ("mkdir", None, 0),
    "mknod": ("mknod", None, 0), "mknodat": ("mknod", None, 0),
}
TRACED = SYNCS + OPENS + WRITES + CLONES + COPIES + ("close", "io_submit", "io_uring_enter") + tuple(NAMES)

CALL = re.compile(r"^([a-z_0-9]+)\((.*)\)\s+= (-?[0-9]+)\b")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
DESCRIPTOR = re.compile(r"^([0-9]+)<(/.*?)>(?:\(deleted\))?(?:, |$)")
AIO_WRITE = re.compile(r"aio_lio_opcode=IOCB_CMD_PWRITEV?,.*?aio_fildes=([0-9]+)<(/.*?)>")


def how(flags):
    """What a set of open flags or RWF_ flags makes of a write."""
    if re.search(r"\b(O|RWF)_SYNC\b", flags):
        return "o_sync"
    return "o_dsync" if re.search(r"\b(O|RWF)_DSYNC\b", flags) else None


class Log:
    """Descriptors opened synchronously, by process; threads share those of their process."""

    def __init__(self):
        self.tables = {}
        self.pending = {}

    def table(self, tid):
        return self.tables.setdefault(tid, {})

    def lines(self, log):
        """Whole calls as (TID, TEXT): halves are joined."""
        for line in log:
            tid, text = line.rstrip("\n").split(None, 1)
            if text.endswith("<unfinished ...>"):
                self.pending[tid] = text[: -len("<unfinished ...>")].rstrip()
                continue
            resumed = re.match(r"^<\.\.\. [a-z_0-9]+ resumed>(.*)$", text)
            yield tid, self.pending.pop(tid, "") + resumed.group(1) if resumed else text

    def syncs(self, log):
        for tid, text in self.lines(log):
            match = CALL.match(text)
            if match:
                yield from self.call(tid, *match.groups())

    def call(self, tid, name, arguments, result):
        result = int(result)
        at = DESCRIPTOR.match(arguments)
        if name in SYNCS:
            yield name, tid, at.group(2) if at else ""
        elif result < 0:
            return
        elif name in OPENS:
            self.table(tid)[result] = how(arguments)
        elif name in CLONES:
            # The child may have run before its parent was seen to return.
            table = self.table(tid) if "CLONE_FILES" in arguments else dict(self.table(tid))
            table.update(self.table(str(result)))
            self.tables[str(result)] = table
        elif name in COPIES and at and (name != "fcntl" or "F_DUPFD" in arguments):
            self.table(tid)[result] = self.table(tid).get(int(at.group(1)))
        elif name == "close" and at:
            self.table(tid).pop(int(at.group(1)), None)
        elif name == "io_submit":
            for number, path in AIO_WRITE.findall(arguments):
                if self.table(tid).get(int(number)):
                    yield self.table(tid)[int(number)], tid, path
        elif name in WRITES and at and (result > 0 or name == "fallocate"):
            kind = self.table(tid).get(int(at.group(1))) or how(arguments)
            if kind:
                yield kind, tid, at.group(2)


def change(tid, name, arguments, result):
    """A call that changed names, in the words of the report; None: it is none."""
    if name not in NAMES or result != "0":
        return None
    kind, old, new = NAMES[name]
    if "AT_REMOVEDIR" in arguments:
        kind = "rmdir"
    if "RENAME_EXCHANGE" in arguments:
        kind = "exchange"
    quoted = [text.rstrip("/").rsplit("/", 1)[-1] for text in QUOTED.findall(arguments)]
    return kind, tid, quoted[old] if old is not None else "", quoted[new] if new is not None else ""


if sys.argv[1] == "--traced":
    print(",".join(TRACED))
elif sys.argv[1] == "--ring":
    with open(sys.argv[2], errors="replace") as opened:
        calls = (CALL.match(text) for _, text in Log().lines(opened))
        print(sum(max(int(call.group(3)), 0) for call in calls if call and call.group(1) == "io_uring_enter"))
elif sys.argv[1] == "--names":
    with open(sys.argv[2], errors="replace") as opened:
        calls = ((tid, CALL.match(text)) for tid, text in Log().lines(opened))
        changes = (change(tid, *call.groups()) for tid, call in calls if call)
        for found in filter(None, changes):
            print("\t".join(found))
else:
    with open(sys.argv[1], errors="replace") as opened:
        for found in Log().syncs(opened):
            print("\t".join(found))
