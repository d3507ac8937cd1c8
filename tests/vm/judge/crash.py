# SPDX-License-Identifier: GPL-2.0-only
"""What a power cut may leave on the drives, from the log of tests/vm/drive.c.

A write is stable once it was acknowledged with FUA, or once a flush that was
*received after* that acknowledgement was itself acknowledged without error.
Everything else may be there or not, in any order, whole or in part.
"""

import bisect
import collections
import itertools
import mmap
import random
import re
from operator import attrgetter, itemgetter

NEVER = float("inf")
CHUNK = 1 << 16
SECTOR = 512
# What a drive writes whole or not at all. With less ext4 cannot be mounted whenever the
# block with its super block is torn, which is nobody's call's fault.
PHYSICAL_SECTOR = 4096
RECEIVED = attrgetter("received")


class LogError(Exception):
    """The log cannot be judged by: cut short, no such mark, not a log."""


class Write:
    """One write request; positions are places in the log's total order."""

    __slots__ = ("received", "acknowledged", "offset", "length", "data", "fua", "stable")

    def __init__(self, received, offset, length, data, fua):
        self.received = received
        self.acknowledged = NEVER
        self.offset = offset
        self.length = length
        self.data = data  # where in the payload; None: zeroes
        self.fua = fua
        self.stable = NEVER


class Disk:
    """All writes of one disk since it was last wiped, and when each became stable."""

    def __init__(self, name):
        self.name = name
        self.eras = [(0, [])]  # from which position on, its writes
        self.flushes = []  # (received, acknowledged) of those that ended well

    def settle(self):
        """Finds for each write the position from which on it is stable."""
        self.flushes.sort()
        ends = [acknowledged for _, acknowledged in reversed(self.flushes)]
        # The earliest end of all flushes from each on; NEVER after the last.
        earliest = list(itertools.accumulate(ends, min, initial=NEVER))[::-1]
        for _, writes in self.eras:
            for write in writes:
                place = bisect.bisect_right(self.flushes, write.acknowledged, key=itemgetter(0))
                write.stable = min(earliest[place], write.acknowledged if write.fua else NEVER)

    def era(self, position):
        """The writes since the newest wipe before the position."""
        return self.eras[bisect.bisect_right(self.eras, position, key=itemgetter(0)) - 1]


class DriveLog:
    """The parsed log: disks by name, marks by name."""

    def __init__(self, path, payload_path, fua_of=None):
        """fua_of(disk, offset, length) -> bool tells of FUA bits that the emulation
        dropped on the way to the drive."""
        self.disks = {}
        self.marks = {}
        pending = {}
        with open(path, encoding="ascii") as lines:
            if next(lines, "") != "# drive-log 1\n":
                raise LogError(f"{path}: not a drive log")
            complete = False
            for line in lines:
                if line.startswith("#"):
                    complete = line == "# end\n"
                    continue
                self._enter(line.rstrip("\n").split("\t"), pending, fua_of)
        if not complete:
            raise LogError(f"{path}: cut short")
        for disk in self.disks.values():
            disk.settle()
        with open(payload_path, "rb") as payload:
            payload.seek(0, 2)
            self.payload = (
                mmap.mmap(payload.fileno(), 0, prot=mmap.PROT_READ) if payload.tell() else b""
            )

    def _enter(self, fields, pending, fua_of):
        seq, _, event, name, kind, offset, length, fua, request, error, data = fields
        seq = int(seq)
        if event == "mark":
            self.marks[kind] = seq
            return
        disk = self.disks.setdefault(name, Disk(name))
        if event == "set":
            if kind == "wipe":
                disk.eras.append((seq, []))
        elif event == "received":
            if kind == "flush":
                pending[seq] = None
            elif kind in ("write", "zeroes"):
                offset, length = int(offset), int(length)
                carried = fua == "1" or bool(fua_of and fua_of(name, offset, length))
                write = Write(
                    seq, offset, length, int(data) if kind == "write" else None, carried
                )
                disk.eras[-1][1].append(write)
                pending[seq] = write
        elif event == "acknowledged" and int(request) in pending:
            write = pending.pop(int(request))
            if error != "0":
                return  # a failed request promised nothing
            if write is None:
                disk.flushes.append((int(request), seq))
            else:
                write.acknowledged = seq

    def mark(self, name):
        if name not in self.marks:
            raise LogError(f"no mark {name} in the log")
        return self.marks[name]


