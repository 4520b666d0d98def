# SPDX-License-Identifier: BSD-2-Clause
"""Virtual disks, networks and entropy: that they work, that no byte is wrong, that a hostile guest's
neighbours do not notice. Most have a long form (`make soak`)."""
import contextlib
import re
import socket
import subprocess
import threading
import time

import linux
from machine import PATIENCE, ROOT, WORK, Failure, dying, host_devices, make_disk
from scenario import scenario
from scenarios import check, shell, take_selftest, vcpus


@scenario(gic=(2, 3), soak=True, takes=8)
def selftest_virtio(s):
    """The guest that tests from inside; in the long form each disk is reset 1000 times at work."""
    disk = make_disk(f"{s.name}.disk", 64)
    only = "" if not s.long else " test=virtio-blk-resets-in-flight"
    machine = s.boot("selftest-virtio.dts", qemu=host_devices(disk, entropy=True), settings=[
        f'/vms/selftest:cmdline="scratch resets={s.amount(20, 1000)}{only}"'])
    if not s.long:
        take_selftest(s, machine)
    else:
        with s.test("requests in flight across 1000 resets"):
            machine.expect(r"SELFTEST 1 passed, 0 failed$", 40 * PATIENCE)
    for line in re.findall(r"MG (virtio-blk resets .*)$", machine.text, re.M):
        s.figure(line)


@scenario(takes=8)
def one_of_each(s):
    """A stock Linux with one device of each kind, all at work, and what its VM takes beside its RAM."""
    linux.make_test_ramdisks()
    disk = make_disk(f"{s.name}.disk", 64)
    machine = s.boot("one-of-each.dts", qemu=host_devices(disk, entropy=True), settings=[
        linux.run("guest", "cd /sys/bus/virtio/drivers; for d in */virtio*; do echo BOUND ${d%/*}; done; "
                           "disk check /dev/vda 2 1 512; echo read $(head -c 64 /dev/hwrng | wc -c) of 64; "
                           "echo seen >/dev/hvc0; sock echo 2 7 5; ifconfig eth0 10.0.0.1 up")])
    with s.test("less than 1 MiB beside its RAM"):
        line = machine.expect(r"VM guest: RAM \d+ KiB, beside it (\d+) KiB .*\n")
        s.figure(line.group(0).strip())
        check(int(line.group(1)) < 1024, "more")
    with s.test("each works, side by side"):
        status = machine.off()
        bound = set(re.findall(r"BOUND (\S+)$", machine.text, re.M))
        check(bound == {"virtio_balloon", "virtio_blk", "virtio_console", "virtio_net", "virtio_rng",
                        "vmw_vsock_virtio_transport"}, f"bound: {bound}")
        for seen in (r"CHECK ok", r"read 64 of 64$", r"^\[port\] seen$", r"ECHO ok"):
            check(re.search(seen, machine.text, re.M), f"no {seen}")
        check(status == 0, "status is not 0")


DISKS = ("vda", "vdb", "vdc", "vdd", "vde")


@scenario(gic=(2, 3), soak=True, takes=30)
def disks_verify(s):
    """fio writes and reads back, four jobs of 32 requests, over both transports and ring formats,
    and with the model in a program of its own, behind PCI where the machine has a GICv2."""
    linux.make_test_ramdisks()
    disk, mib = make_disk(f"{s.name}.disk", 320), s.amount(1, 64)
    # Few blocks are written more often, and there is less to prepare.
    command = "; ".join(f"echo DISK {d}; verify-disk /dev/{d} {mib}; "
                        f"disk check /dev/{d} {s.amount('2 1 512', '120')}" for d in DISKS)
    machine = s.boot("disks.dts", qemu=host_devices(disk), settings=[
        linux.run("debian", command),
        f"/vms/debian/devices/vde:transport={'pci' if s.gic == 2 else 'mmio'}"])
    for name in DISKS:
        with s.test(f"{name}: fio --verify"):
            machine.expect(rf"DISK {name}$", 2 * PATIENCE)
            s.figure(f"{name}: " + machine.expect(r"VERIFY ok (.*)\n", s.amount(2, 60) * PATIENCE).group(1))
        with s.test(f"{name}: no block is what it must not be"):
            s.figure(f"{name}: " + machine.expect(r"CHECK ok (.*)\n", s.amount(1, 4) * PATIENCE).group(1))
    with s.test("the VM powers off"):
        check(machine.off() == 0, "status is not 0")


