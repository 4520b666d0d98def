/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h over seL4 (MCS, hypervisor): messages to plain words and back, with as few and as cheap
 * kernel entries as each exit allows.
 *
 * What is known about the kernel and used here:
 *   - Operations without an answer are sent, not called: the kernel skips the reply message.
 *   - A call of more than four words is not tried by the kernel's IPC fast path, which could not
 *     take an invocation anyway; so ReadRegisters is called with five.
 *   - Likewise a guest is answered by NBSendRecv on the reply object, not by ReplyRecv; but for a
 *     passive handler's answer to a VM fault, which the exception fast path takes
 *     (KernelExceptionFastpath).
 *   - InjectIRQ can be the first half of a NBSendRecv, an invocation of a TCB cannot. So an interrupt
 *     is kept until the wait, and costs little more than the wait alone where nothing is answered.
 *   - WriteRegisters can restart a guest that stands at an exit, which ends the exit as an answer
 *     does; then the wait's first half is free for an interrupt as well. Not for a passive handler,
 *     whose time comes back to the guest with the answer alone.
 *   - While the guest stands at an exit, receiving with its reply object again would cancel that
 *     exit: then only Wait may be used.
 * The order of registers in ReadRegisters and WriteRegisters is that of seL4_UserContext.
 */
#include <sel4/sel4.h>

#include <vmm/config.h>
#include <vmm/timer.h>

#include "vmm/base/util.h"
#include "vmm/port/port.h"

enum {
	SLOT_PC,
	SLOT_SP,
	SLOT_SPSR,
	SLOT_X0,
	SLOT_COUNT = 36,
	SLOT_LOW = SLOT_X0 + 4, /* pc, sp, spsr, x0 to x3 */
	SLOT_TLS = 34,
	CALL_LENGTH = 5,
	WRITE_HEADER = 2,  /* flags, count */
	RETURN_LENGTH = 9, /* x0 to x7, pc: what an UnknownSyscall reply may change and we do */
	INSN_LENGTH = 4,
	VTIMER_PPI = 27,
	CACHE_LINE = 64,
};

/* seL4_UserContext: pc sp spsr x0-x8 x16 x17 x18 x29 x30 x9-x15 x19-x28 tpidr_el0 tpidrro_el0. */
static const uint8_t slot_of_gpr[PORT_GPRS] = {
	3,  4,  5,  6,  7,  8,  9,  10, 11,     /* x0 to x8 */
	17, 18, 19, 20, 21, 22, 23,             /* x9 to x15 */
	12, 13, 14,                             /* x16 to x18 */
	24, 25, 26, 27, 28, 29, 30, 31, 32, 33, /* x19 to x28 */
	15, 16,                                 /* x29, x30 */
};

_Static_assert(sizeof(seL4_UserContext) == SLOT_COUNT * sizeof(seL4_Word), "order known here");

static inline unsigned slot_of(unsigned reg)
{
	unsigned slot = slot_of_gpr[reg];

	/* So that the compiler knows which words of a message of `slot` registers exist. */
	if (slot < SLOT_X0 || slot >= SLOT_TLS)
		__builtin_unreachable();
	return slot;
}

/*
 * Into the callers in other files, by link-time optimisation: most of a call's work is known there.
 * Only gcc's objects carry what that needs (vmm/meson.build).
 */
#if defined(__clang__)
#define INLINE_ACROSS
#else
#define INLINE_ACROSS extern inline __attribute__((always_inline))
#endif

void port_attach(struct port_vcpu *vcpu)
{
	vcpu->buffer = seL4_GetIPCBuffer();
}

/* The words of a message behind the fourth, in the handler's IPC buffer. */
static inline seL4_Word get_word(const struct port_vcpu *vcpu, unsigned i)
{
	return ((const seL4_IPCBuffer *)vcpu->buffer)->msg[i];
}

static inline void set_word(const struct port_vcpu *vcpu, unsigned i, seL4_Word word)
{
	((seL4_IPCBuffer *)vcpu->buffer)->msg[i] = word;
}

static enum vmm_err to_err(seL4_Word label)
{
	return label == seL4_NoError ? VMM_OK : VMM_ERR_KERNEL;
}

