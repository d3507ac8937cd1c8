#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a power cut may leave, by hand-made drive logs. Prints TAP."""

import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vm", "judge"))
from crash import CrashDisk, DriveLog, LogError  # noqa: E402

SIZE = 1 << 20
BLOCK = 4096


class Recorder:
    """Writes a log as tests/vm/drive.c does."""

    def __init__(self):
        self.lines, self.payload, self.seq = ["# drive-log 1\n"], b"", 0

    def line(self, event, kind, offset=0, length=0, fua=0, request=0, error=0, data=0, disk="d"):
        self.seq += 1
        fields = (self.seq, 0, event, disk, kind, offset, length, fua, request, error, data)
        self.lines.append("\t".join(map(str, fields)) + "\n")
        return self.seq

    def receive(self, kind, block=0, text="", fua=0):
        data = len(self.payload)
        if kind == "write":
            self.payload += text.encode() * BLOCK
        return self.line("received", kind, block * BLOCK, BLOCK if kind != "flush" else 0, fua, self.seq + 1, 0, data)

    def acknowledge(self, kind, request, error=0):
        self.line("acknowledged", kind, request=request, error=error)

    def write(self, block, text, fua=0):
        self.acknowledge("write", self.receive("write", block, text, fua))

    def flush(self, error=0):
        self.acknowledge("flush", self.receive("flush"), error)

    def mark(self, name):
        self.line("mark", name)

    def save(self, directory, end=True):
        with open(os.path.join(directory, "log"), "w", encoding="ascii") as file:
            file.writelines(self.lines + (["# end\n"] if end else []))
        with open(os.path.join(directory, "payload"), "wb") as file:
            file.write(self.payload)
        return DriveLog(os.path.join(directory, "log"), os.path.join(directory, "payload"))


class Images:
    """The first bytes of the first blocks of an image, '.' where it is blank."""

    def __init__(self, recorder, directory):
        self.log = recorder.save(directory)
        self.disk = CrashDisk(self.log, self.log.disks["d"], SIZE, os.path.join(directory, "image"))

    def at(self, mark, chance=None, blocks=4):
        self.disk.write_out(self.log.mark(mark), chance)
        with open(self.disk.path, "rb") as file:
            content = file.read(blocks * BLOCK)
        assert os.path.getsize(self.disk.path) == SIZE
        return "".join(chr(content[n * BLOCK] or 46) for n in range(blocks))


def flush_covers_what_was_acknowledged_before(r):
    r.write(0, "a")
    r.mark("before")
    r.flush()
    r.mark("after")
    return {"before": "....", "after": "a..."}


def flush_received_before_the_acknowledgement_covers_nothing(r):
    write = r.receive("write", 0, "a")
    flush = r.receive("flush")
    r.acknowledge("write", write)
    r.acknowledge("flush", flush)
    r.mark("m")
    return {"m": "...."}


def flush_not_acknowledged_covers_nothing(r):
    r.write(0, "a")
    flush = r.receive("flush")
    r.mark("m")
    r.acknowledge("flush", flush)
    r.mark("n")
    return {"m": "....", "n": "a..."}


def failed_flush_covers_nothing(r):
    r.write(0, "a")
    r.flush(error=5)
    r.mark("m")
    r.flush()
    r.mark("n")
    return {"m": "....", "n": "a..."}


def flushes_may_end_out_of_order(r):
    r.write(0, "a")
    first = r.receive("flush")
    r.write(1, "b")
    second = r.receive("flush")
    r.acknowledge("flush", second)
    r.mark("m")
    r.acknowledge("flush", first)
    return {"m": "ab.."}


def fua_is_stable_by_itself(r):
    r.write(0, "a")
    r.write(1, "b", fua=1)
    r.mark("m")
    return {"m": ".b.."}


def fua_not_acknowledged_is_not(r):
    r.receive("write", 1, "b", 1)
    r.mark("m")
    return {"m": "...."}


def failed_write_is_not_there(r):
    r.acknowledge("write", r.receive("write", 0, "a"), error=5)
    r.flush()
    r.mark("m")
    return {"m": "...."}


def older_write_never_covers_a_newer_one(r):
    r.write(0, "a")
    r.write(0, "b", fua=1)
    r.mark("m")
    r.flush()
    r.mark("n")
    return {"m": "b...", "n": "b..."}


def newer_unstable_write_is_dropped(r):
    r.write(0, "a")
    r.flush()
    r.write(0, "b")
    r.mark("m")
    return {"m": "a..."}


