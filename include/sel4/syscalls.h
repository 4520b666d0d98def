/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls. The plain forms exchange the first four words with the IPC buffer, as libsel4 does.
 * The WithMRs forms leave the buffer alone: a null pointer sends zero or drops the word. Words beyond
 * the message's length are not sent; what is in their registers the kernel does not look at.
 */
#pragma once

#include <sel4/functions.h>
#include <sel4/syscall.h>
#include <sel4/trap.h>
#include <sel4/types.h>

/* The words to send, from the IPC buffer. */
SEL4_INLINE struct sel4_regs sel4_load(seL4_CPtr cap, seL4_MessageInfo_t info)
{
	return (struct sel4_regs){
		.cap = cap,
		.info = info,
		.mr = { seL4_GetMR(0), seL4_GetMR(1), seL4_GetMR(2), seL4_GetMR(3) },
	};
}

/* Whatever a register holds: a word that nobody reads, at no price. */
SEL4_INLINE seL4_Word sel4_any(void)
{
	seL4_Word word;

	__asm__ volatile("" : "=r"(word)); /* volatile: each use may have another register */
	return word;
}

SEL4_INLINE seL4_Word sel4_word(seL4_MessageInfo_t info, unsigned i, const seL4_Word *mr)
{
	if (seL4_MessageInfo_get_length(info) <= i)
		return sel4_any();
	return mr != seL4_Null ? *mr : 0;
}

/* The words to send, from where the caller keeps them. */
SEL4_INLINE struct sel4_regs sel4_load_mrs(seL4_CPtr cap, seL4_MessageInfo_t info,
					   const seL4_Word *mr0, const seL4_Word *mr1,
					   const seL4_Word *mr2, const seL4_Word *mr3)
{
	return (struct sel4_regs){
		.cap = cap,
		.info = info,
		.mr = { sel4_word(info, 0, mr0), sel4_word(info, 1, mr1), sel4_word(info, 2, mr2),
			sel4_word(info, 3, mr3) },
	};
}

/* The words received, to the IPC buffer. */
SEL4_INLINE seL4_MessageInfo_t sel4_store(const struct sel4_regs *r, seL4_Word *sender)
{
	for (int i = 0; i < 4; i++)
		seL4_SetMR(i, r->mr[i]);
	if (sender != seL4_Null)
		*sender = r->cap;
	return r->info;
}

/* The words received, to where the caller wants them. */
SEL4_INLINE seL4_MessageInfo_t sel4_store_mrs(const struct sel4_regs *r, seL4_Word *sender,
					      seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
					      seL4_Word *mr3)
{
	if (mr0 != seL4_Null)
		*mr0 = r->mr[0];
	if (mr1 != seL4_Null)
		*mr1 = r->mr[1];
	if (mr2 != seL4_Null)
		*mr2 = r->mr[2];
	if (mr3 != seL4_Null)
		*mr3 = r->mr[3];
	if (sender != seL4_Null)
		*sender = r->cap;
	return r->info;
}

SEL4_INLINE void seL4_Send(seL4_CPtr dest, seL4_MessageInfo_t info)
{
	struct sel4_regs r = sel4_load(dest, info);

	sel4_trap_send((seL4_Word)seL4_SysSend, &r);
}

SEL4_INLINE void seL4_SendWithMRs(seL4_CPtr dest, seL4_MessageInfo_t info, seL4_Word *mr0,
				  seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct sel4_regs r = sel4_load_mrs(dest, info, mr0, mr1, mr2, mr3);

	sel4_trap_send((seL4_Word)seL4_SysSend, &r);
}

SEL4_INLINE void seL4_NBSend(seL4_CPtr dest, seL4_MessageInfo_t info)
{
	struct sel4_regs r = sel4_load(dest, info);

	sel4_trap_send((seL4_Word)seL4_SysNBSend, &r);
}