/* The first `count` slots: four in `mr`, the others where the kernel left them, in the IPC buffer. */
static inline enum vmm_err read_slots(const struct port_vcpu *vcpu, unsigned count, seL4_Word mr[4])
{
	seL4_MessageInfo_t info = seL4_MessageInfo_new(TCBReadRegisters, 0, 0, CALL_LENGTH);

	mr[0] = 0; /* do not suspend */
	mr[1] = count;
	mr[2] = sel4_any();
	mr[3] = sel4_any();
	info = seL4_CallWithMRs(vcpu->thread, info, &mr[0], &mr[1], &mr[2], &mr[3]);
	return to_err(seL4_MessageInfo_get_label(info));
}

/* Slots 2 and up are in the IPC buffer, WRITE_HEADER words further on than read_slots() left them. */
static inline void write_slots(const struct port_vcpu *vcpu, bool restart, unsigned count,
			       seL4_Word pc, seL4_Word sp)
{
	seL4_Word flags = restart, n = count;

	seL4_SendWithMRs(vcpu->thread,
			 seL4_MessageInfo_new(TCBWriteRegisters, 0, 0, count + WRITE_HEADER),
			 &flags, &n, &pc, &sp);
}

/* Of a general register. x0 is the last one that does not travel in the IPC buffer: it joins them. */
static inline seL4_Word slot_value(const struct port_vcpu *vcpu, unsigned slot,
				   const seL4_Word mr[4])
{
	set_word(vcpu, SLOT_X0, mr[SLOT_X0]);
	return get_word(vcpu, slot);
}

INLINE_ACROSS enum vmm_err port_gpr_read(const struct port_vcpu *vcpu, unsigned reg,
					 uint64_t *value, uint64_t *pc)
{
	unsigned slot = slot_of(reg);
	seL4_Word mr[4];
	enum vmm_err err = read_slots(vcpu, slot + 1, mr);

	if (err != VMM_OK)
		return err;
	*value = slot_value(vcpu, slot, mr);
	*pc = mr[SLOT_PC];
	return VMM_OK;
}

INLINE_ACROSS enum vmm_err port_gpr_load(const struct port_vcpu *vcpu, unsigned reg, uint64_t value,
					 uint64_t pc)
{
	unsigned slot = slot_of(reg);
	seL4_Word mr[4];
	enum vmm_err err = read_slots(vcpu, slot + 1, mr);

	if (err != VMM_OK)
		return err;
	for (unsigned i = slot; i-- > 4;)
		set_word(vcpu, i + WRITE_HEADER, get_word(vcpu, i));
	set_word(vcpu, SLOT_X0 + WRITE_HEADER, mr[SLOT_X0]);
	set_word(vcpu, SLOT_SPSR + WRITE_HEADER, mr[SLOT_SPSR]);
	set_word(vcpu, slot + WRITE_HEADER, value);
	write_slots(vcpu, false, slot + 1, pc, mr[SLOT_SP]);
	return VMM_OK;
}

void port_pc_write(const struct port_vcpu *vcpu, uint64_t pc)
{
	write_slots(vcpu, false, 1, pc, 0);
}

INLINE_ACROSS enum vmm_err port_frame_read(const struct port_vcpu *vcpu, enum port_frame_part part,
					   struct port_frame *frame)
{
	static const uint8_t counts[] = { [PORT_FRAME_HEAD] = SLOT_X0 + 1,
					  [PORT_FRAME_LOW] = SLOT_LOW,
					  [PORT_FRAME_ALL] = SLOT_COUNT };
	seL4_Word mr[4];
	enum vmm_err err = read_slots(vcpu, counts[part], mr);

	if (err != VMM_OK)
		return err;
	frame->pc = mr[SLOT_PC];
	frame->sp = mr[SLOT_SP];
	frame->status = mr[SLOT_SPSR];
	frame->gpr[0] = mr[SLOT_X0];
	if (part == PORT_FRAME_HEAD)
		return VMM_OK;
	for (unsigned i = 1; i < 4; i++)
		frame->gpr[i] = get_word(vcpu, SLOT_X0 + i);
	if (part == PORT_FRAME_LOW)
		return VMM_OK;
	for (unsigned i = 4; i < PORT_GPRS; i++)
		frame->gpr[i] = get_word(vcpu, slot_of_gpr[i]);
	frame->tls[0] = get_word(vcpu, SLOT_TLS);
	frame->tls[1] = get_word(vcpu, SLOT_TLS + 1);
	return VMM_OK;
}