@scenario(soak=True, takes=26)
def disks_reset_under_load(s):
    """Abrupt resets of a VM with writers at work: ext4 stays clean, what was safe is there."""
    linux.make_test_ramdisks()
    disk, resets = make_disk(f"{s.name}.disk", 320), s.amount(2, 50)
    machine = s.boot("disks.dts", qemu=host_devices(disk), settings=[
        linux.run("debian", f"reset-under-load /dev/vdd {resets}")])
    files = 0
    for n in range(1, resets + 1):
        with s.test(f"clean after reset {n}"):
            match = machine.expect(r"RESETS (?:(\d+) ok, (\d+) files|(WRONG .*))$", 2 * PATIENCE)
            if match.group(1) == "0":
                match = machine.expect(r"RESETS (?:(\d+) ok, (\d+) files|(WRONG .*))$", 2 * PATIENCE)
            check(match.group(3) is None, match.group(3))
            check(int(match.group(1)) == n, f"reset {match.group(1)}, not {n}")
            files += int(match.group(2))
    s.figure(f"{resets} resets, {files} files with their checksums after them")
    with s.test("the VM powers off"):
        check(machine.off() == 0, "status is not 0")


def spread(cores, **places):
    """The settings that put programs on these cores, as far as there are so many."""
    return [f"/programs/{name}:core=<{core % cores}>" for name, core in places.items()]


@scenario(cores=(1, 2), soak=True, smp=True, takes=60)
def programs_die(s):
    """The disk's driver, the multiplexer, the switch and the router die again and again under load: nothing
    acknowledged is lost, no byte is wrong, connections go on or are reset, and no VM is."""
    linux.make_test_ramdisks()
    disk, deaths, size = make_disk(f"{s.name}.disk", 64), s.amount(2, 50), s.amount("4m", "160m")
    once = f"disk check /dev/vda {s.amount('4 $n 512', '20 $n')}"
    machine = s.boot("programs-die.dts", qemu=host_devices(disk), settings=[
        *spread(s.cores, disk=1, disks=2, network=3, sockets=1), vcpus("sender", s.cores),
        linux.run("receiver", f"(while sleep 1; do sock echo 2 7 20; done) & stream take 10.0.0.1 2 {size}; wait"),
        linux.run("sender", f"(n=0; while n=$((n + 1)); do {once} || break; done) & "
                            f"stream make 10.0.0.2 2 {size} 10.0.0.1; wait")])
    for name in ("disk", "disks", "network", "sockets"):
        with s.test(f"{deaths} deaths of {name}, and it was started again each time"):
            machine.see(rf"{name} starts again \({deaths}\)", s.amount(2, 40) * PATIENCE)
    with s.test("the streams through the switch arrive as they were sent"):
        end = machine.see(r"\[receiver\] STREAMS (ok|WRONG)", s.amount(2, 40) * PATIENCE)
        check(end.group(1) == "ok", "\n".join(re.findall("STREAM WRONG.*", machine.text)))
    machine.at = len(machine.text)
    for what, wrong in (("CHECK", "the disk goes on, nothing is wrong or lost"),
                        ("ECHO", "sockets connect anew, no byte is wrong")):
        with s.test(wrong):
            machine.see(rf"{what} ok .*\n", 2 * PATIENCE, machine.at)
            wrong = re.search(rf"{what} WRONG.*", machine.text)
            check(not wrong, wrong and wrong.group(0))
    for what in ("CHECK ok", "ECHO ok", "ECHO ended", "starts again"):
        s.figure(f"{len(re.findall(what, machine.text))} times {what}")
    with s.test("no VM was reset"):
        boots = set(re.findall(r"CPU\(s\), \d+ MiB, up (\S+) s\.", machine.text))
        check(len(boots) <= 2 and "failed:" not in machine.text, "more boots than VMs")


