/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer server: its protocol, and what admin gives it (vmm_start.config points at
 * struct vmm_timer_config).
 *
 * A client is a vCPU handler, or any thread that must wake at a time. It calls (seL4_Call) the one
 * endpoint it was given; behind that endpoint is a passive thread for this client alone, so a call
 * runs on the caller's own scheduling context and costs nobody else anything. Expiry is a signal on
 * the notification that the server was given for the client. One deadline a client; a new one
 * replaces the old. The server alone holds SchedControl capabilities.
 *
 * A signal is never lost. It comes less than 1 us before the deadline or after it. A signal of a
 * deadline that was just replaced or cancelled may still arrive: a client takes every signal as
 * a hint.
 */
#pragma once

#include <stdint.h>

/* Labels. Times are ticks of the system counter: CNTPCT, which is CNTVCT with offset zero. */
enum {
	/*
	 * MR0 = absolute deadline. Reply: MR0 = 1 if it has passed (no signal will come) or 0 (one
	 * will), MR1 = the counter. A deadline nearer than a sleeper can sleep (VMM_TIMER_MIN_US) is
	 * waited for within the call. One further away than VMM_TIMER_MAX_US is signalled then.
	 */
	VMM_TIMER_SET = 1,
	VMM_TIMER_CANCEL, /* Reply: empty */
	VMM_TIMER_NOW,    /* Reply: MR0 = the counter, MR1 = its frequency in Hz */
	VMM_TIMER_SET_IN, /* as VMM_TIMER_SET, MR0 = ticks from now */
};

enum {
	VMM_TIMER_CLIENTS = 46, /* and the main thread: VMM_START_THREADS */
	VMM_TIMER_CORES = 8,
	VMM_TIMER_MIN_US = 25, /* the kernel wants a budget over 20 us, and no period below it */
};

#define VMM_TIMER_MAX_US (UINT64_C(1) << 40) /* twelve days */

#define VMM_TIMER_MAGIC   UINT64_C(0x52454d4954534556) /* "VESTIMER" */
#define VMM_TIMER_VERSION 1

/*
 * One client. Every thread named here has the program's CSpace and address space, admin's fault
 * endpoint, the program's (high) priority, and NO scheduling context: the server lends them one while
 * it starts. `sleeper` and `clock` need no stack, no IPC buffer and no entry point; admin leaves them
 * suspended and the server writes their registers.
 */
struct vmm_timer_client {
	uint64_t thread;   /* TCB of thread 1 + i of the program (i: index of this client) */
	uint64_t endpoint; /* all rights. The client's capability to it: write + grantReply */
	uint64_t reply;    /* reply object for `endpoint` */
	uint64_t notify;   /* send side of the client's notification, with the client's badge */
	uint64_t sleeper;  /* TCB */
	uint64_t sc;       /* scheduling context of 2^8 bytes, unbound, unconfigured */
	uint64_t park;     /* notification, all rights, used by nobody else */
	/*
	 * Kernels by default do not let EL0 read the counter. EL1 may always: the clock is a thread
	 * with a VCPU (associated by admin) that answers with CNTVCT. All three 0: EL0 may read it.
	 */
	uint64_t clock;          /* TCB with a VCPU */
	uint64_t clock_endpoint; /* all rights, used by nobody else */
	uint64_t clock_reply;    /* reply object for clock_endpoint */
	uint32_t core;           /* the client's core: its scheduling context never leaves it */
	uint32_t reserved;
};

/*
 * At most 8 KiB. Besides, in the start page, capabilities that serve only while starting: "ready", a
 * notification with all rights, used by nobody else, and "up", the send side of a notification of
 * admin's, which is signalled when all clients can be served. No client may call before: a server
 * that runs on a lent scheduling context would lose it in the middle of the call.
 */
struct vmm_timer_config {
	uint64_t magic;
	uint32_t version;
	uint32_t client_count;
	uint64_t sched_control[VMM_TIMER_CORES]; /* 0: no client on that core */
	struct vmm_timer_client clients[VMM_TIMER_CLIENTS];
};

_Static_assert(sizeof(struct vmm_timer_config) <= 8192, "fits two 4 KiB frames");
