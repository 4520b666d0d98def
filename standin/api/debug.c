/* SPDX-License-Identifier: BSD-2-Clause */
/* The debug system calls, and what the kernel prints. */
#include "standin/api/lookup.h"
#include "standin/api/syscall.h"
#include "standin/lib/print.h"

#include <sel4/syscall.h>

static void dump_scheduler(void)
{
	for (unsigned i = 0; i < kernel.core_count; i++) {
		struct core *c = &kernel.cores[i];

		print("core %u: current %x\n", (u64)i, va_to_pa(c->current));
		for (int prio = PRIORITIES - 1; prio >= 0; prio--)
			for (struct tcb *t = c->ready[prio].head; t != NULL; t = t->next)
				print("  ready %u: %x pc %x\n", (u64)prio, va_to_pa(t),
				      arch_restart_pc(t));
		for (struct tcb *t = c->release.head; t != NULL; t = t->next)
			print("  waits for budget: %x\n", va_to_pa(t));
	}
}

bool syscall_debug(struct core *c, struct tcb *t, const struct syscall *sys)
{
	struct lookup_error why;
	struct slot *s;

	switch ((int64_t)sys->number) {
	case seL4_SysDebugPutChar:
		arch_putchar((char)sys->cptr);
		return true;
	case seL4_SysDebugDumpScheduler:
		dump_scheduler();
		return true;
	case seL4_SysDebugHalt:
		print("debug halt by %x\n", va_to_pa(t));
		arch_halt();
	case seL4_SysDebugCapIdentify:
		s = lookup_slot(t, sys->cptr, &why);
		*arch_cap_register(t) = s == NULL ? 0 : cap_type(s->cap);
		return true;
	case seL4_SysDebugSnapshot: /* accepted, and nothing to do */
	case seL4_SysDebugNameThread:
	case seL4_SysDebugSendIPI:
		return true;
	case seL4_SysDebugGetThreadAffinity:
		*arch_cap_register(t) = c->id;
		s = lookup_slot(t, sys->cptr, &why);
		if (s != NULL && cap_type(s->cap) == CAP_TCB) {
			struct tcb *of = cap_object(s->cap);

			*arch_cap_register(t) = of->sc == NULL ? 0 : of->sc->core;
		}
		return true;
	default:
		return false;
	}
}
