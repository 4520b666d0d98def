#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/run against a machine that is a shell script: what it passes on, and which status it ends with."""
import argparse
import importlib.machinery
import importlib.util
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

RUN = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/run"
DESCRIPTION = "/dts-v1/; / { board { cores = <4>; gic-version = <2>; ram = /bits/ 64 <0x60000000 0x80000000>; }; };"
OFF = "echo 'vessel: all VMs are off, status {}'; "


class Run(unittest.TestCase):
    def with_machine(self, script, use, *arguments, options=()):
        with tempfile.TemporaryDirectory() as folder:
            qemu = pathlib.Path(folder) / "qemu-system-aarch64"
            qemu.write_text("#!/bin/sh\n" + script)
            qemu.chmod(0o755)
            system = pathlib.Path(folder) / "system.dts"
            system.write_text(DESCRIPTION)
            environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
            return use([RUN, "--image", "x.img", *options, system], environment, *arguments)

    def run_machine(self, script, *options, text=None):
        given = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
        return self.with_machine(script, lambda command, environment: subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, **given), options=options)

    def test_status_of_the_last_line(self):
        for status in (0, 1, 3):
            done = self.run_machine(OFF.format(status))
            self.assertEqual(done.returncode, status)
            self.assertIn(f"status {status}", done.stdout)

    def test_machine_that_cannot_power_off(self):
        done = self.run_machine(OFF.format(0) + "exec sleep 1000")
        self.assertEqual(done.returncode, 0)

    def test_machine_that_stops_early(self):
        done = self.run_machine("echo booting; exit 0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("before its VMs were off", done.stderr)

    def test_emulator_that_fails(self):
        self.assertEqual(self.run_machine("exit 7").returncode, 7)

    def test_check_boots_nothing(self):
        self.assertEqual(self.run_machine("exit 7", "--check").returncode, 0)
        done = self.run_machine("exit 7", "--check", "--ssh", "2222")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no network card", done.stderr)

    def test_the_line_in_pieces(self):
        done = self.run_machine("printf 'vessel: all VMs are '; sleep 0.3; printf 'off, status 2'; sleep 0.3; echo")
        self.assertEqual(done.returncode, 2)

    def test_a_guest_cannot_end_the_run_in_mid_line(self):
        done = self.run_machine("echo 'x vessel: all VMs are off, status 9'; " + OFF.format(0))
        self.assertEqual(done.returncode, 0)

    def test_what_a_guest_prints_is_not_the_last_line(self):
        done = self.run_machine(OFF.format(9) + "sleep 0.3; echo more; " + OFF.format(0))
        self.assertEqual(done.returncode, 0)

    def options_of(self, *options, only_cpu=False):
        """What QEMU is given; on a host that has one CPU for us."""
        script = OFF.format(0) + 'echo "given: $*" >&2'
        before = os.sched_getaffinity(0)
        try:
            if only_cpu:
                os.sched_setaffinity(0, {min(before)})
            return self.run_machine(script, *options).stderr
        finally:
            os.sched_setaffinity(0, before)

    def test_cores_take_turns_where_the_host_has_fewer(self):
        kernel = ("--kernel", __file__)  # only looked for
        self.assertRegex(self.options_of(*kernel, only_cpu=True), "given: .*-smp 4 .*-icount")
        self.assertIn("they take turns", self.options_of(*kernel, only_cpu=True))
        self.assertNotIn("-icount", self.options_of(*kernel, "--cores", "1", only_cpu=True))
        self.assertNotIn("-icount", self.options_of(*kernel, "--turns", "off", only_cpu=True))
        self.assertNotIn("-icount", self.options_of(only_cpu=True))  # the stand-in kernel's lock is not in turn
        self.assertIn("-icount", self.options_of("--turns", "on"))

    def test_time_limit(self):
        done = self.run_machine("echo up; exec sleep 50", "--timeout", "2")
        self.assertEqual(done.returncode, 124)

    def test_ended_by_a_signal_it_takes_the_machine_along(self):
        with tempfile.TemporaryDirectory() as folder:
            mark = pathlib.Path(folder) / "pid"
            run = f"echo $$ >{mark}; trap '' HUP; exec sleep 1000"
            self.with_machine(run, self.end_twice, mark)

    def end_twice(self, command, environment, mark):
        run = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.1)
        run.terminate()
        run.terminate()
        self.assertEqual(run.wait(timeout=300), 130)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)

    def test_output_passes_at_once(self):
        self.with_machine("printf 'no newline'; exec sleep 1000", self.end_when_heard, b"no newline")

    def end_when_heard(self, command, environment, what):
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as run:
            heard = b""
            while what not in heard:
                piece = os.read(run.stdout.fileno(), 4096)
                self.assertNotEqual(piece, b"", f"ended after {heard}")
                heard += piece
            run.terminate()

    def test_piped_input_reaches_the_machine(self):
        done = self.run_machine('read line; echo "got $line"; ' + OFF.format(0), text="uname -a\n")
        self.assertIn("got uname -a", done.stdout)

    def test_machine_of_the_description(self):
        done = self.run_machine('echo "$@"; ' + OFF.format(0))
        for words in ("gic-version=2", "-smp 4", "-m 2560", "-kernel x.img"):
            self.assertIn(words, done.stdout)

    def test_machine_of_the_options(self):
        done = self.run_machine('echo "$@"; ' + OFF.format(0), "--gic", "3", "--cores", "2", "--memory", "4096")
        for words in ("gic-version=3", "-smp 2", "-m 4096"):
            self.assertIn(words, done.stdout)

    def test_a_disk_with_a_comma_in_its_name(self):
        with tempfile.NamedTemporaryFile(suffix=",readonly=on") as disk:
            disk.write(b"sector")
            disk.flush()
            done = self.run_machine('echo "$@"; ' + OFF.format(0), "--disk", disk.name)
            self.assertIn(f"file={disk.name.replace(',', ',,')},format=raw", done.stdout)

    def test_a_system_that_is_not_there(self):
        done = subprocess.run([RUN, "no-such-system"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no system 'no-such-system'", done.stderr)


    def test_a_guest_kernel_that_is_an_elf_file(self):
        loader = importlib.machinery.SourceFileLoader("run", str(RUN))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
        loader.exec_module(module)
        args = argparse.Namespace(set=[], guest_initrd=None, cores=None, gic=None, memory=None)
        for begin, elf in ((b"\x7fELF\x02", True), (b"MZ\0\x91", False), (b"", False)):
            with tempfile.NamedTemporaryFile() as kernel:
                kernel.write(begin)
                kernel.flush()
                args.guest_kernel = kernel.name
                self.assertEqual("/images/linux:kind=elf" in module.settings(args), elf)


NETWORK = """/dts-v1/; / { programs { card { kind = "net-driver"; interrupt = <56>; }; }; vms { one { }; }; };"""


class Mistakes(unittest.TestCase):
    """What somebody gave that cannot be: one line that names it, before anything is built or booted."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.base = pathlib.Path(self.folder.name)

    def file(self, name, content=""):
        path = self.base / name
        path.write_text(content)
        return path

    def refused(self, *options, says, text=DESCRIPTION):
        done = subprocess.run([RUN, *options, self.file("system.dts", text)], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(says, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 3)

    def test_numbers(self):
        for option, wrong, allowed in (("--cores", "0", "1 to 8"), ("--cores", "9", "1 to 8"), ("--cores", "x", "1 to 8"),
                                       ("--gic", "4", "2 to 3"), ("--memory", "512", "513 to"), ("--memory", "-1", "513"),
                                       ("--ssh", "65536", "1 to 65535"), ("--timeout", "0", "from 1")):
            self.refused(option, wrong, says=f"found '{wrong}'; allowed: a number from")
            self.refused(option, wrong, says=allowed)
            self.refused(option, wrong, says=option)

    def test_choices(self):
        self.refused("--net", "bogus", says="--net")

    def test_files(self):
        for option in ("--kernel", "--guest-kernel", "--guest-initrd"):
            self.refused(option, "/no/such/file", says="no file '/no/such/file'")
            self.refused(option, self.base, says=f"no file '{self.base}'")

    def test_disks(self):
        self.refused("--disk", "/no/such/file", says="no such file")
        self.refused("--disk", self.base, says="is not a file")
        self.refused("--disk", self.file("nothing", ""), says="is empty")

    def test_a_disk_for_nobody(self):
        """What the description lacks is sysconf's to say."""
        loader = importlib.machinery.SourceFileLoader("run", str(RUN))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
        loader.exec_module(module)
        blob = module.compiled(self.file("system.dts", DESCRIPTION))
        self.assertEqual(module.add_disk(blob, argparse.Namespace(disk="raw", guest_initrd=None)), [])

    def test_source(self):
        self.refused(says="not devicetree source", text="/dts-v1/; / { oops")
        self.refused("--disk", self.file("raw", "sector"), says="not devicetree source", text="# markdown")

    def test_ssh(self):
        self.refused("--ssh", "2222", says="no network card")
        self.refused("--ssh", "2222", "--net", "off", says="--net off", text=NETWORK)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            self.refused("--ssh", str(other.getsockname()[1]), says="in use", text=NETWORK)


if __name__ == "__main__":
    unittest.main()
