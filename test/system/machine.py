# SPDX-License-Identifier: BSD-2-Clause
"""One boot of a system description in QEMU: expect what it prints, type, and see it end."""
import os
import pathlib
import re
import select
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import turns

HERE = ROOT / "test/system"
TARGET = ROOT / "build/aarch64"
SYSCONF = ROOT / "build/host/sysconf/sysconf"
WORK = ROOT / "build/system"
LOGS = ROOT / "build/logs/system"
STANDIN = TARGET / "standin/standin.elf"

LAST_LINE = r"vessel: all VMs are off, status (\d+)[^\n]*(?=\n)"
# A stuck machine is the only thing these limits are for: a busy host may be ten times slower.
PATIENCE = 240


class Failure(Exception):
    """What was expected did not happen; the text says what did."""


def dying(*names):
    """A folder in which these programs are the ones that die now and then (app/lib/probe.h)."""
    folder = WORK / f"{'-'.join(names)}-dies"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.elf").write_bytes((TARGET / f"app/{name}-dies.elf").read_bytes())
    return folder


def run_sysconf(description, image, kernel, settings=(), unchecked=False, programs=None, first=None):
    """Runs `sysconf build`; (status, everything it said). `first`: where programs are looked for first."""
    command = [SYSCONF, "build", HERE / description, "--kernel", kernel, "-o", image,
               *(["--programs", first] if first else []),
               "--programs", programs or TARGET / "app", "--programs", TARGET / "standin/loader",
               "--images", ROOT / "build", "--images", TARGET / "test/guest", "--images", WORK]
    for setting in settings:
        command += ["--set", setting]
    if unchecked:
        command.append("--unchecked-images")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return done.returncode, done.stdout


def host_devices(disk=None, entropy=False, network=None):
    """QEMU's arguments for the devices that native programs drive, where the descriptions have them:
    a raw image, a source of entropy, a network (what -netdev takes, without its id)."""
    options = ["-global", "virtio-mmio.force-legacy=false"]
    if disk:
        options += ["-drive", f"file={disk},format=raw,if=none,id=disk,discard=unmap,cache=writeback",
                    "-device", "virtio-blk-device,bus=virtio-mmio-bus.0,drive=disk"]
    if network:
        options += ["-netdev", f"{network},id=network",
                    "-device", "virtio-net-device,bus=virtio-mmio-bus.8,netdev=network"]
    if entropy:
        options += ["-device", "virtio-rng-device,bus=virtio-mmio-bus.16"]
    return options


def make_disk(name, mib):
    """An empty raw image; its path."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / name
    with open(path, "wb") as file:
        file.truncate(mib << 20)
    return path


class Machine:
    """A booted system. `text` is all that the console has shown. A line that another one came upon is
    there twice, broken off and then whole: a number with nothing behind it may be the half of one. On a
    host too small for the machine, and for the others that run `at_a_time`, cores of seL4 take turns."""

    at_a_time = 1

    def __init__(self, name, description, kernel, cores=1, gic=3, memory=2048, settings=(),
                 unchecked=False, qemu=(), first=None):
        self.text = ""
        self.at = 0  # what expect() has consumed
        self.process = None
        WORK.mkdir(parents=True, exist_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        image = WORK / f"{name}.img"
        settings = [f"/board:cores=<{cores}>", f"/board:gic-version=<{gic}>", *settings]
        status, said = run_sysconf(description, image, kernel, settings, unchecked, first=first)
        if status != 0:
            raise Failure(f"sysconf: {said.strip()}")
        if kernel != str(STANDIN) and turns.needed(cores, Machine.at_a_time):
            qemu = [*qemu, *turns.TURNS]
        self.log = open(LOGS / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-machine", f"virt,virtualization=on,gic-version={gic}",
             "-cpu", "cortex-a53", "-smp", str(cores), "-m", str(memory), "-nic", "none",
             "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio",
             "-kernel", image, *qemu],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdin.fileno(), False)

    def _read(self, seconds):
        """Takes in what there is, waiting up to `seconds`; False if the machine has ended."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.log.write(data)
        self.log.flush()
        self.text += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def last_lines(self, count=5):
        return " | ".join(self.text.strip().split("\n")[-count:])

    def expect(self, pattern, seconds=PATIENCE):
        """Waits for `pattern` (multi-line) after what was found last; the match."""
        regex = re.compile(pattern, re.M)
        limit = time.monotonic() + seconds
        while True:
            match = regex.search(self.text, self.at)
            if match:
                self.at = match.end()
                return match
            left = limit - time.monotonic()
            if left <= 0:
                raise Failure(f"no /{pattern}/ within {seconds} s; at the end: {self.last_lines()}")
            if not self._read(min(left, 0.5)):
                raise Failure(f"the machine ended without /{pattern}/; at the end: {self.last_lines()}")

    def see(self, pattern, seconds=PATIENCE, begin=0):
        """The same for what may have been said before what was found last, from `begin` on."""
        at, self.at = self.at, begin
        try:
            return self.expect(pattern, seconds)
        finally:
            self.at = max(at, self.at)

    def type(self, text):
        """Types slowly enough for a FIFO of 16 bytes that nobody may be reading yet."""
        data = text.encode()
        while data:
            try:
                data = data[os.write(self.process.stdin.fileno(), data[:8]):]
            except BlockingIOError:
                self._read(0.05)

    def off(self, seconds=PATIENCE):
        """Waits for the last line and the end of the machine; the status the line tells."""
        match = self.expect(LAST_LINE, seconds)
        # A kernel that grants no SMC capability cannot power the machine off.
        limit = time.monotonic() + 3
        while time.monotonic() < limit and self._read(0.2):
            pass
        self.close()
        return int(match.group(1))

    def close(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.process.wait()
        self.log.close()
        self.process = None
