# SPDX-License-Identifier: BSD-2-Clause
"""RAM disks for Linux guests: Debian's, with programs and scripts of ours behind it."""
import threading

from machine import ROOT, TARGET, WORK

SCRIPTS = ROOT / "test/guest/linux"
TESTS = ("disk", "net", "sock", "verify-disk", "reset-under-load", "stream", "neighbour",
         "measure-io", "ports", "echoes")


def cpio(name, data, mode):
    """One member of a cpio archive in the format initramfs wants ("newc")."""
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def program(name):
    """A script of ours, or a program that was built."""
    path = SCRIPTS / name
    return (path if path.is_file() else TARGET / "test/guest" / name).read_bytes()


def make_ramdisk(name, base, members):
    """build/system/NAME: `base` (of build/guest) and then `members`, {path: bytes}. A later archive's
    files replace earlier ones."""
    data = (ROOT / "build/guest" / base).read_bytes()
    archive = b"".join(cpio(path, content, 0o100755) for path, content in members.items())
    WORK.mkdir(parents=True, exist_ok=True)
    path, new = WORK / name, WORK / f"{name}.{threading.get_ident()}"
    new.write_bytes(data + bytes(-len(data) % 512) + archive + cpio("TRAILER!!!", b"", 0))
    new.rename(path)  # another scenario may be reading it
    return path


def make_test_ramdisks():
    """With what tests a disk or a network from inside: tests-initrd, beside fio and mkfs; light-initrd,
    without these, for VMs with less memory."""
    members = {f"bin/{name}": program(name) for name in TESTS}
    make_ramdisk("tests-initrd", "initrd-tools.gz", members)
    make_ramdisk("light-initrd", "initrd-virtio.gz", members)


def run(vm, command):
    """The setting by which a VM runs that command on its console and powers off."""
    return f'/vms/{vm}:cmdline="console=ttyAMA0 quiet run=\\"{command}\\""'
