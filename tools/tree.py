# SPDX-License-Identifier: BSD-2-Clause
"""What the checkers share: the project's own files, and how a checker reports and tests itself."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def files(*suffixes):
    """The project's files (relative paths): what git tracks, or, in an export, all but build/."""
    try:
        out = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=True).stdout.decode()
        names = [n for n in out.split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
        names = [n for n in names if not n.startswith(("build/", ".git/"))]
    return sorted(n for n in names
                  if (ROOT / n).is_file() and (not suffixes or n.endswith(suffixes)))


def text(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def finish(tool, problems, checked):
    """Prints each problem as `file:line: what`, and leaves with the exit status."""
    for problem in problems:
        print(problem)
    print(f"{tool}: {checked} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)


def expect(tool, cases, check):
    """Self-test: `cases` are (name, {path: content}, number of problems). A checker that finds
    nothing in a bad sample is worse than none."""
    failed = 0
    for name, sample, wanted in cases:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in sample.items():
                target = pathlib.Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
            found = check(pathlib.Path(folder), sorted(sample))
        good = len(found) == wanted
        failed += not good
        print(f"{'ok' if good else 'not ok'} - {tool}: {name}")
        if not good:
            print(f"# wanted {wanted} problems, got {found}")
    sys.exit(1 if failed else 0)
