// SPDX-License-Identifier: BSD-2-Clause
/*
 * The invocations. One table says what each label acts on and what its message must hold, as the
 * kernel checks it before anything else; the functions check the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/kernel/kernel.h"
#include "vmm/base/util.h"

/* A call being carried out: the invoked capability, those in the message, its words. */
struct call {
	struct fk *k;
	struct fk_cap *self, *extra[3];
	seL4_Word mr[40];
	seL4_Word answer;
};

static bool has_right(const struct fk_cap *cap, seL4_CapRights_t right)
{
	return (cap->rights & right.words[0]) != 0;
}

static bool is(const struct fk_cap *cap, uint32_t kind)
{
	return cap != NULL && cap->object != NULL && cap->object->kind == kind;
}

/* ---- untyped memory ---- */

static uint8_t object_bits(seL4_Word type, seL4_Word size_bits)
{
	static const uint8_t bits[seL4_ObjectTypeCount] = {
		[seL4_TCBObject] = seL4_TCBBits,
		[seL4_EndpointObject] = seL4_EndpointBits,
		[seL4_NotificationObject] = seL4_NotificationBits,
		[seL4_ReplyObject] = seL4_ReplyBits,
		[seL4_ARM_HugePageObject] = seL4_HugePageBits,
		[seL4_ARM_VSpaceObject] = seL4_VSpaceBits,
		[seL4_ARM_SmallPageObject] = seL4_PageBits,
		[seL4_ARM_LargePageObject] = seL4_LargePageBits,
		[seL4_ARM_PageTableObject] = seL4_PageTableBits,
		[seL4_ARM_VCPUObject] = seL4_ARM_VCPUBits,
	};

	if (type == seL4_UntypedObject || type == seL4_SchedContextObject)
		return (uint8_t)size_bits;
	return type == seL4_CapTableObject ? (uint8_t)(size_bits + seL4_SlotBits) : bits[type];
}

static seL4_Error check_retype(const struct call *c, const struct fk_cap *root)
{
	seL4_Word type = c->mr[0], size_bits = c->mr[1];

	if (type >= seL4_ObjectTypeCount)
		return seL4_InvalidArgument;
	if ((type == seL4_UntypedObject && size_bits < seL4_MinUntypedBits) ||
	    (type == seL4_SchedContextObject && size_bits < seL4_MinSchedContextBits) ||
	    (type == seL4_CapTableObject && size_bits == 0))
		return seL4_InvalidArgument;
	if (!is(root, seL4_CapTableObject))
		return seL4_FailedLookup;
	if (c->mr[5] == 0 || c->mr[5] > seL4_UntypedRetypeMaxObjects ||
	    c->mr[4] + c->mr[5] > UINT64_C(1) << root->object->radix)
		return seL4_RangeError;
	for (uint64_t i = 0; i < c->mr[5]; i++) {
		if (root->object->slots[c->mr[4] + i].object != NULL)
			return seL4_DeleteFirst;
	}
	if (c->self->object->device && type != seL4_UntypedObject &&
	    type != seL4_ARM_SmallPageObject && type != seL4_ARM_LargePageObject)
		return seL4_InvalidArgument;
	return seL4_NoError;
}

static seL4_Error untyped_retype(struct call *c)
{
	struct fk_object *untyped = c->self->object;
	struct fk_cap *root =
		c->mr[3] == 0 ? c->extra[0] : fk_slot(c->extra[0], c->mr[2], (unsigned)c->mr[3]);
	seL4_Error error = check_retype(c, root);
	uint8_t bits;
	uint64_t at;

	if (error != seL4_NoError)
		return error;
	bits = object_bits(c->mr[0], c->mr[1]);
	at = align_up(untyped->used, UINT64_C(1) << bits);
	if (at + (c->mr[5] << bits) > UINT64_C(1) << untyped->bits)
		return seL4_NotEnoughMemory;
	for (uint64_t i = 0; i < c->mr[5]; i++, at += UINT64_C(1) << bits) {
		struct fk_object *o =
			fk_object(c->k, (uint32_t)c->mr[0], bits, untyped->paddr + at);
		struct fk_cap cap = fk_cap_new(o);

		o->device = untyped->device;
		if (o->kind == seL4_CapTableObject) {
			o->radix = (uint8_t)c->mr[1];
			o->slots = calloc(UINT64_C(1) << o->radix, sizeof(*o->slots));
			if (o->slots == NULL)
				abort();
		}
		fk_cap_put(&root->object->slots[c->mr[4] + i], &cap);
	}
	untyped->used = at;
	return seL4_NoError;
}