@scenario(cores=(1, 2), smp=True, takes=20)
def device_dies(s):
    """The program of a single device dies, over and over, with requests in flight: its driver never notices."""
    disk = make_disk(f"{s.name}.disk", 64)
    machine = s.boot("selftest-virtio.dts", qemu=host_devices(disk, entropy=True), first=dying("device"),
                     settings=[*spread(s.cores, disk=1, disks=2, entropy=3),
                               '/vms/selftest:cmdline="scratch dies test=virtio-blk-goes-on"'])
    with s.test("each request is answered once, what was written and flushed is there"):
        end = machine.expect(r"SELFTEST (\d+) passed, (\d+) failed$", 3 * PATIENCE)
        check(end.groups() == ("1", "0"), machine.last_lines())
    deaths = [len(re.findall(rf"selftest.{name} starts again", machine.text)) for name in ("vdd", "vde")]
    with s.test("10 deaths and more, on both transports, and it was started again each time"):
        check(sum(deaths) >= 10 and min(deaths) >= 3, f"{deaths} deaths")
    s.figure("%u deaths over mmio, %u over pci" % tuple(deaths))
    with s.test("no device needed a reset"):
        check("needs a reset" not in machine.text, "one did")
    with s.test("powers off with status 0"):
        check(machine.off() == 0, "status is not 0")


@scenario(takes=10)
def console_dies(s):
    """The console and the UART's driver die: what they show may be there twice, but all of it is, and what is
    typed arrives when it is typed again."""
    linux.make_test_ramdisks()
    machine = s.boot("debian.dts", first=dying("console", "serial"), settings=[
        linux.run("debian", "n=0; until read -t 0; do n=$((n + 1)); echo line $n .; done; "
                            "for i in 1 2 3; do echo last line $n .; done")])
    for name in ("console", "serial"):
        with s.test(f"{name} is started again"):
            machine.see(rf"{name} starts again \((?:[3-9]|\d\d)\)", 2 * PATIENCE)  # one may break off this line
    with s.test("what is typed arrives"):
        for _ in range(20):
            machine.type("\n")  # a program that dies may take it along
            with contextlib.suppress(Failure):
                last = int(machine.see(r"last line (\d+) \.$", PATIENCE / 20).group(1))
                break
        else:
            raise Failure(f"it does not: {machine.last_lines()}")
    with s.test("each line is there, and the VM powers off"):
        check(machine.off() == 0, "status is not 0")
        at = 0
        for n in range(1, last + 1):  # broken off and repeated anywhere, but in order
            for c in f"line {n} .\n":
                at = machine.text.find(c, at) + 1
                check(at > 0, f"line {n} of {last} is not there")
    s.figure(f"{last} lines, {len(re.findall('console starts again', machine.text))} deaths of the console, "
             f"{len(re.findall('serial starts again', machine.text))} of the driver")


@scenario(takes=25)
def hostile_server(s):
    """Servers that write noise into all they share with VMMs: their devices are useless, and nothing else is. A
    VMM that does so to good servers harms itself. Who cannot live is given up."""
    linux.make_test_ramdisks()
    disk = make_disk(f"{s.name}.disk", 64)
    machine = s.boot("hostile-server.dts", qemu=host_devices(disk), settings=[
        linux.run("debian", "ifconfig eth0 10.0.0.1 up; ifconfig eth1 10.0.1.1 up; "
                            "ping -c 1 -W 1 10.0.0.2; ping -c 1 -W 1 10.0.1.2; "
                            "disk check /dev/vda 4 1 512; echo ALIVE"),
        '/vms/selftest:cmdline="wild test=virtio-blk-wild-server"'])
    with s.test("who dies in a row is given up"):
        machine.see(r"dead-network died 9 times, the last 9 of them in a row, and is given up$")
    with s.test("a guest's memory is only touched where it said"):
        end = machine.see(r"SELFTEST (\d+) passed, (\d+) failed$", 3 * PATIENCE)
        check(end.groups() == ("1", "0"), machine.last_lines())
    with s.test("another device of such a VM works"):
        machine.see(r"CHECK ok .*\n", 2 * PATIENCE)
        machine.see(r"^(\[debian\] )?ALIVE", PATIENCE)
    with s.test("the log names device, server and reason, each once"):
        machine.see(r"vmm debian: device eth1: its server dead-network was given up$")
        machine.see(r"device vd\w: its server bad-disks .*$")
    with s.test("no VMM and no other program died, and all ends with status 0"):
        check(machine.off() == 0, "status is not 0")
        said = re.findall(r"\S+: device \w+: its server .*$", machine.text, re.M)
        check(len(said) == len(set(said)), "\n".join(said))
        faults = [line for line in re.findall(r"vessel: (.*), thread \d+: ", machine.text) if line != "dead-network"]
        check(not faults, ", ".join(faults))