class FuaTrace:
    """FUA bits by the guest's own trace of the requests it issued (ftrace's
    block_rq_issue), for a drive whose emulation loses them."""

    def __init__(self, trace_path, disks_path):
        self.sent = {}  # (disk, offset, length): the bits, oldest first
        names = {}
        with open(disks_path, encoding="ascii") as lines:
            for line in lines:
                name, number = line.split()
                names[number.replace(":", ",")] = name
        pattern = re.compile(r"block_rq_issue: (\d+,\d+) (\S*W\S*) \d+ \(.*?\) (\d+) \+ (\d+)")
        passed_on = re.compile(r"block_bio_remap: (\d+,\d+) .* <- \((\d+,\d+)\)")
        with open(trace_path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = passed_on.search(line)
                if found and found[2] in names:
                    names[found[1]] = names[found[2]]
                if "LOST" in line or re.search(r"#.*entries-in-buffer/entries-written", line):
                    self._check_complete(line, trace_path)
                found = pattern.search(line)
                if found and found[1] in names:
                    key = (names[found[1]], int(found[3]) * SECTOR, int(found[4]) * SECTOR)
                    fua = "F" in found[2].partition("W")[2]
                    self.sent.setdefault(key, collections.deque()).append(fua)

    @staticmethod
    def _check_complete(line, path):
        counts = re.search(r"(\d+)/(\d+)", line)
        if "LOST" in line or counts and counts[1] != counts[2]:
            raise LogError(f"{path}: the trace lost events")

    def __call__(self, disk, offset, length):
        bits = self.sent.get((disk, offset, length))
        return bits.popleft() if bits else False


class CrashDisk:
    """Images of one disk at growing positions, written to a file."""

    def __init__(self, log, disk, size, path):
        self.log = log
        self.disk = disk
        self.size = size
        self.path = path
        self.file = open(path, "wb+", buffering=0)
        self.file.truncate(size)
        self.start = None

    def close(self):
        self.file.close()

    def _begin(self, start, writes):
        self.start = start
        self.content = mmap.mmap(-1, self.size)
        self.touched = set()
        self.applied = []  # stable writes in order of receipt
        self.queue = sorted(writes, key=lambda write: (write.stable, write.received))
        self.next = 0

    def _store(self, write, into=None, keep=None):
        """Copies a write; keep() chooses the sectors of a torn one."""
        end = write.offset + write.length
        if write.data is None:
            data = bytes(write.length)
        else:
            data = self.log.payload[write.data : write.data + write.length]
        if into is None:
            self.content[write.offset : end] = data
            chunks = range(write.offset // CHUNK, (end - 1) // CHUNK + 1)
            if write.data is not None:
                self.touched.update(chunks)
        elif keep is None:
            into.seek(write.offset)
            into.write(data)
        else:
            for at in range(0, write.length, PHYSICAL_SECTOR):
                if keep():
                    into.seek(write.offset + at)
                    into.write(data[at : at + PHYSICAL_SECTOR])

    def advance(self, position):
        """Brings the stable content to the position, which never goes back."""
        start, writes = self.disk.era(position)
        if start != self.start:
            self._begin(start, writes)
        done = self.next
        self.next = bisect.bisect_right(self.queue, position, done, key=attrgetter("stable"))
        batch = self.queue[done : self.next]
        if not batch:
            return
        # A write may become stable later than one that was received after it.
        first = min(write.received for write in batch)
        place = bisect.bisect_left(self.applied, first, key=RECEIVED)
        again = sorted(self.applied[place:] + batch, key=RECEIVED)
        self.applied[place:] = again
        for write in again:
            self._store(write)

    def unstable(self, position):
        """Writes that the drive had received and may lose, in order of receipt."""
        _, writes = self.disk.era(position)
        return [w for w in writes if w.received <= position < w.stable]

    def write_out(self, position, chance=None):
        """Writes the image: the stable content; with chance (a random.Random) some
        legal subset of the rest too."""
        self.advance(position)
        self.file.truncate(0)
        self.file.truncate(self.size)
        view = memoryview(self.content)
        for first, last in runs(self.touched):
            begin, end = first * CHUNK, min((last + 1) * CHUNK, self.size)
            self.file.seek(begin)
            self.file.write(view[begin:end])
        view.release()
        if chance is None:
            return
        rest = self.unstable(position)
        share = chance.choice((0.1, 0.5, 0.9, 1.0))
        chosen = [write for write in rest if chance.random() < share]
        if not chosen:
            return
        # In order of receipt: an older write never covers a newer one.
        first = chosen[0].received
        place = bisect.bisect_left(self.applied, first, key=RECEIVED)
        for write in sorted(chosen + self.applied[place:], key=RECEIVED):
            torn = write.acknowledged > position and write.stable > position
            keep = (lambda: chance.random() < 0.7) if torn and chance.random() < 0.5 else None
            self._store(write, into=self.file, keep=keep)


def runs(numbers):
    """Consecutive numbers as (first, last)."""
    result = []
    for number in sorted(numbers):
        if result and result[-1][1] == number - 1:
            result[-1][1] = number
        else:
            result.append([number, number])
    return result


def chance_of(*parts):
    """A random generator that is the same for the same words."""
    return random.Random("/".join(str(part) for part in parts))