/* ---- CNodes ---- */

/* With a badge, a guard; false if this capability takes none. */
static bool cap_update(struct fk_cap *cap, uint64_t data)
{
	switch (cap->object->kind) {
	case seL4_EndpointObject:
	case seL4_NotificationObject:
		if (cap->badge != 0)
			return false;
		cap->badge = data;
		return true;
	case seL4_CapTableObject:
		cap->guard_bits = data & 0x3f;
		cap->guard = data >> 6;
		return cap->guard_bits + cap->object->radix <= 64;
	default:
		return true;
	}
}

static seL4_Error cnode_insert(struct call *c, bool mint)
{
	struct fk_cap *to = fk_slot(c->self, c->mr[0], (unsigned)c->mr[1] & 0xff);
	struct fk_cap *from, cap;

	if (to == NULL)
		return seL4_FailedLookup;
	if (to->object != NULL)
		return seL4_DeleteFirst;
	if (!is(c->extra[0], seL4_CapTableObject))
		return seL4_FailedLookup;
	from = fk_slot(c->extra[0], c->mr[2], (unsigned)c->mr[3] & 0xff);
	if (from == NULL || from->object == NULL)
		return seL4_FailedLookup;
	cap = *from;
	cap.rights &= c->mr[4];
	if (mint && !cap_update(&cap, c->mr[5]))
		return seL4_IllegalOperation;
	if (!fk_cap_derive(&cap, &cap))
		return seL4_IllegalOperation;
	fk_cap_put(to, &cap);
	return seL4_NoError;
}

static seL4_Error cnode_copy(struct call *c)
{
	return cnode_insert(c, false);
}

static seL4_Error cnode_mint(struct call *c)
{
	return cnode_insert(c, true);
}

static seL4_Error cnode_move(struct call *c)
{
	struct fk_cap *to = fk_slot(c->self, c->mr[0], (unsigned)c->mr[1] & 0xff);
	struct fk_cap *from = fk_slot(c->extra[0], c->mr[2], (unsigned)c->mr[3] & 0xff);

	if (to == NULL || from == NULL || from->object == NULL)
		return seL4_FailedLookup;
	if (to->object != NULL)
		return seL4_DeleteFirst;
	*to = *from;
	memset(from, 0, sizeof(*from));
	return seL4_NoError;
}

static seL4_Error cnode_delete(struct call *c)
{
	struct fk_cap *slot = fk_slot(c->self, c->mr[0], (unsigned)c->mr[1] & 0xff);

	if (slot == NULL)
		return seL4_FailedLookup;
	fk_cap_delete(c->k, slot);
	return seL4_NoError;
}

/* ---- threads ---- */

/* The fault endpoint of a thread: nothing, or one that the kernel may call on its behalf. */
static bool is_handler(const struct fk_cap *cap)
{
	if (cap == NULL)
		return true;
	return is(cap, seL4_EndpointObject) && has_right(cap, seL4_CanWrite) &&
	       (has_right(cap, seL4_CanGrant) || has_right(cap, seL4_CanGrantReply));
}

/* Replaces what a thread holds. `cap` NULL: nothing. */
static void hold(struct fk *k, struct fk_cap *slot, const struct fk_cap *cap)
{
	fk_cap_delete(k, slot);
	if (cap != NULL) {
		struct fk_cap copy = *cap;

		copy.space = NULL;
		fk_cap_put(slot, &copy);
	}
}