SEL4_INLINE void seL4_NBSendWithMRs(seL4_CPtr dest, seL4_MessageInfo_t info, seL4_Word *mr0,
				    seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct sel4_regs r = sel4_load_mrs(dest, info, mr0, mr1, mr2, mr3);

	sel4_trap_send((seL4_Word)seL4_SysNBSend, &r);
}

SEL4_INLINE void seL4_Signal(seL4_CPtr dest)
{
	sel4_trap_signal((seL4_Word)seL4_SysSend, dest);
}

SEL4_INLINE seL4_MessageInfo_t seL4_Recv(seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysRecv, &r, reply);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_RecvWithMRs(seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply,
						seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
						seL4_Word *mr3)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysRecv, &r, reply);
	return sel4_store_mrs(&r, sender, mr0, mr1, mr2, mr3);
}

SEL4_INLINE seL4_MessageInfo_t seL4_NBRecv(seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysNBRecv, &r, reply);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_Wait(seL4_CPtr src, seL4_Word *sender)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysWait, &r, 0);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_WaitWithMRs(seL4_CPtr src, seL4_Word *sender, seL4_Word *mr0,
						seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysWait, &r, 0);
	return sel4_store_mrs(&r, sender, mr0, mr1, mr2, mr3);
}