def zeroes_are_a_write(r):
    r.write(0, "a")
    r.flush()
    r.acknowledge("zeroes", r.receive("zeroes", 0))
    r.mark("m")
    r.flush()
    r.mark("n")
    return {"m": "a...", "n": "...."}


def wiped_disk_is_blank(r):
    r.write(0, "a")
    r.flush()
    r.line("set", "wipe")
    r.mark("m")
    r.write(1, "b")
    r.flush()
    r.mark("n")
    return {"m": "....", "n": ".b.."}


def random_images_are_legal(r):
    r.write(0, "a")
    r.flush()
    r.write(0, "b")
    r.write(1, "c")
    r.receive("write", 2, "d")
    r.mark("m")
    return {"m": [f"{x}{y}{z}." for x in "ab" for y in ".c" for z in ".d"]}


TESTS = [
    flush_covers_what_was_acknowledged_before,
    flush_received_before_the_acknowledgement_covers_nothing,
    flush_not_acknowledged_covers_nothing,
    failed_flush_covers_nothing,
    flushes_may_end_out_of_order,
    fua_is_stable_by_itself,
    fua_not_acknowledged_is_not,
    failed_write_is_not_there,
    older_write_never_covers_a_newer_one,
    newer_unstable_write_is_dropped,
    zeroes_are_a_write,
    wiped_disk_is_blank,
    random_images_are_legal,
]


def run(test, directory):
    recorder = Recorder()
    wanted = test(recorder)
    images = Images(recorder, directory)
    for mark, want in wanted.items():
        if isinstance(want, str):
            got = images.at(mark)
            assert got == want, f"at {mark}: {got}, not {want}"
            continue
        seen = {images.at(mark, random.Random(seed)) for seed in range(200)}
        assert seen <= set(want), f"illegal: {seen - set(want)}"
        assert len(seen) >= len(want) // 2, f"only {seen} in 200"
    images.disk.close()


def against_brute_force(directory, seed):
    """The worst image at every mark of a random log, computed naively."""
    chance, r = random.Random(seed), Recorder()
    writes, flushes, pending = [], [], []
    for step in range(60):
        kind = chance.random()
        if kind < 0.4:
            fua = chance.random() < 0.2
            request = r.receive("write", chance.randrange(4), chr(97 + step % 26), int(fua))
            block = int(r.lines[-1].split("\t")[5]) // BLOCK
            pending.append(("write", request, len(writes)))
            writes.append([block, chr(97 + step % 26), fua, None])
        elif kind < 0.55:
            pending.append(("flush", r.receive("flush"), None))
        elif kind < 0.9 and pending:
            what, request, number = pending.pop(chance.randrange(len(pending)))
            r.acknowledge(what, request)
            if what == "write":
                writes[number][3] = r.seq
            else:
                flushes.append((request, r.seq))
        else:
            r.mark(f"m{step}")
    if "d" not in {line.split("\t")[3] for line in r.lines[1:]}:
        return
    images = Images(r, directory)
    for mark, position in images.log.marks.items():
        want = ["."] * 4
        for block, text, fua, done in writes:
            if done is None or done > position:
                continue
            if fua or any(done < begin and end <= position for begin, end in flushes):
                want[block] = text
        got = images.at(mark)
        assert got == "".join(want), f"seed {seed} at {mark}: {got}, not {''.join(want)}"
    images.disk.close()


def bad_logs(directory):
    r = Recorder()
    r.write(0, "a")
    for name, action in {
        "cut short": lambda: r.save(directory, end=False),
        "no mark": lambda: r.save(directory).mark("nowhere"),
    }.items():
        try:
            action()
        except LogError:
            continue
        raise AssertionError(f"{name}: taken for good")
    with open(os.path.join(directory, "log"), "w", encoding="ascii") as file:
        file.write("something else\n")
    try:
        DriveLog(os.path.join(directory, "log"), os.path.join(directory, "payload"))
    except LogError:
        return
    raise AssertionError("not a log: taken for good")


def main():
    checks = [(test.__name__, lambda d, t=test: run(t, d)) for test in TESTS]
    seed = random.randrange(1 << 30)
    checks.append(
        (f"200 random logs from seed {seed}", lambda d: [against_brute_force(d, seed + n) for n in range(200)])
    )
    checks.append(("bad logs are refused", bad_logs))
    bad = 0
    for number, (name, check) in enumerate(checks, 1):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
            try:
                check(directory)
                print(f"ok {number} - {name.replace('_', ' ')}")
            except Exception as error:  # pylint: disable=broad-except
                bad += 1
                print(f"not ok {number} - {name.replace('_', ' ')}: {error!r}")
    print(f"1..{len(checks)}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