static seL4_Error set_spaces(struct call *c, const struct fk_cap *cnode, uint64_t data,
			     const struct fk_cap *vspace)
{
	struct fk_object *tcb = c->self->object;
	struct fk_cap root;

	if (!is(cnode, seL4_CapTableObject))
		return seL4_IllegalOperation;
	root = *cnode;
	if (data != 0 && !cap_update(&root, data))
		return seL4_IllegalOperation;
	if (!is(vspace, seL4_ARM_VSpaceObject) || !vspace->object->asid)
		return seL4_IllegalOperation;
	hold(c->k, &tcb->cspace, &root);
	hold(c->k, &tcb->vspace, vspace);
	return seL4_NoError;
}

static seL4_Error tcb_configure(struct call *c)
{
	struct fk_object *tcb = c->self->object;
	seL4_Error error;

	if (c->mr[2] != 0 &&
	    (!is(c->extra[2], seL4_ARM_SmallPageObject) || c->extra[2]->object->device))
		return seL4_IllegalOperation;
	if (c->mr[2] % (1 << seL4_IPCBufferSizeBits) != 0)
		return seL4_AlignmentError;
	error = set_spaces(c, c->extra[0], c->mr[0], c->extra[1]);
	if (error != seL4_NoError)
		return error;
	tcb->buffer = c->mr[2];
	hold(c->k, &tcb->buffer_frame, c->mr[2] != 0 ? c->extra[2] : NULL);
	return seL4_NoError;
}

static seL4_Error tcb_set_space(struct call *c)
{
	seL4_Error error;

	if (!is_handler(c->extra[0]))
		return seL4_InvalidCapability;
	error = set_spaces(c, c->extra[1], c->mr[0], c->extra[2]);
	if (error == seL4_NoError)
		hold(c->k, &c->self->object->fault, c->extra[0]);
	return error;
}

static seL4_Error tcb_set_priority(struct call *c)
{
	if (!is(c->extra[0], seL4_TCBObject))
		return seL4_InvalidCapability;
	if (c->mr[0] > c->extra[0]->object->mcp)
		return seL4_RangeError;
	c->self->object->priority = c->mr[0];
	return seL4_NoError;
}

static seL4_Error tcb_set_sched_params(struct call *c)
{
	struct fk_object *tcb = c->self->object, *sc = NULL;

	if (!is(c->extra[0], seL4_TCBObject))
		return seL4_InvalidCapability;
	if (c->mr[0] > c->extra[0]->object->mcp || c->mr[1] > c->extra[0]->object->mcp)
		return seL4_RangeError;
	if (c->extra[1] != NULL) {
		if (!is(c->extra[1], seL4_SchedContextObject))
			return seL4_InvalidCapability;
		sc = c->extra[1]->object;
		if (sc->thread != NULL || sc->notification != NULL || tcb->sc != NULL)
			return seL4_IllegalOperation;
	}
	if (!is_handler(c->extra[2]))
		return seL4_InvalidCapability;
	tcb->mcp = c->mr[0];
	tcb->priority = c->mr[1];
	tcb->sc = sc;
	if (sc != NULL)
		sc->thread = tcb;
	hold(c->k, &tcb->fault, c->extra[2]);
	return seL4_NoError;
}

static seL4_Error tcb_set_flags(struct call *c)
{
	struct fk_object *tcb = c->self->object;

	tcb->flags = (tcb->flags & ~c->mr[0]) | (c->mr[1] & seL4_TCBFlag_MASK);
	c->answer = tcb->flags;
	return seL4_NoError;
}

static seL4_Error tcb_write_registers(struct call *c)
{
	if (c->mr[1] > sizeof(seL4_UserContext) / sizeof(seL4_Word) ||
	    c->self->object == c->k->root_thread)
		return seL4_IllegalOperation;
	memcpy(&c->self->object->regs, &c->mr[2], c->mr[1] * sizeof(seL4_Word));
	return seL4_NoError;
}

static seL4_Error tcb_bind_notification(struct call *c)
{
	struct fk_object *tcb = c->self->object, *n;

	if (!is(c->extra[0], seL4_NotificationObject) || !has_right(c->extra[0], seL4_CanRead))
		return seL4_InvalidCapability;
	n = c->extra[0]->object;
	if (tcb->notification != NULL || n->thread != NULL)
		return seL4_IllegalOperation;
	tcb->notification = n;
	n->thread = tcb;
	return seL4_NoError;
}

