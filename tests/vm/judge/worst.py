# SPDX-License-Identifier: GPL-2.0-only
"""Do files survive the worst power cut? The image it leaves is mounted on this machine."""

import os
import subprocess
import tempfile

from crash import CrashDisk

SIZE = 512 << 20  # of the scenarios' disks


def survives(log, disk, position, sums):
    """Are all files that the list @sums of md5sum names as they were, in the worst image of
    @disk at @position of the log? Not so either where it cannot be mounted."""
    with tempfile.TemporaryDirectory(prefix="flushaudit-worst-", dir="/dev/shm") as work:
        image, mount = os.path.join(work, "image"), os.path.join(work, "mnt")
        os.mkdir(mount)
        crashed = CrashDisk(log, log.disks[disk], SIZE, image)
        crashed.write_out(position)
        crashed.close()
        if subprocess.run(["mount", "-o", "loop", image, mount], capture_output=True).returncode:
            return False
        try:
            check = subprocess.run(
                ["md5sum", "--status", "-c", os.path.abspath(sums)], cwd=mount, check=False
            )
        finally:
            subprocess.run(["umount", mount], check=True)
        return check.returncode == 0


def tell(out, points):
    """One TAP line for each (title, problem) that points(@out) yields. Without a problem the data
    of all writes in @out is let go of. Returns whether there was one."""
    bad = number = 0
    for number, (title, problem) in enumerate(points(out), 1):
        bad |= bool(problem)
        print(f"{'not ok' if problem else 'ok'} {number} - {title}{problem and ': ' + problem}")
    print(f"1..{number}")
    if not bad:
        os.unlink(os.path.join(out, "payload.bin"))
    return bad
