#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The adding up of results: tools/count-tests and ci/all's rule that a stage without a result has failed."""
import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class CountTests(unittest.TestCase):
    def count(self, *records):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
            for result, stdout in records:
                log.write(json.dumps({"name": "x", "result": result, "stdout": stdout}) + "\n")
            log.flush()
            done = subprocess.run([ROOT / "tools/count-tests", log.name], capture_output=True, text=True)
        return done.stdout.splitlines()[-1], done.returncode

    def test_lines_of_tap(self):
        self.assertEqual(self.count(("OK", "1..2\nok 1 - a\nok 2 - b\n")), ("2 passed, 0 failed", 0))

    def test_a_failed_line(self):
        self.assertEqual(self.count(("FAIL", "1..2\nnot ok 1 - a\nok 2 - b\n")), ("1 passed, 1 failed", 1))

    def test_a_program_without_tap(self):
        self.assertEqual(self.count(("OK", ""), ("FAIL", "")), ("1 passed, 1 failed", 1))

    def test_a_crash_after_good_lines(self):
        self.assertEqual(self.count(("FAIL", "1..3\nok 1 - a\n")), ("1 passed, 1 failed", 1))

    def test_timeout(self):
        self.assertEqual(self.count(("TIMEOUT", "ok 1 - a\n")), ("1 passed, 1 failed", 1))


class Stage(unittest.TestCase):
    """A copy of ci/all and ci/lib.sh in a folder with one stage of ours."""

    def all(self, stage):
        with tempfile.TemporaryDirectory() as folder:
            ci = pathlib.Path(folder) / "ci"
            ci.mkdir()
            for name in ("all", "lib.sh"):
                (ci / name).write_text((ROOT / "ci" / name).read_text())
            (ci / "format").write_text("#!/bin/bash\n" + stage)
            for script in ("all", "format"):
                (ci / script).chmod(0o755)
            done = subprocess.run([ci / "all", "format"], capture_output=True, text=True)
        self.said = done.stdout
        return done.stdout.splitlines()[-1], done.returncode

    LIB = '. "$(dirname "$0")/lib.sh"\n'

    def test_good(self):
        self.assertEqual(self.all(self.LIB + "check a true\ncheck b true\nfinish"), ("2 passed, 0 failed", 0))

    def test_unsteady_is_said(self):
        self.assertEqual(self.all(self.LIB + "check a true\necho 'unsteady - b: why'\nfinish"), ("1 passed, 0 failed", 0))
        self.assertIn("unsteady - b: why\n", self.said)
        self.assertIn("Tests named unsteady", self.said)

    def test_bad(self):
        self.assertEqual(self.all(self.LIB + "check a true\ncheck b false\nfinish"), ("1 passed, 1 failed", 1))

    def test_a_stage_that_dies(self):
        self.assertEqual(self.all(self.LIB + "check a true\nkill -9 $$"), ("0 passed, 1 failed", 1))

    def test_a_stage_that_ends_badly_after_a_good_result(self):
        self.assertEqual(self.all("echo '3 passed, 0 failed'; exit 1"), ("3 passed, 1 failed", 1))

    def test_a_stage_without_tests(self):
        self.assertEqual(self.all(self.LIB + "finish"), ("0 passed, 0 failed", 1))


if __name__ == "__main__":
    unittest.main()
