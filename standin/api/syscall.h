/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls, after the trap code has found their arguments. */
#pragma once

#include "standin/sched/sched.h"

struct syscall {
	u64 number; /* two's complement */
	u64 cptr;   /* invoked, or received on */
	u64 reply;  /* receives of MCS: the reply object offered */
	u64 dest;   /* NBSendRecv, NBSendWait: where the send goes */
};

/** Performs one system call of the current thread; false: there is none of that number. */
bool syscall_perform(struct core *c, struct tcb *t, const struct syscall *sys);

/** The debug system calls; false as above. */
bool syscall_debug(struct core *c, struct tcb *t, const struct syscall *sys);