static seL4_Error tcb_resume(struct call *c)
{
	c->self->object->running = true;
	return seL4_NoError;
}

static seL4_Error tcb_suspend(struct call *c)
{
	c->self->object->running = false;
	if (c->self->object == c->k->root_thread)
		c->k->hooks.stopped(c->k->hooks.ctx, false);
	return seL4_NoError;
}

/* ---- scheduling contexts ---- */

static seL4_Error sched_control_configure(struct call *c)
{
	struct fk_object *sc;

	if (!is(c->extra[0], seL4_SchedContextObject))
		return seL4_InvalidCapability;
	sc = c->extra[0]->object;
	if (c->mr[0] == 0 || c->mr[0] > c->mr[1] || c->mr[2] > seL4_MaxExtraRefills(sc->bits))
		return seL4_RangeError;
	sc->number = c->self->object->number;
	sc->budget = c->mr[0];
	sc->period = c->mr[1];
	sc->extra_refills = c->mr[2];
	sc->sc_badge = c->mr[3];
	sc->configured = true;
	return seL4_NoError;
}

static seL4_Error sc_bind(struct call *c)
{
	struct fk_object *sc = c->self->object, *o = c->extra[0]->object;

	struct fk_object **bound = o->kind == seL4_TCBObject            ? &sc->thread
				   : o->kind == seL4_NotificationObject ? &sc->notification
									: NULL;

	if (bound == NULL)
		return seL4_InvalidCapability;
	if (*bound != NULL || o->sc != NULL)
		return seL4_IllegalOperation;
	*bound = o;
	o->sc = sc;
	return seL4_NoError;
}

static seL4_Error sc_unbind(struct call *c)
{
	struct fk_object *sc = c->self->object;

	if (sc->thread != NULL)
		sc->thread->sc = NULL;
	if (sc->notification != NULL)
		sc->notification->sc = NULL;
	sc->thread = NULL;
	sc->notification = NULL;
	return seL4_NoError;
}

/* ---- interrupts, memory, the machine ---- */

static seL4_Error irq_control_get(struct call *c)
{
	struct fk_cap *to = fk_slot(c->extra[0], c->mr[2], (unsigned)c->mr[3] & 0xff), cap;

	if (to == NULL)
		return seL4_FailedLookup;
	if (to->object != NULL)
		return seL4_DeleteFirst;
	for (uint32_t i = 0; i < c->k->object_count; i++) {
		const struct fk_object *o = c->k->objects[i];

		if (o->kind == FK_IRQ_HANDLER && !o->dead && o->number == c->mr[0])
			return seL4_RevokeFirst;
	}
	cap = fk_cap_new(fk_object(c->k, FK_IRQ_HANDLER, 0, 0));
	cap.object->number = (uint32_t)c->mr[0];
	fk_cap_put(to, &cap);
	return seL4_NoError;
}

static seL4_Error irq_handler_set(struct call *c)
{
	if (!is(c->extra[0], seL4_NotificationObject) || !has_right(c->extra[0], seL4_CanWrite))
		return seL4_InvalidCapability;
	c->self->object->notification = c->extra[0]->object;
	return seL4_NoError;
}

static seL4_Error asid_assign(struct call *c)
{
	if (!is(c->extra[0], seL4_ARM_VSpaceObject) || c->extra[0]->object->asid)
		return seL4_InvalidCapability;
	c->extra[0]->object->asid = true;
	return seL4_NoError;
}

static seL4_Error table_map(struct call *c)
{
	if (!is(c->extra[0], seL4_ARM_VSpaceObject))
		return seL4_InvalidCapability;
	return fk_map_table(c->k, c->self, c->extra[0]->object, c->mr[0]);
}

static seL4_Error page_map(struct call *c)
{
	if (!is(c->extra[0], seL4_ARM_VSpaceObject))
		return seL4_InvalidCapability;
	return fk_map_frame(c->k, c->self, c->extra[0]->object, c->mr[0], c->mr[1],
			    (unsigned)c->mr[2]);
}

static seL4_Error page_unmap(struct call *c)
{
	fk_unmap(c->k, c->self);
	return seL4_NoError;
}