INLINE_ACROSS enum vmm_err port_frame_write(const struct port_vcpu *vcpu, enum port_frame_part part,
					    const struct port_frame *frame)
{
	unsigned count = SLOT_X0 + 1;

	set_word(vcpu, SLOT_SPSR + WRITE_HEADER, frame->status);
	set_word(vcpu, SLOT_X0 + WRITE_HEADER, frame->gpr[0]);
	if (part != PORT_FRAME_HEAD) {
		for (unsigned i = 1; i < 4; i++)
			set_word(vcpu, SLOT_X0 + WRITE_HEADER + i, frame->gpr[i]);
		count = SLOT_LOW;
	}
	if (part == PORT_FRAME_ALL) {
		for (unsigned i = 4; i < PORT_GPRS; i++)
			set_word(vcpu, slot_of_gpr[i] + WRITE_HEADER, frame->gpr[i]);
		set_word(vcpu, SLOT_TLS + WRITE_HEADER, frame->tls[0]);
		set_word(vcpu, SLOT_TLS + 1 + WRITE_HEADER, frame->tls[1]);
		count = SLOT_COUNT;
	}
	write_slots(vcpu, false, count, frame->pc, frame->sp);
	return VMM_OK;
}

enum vmm_err port_start(const struct port_vcpu *vcpu)
{
	return to_err((seL4_Word)seL4_TCB_Resume(vcpu->thread));
}

enum vmm_err port_stop(const struct port_vcpu *vcpu)
{
	return to_err((seL4_Word)seL4_TCB_Suspend(vcpu->thread));
}

enum vmm_err port_sysreg_read(const struct port_vcpu *vcpu, enum port_sysreg reg, uint64_t *value)
{
	seL4_ARM_VCPU_ReadRegs_t got = seL4_ARM_VCPU_ReadRegs(vcpu->vcpu, (seL4_VCPUReg)reg);

	if (got.error != seL4_NoError)
		return VMM_ERR_KERNEL;
	*value = got.value;
	return VMM_OK;
}

enum vmm_err port_sysreg_write(const struct port_vcpu *vcpu, enum port_sysreg reg, uint64_t value)
{
	return to_err((seL4_Word)seL4_ARM_VCPU_WriteRegs(vcpu->vcpu, (seL4_VCPUReg)reg, value));
}

/* In words, so that each part is shifted where it is. */
static inline seL4_Word inject_word(seL4_Word lr, seL4_Word intid, seL4_Word priority,
				    seL4_Word group)
{
	return (group << 24 | intid) | priority << 16 | lr << 32;
}

static inline void send_inject(const struct port_vcpu *vcpu, seL4_Word mr0)
{
	seL4_SendWithMRs(vcpu->vcpu, seL4_MessageInfo_new(ARMVCPUInjectIRQ, 0, 0, 1), &mr0,
			 seL4_Null, seL4_Null, seL4_Null);
}

void port_irq_inject(struct port_vcpu *vcpu, unsigned lr, unsigned intid, unsigned priority,
		     unsigned group)
{
	if (vcpu->late)
		send_inject(vcpu, vcpu->inject);
	vcpu->late = true;
	vcpu->inject = inject_word(lr, intid, priority, group);
}

INLINE_ACROSS void port_deliver(struct port_vcpu *vcpu, uint64_t pc, unsigned lr, unsigned intid,
				unsigned priority, unsigned group)
{
	vcpu->pc = pc;
	vcpu->inject = inject_word(lr, intid, priority, group);
}

enum vmm_err port_irq_replace(const struct port_vcpu *vcpu, unsigned lr, unsigned intid,
			      unsigned priority, unsigned group)
{
	return to_err((seL4_Word)seL4_ARM_VCPU_InjectIRQ(vcpu->vcpu, (seL4_Uint16)intid,
							 (seL4_Uint8)priority, (seL4_Uint8)group,
							 (seL4_Uint8)lr));
}

