/* SPDX-License-Identifier: BSD-2-Clause */
/* From an invocation to the function that carries it out, by kind of capability and label. */
#include "standin/api/invocation.h"
#include "standin/sched/sched.h"

static const struct methods *methods_of(u64 type)
{
	static const struct methods *const kinds[] = {
		[CAP_UNTYPED] = &untyped_methods,
		[CAP_CNODE] = &cnode_methods,
		[CAP_TCB] = &tcb_methods,
		[CAP_SC] = &sc_methods,
		[CAP_SCHED_CONTROL] = &sched_control_methods,
		[CAP_IRQ_HANDLER] = &irq_handler_methods,
		[CAP_DOMAIN] = &domain_methods,
	};

	return type < ARRAY_SIZE(kinds) && kinds[type] != NULL ? kinds[type] : arch_methods(type);
}

u64 invoke(struct invocation *inv)
{
	const struct methods *of = methods_of(cap_type(inv->cap));
	const struct method *m = NULL;

	if (of != NULL && inv->label - of->first < of->count)
		m = &of->rows[inv->label - of->first];
	if (m == NULL || !m->quiet)
		inv->core->changed = true;
	if (of == NULL)
		return fail_capability(inv, 0);
	if (m == NULL || m->act == NULL)
		return seL4_IllegalOperation;
	if (inv->length < m->words || inv->extra_count < m->caps)
		return seL4_TruncatedMessage;
	return m->act(inv);
}