static seL4_Error page_cache(struct call *c)
{
	if (c->self->space == NULL)
		return seL4_IllegalOperation;
	return c->mr[0] < c->mr[1] && c->mr[1] <= UINT64_C(1) << c->self->object->bits
		       ? seL4_NoError
		       : seL4_InvalidArgument;
}

static seL4_Error page_address(struct call *c)
{
	c->answer = c->self->object->paddr;
	return seL4_NoError;
}

static seL4_Error vcpu_set_tcb(struct call *c)
{
	struct fk_object *tcb = c->extra[0]->object;

	if (tcb->kind != seL4_TCBObject)
		return seL4_IllegalOperation;
	if (tcb->vcpu != NULL)
		tcb->vcpu->thread = NULL;
	tcb->vcpu = c->self->object;
	c->self->object->thread = tcb;
	return seL4_NoError;
}

static seL4_Error smc_call(struct call *c)
{
	c->k->hooks.stopped(c->k->hooks.ctx, true);
	return seL4_NoError;
}

static const struct {
	seL4_Word label;
	uint32_t kind;
	uint8_t words, extra; /* that the message must have at least */
	uint8_t optional;     /* bit i: capability i may be null */
	seL4_Error (*run)(struct call *c);
} calls[] = {
	{ UntypedRetype, seL4_UntypedObject, 6, 1, 0, untyped_retype },
	{ CNodeCopy, seL4_CapTableObject, 5, 1, 0, cnode_copy },
	{ CNodeMint, seL4_CapTableObject, 6, 1, 0, cnode_mint },
	{ CNodeMove, seL4_CapTableObject, 4, 1, 0, cnode_move },
	{ CNodeDelete, seL4_CapTableObject, 2, 0, 0, cnode_delete },
	{ TCBConfigure, seL4_TCBObject, 3, 3, 4, tcb_configure },
	{ TCBSetSpace, seL4_TCBObject, 2, 3, 1, tcb_set_space },
	{ TCBSetPriority, seL4_TCBObject, 1, 1, 0, tcb_set_priority },
	{ TCBSetSchedParams, seL4_TCBObject, 2, 3, 6, tcb_set_sched_params },
	{ TCBSetFlags, seL4_TCBObject, 2, 0, 0, tcb_set_flags },
	{ TCBWriteRegisters, seL4_TCBObject, 2, 0, 0, tcb_write_registers },
	{ TCBBindNotification, seL4_TCBObject, 0, 1, 0, tcb_bind_notification },
	{ TCBResume, seL4_TCBObject, 0, 0, 0, tcb_resume },
	{ TCBSuspend, seL4_TCBObject, 0, 0, 0, tcb_suspend },
	{ SchedControlConfigureFlags, FK_SCHED_CONTROL, 5, 1, 0, sched_control_configure },
	{ SchedContextBind, seL4_SchedContextObject, 0, 1, 0, sc_bind },
	{ SchedContextUnbind, seL4_SchedContextObject, 0, 0, 0, sc_unbind },
	{ ARMIRQIssueIRQHandlerTrigger, FK_IRQ_CONTROL, 4, 1, 0, irq_control_get },
	{ IRQSetIRQHandler, FK_IRQ_HANDLER, 0, 1, 0, irq_handler_set },
	{ ARMASIDPoolAssign, FK_ASID_POOL, 0, 1, 0, asid_assign },
	{ ARMPageTableMap, seL4_ARM_PageTableObject, 2, 1, 0, table_map },
	{ ARMPageMap, seL4_ARM_SmallPageObject, 3, 1, 0, page_map },
	{ ARMPageMap, seL4_ARM_LargePageObject, 3, 1, 0, page_map },
	{ ARMPageUnmap, seL4_ARM_SmallPageObject, 0, 0, 0, page_unmap },
	{ ARMPageUnmap, seL4_ARM_LargePageObject, 0, 0, 0, page_unmap },
	{ ARMPageClean_Data, seL4_ARM_LargePageObject, 2, 0, 0, page_cache },
	{ ARMPageUnify_Instruction, seL4_ARM_SmallPageObject, 2, 0, 0, page_cache },
	{ ARMPageGetAddress, seL4_ARM_SmallPageObject, 0, 0, 0, page_address },
	{ ARMVCPUSetTCB, seL4_ARM_VCPUObject, 0, 1, 0, vcpu_set_tcb },
	{ ARMSMCCall, FK_SMC, 8, 0, 0, smc_call },
};

