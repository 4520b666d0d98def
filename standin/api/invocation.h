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

/* What can be asked of a kind of object: labels from `first` on, in order. */
struct method {
	u64 (*act)(struct invocation *inv); /* NULL: there is no such label */
	u8 words, caps;                     /* that must come with it */
	bool quiet; /* the current thread goes on unless it is stopped or another is woken */
};

struct methods {
	const struct method *rows;
	u64 first, count;
};

#define METHODS(first_label, table)                                                 \
	{                                                                           \
		.rows = (table), .first = (first_label), .count = ARRAY_SIZE(table) \
	}

extern const struct methods untyped_methods, cnode_methods, tcb_methods, sc_methods,
	sched_control_methods, domain_methods, irq_handler_methods;

/** Those of a machine-dependent kind, and of IRQControl; NULL: the capability is of no kind. */
const struct methods *arch_methods(u64 type);

/** Does what is asked of inv->cap: an error of the API, or RESULT_PREEMPTED. */
u64 invoke(struct invocation *inv);
