#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The second chance of a system test: who gets it, and that it is not hidden (test/system/scenario.py)."""
import contextlib
import io
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/system"))
sys.dont_write_bytecode = True
import scenario


class Again(unittest.TestCase):
    def run_them(self, outcomes, again):
        """One scenario for each list of outcomes, of its first run and its second; (passed, failed, lines)."""
        def one(name, results):
            left = list(results)

            def function(s):
                s.count("works", left.pop(0), "a reason")
            return scenario.Scenario(name, function, 1, 3, False, 1)

        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            passed, failed = scenario.run_all([one(f"s{n}", results) for n, results in enumerate(outcomes)],
                                              None, 2, False, again)
        return passed, failed, said.getvalue().splitlines()

    def test_passes_when_alone_and_is_named(self):
        passed, failed, lines = self.run_them([[True], [False, True]], 2)
        self.assertEqual((passed, failed), (2, 0))
        self.assertIn("unsteady - s1: works: a reason", lines)
        self.assertIn("ok - s1-again: works", lines)

    def test_fails_twice(self):
        passed, failed, lines = self.run_them([[True], [False, False]], 2)
        self.assertEqual((passed, failed), (1, 1))
        self.assertIn("not ok - s1: works: a reason", lines)
        self.assertFalse([line for line in lines if line.startswith("unsteady")])

    def test_too_many_are_not_the_hosts_doing(self):
        passed, failed, lines = self.run_them([[False, True]] * 3, 2)
        self.assertEqual((passed, failed), (0, 3))
        self.assertEqual(sum(line.startswith("not ok") for line in lines), 3)

    def test_none_unless_asked_for(self):
        passed, failed, lines = self.run_them([[False, True], [True]], 0)
        self.assertEqual((passed, failed), (1, 1))
        self.assertEqual(sum(line.startswith("not ok") for line in lines), 1)


if __name__ == "__main__":
    unittest.main()