@scenario(soak=True, takes=25)
def disk_direct(s):
    """The whole disk without a multiplexer: fio reads back what it wrote, and the driver dies meanwhile."""
    linux.make_test_ramdisks()
    disk, deaths = make_disk(f"{s.name}.disk", 64), s.amount(2, 50)
    machine = s.boot("disk-direct.dts", qemu=host_devices(disk), settings=[
        "/programs/disk:file=blk-dies",
        linux.run("debian", "echo DISK; verify-disk /dev/vda 1; "
                  f"n=0; while n=$((n + 1)); do disk check /dev/vda {s.amount(4, 20)} $n || break; done")])
    with s.test("fio --verify"):
        machine.expect(r"DISK$", 2 * PATIENCE)
        s.figure(machine.expect(r"VERIFY ok (.*)\n", 2 * PATIENCE).group(1))
    with s.test(f"{deaths} deaths of the driver, and it was started again each time"):
        machine.see(rf"disk starts again \({deaths}\)", s.amount(4, 40) * PATIENCE)
    with s.test("the disk goes on, nothing is wrong or lost"):
        for _ in range(2):
            machine.expect(r"CHECK ok .*\n", 4 * PATIENCE)
        wrong = re.search(r"CHECK WRONG.*", machine.text)
        check(not wrong, wrong and wrong.group(0))


@scenario(gic=(2, 3), soak=True, takes=25)
def stream(s):
    """Streams from VM to VM through the switch, several at once; every byte is compared."""
    linux.make_test_ramdisks()
    streams, size = 4, s.amount("2m", "256m")
    machine = s.boot("stream.dts", settings=[
        linux.run("receiver", f"stream take 10.0.0.1 {streams} {size}"),
        linux.run("sender", f"stream make 10.0.0.2 {streams} {size} 10.0.0.1")])
    with s.test(f"{streams} streams of {size} arrive as they were sent"):
        begun = time.monotonic()
        end = machine.expect(r"\[receiver\] STREAMS (ok|WRONG)", s.amount(3, 40) * PATIENCE)
        check(end.group(1) == "ok", "\n".join(re.findall("STREAM WRONG.*", machine.text)))
        s.figure(f"{streams} streams of {size}, every byte compared, within {time.monotonic() - begun:.0f} s")


