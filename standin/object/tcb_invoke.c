/* SPDX-License-Identifier: BSD-2-Clause */
/* TCB invocations. */
#include "standin/api/invocation.h"
#include "standin/ipc/ipc.h"
#include "standin/object/destroy.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"
#include "standin/sched/lock.h"

#include <sel4/invocation.h>

enum { CONTEXT_WORDS = sizeof(seL4_UserContext) / sizeof(u64) };

static struct tcb *target(const struct invocation *inv)
{
	return cap_object(inv->cap);
}

/* ---- registers ---- */

/* [suspend | arch << 8, count] */
static u64 read_registers(struct invocation *inv)
{
	struct tcb *t = target(inv);
	u64 flags = arg(inv, 0), count = arg(inv, 1);

	if (count < 1 || count > CONTEXT_WORDS)
		return fail_range(inv, 1, CONTEXT_WORDS);
	if (t == inv->caller)
		return seL4_IllegalOperation;
	if (flags & 1)
		tcb_suspend(t);
	else
		core_stall(t);
	if (inv->buf == NULL)
		count = min_u64(count, seL4_FastMessageRegisters);
	for (unsigned i = 0; i < count; i++)
		result(inv, i, arch_context_read(t, i));
	sched_wake(t);
	return seL4_NoError;
}

/* [resume | arch << 8, count, registers...] */
static u64 write_registers(struct invocation *inv)
{
	struct tcb *t = target(inv);
	u64 flags = arg(inv, 0), count = arg(inv, 1);

	if (inv->length - 2 < count)
		return seL4_TruncatedMessage;
	if (t == inv->caller)
		return seL4_IllegalOperation;
	core_stall(t);
	for (unsigned i = 0; i < count && i < CONTEXT_WORDS; i++)
		arch_context_write(t, i, arg(inv, 2 + i));
	if (flags & 1)
		tcb_restart(t);
	else
		sched_wake(t);
	return seL4_NoError;
}

/* [suspend_source, resume_target << 1, frame << 2, integer << 3 | arch << 8], caps{source} */
static u64 copy_registers(struct invocation *inv)
{
	/* seL4_UserContext: pc, sp, spsr, x0..x8, x16..x18, x29, x30 are the frame. */
	enum { FRAME_WORDS = 17 };
	struct tcb *t = target(inv), *from = cap_object(inv->extra[0]->cap);
	u64 flags = arg(inv, 0);

	if (cap_type(inv->extra[0]->cap) != CAP_TCB)
		return fail_capability(inv, 1);
	if (flags & 1)
		tcb_suspend(from);
	else
		core_stall(from);
	core_stall(t);
	for (unsigned i = 0; i < CONTEXT_WORDS - 2; i++)
		if (flags & (i < FRAME_WORDS ? 4 : 8))
			arch_context_write(t, i, arch_context_read(from, i));
	sched_wake(from);
	if (flags & 2)
		tcb_restart(t);
	else
		sched_wake(t);
	return seL4_NoError;
}

/* ---- capabilities in the TCB ---- */

/* What is to go into one of the TCB's slots. */
struct install {
	enum tcb_slot where;
	struct slot *src;
	struct cap cap; /* null: just empty the slot */
};

static u64 prepare(struct invocation *inv, struct install *in, u64 data)
{
	enum derive got;
	struct cap now = target(inv)->slots[in->where].cap;

	/* Not while what is there would take long to go. */
	if (cap_type(now) == CAP_ZOMBIE ||
	    (cap_type(now) == CAP_CNODE && slot_is_final(&target(inv)->slots[in->where])))
		return seL4_IllegalOperation;
	in->cap = in->src->cap;
	if (data != 0)
		in->cap = cap_set_data(in->cap, data, false);
	got = cap_derive(in->src, in->cap, &in->cap);
	if (got == DERIVE_NULL)
		in->cap = cap_null();
	else if (got != DERIVE_OK)
		return got == DERIVE_REVOKE_FIRST ? seL4_RevokeFirst : seL4_IllegalOperation;
	return seL4_NoError;
}

static u64 prepare_buffer(struct invocation *inv, struct install *in, u64 address)
{
	u64 err;

	if (address == 0) {
		in->cap = cap_null();
		return seL4_NoError;
	}
	err = prepare(inv, in, 0);
	return err != seL4_NoError ? err : arch_check_ipc_buffer(in->cap, address);
}

static u64 prepare_handler(struct invocation *inv, struct install *in, unsigned number)
{
	u64 err = prepare(inv, in, 0);

	if (err != seL4_NoError)
		return err;
	if (cap_type(in->cap) != CAP_NULL && !fault_handler_valid(in->cap))
		return fail_capability(inv, number);
	return seL4_NoError;
}