void port_timer_ack(const struct port_vcpu *vcpu)
{
	seL4_Word mr0 = VTIMER_PPI;

	seL4_SendWithMRs(vcpu->vcpu, seL4_MessageInfo_new(ARMVCPUAckVPPI, 0, 0, 1), &mr0, seL4_Null,
			 seL4_Null, seL4_Null);
}

bool port_timer_set(const struct port_vcpu *vcpu, uint64_t deadline)
{
	seL4_Word passed = deadline;

	(void)seL4_CallWithMRs(vcpu->timer, seL4_MessageInfo_new(VMM_TIMER_SET, 0, 0, 1), &passed,
			       seL4_Null, seL4_Null, seL4_Null);
	return passed != 0;
}

enum vmm_err port_time(const struct port_vcpu *vcpu, uint64_t *ticks, uint64_t *hz)
{
	seL4_Word counter = 0, frequency = 0;
	seL4_MessageInfo_t info = seL4_MessageInfo_new(VMM_TIMER_NOW, 0, 0, 0);

	info = seL4_CallWithMRs(vcpu->timer, info, &counter, &frequency, seL4_Null, seL4_Null);
	if (seL4_MessageInfo_get_length(info) < 2 || frequency == 0)
		return VMM_ERR_KERNEL;
	*ticks = counter;
	*hz = frequency;
	return VMM_OK;
}

void port_kick(const struct port_vcpu *vcpu)
{
	seL4_Signal(vcpu->kick);
}

void port_signal(uint64_t notification)
{
	seL4_Signal(notification);
}

void port_yield(void)
{
	seL4_Yield();
}

void port_pause(void)
{
	__asm__ volatile("yield");
}

void port_cache_clean(uint64_t host, uint64_t size)
{
	for (uint64_t at = align_down(host, CACHE_LINE); at < host + size; at += CACHE_LINE)
		__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
	for (uint64_t at = align_down(host, CACHE_LINE); at < host + size; at += CACHE_LINE)
		__asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy\n\tisb" : : : "memory");
}

_Noreturn void port_bug(const char *file, int line)
{
	/* Admin names the program, the address and these two registers. */
	register const char *x0 __asm__("x0") = file;
	register int x1 __asm__("x1") = line;

	for (;;)
		__asm__ volatile("brk #0x5b" : : "r"(x0), "r"(x1));
}

/*
 * An event's kind is the fault's label; what port.h has no name for is nothing that the decoder
 * knows either.
 */
_Static_assert((int)PORT_EVENT_SIGNAL == (int)seL4_Fault_NullFault &&
		       (int)PORT_EVENT_HYPERCALL == (int)seL4_Fault_UnknownSyscall &&
		       (int)PORT_EVENT_MEMORY == (int)seL4_Fault_VMFault &&
		       (int)PORT_EVENT_IRQ_DONE == (int)seL4_Fault_VGICMaintenance &&
		       (int)PORT_EVENT_TRAP == (int)seL4_Fault_VCPUFault &&
		       (int)PORT_EVENT_TIMER == (int)seL4_Fault_VPPIEvent,
	       "the kernel's numbers");

/* Words behind the message's length are not looked at; on a signal none is. A VM fault's are IP,
 * address, prefetch, FSR: as port.h wants them. */