class Echo:
    """A server on the host that sends back what it gets; guests find it at 10.0.2.2."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._echo, args=self.listener.accept()[:1], daemon=True).start()

    @staticmethod
    def _echo(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@scenario(soak=True, takes=9)
def network_programs_die(s):
    """The card's driver and the switch die again and again, under a stream to the host and back: it goes on,
    no byte is wrong."""
    linux.make_test_ramdisks()
    size, deaths = s.amount("1m", "64m"), s.amount(3, 50)
    with Echo() as echo:
        machine = s.boot("uplink.dts", qemu=host_devices(network="user"), settings=[
            "/programs/card:file=net-dies", "/programs/network:file=switch-dies", linux.run("guest", f"echoes 10.0.2.2 {echo.port} {size}")])
        for name in ("card", "network"):
            with s.test(f"{deaths} deaths of {name}, and it was started again each time"):
                machine.see(rf"{name} starts again \({deaths}\)", s.amount(4, 40) * PATIENCE)
        with s.test("streams that it died under end, and every byte is right"):
            for _ in range(2):
                s.figure(machine.expect(r"STREAM (ok .*|WRONG.*)\n", s.amount(4, 40) * PATIENCE).group(1))
            wrong = re.search(r"STREAM WRONG.*", machine.text)
            check(not wrong, wrong and wrong.group(0))


RATE = 512 << 10  # bytes a second that `left` may send (network-ports.dts)
FRAMES, FRAME = 1500, 1514
# What a port may save up, and what is still in its queues when the guest has handed over the last frame.
BURST, QUEUED = 128 << 10, 600 * FRAME


@scenario(takes=25)
def network_ports(s):
    """What the ports of a switch allow: VLANs and tags, addresses, a rate, so many broadcasts."""
    linux.make_test_ramdisks()
    machine = s.boot("network-ports.dts")

    def said(what, pattern=r"ok|WRONG"):
        return machine.expect(rf"PORTS {what} ({pattern})\n", 2 * PATIENCE).group(1)

    def counted(what):  # a number with a word behind it is whole: see Machine
        return int(machine.expect(rf"PORTS {what} (\d+) frames", 2 * PATIENCE).group(1))

    def dropped(why):
        line = rf"left.eth0: \d+ frames dropped so far: {why}\n"
        if not re.search(line, machine.text):  # the switch says it at its next tick
            machine.expect(line)

    with s.test("VMs in one VLAN reach each other"):
        check(said("plain") == "ok", "they do not")
    with s.test("VMs in two do not, though they have addresses in one subnet"):
        check(said("apart") == "ok", "they do")
        check("[right] PORTS tagged ok" in machine.text, "the trunk did not reach VLAN 7 by its tag")
    with s.test("frames from another address than the port's are dropped, and that is said"):
        check(said("spoof") == "ok", "they pass")
        check(said("back") == "ok", "its own do not pass")
        dropped("of others' names")
    with s.test("an ARP packet from another address teaches nobody"):
        check(said("arp") == "ok", "it does")
    with s.test("a rate holds a port back, and nothing is lost"):
        machine.expect(r"MG net-send-1514 n=\d+ ticks=\d+ freq=", 2 * PATIENCE)
        heard = counted("rate")
        ticks, hertz = map(int, re.findall(r"MG net-send-1514 n=\d+ ticks=(\d+) freq=(\d+)$", machine.text, re.M)[-1])
        took = ticks / hertz
        s.figure(f"{FRAMES * FRAME >> 10} KiB at {RATE >> 10} KiB/s: {took:.1f} s; {heard} frames heard")
        check(took >= (FRAMES * FRAME - BURST - QUEUED) / RATE, f"it took {took:.1f} s only")
        if heard < FRAMES:  # a peer that is too slow for the rate loses some itself: its port says so
            machine.see(r"right.eth0: \d+ frames dropped so far: with no room\n")
    with s.test("a storm of broadcasts is cut, and that is said"):
        heard = counted("storm")
        check(heard < 200, f"all of 200 broadcasts passed ({heard} frames heard)")
        dropped("too many broadcasts")


@scenario(soak=True, takes=9)
def sockets(s):
    """A stream from VM to VM, another to a native program and back, and nobody where nobody is."""
    linux.make_test_ramdisks()
    size, rounds = s.amount("4m", "256m"), s.amount(50, 5000)
    machine = s.boot("sockets.dts", settings=[
        linux.run("receiver", f"sock receive any 1234 | net take 7 {size}"),
        linux.run("sender", f"sock echo 2 7 {rounds}; sock refused 2 8; sock refused 99 1; "
                            f"net make 7 {size} | sock send 3 1234; "
                            "until grep -q 'balloon_inflate 4096' /proc/vmstat; do sleep 1; done")])
    with s.test("a native program sends back what it gets"):
        s.figure("echo: " + machine.expect(r"ECHO (ok \d+|WRONG.*|ended.*)\n", s.amount(3, 40) * PATIENCE).group(1))
        check("ECHO ok" in machine.text, "another answer, or none")
    with s.test("who is not there is a reset"):
        for _ in range(2):
            check(machine.expect(r"REFUSED (ok|WRONG)$", PATIENCE).group(1) == "ok", "a connection")
    with s.test(f"a stream of {size} arrives as it was sent"):
        end = machine.expect(r"STREAM (ok .*|WRONG.*)\n", s.amount(3, 40) * PATIENCE).group(1)
        check(end.startswith("ok"), end)
        s.figure(end.strip())
    with s.test("what its balloon held is said when a VM ends"):
        machine.see(r"vmm sender: device memory: 16384 KiB given up at most")


# Linux hears of ports one by one, a while after it has found their device. And before 6.2 two devices that it
# finds at once may get the same terminal (it counts them without a lock): so once more, one after the other.
BIND_CONSOLES = (
    "all_named() { n=$(ls $1 2>/dev/null | wc -l); [ $n -gt 1 ] && [ $(cat $1/*/name 2>/dev/null | wc -l) -eq $n ]; }; "
    "cd /sys/bus/virtio/drivers/virtio_console; set -- virtio[0-9]*; "
    "for d; do until all_named $d/virtio-ports; do usleep 10000; done; done; "
    "for d; do echo $d >unbind; done; "
    "for d; do echo $d >bind; until all_named $d/virtio-ports; do usleep 10000; done; done; cd")


@scenario(gic=(2, 3))
def ports(s):
    """Consoles of several ports: names, sizes, and bytes both ways on each."""
    machine = s.boot("ports.dts")
    shell(machine)

    def answer(command, pattern):
        machine.type(f"{command}\n")
        return machine.expect(pattern)

    with s.test("each port has its name"):
        machine.type(BIND_CONSOLES + "\n")
        answer("cat /sys/class/virtio-ports/*/name | sort | xargs echo named",
               r"^\[debian\] named agent apart main more nowhere second$")
    terminals = {}
    with s.test("what is written to a terminal comes out under its name"):
        for number in range(3):  # which is which depends on which device's driver was first
            found = answer(f"echo from{number} $((6 * 7)) >/dev/hvc{number}",
                           rf"^\[(main|second|apart)\] from{number} 42$")
            terminals[found.group(1)] = number
        check(len(terminals) == 3, f"only {sorted(terminals)}")
    with s.test("a terminal has its size"):
        for name, size in (("main", {"100", "30"}), ("second", {"90", "25"})):
            # Older Linux takes the columns of this message for the rows.
            # Linux gives a terminal its size some time after it was opened.
            found = answer("(until size=$(stty size) && [ \"$size\" != '0 0' ]; do usleep 10000; done; "
                           f"echo size $size .) </dev/hvc{terminals.get(name)}",
                           r"^\[debian\] size (\d+) (\d+) \.$")
            check({found.group(1), found.group(2)} == size, found.group(0))
    machine.type("port() { echo /dev/$(cd /sys/class/virtio-ports && grep -l \"^$1$\" */name | cut -d/ -f1); }\n")
    with s.test("what is written to a port comes out under its name"):
        for name in ("agent", "more"):
            answer(f"echo into {name} >$(port {name})", rf"^\[{name}\] into {name}$")
    with s.test("a port that leads nowhere takes what is written"):
        answer("dd if=/dev/zero of=$(port nowhere) bs=64k count=16 && echo took $((6 * 7))",
               r"^\[debian\] took 42$")
    with s.test("what is typed reaches the port that has the input"):
        for number, name in ((4, "agent"), (6, "more")):
            # What is typed before the port is open waits for it. Not in the background: busybox's shell
            # loses a byte of its echo when a child ends meanwhile, and its children fail from then on.
            machine.type(f"head -n 1 $(port {name}) | sed 's/^/heard /'\n")
            machine.type(f"\x1d{number}for {name}\n\x1d1")
            machine.expect(rf"heard for {name}$")
    with s.test("poweroff"):
        machine.type("poweroff\n")
        check(machine.off() == 0, "status is not 0")


def neighbour_rounds(s, machine, rounds):
    """Waits for so many more rounds of the neighbour; what the last one was."""
    for _ in range(rounds):
        said = machine.expect(r"NEIGHBOUR (?:(\d+) ok: (.*)|(WRONG.*))\n", 3 * PATIENCE)
        check(said.group(1), said.group(3))
    return said


@scenario(gic=(2, 3), soak=True, takes=60)
def hostile_virtio(s):
    """Every cruelty a driver can think of, while the neighbour runs fio on the same disk, and iperf3 and
    a compared stream over the same switch."""
    linux.make_test_ramdisks()
    disk = make_disk(f"{s.name}.disk", 64)
    machine = s.boot("hostile-virtio.dts", qemu=host_devices(disk, entropy=True), settings=[
        f'/vms/hostile:cmdline="wait rounds={s.amount(4, 1000)}"',
        linux.run("neighbour", f"neighbour /dev/vda {s.amount('1m', '4m')}")])
    with s.test("its neighbour's disk and network work"):
        neighbour_rounds(s, machine, 1)
    machine.type("\x1d2go\n")
    with s.test("comes to its end"):
        end = machine.expect(r"HOSTILE-VIRTIO (\d+) survived, (\d+) lost$", s.amount(4, 60) * PATIENCE)
    for name, kind, transport, what in re.findall(r"CRUEL (\S+) (\d+) (\S+) (survived|LOST.*)$",
                                                  machine.text, re.M):
        s.count(f"device {kind} over {transport} comes back from {name}", what == "survived", what)
    with s.test("every cruelty ran"):
        check(end and int(end.group(1)) > 80, "too few")
    during = len(re.findall(r"NEIGHBOUR \d+ ok", machine.text)) - 1
    with s.test("its neighbour's disk and network go on, no byte is wrong"):
        # The first of these may have begun before the end, the second has not.
        last = neighbour_rounds(s, machine, 2)
        wrong = re.search(r"NEIGHBOUR WRONG.*", machine.text)
        check(not wrong, wrong and wrong.group(0))
        check(during >= s.amount(0, 1), f"{during} rounds beside it")
        s.figure(f"{last.group(1)} rounds of fio, iperf3 and stream, {during} beside it; "
                 f"the last: {last.group(2)}")


# ---- a whole Debian ----

def ssh(port, command):
    """Runs it in the guest as root; what it said."""
    try:
        done = subprocess.run(
            ["ssh", "-i", ROOT / "build/guest/debian-key", "-p", str(port), "-o", "BatchMode=yes",
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", f"ConnectTimeout={PATIENCE}", "root@127.0.0.1", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=2 * PATIENCE)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"ssh: nothing within {2 * PATIENCE} s") from late
    check(done.returncode == 0, f"ssh: status {done.returncode}: {done.stdout} {done.stderr.strip()}")
    return done.stdout


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@scenario(gic=(2, 3), takes=45)
def debian_disk(s):
    """The example `debian`: root on two partitions, ssh through switch and card."""
    disk, port = WORK / f"{s.name}.disk", free_port()
    subprocess.run(["cp", "--sparse=always", ROOT / "build/guest/debian.img", disk], check=True)
    machine = s.boot(ROOT / "examples/debian.dts", qemu=host_devices(
        disk, entropy=True, network=f"user,hostfwd=tcp:127.0.0.1:{port}-:22"))
    with s.test("boots from its disks to a login"):
        machine.expect(r"vessel login: ", 3 * PATIENCE)
    with s.test("a login on the console"):
        machine.type("root\n")
        machine.expect(r"Password: ")
        machine.type("vessel\n")
        machine.expect(r"root@vessel:~# ")
    with s.test("all that starts at boot has started, and the network has its address"):
        machine.type("systemctl is-system-running --wait; until ip -4 address | grep -q 10.0.2; do sleep 1; done; "
                     "echo up $((6 * 7))\n")
        machine.expect(r"\bup 42$", 3 * PATIENCE)
    with s.test("ssh from the host"):
        check("aarch64" in ssh(port, "uname -a"), "another machine")
    with s.test("nothing of the system has failed"):
        check(ssh(port, "systemctl --failed --no-legend") == "", "a unit failed")
        check(ssh(port, "dpkg --audit") == "", "a package is not set up")
    with s.test("10 MiB written, and read from the disk, are the same"):
        check("same" in ssh(port, "dd if=/dev/urandom of=/var/a bs=1M count=10 2>&1 && sync && "
                            "echo 3 >/proc/sys/vm/drop_caches && cp /var/a /var/b && cmp /var/a /var/b "
                            "&& echo same"), "they differ")
    with s.test("what it writes goes to the second partition"):
        check("/changes" in ssh(port, "mount | grep ' / '"), "no overlay")
        check("refused" in ssh(port, "dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=fsync 2>/dev/null"
                                     " || echo refused"), "the base can be written")
    with s.test("poweroff"):
        machine.type("poweroff\n")
        check(machine.off() == 0, "status is not 0")
