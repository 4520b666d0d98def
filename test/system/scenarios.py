# SPDX-License-Identifier: BSD-2-Clause
"""What is tested of whole systems."""
import time
import re
import struct
import subprocess

from machine import HERE, PATIENCE, STANDIN, WORK, Failure, run_sysconf
from scenario import scenario

PROMPT = r"vessel:~# "
BANNER = r"^(?:\[\w+\] )?Linux (\S+) aarch64: (\d+) CPU\(s\), (\d+) MiB"
TICK = r"TICK (\d+) check=([0-9a-f]{8})$"


def shell(machine):
    """Waits for a shell of the Debian guest; the match of its banner."""
    banner = machine.expect(BANNER)
    machine.expect(PROMPT)
    return banner


def check(condition, text):
    if not condition:
        raise Failure(text)


# ---- Debian ----

@scenario(gic=(2, 3))
def debian(s):
    machine = s.boot("debian.dts")
    with s.test("boots to its shell"):
        shell(machine)
    with s.test("answers uname -a"):
        machine.type("uname -a\n")
        machine.expect(r"^Linux vessel 6\.\S+ .*aarch64 GNU/Linux$")
    with s.test("a long line typed at once arrives whole"):
        machine.type("echo " + "0123456789" * 20 + " | wc -c\n")
        machine.expect(r"^201$")
    with s.test("its clock and its idling are right: sleep 2 takes two seconds"):
        begun = time.monotonic()
        machine.type("a=$(date +%s); sleep 2; echo slept $(($(date +%s) - a))\n")
        slept = int(machine.expect(r"^slept (\d+)$").group(1))
        # A busy host makes it longer, but not longer than it is here; date cuts both times.
        check(2 <= slept <= time.monotonic() - begun + 1, f"{slept} s")
    with s.test("poweroff ends the machine with status 0"):
        machine.type("poweroff\n")
        check(machine.off() == 0, "status is not 0")


@scenario(takes=55)
def debian_reboots(s):
    machine = s.boot("debian.dts")
    shell(machine)
    for n in range(1, 21):
        with s.test(f"reboot {n}"):
            machine.type("reboot\n")
            shell(machine)
    with s.test("poweroff after 20 reboots"):
        machine.type("poweroff\n")
        check(machine.off() == 0, "status is not 0")


def vcpus(vm, count):
    """The setting that gives a VM a vCPU on each of `count` cores."""
    return f"/vms/{vm}:cores=<{' '.join(str(core) for core in range(count))}>"


@scenario(cores=(4,), gic=(2, 3), smp=True, takes=45)
def debian_smp(s):
    count, last = s.cores, s.cores - 1
    machine = s.boot("debian-smp.dts", settings=[vcpus("debian", count)])
    with s.test("boots with all CPUs"):
        banner = shell(machine)
        check(banner.group(2) == str(count), f"{banner.group(2)} CPUs")
    with s.test("all are online"):
        machine.type("cat /sys/devices/system/cpu/online\n")
        machine.expect(rf"^0-{last}$")
    with s.test("all take timer interrupts"):
        # An idle one needs hardly any.
        machine.type(f"n=0; while [ $n -ne {count} ]; do sleep 0.1; n=$(awk '/arch_timer/ "
                     f"{{ for (i = 2; i < {count + 2}; i++) n += $i > 9; print n }}' /proc/interrupts); "
                     "done; echo timer $n\n")
        machine.expect(rf"^timer {count}$")
    with s.test("work on all at once"):
        machine.type(f"for i in $(seq {count}); do taskset -c $((i - 1)) sh -c 'i=0; "
                     "while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo worked' & done; wait; "
                     "echo all done\n")
        machine.expect(r"^all done$")
        check(machine.text.count("\nworked") == count, "not all worked")
    with s.test("a CPU goes offline and comes back"):
        machine.type(f"cd /sys/devices/system/cpu/cpu{last} && echo 0 >online && echo 1 >online;"
                     " cat ../online\n")
        machine.expect(rf"^0-{last}$")
    for n in (1, 2, 3):
        with s.test(f"reboot {n} brings all back"):
            machine.type("reboot\n")
            banner = shell(machine)
            check(banner.group(2) == str(count), f"{banner.group(2)} CPUs")
    with s.test("poweroff"):
        machine.type("poweroff\n")
        check(machine.off() == 0, "status is not 0")


@scenario(gic=(2, 3), takes=10)
def piped_input(s):
    """All input is there before the guest is: more than its UART, its queue and its tty hold."""
    machine = s.boot("debian.dts")
    lines = [f": line {n} {'x' * 50}" for n in range(100)]
    machine.type("\n".join(lines) + "\necho piped $((6 * 7))\npoweroff\n")
    with s.test("it waits for the shell, and all of it arrives"):
        machine.expect(r"^piped 42$", 3 * PATIENCE)
    with s.test("its last line powers the VM off"):
        check(machine.off() == 0, "status is not 0")


# ---- the guest that tests from inside ----