static inline void to_event(seL4_MessageInfo_t info, seL4_Word badge, const seL4_Word mr[4],
			    struct port_event *event)
{
	event->badge = badge;
	event->kind = PORT_EVENT_SIGNAL;
	if ((badge & VMM_BADGE_FAULT) != 0) {
		event->kind = (enum port_event_kind)seL4_MessageInfo_get_label(info);
		if (event->kind == PORT_EVENT_SIGNAL)
			__builtin_unreachable(); /* there is no fault of that number */
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
	event->word[0] = mr[0];
	event->word[1] = mr[1];
	event->word[2] = mr[2];
	event->word[3] = mr[3];
}

/* Injects the interrupt that was kept, and receives the next event. */
static inline seL4_MessageInfo_t inject_recv(const struct port_vcpu *vcpu, seL4_Word inject,
					     seL4_Word *badge, seL4_Word mr[4])
{
	mr[0] = inject;
	return seL4_NBSendRecvWithMRs(vcpu->vcpu, seL4_MessageInfo_new(ARMVCPUInjectIRQ, 0, 0, 1),
				      vcpu->source, badge, &mr[0], &mr[1], &mr[2], &mr[3],
				      vcpu->reply);
}

/* Answers, without a word, and receives the next event. */
static inline seL4_MessageInfo_t reply_recv(const struct port_vcpu *vcpu, seL4_Word *badge,
					    seL4_Word mr[4])
{
	return seL4_NBSendRecvWithMRs(vcpu->reply, seL4_MessageInfo_new(0, 0, 0, 0), vcpu->source,
				      badge, &mr[0], &mr[1], &mr[2], &mr[3], vcpu->reply);
}

/* PORT_RETURN. x4 to x7 are still in the IPC buffer from the call. */
static inline seL4_MessageInfo_t return_recv(const struct port_vcpu *vcpu, const uint64_t result[4],
					     seL4_Word *badge, seL4_Word mr[4])
{
	set_word(vcpu, seL4_UnknownSyscall_FaultIP,
		 get_word(vcpu, seL4_UnknownSyscall_FaultIP) + INSN_LENGTH);
	mr[0] = result[0];
	mr[1] = result[1];
	mr[2] = result[2];
	mr[3] = result[3];
	return seL4_NBSendRecvWithMRs(vcpu->reply, seL4_MessageInfo_new(0, 0, 0, RETURN_LENGTH),
				      vcpu->source, badge, &mr[0], &mr[1], &mr[2], &mr[3],
				      vcpu->reply);
}

/* The interrupt that was kept. True: the guest runs, so it can be part of the wait. */
static VMM_SELDOM bool finish(struct port_vcpu *vcpu, enum port_answer answer)
{
	vcpu->late = false;
	if (answer == PORT_RUNNING)
		return true;
	send_inject(vcpu, vcpu->inject);
	return false;
}

/* port_wait() where nothing is answered. */
static VMM_SELDOM struct port_event wait_only(struct port_vcpu *vcpu, enum port_answer answer)
{
	seL4_MessageInfo_t info;
	struct port_event event;
	seL4_Word badge = 0, mr[4]; /* words beyond a message's length are not read */

	if (answer == PORT_RUNNING)
		info = seL4_RecvWithMRs(vcpu->source, &badge, vcpu->reply, &mr[0], &mr[1], &mr[2],
					&mr[3]);
	else
		info = seL4_WaitWithMRs(vcpu->source, &badge, &mr[0], &mr[1], &mr[2], &mr[3]);
	to_event(info, badge, mr, &event);
	return event;
}

INLINE_ACROSS void port_wait(struct port_vcpu *vcpu, enum port_answer answer,
			     const uint64_t result[4], struct port_event *event)
{
	seL4_MessageInfo_t info;
	seL4_Word badge, mr[4];

	if (answer == PORT_BACK) {
		info = reply_recv(vcpu, &badge, mr);
	} else if (answer == PORT_DELIVER) {
		seL4_Word inject = vcpu->inject;

		if (vcpu->passive) {
			write_slots(vcpu, false, 1, vcpu->pc, 0);
			send_inject(vcpu, inject);
			info = reply_recv(vcpu, &badge, mr);
		} else {
			write_slots(vcpu, true, 1, vcpu->pc, 0);
			info = inject_recv(vcpu, inject, &badge, mr);
		}
	} else if (vcpu->late && finish(vcpu, answer)) {
		info = inject_recv(vcpu, vcpu->inject, &badge, mr);
	} else if (answer == PORT_COMPLETE && vcpu->passive) {
		info = seL4_ReplyRecvWithMRs(vcpu->source, seL4_MessageInfo_new(0, 0, 0, 0), &badge,
					     &mr[0], &mr[1], &mr[2], &mr[3], vcpu->reply);
	} else if (answer == PORT_RETURN) {
		info = return_recv(vcpu, result, &badge, mr);
	} else if (answer >= PORT_RESUME) {
		info = reply_recv(vcpu, &badge, mr);
	} else {
		*event = wait_only(vcpu, answer);
		return;
	}
	to_event(info, badge, mr, event);
}
