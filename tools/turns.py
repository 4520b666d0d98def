# SPDX-License-Identifier: BSD-2-Clause
"""A machine with more cores than this host can run at once.

seL4's cores get its one lock strictly in turn, and wait for it without an instruction that QEMU could
see. Where the host does not run the core whose turn it is, all others burn their time slices, some
milliseconds for each system call, while the guests' clocks go on: their timer interrupts alone then
take all the time there is. So such a machine runs on one thread of the host, and its time is the
number of instructions it has executed. QEMU lets its cores take turns up to the next event in that
time; a network filter with a timer, on a network with nobody in it, makes an event every 20 us. That
is some system calls' worth, and a core that waits for the lock wastes no more than that.

Time passes slower than on the clock while the cores are busy, about as fast while they are idle.

QEMU before 8.1 gives no turn to the core that follows one which has used up its own, until something
else ends a turn early. seL4's ticks and translation maintenance do that; the stand-in kernel executes
YIELD where it takes an interrupt or waits for another core. Its lock needs no turns.
"""
import os
import pathlib

SLICE = 20  # us: 10 and 20 served best; at 100, timer interrupts take all the time
TURNS = ["-icount", "shift=0,sleep=off",
         "-netdev", "hubport,id=turns,hubid=0", "-netdev", "hubport,id=none,hubid=1,netdev=turns",
         "-object", f"filter-buffer,id=turn,netdev=turns,interval={SLICE}"]


def host_cpus(group="/sys/fs/cgroup/cpu.max"):
    """CPUs this process may use at the same time, at least 1."""
    cpus = len(os.sched_getaffinity(0))
    try:
        quota, period = pathlib.Path(group).read_text(encoding="ascii").split()
        cpus = min(cpus, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # no such group, or no limit ("max")
    return max(cpus, 1)


def needed(cores, machines=1):
    """Whether this host is too small for so many cores, of so many machines at a time."""
    return cores > 1 and cores * machines > host_cpus()
