# SPDX-License-Identifier: GPL-2.0-only
"""Mounts crash images: on this machine, or in a guest of one newer kernel."""

import os
import queue
import select
import shutil
import socket
import subprocess
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


class RecoveryError(Exception):
    """It broke down; says nothing about the promise."""


class HostRecovery:
    """Loop devices over files in memory, mounted by this machine's kernel."""

    TIMEOUT = 60

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="flushaudit-judge-", dir="/dev/shm")
        self.mount = os.path.join(self.work, "mnt")
        self.request = os.path.join(self.work, "request")
        self.loops = {}
        self.process = None

    def image_path(self, disk):
        return os.path.join(self.work, f"{disk}.img")

    def begin(self, case):
        for disk in case.all_disks():
            self.loops[disk] = run("losetup", "-f", "--show", self.image_path(disk)).strip()
        self.process = subprocess.Popen(
            [os.path.join(HERE, "recover-host"), self.request, self.mount],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def prepare(self):
        pass

    def ask(self, lines):
        words = lines[0].split()
        words[2] = ",".join(self.loops.get(disk, disk) for disk in words[2].split(","))
        if words[3] != "-":
            words[3] = self.loops[words[3]]
        with open(self.request, "w", encoding="ascii") as file:
            file.write(" ".join(words) + "\n" + "".join(lines[1:]))
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.TIMEOUT)[0]:
            raise RecoveryError(f"no answer within {self.TIMEOUT} s")
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RecoveryError("the recovery loop died")
        return answer

    def end(self):
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(self.TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.process.stdout.close()
            self.process = None
        for loop in self.loops.values():
            subprocess.run(["losetup", "-d", loop], check=False)
        self.loops = {}

    def close(self):
        self.end()
        shutil.rmtree(self.work, ignore_errors=True)


class GuestRecovery:
    """A guest that asks over its marker port for one image after the other."""

    TIMEOUT = 180

    def __init__(self, out, kernel, disks, size, limit):
        """disks: the names of all; each is shown to the guest as a virtio disk."""
        self.work = tempfile.mkdtemp(prefix="flushaudit-judge-", dir="/dev/shm")
        self.answers, self.requests = queue.Queue(), queue.Queue()
        self.idle = False
        path = os.path.join(self.work, "marker")
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        command = [os.path.join(HERE, "..", "boot"), "--kernel", kernel, "--out", out]
        command += ["--scenario", os.path.join(HERE, "recover-guest.sh")]
        command += ["--extra", HERE, "--marker", path, "--timeout", str(limit)]
        self.names = {}
        for number, name in enumerate(disks, 1):
            self.names[name] = "virtio-wb" if number == 1 else f"virtio-wb-{number}"
            with open(self.image_path(name), "wb") as file:
                file.truncate(size)
            command += ["--disk", f"virtio-wb:{size >> 20}M,file={self.image_path(name)}"]
        self.boot = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def image_path(self, disk):
        return os.path.join(self.work, f"{disk}.img")

    def _serve(self):
        connection, _ = self.server.accept()
        with connection, connection.makefile("rw", encoding="ascii") as lines:
            for line in lines:
                if line.strip() != "next":
                    self.answers.put(line.strip())
                    lines.write(".\n")
                else:
                    # An image may be built only now: the guest has let go of the last one.
                    self.answers.put(None)
                    lines.write("".join(self.requests.get()) + ".\n")
                lines.flush()

    def begin(self, case):
        pass

    def _wait(self):
        for _ in range(self.TIMEOUT):
            try:
                return self.answers.get(timeout=1)
            except queue.Empty:
                if self.boot.poll() is not None:
                    break
        raise RecoveryError("the recovery guest does not answer")

    def prepare(self):
        """Waits until the guest has let go of the image before."""
        if not self.idle:
            if self._wait() is not None:
                raise RecoveryError("an answer without a request")
            self.idle = True

    def ask(self, lines):
        self.idle = False
        words = lines[0].split()
        words[2] = ",".join(self.names.get(disk, disk) for disk in words[2].split(","))
        words[3] = self.names.get(words[3], "-")
        self.requests.put([" ".join(words) + "\n"] + lines[1:])
        return self._wait()

    def end(self):
        pass

    def close(self):
        if self.boot.poll() is None:
            self.prepare()
            self.requests.put(["done\n"])
        self.boot.communicate()
        self.server.close()
        shutil.rmtree(self.work, ignore_errors=True)
        return self.boot.returncode == 0


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