def take_selftest(s, machine):
    """Counts each of the guest's own tests as one."""
    end = None
    with s.test("came to its end"):
        end = machine.expect(r"SELFTEST (\d+) passed, (\d+) failed$", 3 * PATIENCE)
    for name, verdict, why in re.findall(r"TEST (\S+) (PASS|FAIL)(.*)$", machine.text, re.M):
        s.count(name, verdict == "PASS", why.strip())
    with s.test("powers off with status 0"):
        check(end and int(end.group(1)) > 50, "too few tests passed")
        check(machine.off() == 0, "status is not 0")


@scenario(gic=(2, 3))
def selftest(s):
    take_selftest(s, s.boot("selftest.dts"))


@scenario(gic=(2, 3))
def selftest_hvc(s):
    take_selftest(s, s.boot("selftest.dts", settings=['/vms/selftest:psci="hvc"',
                                                      '/vms/selftest:handler="passive"']))


@scenario(cores=(4,), gic=(2, 3), smp=True)
def selftest_smp(s):
    take_selftest(s, s.boot("selftest-smp.dts", settings=[vcpus("selftest", s.cores)]))


@scenario(cores=(4,), smp=True)
def selftest_smp_passive(s):
    take_selftest(s, s.boot("selftest-smp.dts", settings=[vcpus("selftest", s.cores),
                                                          '/vms/selftest:handler="passive"']))


@scenario(cores=(1, 4), gic=(2, 3), smp=True)
def resets(s):
    """20 resets, each catching the vCPUs in other states: asleep, off, with interrupts active."""
    every = vcpus("resets", s.cores)
    for setting in (every, every.replace("0", "0 0")) if s.cores == 1 else (every,):
        machine = s.boot("resets.dts", settings=[setting])
        with s.test(f"{setting}: each start is as the first"):
            for n in range(1, 21):
                machine.expect(rf"RESETS round {n}$")
            machine.expect(r"RESETS done 20$")
            check("RESETS FAIL" not in machine.text, "a CPU failed")
        with s.test(f"{setting}: powers off with status 0"):
            check(machine.off() == 0, "status is not 0")


# ---- hostile guests and their neighbour ----

class Neighbour:
    """Follows the ticks: none left out, none out of order.

    One may be seen twice: the console shows a line that was not finished again, below a line of
    another VM.
    """

    def __init__(self, machine):
        self.machine = machine
        self.seen = 0

    def saw(self, number):
        check(number in (self.seen, self.seen + 1), f"tick {number} after {self.seen}")
        self.seen = number

    def goes_on(self, ticks=5):
        """Reads on until that many more ticks came."""
        last = self.seen + ticks
        while self.seen < last:
            self.saw(int(self.machine.expect(TICK).group(1)))

    def until(self, pattern, seconds):
        """Follows the ticks until `pattern` (a VM's own line, not a tick) is on the console."""
        end = time.monotonic() + seconds
        while True:
            match = self.machine.expect(f"(?:{TICK})|(?:{pattern})", seconds)
            if match.group(1) is None:
                return
            self.saw(int(match.group(1)))
            check(time.monotonic() < end, f"no /{pattern}/ within {seconds} s, only ticks")

    def went_on(self, ticks=2):
        """goes_on(), but what the other VM says meanwhile is still to be read."""
        place, seen = self.machine.at, self.seen
        self.goes_on(ticks)
        self.machine.at, self.seen = place, seen


def memory_unchanged(machine):
    check("TICK memory changed" not in machine.text, "the neighbour's memory changed")


CRUELTIES = ("instructions", "pages", "scan", "calls", "psci", "spin", "storm", "flood")


def cruelties_in_turn(s, description):
    """All of them, in the long form 30 times, each time with other noise."""
    rounds = s.amount(1, 30)
    machine = s.boot(description, settings=[f'/vms/hostile:cmdline="rounds={rounds}"'])
    neighbour = Neighbour(machine)
    neighbour.went_on(2)
    for n in range(1, rounds + 1):
        which = f"round {n}: " if s.long else ""
        for name in CRUELTIES:
            with s.test(f"{which}neighbour of {name} goes on"):
                neighbour.until(rf"HOSTILE {name} survived$", 3 * PATIENCE)
                neighbour.went_on()
        with s.test(f"{which}neighbour of 20 resets goes on"):
            neighbour.until(r"HOSTILE done$" if n == rounds else rf"HOSTILE round {n} done$", 3 * PATIENCE)
            neighbour.goes_on(5)
            memory_unchanged(machine)


@scenario(gic=(2, 3), soak=True, takes=35)
def hostile(s):
    cruelties_in_turn(s, "hostile.dts")


@scenario(cores=(4,), soak=True, takes=20)
def hostile_smp(s):
    cruelties_in_turn(s, "hostile-smp.dts")


@scenario(gic=(2, 3))
def hostile_endless(s):
    machine = s.boot("hostile-endless.dts")
    for name in ("spin-forever", "wfi-forever", "fault-loop", "stack-gone", "walk-gone", "cpu-off",
                 "random"):
        with s.test(f"{name} is under way"):
            machine.at = 0
            machine.expect(rf"HOSTILE {name}$")
    with s.test("their neighbour goes on"):
        machine.at = 0
        Neighbour(machine).goes_on(30)
        memory_unchanged(machine)