static void install(struct tcb *t, const struct install *in)
{
	cap_delete(&t->slots[in->where]);
	if (cap_type(in->cap) != CAP_NULL && cap_same_object(in->cap, in->src->cap))
		slot_insert(in->src, &t->slots[in->where], in->cap);
}

static u64 set_buffer(struct invocation *inv, struct slot *frame, u64 address)
{
	struct install in = { .where = TCB_BUFFER, .src = frame };
	u64 err = prepare_buffer(inv, &in, address);

	if (err != seL4_NoError)
		return err;
	install(target(inv), &in);
	target(inv)->buffer_address = address;
	return seL4_NoError;
}

static u64 set_spaces(struct invocation *inv, struct slot *cspace, u64 cspace_data,
		      struct slot *vspace, u64 vspace_data)
{
	struct install c = { .where = TCB_CSPACE, .src = cspace };
	struct install v = { .where = TCB_VSPACE, .src = vspace };
	struct tcb *t = target(inv);
	u64 err = prepare(inv, &c, cspace_data);

	if (err == seL4_NoError && cap_type(c.cap) != CAP_CNODE)
		err = seL4_IllegalOperation;
	if (err == seL4_NoError)
		err = prepare(inv, &v, vspace_data);
	if (err == seL4_NoError && !arch_is_vspace_root(v.cap))
		err = seL4_IllegalOperation;
	if (err != seL4_NoError)
		return err;
	core_stall(t);
	install(t, &c);
	install(t, &v);
	sched_wake(t);
	return seL4_NoError;
}

/* [cspace_data, vspace_data, buffer], caps{cspace, vspace, buffer frame} */
static u64 configure(struct invocation *inv)
{
	struct install b = { .where = TCB_BUFFER, .src = inv->extra[2] };
	u64 err = prepare_buffer(inv, &b, arg(inv, 2));

	if (err != seL4_NoError)
		return err;
	err = set_spaces(inv, inv->extra[0], arg(inv, 0), inv->extra[1], arg(inv, 1));
	return err != seL4_NoError ? err : set_buffer(inv, inv->extra[2], arg(inv, 2));
}

/* [cspace_data, vspace_data], caps{fault_ep, cspace, vspace} */
static u64 set_space(struct invocation *inv)
{
	struct install f = { .where = TCB_FAULT, .src = inv->extra[0] };
	u64 err = prepare_handler(inv, &f, 1);

	if (err == seL4_NoError)
		err = set_spaces(inv, inv->extra[1], arg(inv, 0), inv->extra[2], arg(inv, 1));
	if (err == seL4_NoError)
		install(target(inv), &f);
	return err;
}

static u64 set_timeout_endpoint(struct invocation *inv)
{
	struct install f = { .where = TCB_TIMEOUT, .src = inv->extra[0] };
	u64 err = prepare_handler(inv, &f, 1);

	if (err == seL4_NoError)
		install(target(inv), &f);
	return err;
}

/* ---- scheduling ---- */

static u64 authority(struct invocation *inv, u64 prio)
{
	struct cap cap = inv->extra[0]->cap;
	u64 most;

	if (cap_type(cap) != CAP_TCB)
		return fail_capability(inv, 1);
	most = ((struct tcb *)cap_object(cap))->mcp;
	return prio > most ? fail_range(inv, seL4_MinPrio, most) : seL4_NoError;
}

/* SetPriority and SetMCPriority [prio], caps{authority} */
static u64 set_priority(struct invocation *inv)
{
	u64 prio = arg(inv, 0), err = authority(inv, prio);

	if (err != seL4_NoError)
		return err;
	if (inv->label == TCBSetMCPriority)
		target(inv)->mcp = (u8)prio;
	else
		tcb_set_priority(target(inv), (u8)prio);
	return seL4_NoError;
}

/* May the capability be bound as the thread's scheduling context (null: none)? */
static u64 check_sc(struct invocation *inv, struct cap cap)
{
	struct tcb *t = target(inv);
	struct sched_context *sc;

	if (cap_type(cap) == CAP_NULL)
		return t == inv->caller ? seL4_IllegalOperation : seL4_NoError;
	if (cap_type(cap) != CAP_SC)
		return fail_capability(inv, 2);
	sc = cap_object(cap);
	if (t->sc == sc)
		return seL4_NoError;
	if (t->sc != NULL || sc->tcb != NULL)
		return seL4_IllegalOperation;
	if (tcb_blocked(t) && sc->budget != 0 && sc_exhausted(sc))
		return seL4_IllegalOperation;
	return seL4_NoError;
}

