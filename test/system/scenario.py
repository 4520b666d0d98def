# SPDX-License-Identifier: BSD-2-Clause
"""Scenarios (one boot each, several tests in it) and the running of them, one line a test."""
import contextlib
import copy
import fnmatch
import os
import re
import threading
import time

from machine import Failure, Machine

SCENARIOS = []


class Scenario:
    """One scenario while it runs: its machine, and what its tests came to."""

    def __init__(self, name, function, cores, gic, soak, takes):
        self.name, self.function, self.cores, self.gic = name, function, cores, gic
        self.soak = soak  # it has a long form
        self.takes = takes
        self.long = False
        self.smp = False
        self.kernel = None
        self.lines = []
        self.passed = self.failed = 0
        self.machines = []

    def boot(self, description, **options):
        number = f"-{len(self.machines) + 1}" if self.machines else ""
        machine = Machine(self.name + number, description, self.kernel, self.cores, self.gic,
                          **options)
        self.machines.append(machine)
        return machine

    def count(self, name, ok, why=""):
        if ok:
            self.passed += 1
            self.lines.append(f"ok - {self.name}: {name}")
        else:
            self.failed += 1
            self.lines.append(f"not ok - {self.name}: {name}: {why}")

    @contextlib.contextmanager
    def test(self, name):
        """One test; a Failure inside fails it and the scenario goes on."""
        try:
            yield
        except Failure as why:
            self.count(name, False, str(why))
        else:
            self.count(name, True)

    def amount(self, short, long):
        """How much of something: the first in a test run, the second in a soak run."""
        return long if self.long else short

    def figure(self, text):
        """A line of the result that is not a test."""
        self.lines.append(f"     {self.name}: {text}")

    def run(self, kernel, long=False):
        self.kernel, self.long = kernel, long
        begun = time.monotonic()
        try:
            self.function(self)
        except Failure as why:
            self.count("boots", False, str(why))
        except Exception as why:  # an error of the test itself must not pass for a result
            self.count("the scenario itself", False, f"{type(why).__name__}: {why}")
        finally:
            for machine in self.machines:
                machine.close()
        if self.passed + self.failed == 0:
            self.count("tests something", False, "no test ran")
        self.lines.append(f"     {self.name}: {time.monotonic() - begun:.0f} s")


def scenario(cores=(1,), gic=(3,), soak=False, smp=False, takes=5):
    """Declares a scenario for each of these machines; several give names with a suffix. With `soak`
    it has a long form, which is part of a soak run. With `smp` it runs on any number of cores from
    two up, if CORES asks for that: a kernel may be made for fewer. `takes` is about how many seconds:
    only what comes first depends on it."""
    def declare(function):
        base = function.__name__.replace("_", "-")
        for count in cores:
            for version in gic:
                name = base
                if len(gic) > 1:
                    name += f"-gic{version}"
                if len(cores) > 1:
                    name += f"-{count}"
                SCENARIOS.append(Scenario(name, function, count, version, soak, takes))
                SCENARIOS[-1].smp = smp and count > 1
        return function
    return declare


def environment_number(name, default):
    """A number from the environment; None for the default that is no restriction."""
    value = os.environ.get(name, "")
    if value and not re.fullmatch(r"\d+", value):
        raise SystemExit(f"{name}={value} is not a number")
    return int(value) if value else default


def chosen(patterns, cores, gic, soak=False):
    """The scenarios that fit names and machine (None: any); of a soak run those with a long form."""
    for s in SCENARIOS:
        if s.smp and cores is not None and cores > 1:
            s.cores = cores
    return [s for s in SCENARIOS
            if (s.soak or not soak)
            and (not patterns or any(fnmatch.fnmatch(s.name, p) for p in patterns))
            and cores in (None, s.cores) and gic in (None, s.gic)]


def take_next(waiting, running):
    """The first, but beside a machine of several cores rather one that has a single core: vCPUs that
    wait for each other must not also wait for the host."""
    several = any(s.cores > 1 for s in running)
    one = next((s for s in waiting if s.cores == 1 or not several), waiting[0])
    waiting.remove(one)
    return one


def run_again(failed, kernel, soak=False):
    """Runs one that failed once more, now with nothing beside it. If it passes, its tests have passed and what
    failed at first is shown as unsteady: the host was too busy for a limit, or there is a race to be found."""
    one = copy.copy(failed)
    one.name += "-again"
    one.lines, one.machines, one.passed, one.failed = [], [], 0, 0
    print(f"     {failed.name}: failed, and runs once more", flush=True)
    one.run(kernel, soak)
    if one.failed:
        print("\n".join(failed.lines + one.lines), flush=True)
        return failed
    unsteady = [line.replace("not ok", "unsteady", 1) for line in failed.lines if line.startswith("not ok")]
    print("\n".join(unsteady + one.lines), flush=True)
    return one


def run_all(scenarios, kernel, jobs, soak=False, again=0):
    """Runs them, `jobs` at a time, the longest first, and then again up to `again` that failed;
    (passed, failed)."""
    Machine.at_a_time = jobs
    lock = threading.Lock()
    waiting = sorted(scenarios, key=lambda s: (s.cores == 1, -s.takes))
    running = []
    done = []

    def worker():
        while True:
            with lock:
                if not waiting:
                    return
                one = take_next(waiting, running)
                running.append(one)
            one.run(kernel, soak)
            with lock:
                running.remove(one)
                done.append(one)
                if not one.failed or not again:
                    print("\n".join(one.lines), flush=True)

    threads = [threading.Thread(target=worker) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [s for s in done if s.failed]
    if len(failed) <= again:
        done = [run_again(s, kernel, soak) if s.failed else s for s in done]
    elif again:  # so many are not the host's doing
        print("\n".join(line for s in failed for line in s.lines), flush=True)
    return sum(s.passed for s in done), sum(s.failed for s in done)