static seL4_Error dispatch(struct call *c, seL4_MessageInfo_t info)
{
	seL4_Word label = seL4_MessageInfo_get_label(info);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].label != label || calls[i].kind != c->self->object->kind)
			continue;
		if (seL4_MessageInfo_get_length(info) < calls[i].words ||
		    seL4_MessageInfo_get_extraCaps(info) < calls[i].extra)
			return seL4_TruncatedMessage;
		for (unsigned n = 0; n < calls[i].extra; n++) {
			if (c->extra[n] == NULL && (calls[i].optional & 1u << n) == 0)
				return seL4_InvalidCapability;
		}
		return calls[i].run(c);
	}
	fprintf(stderr, "kernel: label %llu on an object of kind %u is not known here\n",
		(unsigned long long)label, c->self->object->kind);
	abort();
}

static seL4_Error invoke(struct fk *k, struct sel4_regs *r)
{
	struct call c = { .k = k, .self = fk_cap(k, r->cap) };
	seL4_Word length = seL4_MessageInfo_get_length(r->info);
	seL4_Error error = seL4_NoError;

	k->calls++;
	if (k->hooks.before != NULL)
		error = k->hooks.before(k->hooks.ctx, k->calls,
					seL4_MessageInfo_get_label(r->info));
	if (error != seL4_NoError)
		return error;
	if (c.self == NULL)
		return seL4_InvalidCapability;
	for (seL4_Word i = 0; i < length && i < ARRAY_SIZE(c.mr); i++)
		c.mr[i] = i < 4 ? r->mr[i] : k->buffer.msg[i];
	for (seL4_Word i = 0; i < seL4_MessageInfo_get_extraCaps(r->info); i++) {
		seL4_CPtr cptr = k->buffer.caps_or_badges[i];

		c.extra[i] = cptr == seL4_CapNull ? NULL : fk_cap(k, cptr);
	}
	error = dispatch(&c, r->info);
	r->mr[0] = c.answer;
	return error;
}

/* ---- the system calls ---- */

/* The kernel of the test that is running; there is one at a time, as there is one CPU. */
static struct fk *kernel;

void fk_current(struct fk *k)
{
	kernel = k;
}

void sel4_trap_call(seL4_Word number, struct sel4_regs *r)
{
	seL4_Error error;

	if (number == (seL4_Word)seL4_SysDebugPutChar) {
		kernel->hooks.put(kernel->hooks.ctx, (char)r->cap);
		return;
	}
	error = invoke(kernel, r);
	r->info = seL4_MessageInfo_new((seL4_Word)error, 0, 0, error == seL4_NoError ? 1 : 0);
}

void sel4_trap_recv(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply)
{
	const struct fk_cap *from = fk_cap(kernel, r->cap);

	if (!is(from, seL4_EndpointObject) || !has_right(from, seL4_CanRead) ||
	    (number == (seL4_Word)seL4_SysRecv && !is(fk_cap(kernel, reply), seL4_ReplyObject)))
		abort();
	r->info = kernel->hooks.receive(kernel->hooks.ctx, &r->cap);
	memcpy(r->mr, kernel->buffer.msg, sizeof(r->mr));
}

void sel4_trap_signal(seL4_Word number, seL4_CPtr dest)
{
	const struct fk_cap *to = fk_cap(kernel, dest);

	(void)number;
	if (!is(to, seL4_NotificationObject) || !has_right(to, seL4_CanWrite))
		abort();
	to->object->signals |= to->badge;
}

void sel4_trap_yield(seL4_Word number)
{
	(void)number;
}

void sel4_trap_send(seL4_Word number, const struct sel4_regs *r)
{
	(void)number;
	(void)r;
	abort();
}

void sel4_trap_both(seL4_Word number, struct sel4_regs *r, seL4_CPtr reply, seL4_CPtr dest)
{
	(void)number;
	(void)r;
	(void)reply;
	(void)dest;
	abort();
}