# ---- what is not an image ----

def make_wrong_images():
    """Files for wrong.dts, each wrong in its own way; from the ticking guest where it can be."""
    WORK.mkdir(parents=True, exist_ok=True)
    tick = (HERE.parent.parent / "build/aarch64/test/guest/tick.img").read_bytes()
    (WORK / "wrong-text").write_bytes(b"This is a text, long enough to hold a header.\n" * 4)
    image = (HERE.parent.parent / "build/guest/Image").read_bytes()
    (WORK / "wrong-short").write_bytes(image[:1 << 20])
    (WORK / "wrong-large").write_bytes(tick[:16] + struct.pack("<Q", 1 << 30) + tick[24:])
    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, 0x40000000, 64, 0, 0,
                      64, 56, 1, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 0x90000000, 0x90000000, 64, 64, 4096)
    (WORK / "wrong-elf").write_bytes(elf.ljust(0x2000, b"\0"))
    overlay = "/dts-v1/; /plugin/; &nobody { status = \"disabled\"; };"
    subprocess.run(["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", WORK / "wrong-overlay", "-"],
                   input=overlay.encode(), check=True)
    (WORK / "wrong-tree").write_bytes(b"\xd0\x0d\xfe\xed" + bytes(60))


WRONG = {
    "text": r"kernel: not an arm64 Image: magic 0x[0-9a-f]{8} at offset 56",
    "short": r"kernel: (?:cut short|\d+ bytes at 0x40000000 do not fit)",
    "large": r"kernel: 1073741824 bytes at 0x40000000 do not fit in RAM",
    "elf": r"kernel: ELF entry point 0x40000000 is in none of its 1 segments",
    "overlay": r"device tree: overlay: FDT_ERR_NOTFOUND",
    "tree": r"device tree: user's tree: FDT_ERR_",
}


@scenario()
def wrong_images(s):
    make_wrong_images()
    machine = s.boot("wrong.dts", unchecked=True)
    with s.test("the neighbour runs to its end"):
        machine.expect(r"TICK end$")
    with s.test("the status is not 0"):
        check(machine.off() != 0, "status is 0 although VMs failed")
    for name, reason in WRONG.items():
        with s.test(f"{name} is refused with its reason"):
            machine.at = 0
            machine.expect(rf"{name}.*{reason}", 1)


@scenario()
def wrong_kernels(s):
    """Kernel files that are none: said by name before anything boots."""
    WORK.mkdir(parents=True, exist_ok=True)
    good = bytearray(open(s.kernel, "rb").read())
    other = bytearray(good)
    other[18:20] = struct.pack("<H", 62)
    files = {
        "text": b"not a kernel\n" * 100,
        "empty": b"",
        "of another machine": bytes(other),
        "cut short": bytes(good[:4096]),
    }
    for what, data in files.items():
        path = WORK / f"kernel-{what.replace(' ', '-')}"
        path.write_bytes(data)
        with s.test(f"a kernel file that is {what}"):
            status, said = run_sysconf("debian.dts", WORK / "wrong-kernel.img", path)
            check(status != 0, "sysconf built it")
            check(path.name in said, f"the file is not named: {said.strip()}")


@scenario()
def wrong_machines(s):
    """Machines that the image cannot run on: the loader says why, and the status is not 0."""
    for what, options, reason in (
            ("without EL2", {"qemu": ("-machine", "virtualization=off")}, "not at EL2"),
            ("with too little RAM", {"memory": 256}, "where this machine has no RAM")):
        machine = s.boot("selftest.dts", **options)
        with s.test(f"a machine {what}"):
            machine.expect(rf"^vessel loader: .*{reason}")
            machine.expect(r"^vessel: all VMs are off, status 1$")


# ---- the console ----

@scenario()
def console(s):
    machine = s.boot("pair.dts")
    with s.test("two VMs come up, each line marked"):
        machine.expect(r"^\[neighbour\] TICK 1 check")
        machine.at = 0
        machine.expect(r"^\[debian\] Linux \S+ aarch64")
        machine.expect(PROMPT)
    with s.test("what is typed goes to the first VM"):
        machine.type("echo over $((6 * 7))\n")
        machine.expect(r"^\[debian\] over 42$")
    with s.test("Ctrl-] 2 moves the focus away"):
        machine.type("\x1d2\n")
        machine.type("echo lost $((6 * 7))\n")
        machine.expect(r"TICK \d+")
        machine.expect(r"TICK \d+")
        check("lost 42" not in machine.text, "it still reached the first VM")
    with s.test("Ctrl-] 1 brings it back"):
        machine.type("\x1d1\n")
        machine.type("\necho back $((6 * 7))\n")
        machine.expect(r"^\[debian\] back 42$")
    with s.test("one VM powers off, the other goes on"):
        machine.type("poweroff\n")
        machine.expect(r"debian: off$")
        machine.expect(TICK)
        machine.expect(TICK)
