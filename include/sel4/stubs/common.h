/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every invocation has in common: a Call whose label names the operation, whose reply's label is
 * the error. The details of an error are put into the IPC buffer (words 0 to 3), where
 * <sel4/errors.h> says what they mean; a call that succeeds does not touch the buffer.
 */
#pragma once

#include <sel4/functions.h>
#include <sel4/invocation.h>
#include <sel4/syscalls.h>
#include <sel4/types.h>

/* On success r->mr holds the first four words of the answer. */
SEL4_INLINE seL4_Error sel4_invoke_regs(struct sel4_regs *r)
{
	seL4_Error error;

	sel4_trap_call((seL4_Word)seL4_SysCall, r);
	error = (seL4_Error)seL4_MessageInfo_get_label(r->info);
	if (__builtin_expect(error != seL4_NoError, 0))
		(void)sel4_store(r, seL4_Null);
	return error;
}

/* `length` words, of which the first four are given here and the rest are in the IPC buffer. */
SEL4_INLINE seL4_Error sel4_invoke(seL4_CPtr object, seL4_Word label, seL4_Word caps,
				   seL4_Word length, seL4_Word mr0, seL4_Word mr1, seL4_Word mr2,
				   seL4_Word mr3)
{
	struct sel4_regs r = {
		.cap = object,
		.info = seL4_MessageInfo_new(label, 0, caps, length),
		.mr = { mr0, mr1, mr2, mr3 },
	};

	return sel4_invoke_regs(&r);
}

/* The answer is one word; untouched on error. */
SEL4_INLINE seL4_Error sel4_invoke_word(seL4_CPtr object, seL4_Word label, seL4_Word length,
					seL4_Word mr0, seL4_Word mr1, seL4_Word *answer)
{
	struct sel4_regs r = {
		.cap = object,
		.info = seL4_MessageInfo_new(label, 0, 0, length),
		.mr = { mr0, mr1 },
	};
	seL4_Error error = sel4_invoke_regs(&r);

	if (error == seL4_NoError)
		*answer = r.mr[0];
	return error;
}