/* [mcp, prio], caps{authority, sc, fault_ep} */
static u64 set_sched_params(struct invocation *inv)
{
	struct install f = { .where = TCB_FAULT, .src = inv->extra[2] };
	u64 mcp = arg(inv, 0), prio = arg(inv, 1), err = authority(inv, mcp);
	struct cap sc = inv->extra[1]->cap;
	struct tcb *t = target(inv);

	if (err == seL4_NoError)
		err = authority(inv, prio);
	if (err == seL4_NoError)
		err = check_sc(inv, sc);
	if (err == seL4_NoError)
		err = prepare_handler(inv, &f, 3);
	if (err != seL4_NoError)
		return err;
	install(t, &f);
	t->mcp = (u8)mcp;
	tcb_set_priority(t, (u8)prio);
	if (cap_type(sc) != CAP_SC) {
		if (t->sc != NULL)
			sc_unbind_tcb(t->sc);
	} else if (t->sc == NULL) {
		sc_bind_tcb(cap_object(sc), t);
	}
	return seL4_NoError;
}

static u64 bind_notification(struct invocation *inv)
{
	struct cap cap = inv->extra[0]->cap;
	struct notification *n = cap_object(cap);

	if (target(inv)->bound != NULL || cap_type(cap) != CAP_NOTIFICATION ||
	    !(cap_rights(cap) & RIGHT_READ))
		return seL4_IllegalOperation;
	if (n->bound_tcb != NULL || n->waiting.head != NULL)
		return seL4_IllegalOperation;
	notification_bind(n, target(inv));
	return seL4_NoError;
}

/* [clear, set] -> flags */
static u64 set_flags(struct invocation *inv)
{
	struct tcb *t = target(inv);

	core_stall(t);
	t->flags = (u8)((t->flags & ~arg(inv, 0)) | (arg(inv, 1) & seL4_TCBFlag_MASK));
	arch_thread_flags_changed(t);
	sched_wake(t);
	result(inv, 0, t->flags);
	return seL4_NoError;
}

static u64 set_ipc_buffer(struct invocation *inv)
{
	return set_buffer(inv, inv->extra[0], arg(inv, 0));
}

static u64 suspend(struct invocation *inv)
{
	tcb_suspend(target(inv));
	return seL4_NoError;
}

static u64 resume(struct invocation *inv)
{
	tcb_restart(target(inv));
	return seL4_NoError;
}

static u64 unbind_notification(struct invocation *inv)
{
	if (target(inv)->bound == NULL)
		return seL4_IllegalOperation;
	notification_unbind(target(inv));
	return seL4_NoError;
}

static u64 set_tls_base(struct invocation *inv)
{
	struct tcb *t = target(inv);

	core_stall(t);
	arch_set_tls_base(t, arg(inv, 0));
	sched_wake(t);
	return seL4_NoError;
}

enum { FIRST = TCBReadRegisters };

static const struct method rows[] = {
	[TCBReadRegisters - FIRST] = { .act = read_registers, .words = 2, .quiet = true },
	[TCBWriteRegisters - FIRST] = { .act = write_registers, .words = 2, .quiet = true },
	[TCBCopyRegisters - FIRST] = { .act = copy_registers, .words = 1, .caps = 1 },
	[TCBConfigure - FIRST] = { .act = configure, .words = 3, .caps = 3 },
	[TCBSetPriority - FIRST] = { .act = set_priority, .words = 1, .caps = 1 },
	[TCBSetMCPriority - FIRST] = { .act = set_priority, .words = 1, .caps = 1 },
	[TCBSetSchedParams - FIRST] = { .act = set_sched_params, .words = 2, .caps = 3 },
	[TCBSetTimeoutEndpoint - FIRST] = { .act = set_timeout_endpoint, .caps = 1 },
	[TCBSetIPCBuffer - FIRST] = { .act = set_ipc_buffer, .words = 1, .caps = 1 },
	[TCBSetSpace - FIRST] = { .act = set_space, .words = 2, .caps = 3 },
	[TCBSuspend - FIRST] = { .act = suspend },
	[TCBResume - FIRST] = { .act = resume },
	[TCBBindNotification - FIRST] = { .act = bind_notification, .caps = 1 },
	[TCBUnbindNotification - FIRST] = { .act = unbind_notification },
	[TCBSetTLSBase - FIRST] = { .act = set_tls_base, .words = 1 },
	[TCBSetFlags - FIRST] = { .act = set_flags, .words = 2 },
};
const struct methods tcb_methods = METHODS(FIRST, rows);

/* One domain, always 0. DomainSet_Set [domain], caps{tcb} */
static u64 set_domain(struct invocation *inv)
{
	if (arg(inv, 0) != 0)
		return fail_argument(inv, 0);
	if (cap_type(inv->extra[0]->cap) != CAP_TCB)
		return fail_argument(inv, 1);
	return seL4_NoError;
}

static const struct method domain_rows[] = { { .act = set_domain, .words = 1, .caps = 1 } };
const struct methods domain_methods = METHODS(DomainSetSet, domain_rows);
