#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tools/turns.py: how many CPUs a host has for us, and whether QEMU knows the options it gives."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
sys.dont_write_bytecode = True
import turns

MINE = len(os.sched_getaffinity(0))


class Turns(unittest.TestCase):
    def cpus(self, limit):
        with tempfile.NamedTemporaryFile("w") as group:
            group.write(limit)
            group.flush()
            return turns.host_cpus(group.name)

    def test_a_group_without_a_limit(self):
        self.assertEqual(self.cpus("max 100000\n"), MINE)

    def test_a_limit_below_the_number_of_cpus(self):
        self.assertEqual(self.cpus("100000 100000\n"), 1)

    def test_a_limit_above_it(self):
        self.assertEqual(self.cpus(f"{(MINE + 1) * 100000} 100000\n"), MINE)

    def test_less_than_a_cpu_is_one(self):
        self.assertEqual(self.cpus("50000 100000\n"), 1)

    def test_no_group_and_nonsense(self):
        self.assertEqual(turns.host_cpus("/nonexistent/cpu.max"), MINE)
        for text in ("", "1", "a b", "1 0\n"):
            self.assertEqual(self.cpus(text), MINE)

    def test_needed(self):
        cpus = turns.host_cpus()
        self.assertTrue(turns.needed(cpus + 1))
        self.assertTrue(turns.needed(2, cpus))
        self.assertFalse(turns.needed(1, cpus + 1))  # one core waits for nobody
        self.assertFalse(turns.needed(cpus))

    def test_qemu_takes_the_options(self):
        done = subprocess.run(["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53", "-smp", "2",
                               "-S", "-display", "none", "-nic", "none", "-serial", "none", "-monitor", "stdio",
                               *turns.TURNS], input="quit\n", capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


unittest.main()
