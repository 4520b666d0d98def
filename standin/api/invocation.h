/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One invocation of a kernel object: arguments, results, errors. Handlers check everything first,
 * then act; they return an error of the API, whose details fail_*() have left for the reply.
 */
#pragma once

#include "standin/object/cap.h"

#include <sel4/errors.h>

/* Beside the API's errors. */
enum {
	RESULT_PREEMPTED = 100, /* an interrupt waits: issue the system call again */
};

struct invocation {
	struct core *core;
	struct tcb *caller;
	struct slot *slot; /* of the invoked capability; may be cleared by what is done */
	struct cap cap;
	u64 label;
	u64 length;
	u64 *buf; /* the caller's IPC buffer, or NULL */
	struct slot *extra[seL4_MsgMaxExtraCaps];
	unsigned extra_count;
	u64 result_count; /* message words of the reply */
};

/** The i-th message word; the decoder has checked `length`. */
static inline u64 arg(const struct invocation *inv, unsigned i)
{
	if (i < seL4_FastMessageRegisters)
		return arch_mr(inv->caller)[i];
	return inv->buf == NULL ? 0 : inv->buf[1 + i];
}

/** Sets a word of the reply. Results replace arguments: read those first. */
static inline void result(struct invocation *inv, unsigned i, u64 value)
{
	if (i < seL4_FastMessageRegisters)
		arch_mr(inv->caller)[i] = value;
	else if (inv->buf != NULL)
		inv->buf[1 + i] = value;
	else
		return;
	if (inv->result_count < i + 1u)
		inv->result_count = i + 1u;
}

static inline u64 fail_range(struct invocation *inv, u64 least, u64 most)
{
	result(inv, 0, least);
	result(inv, 1, most);
	return seL4_RangeError;
}

static inline u64 fail_argument(struct invocation *inv, u64 number)
{
	result(inv, 0, number);
	return seL4_InvalidArgument;
}

static inline u64 fail_capability(struct invocation *inv, u64 number)
{
	result(inv, 0, number);
	return seL4_InvalidCapability;
}

/* The handlers, by capability type. */
u64 untyped_invoke(struct invocation *inv);
u64 cnode_invoke(struct invocation *inv);
u64 tcb_invoke(struct invocation *inv);
u64 sc_invoke(struct invocation *inv);
u64 sched_control_invoke(struct invocation *inv);
u64 domain_invoke(struct invocation *inv);