SEL4_INLINE seL4_MessageInfo_t seL4_NBWait(seL4_CPtr src, seL4_Word *sender)
{
	struct sel4_regs r = { .cap = src };

	sel4_trap_recv((seL4_Word)seL4_SysNBWait, &r, 0);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_Poll(seL4_CPtr src, seL4_Word *sender)
{
	return seL4_NBWait(src, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_Call(seL4_CPtr dest, seL4_MessageInfo_t info)
{
	struct sel4_regs r = sel4_load(dest, info);

	sel4_trap_call((seL4_Word)seL4_SysCall, &r);
	return sel4_store(&r, seL4_Null);
}

SEL4_INLINE seL4_MessageInfo_t seL4_CallWithMRs(seL4_CPtr dest, seL4_MessageInfo_t info,
						seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
						seL4_Word *mr3)
{
	struct sel4_regs r = sel4_load_mrs(dest, info, mr0, mr1, mr2, mr3);

	sel4_trap_call((seL4_Word)seL4_SysCall, &r);
	return sel4_store_mrs(&r, seL4_Null, mr0, mr1, mr2, mr3);
}

SEL4_INLINE seL4_MessageInfo_t seL4_ReplyRecv(seL4_CPtr src, seL4_MessageInfo_t info,
					      seL4_Word *sender, seL4_CPtr reply)
{
	struct sel4_regs r = sel4_load(src, info);

	sel4_trap_both((seL4_Word)seL4_SysReplyRecv, &r, reply, 0);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_ReplyRecvWithMRs(seL4_CPtr src, seL4_MessageInfo_t info,
						     seL4_Word *sender, seL4_Word *mr0,
						     seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3,
						     seL4_CPtr reply)
{
	struct sel4_regs r = sel4_load_mrs(src, info, mr0, mr1, mr2, mr3);

	sel4_trap_both((seL4_Word)seL4_SysReplyRecv, &r, reply, 0);
	return sel4_store_mrs(&r, sender, mr0, mr1, mr2, mr3);
}

SEL4_INLINE seL4_MessageInfo_t seL4_NBSendRecv(seL4_CPtr dest, seL4_MessageInfo_t info,
					       seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct sel4_regs r = sel4_load(src, info);

	sel4_trap_both((seL4_Word)seL4_SysNBSendRecv, &r, reply, dest);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_NBSendRecvWithMRs(seL4_CPtr dest, seL4_MessageInfo_t info,
						      seL4_CPtr src, seL4_Word *sender,
						      seL4_Word *mr0, seL4_Word *mr1,
						      seL4_Word *mr2, seL4_Word *mr3,
						      seL4_CPtr reply)
{
	struct sel4_regs r = sel4_load_mrs(src, info, mr0, mr1, mr2, mr3);

	sel4_trap_both((seL4_Word)seL4_SysNBSendRecv, &r, reply, dest);
	return sel4_store_mrs(&r, sender, mr0, mr1, mr2, mr3);
}

/* NBSendWait has no reply object: its destination travels in x6 instead. */
SEL4_INLINE seL4_MessageInfo_t seL4_NBSendWait(seL4_CPtr dest, seL4_MessageInfo_t info,
					       seL4_CPtr src, seL4_Word *sender)
{
	struct sel4_regs r = sel4_load(src, info);

	sel4_trap_both((seL4_Word)seL4_SysNBSendWait, &r, dest, 0);
	return sel4_store(&r, sender);
}

SEL4_INLINE seL4_MessageInfo_t seL4_NBSendWaitWithMRs(seL4_CPtr dest, seL4_MessageInfo_t info,
						      seL4_CPtr src, seL4_Word *sender,
						      seL4_Word *mr0, seL4_Word *mr1,
						      seL4_Word *mr2, seL4_Word *mr3)
{
	struct sel4_regs r = sel4_load_mrs(src, info, mr0, mr1, mr2, mr3);

	sel4_trap_both((seL4_Word)seL4_SysNBSendWait, &r, dest, 0);
	return sel4_store_mrs(&r, sender, mr0, mr1, mr2, mr3);
}

SEL4_INLINE void seL4_Yield(void)
{
	sel4_trap_yield((seL4_Word)seL4_SysYield);
}

/* The debug calls. On a kernel without them, each raises an UnknownSyscall fault. */

SEL4_INLINE seL4_Word sel4_debug(seL4_Word number, seL4_Word arg)
{
	struct sel4_regs r = { .cap = arg };

	sel4_trap_call(number, &r);
	return r.cap;
}

SEL4_INLINE void seL4_DebugPutChar(char c)
{
	(void)sel4_debug((seL4_Word)seL4_SysDebugPutChar, (seL4_Uint8)c);
}

static inline void seL4_DebugPutString(char *str)
{
	for (const char *s = str; *s != '\0'; s++)
		seL4_DebugPutChar(*s);
}

SEL4_INLINE void seL4_DebugDumpScheduler(void)
{
	(void)sel4_debug((seL4_Word)seL4_SysDebugDumpScheduler, 0);
}

SEL4_INLINE void seL4_DebugHalt(void)
{
	(void)sel4_debug((seL4_Word)seL4_SysDebugHalt, 0);
}

SEL4_INLINE void seL4_DebugSnapshot(void)
{
	(void)sel4_debug((seL4_Word)seL4_SysDebugSnapshot, 0);
}

SEL4_INLINE seL4_Uint32 seL4_DebugCapIdentify(seL4_CPtr cap)
{
	return (seL4_Uint32)sel4_debug((seL4_Word)seL4_SysDebugCapIdentify, cap);
}

static inline void seL4_DebugNameThread(seL4_CPtr tcb, const char *name)
{
	char *to = (char *)seL4_GetIPCBuffer()->msg;
	const char *end = to + sizeof(seL4_GetIPCBuffer()->msg) - 1;

	while (*name != '\0' && to != end)
		*to++ = *name++;
	*to = '\0';
	(void)sel4_debug((seL4_Word)seL4_SysDebugNameThread, tcb);
}

SEL4_INLINE seL4_Word seL4_DebugGetThreadAffinity(seL4_CPtr tcb)
{
	return sel4_debug((seL4_Word)seL4_SysDebugGetThreadAffinity, tcb);
}

SEL4_INLINE void seL4_DebugSendIPI(seL4_Uint8 target, unsigned irq)
{
	struct sel4_regs r = { .cap = target, .info = { { irq } } };

	sel4_trap_send((seL4_Word)seL4_SysDebugSendIPI, &r);
}
