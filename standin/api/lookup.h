/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding slots by capability pointer (seL4 manual, "CSpace Addressing"). */
#pragma once

#include "standin/api/invocation.h"
#include "standin/ipc/ipc.h"

/** Resolves all bits of `cptr` in the thread's CSpace as far as there are CNodes; NULL: *why. */
struct slot *lookup_slot(struct tcb *t, u64 cptr, struct lookup_error *why);

/** Resolves exactly `depth` bits from the CNode `root`; NULL: *why. */
struct slot *lookup_in(struct cap root, u64 index, u64 depth, struct lookup_error *why);

/** As lookup_in, as a step of an invocation: an error of the API. `source` goes into its details. */
u64 lookup_for_op(struct invocation *inv, struct cap root, u64 index, u64 depth, bool source,
		  struct slot **out);

u64 fail_lookup(struct invocation *inv, bool source, const struct lookup_error *why);
/** There is nothing at that depth. */
u64 fail_missing(struct invocation *inv, bool source, u64 depth);
/** What the lookup starts from is gone. */
u64 fail_root(struct invocation *inv);
