/* SPDX-License-Identifier: BSD-2-Clause */
/* State shared by the harness's files (kt.c, main.c, kt_vm.c); tests do not include it. */
#pragma once

#include "test/kernel/kt.h"

/* Labels of messages from a test to the runner. */
enum {
	KT_PASSED = 0x100,
	KT_FAILED,
	KT_HUNG,
};

struct kt_state {
	const seL4_BootInfo *bootinfo;
	unsigned gic;
	bool debug;
	seL4_CPtr memory;       /* untyped of the running test */
	seL4_CPtr control;      /* endpoint the runner waits on */
	seL4_CPtr control_send; /* to end a test */
	seL4_CPtr fault_send;   /* faults of threads without a handler of their own */
	seL4_CPtr reply;        /* of the runner */
	seL4_CPtr never;        /* a notification that nobody signals */
	seL4_CPtr first_slot, next_slot;
	seL4_CPtr device; /* device untyped taken by the test, 0: none */
	seL4_CPtr slept;  /* of this test */
	unsigned thread_count;
	struct kt_thread main, sleeper;
	char message[256];
};

extern struct kt_state kt;

/** Runs the function that kt_thread_new was given. */
_Noreturn void kt_thread_enter(unsigned index);
