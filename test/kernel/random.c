/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls: threads that hold one or two capabilities of every kind invoke them with
 * random labels, words and capabilities, and are thrown back to their start whenever they are stuck.
 * What each call does is not looked at; the kernel must go on, nobody outside may notice, and
 * revoking must give all memory back.
 */
#include "test/kernel/kt_state.h"

enum { SLOTS = 64, HOSTILE = 2, ROUNDS = 200, ROUNDS_A_WORLD = 10, MEMORY_BITS = 18 };

static struct {
	uint64_t seed[HOSTILE];
	volatile seL4_Word calls[HOSTILE];
} r;

static uint64_t next(unsigned who)
{
	/* xorshift64 */
	uint64_t x = r.seed[who];

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	r.seed[who] = x;
	return x;
}

/* Mostly numbers that mean something: slots, depths, small counts, addresses. */
static seL4_Word word(unsigned who)
{
	uint64_t x = next(who);

	switch (x >> 60) {
	case 0:
		return x;
	case 1:
		return 64;
	case 2:
	case 3:
		return (x & 0x3f) << 12;
	case 4:
		return 1ul << (x & 63);
	case 5:
		return 100000 + (x & 0xffff);
	case 6:
		return 0;
	default:
		return x & 63;
	}
}

static void call(unsigned who)
{
	uint64_t x = next(who);
	seL4_Word length = x & 8 ? x >> 8 & 7 : x >> 8 & 63;
	seL4_MessageInfo_t info = seL4_MessageInfo_new(x >> 16 & 63, 0, x >> 24 & 3, length);
	seL4_CPtr cap = x & 0x30 ? x >> 32 & (SLOTS - 1) : word(who);
	seL4_CPtr from = x >> 40 & (SLOTS - 1), reply = x >> 48 & (SLOTS - 1);

	for (unsigned i = 0; i < 12; i++)
		seL4_SetMR((int)i, word(who));
	for (int i = 0; i < seL4_MsgMaxExtraCaps; i++)
		seL4_SetCap(i, next(who) & (SLOTS - 1));
	r.calls[who]++;
	switch (x & 7) {
	case 0:
		seL4_NBSend(cap, info);
		break;
	case 1:
		/* What cannot be received on stops us: seldom. */
		if (reply == 1)
			seL4_NBRecv(cap, seL4_Null, from);
		else if (reply == 2)
			seL4_NBSendRecv(cap, info, from, seL4_Null, x >> 54);
		else if (reply == 3)
			seL4_Yield();
		break;
	default:
		seL4_Call(cap, info);
		break;
	}
}

static void hostile(seL4_Word who)
{
	for (;;)
		call((unsigned)who);
}

static void put(seL4_CPtr cnode, seL4_Word *slot, seL4_CPtr cap)
{
	CHECK_OK(seL4_CNode_Copy(cnode, *slot, KT_DEPTH, KT_ROOT, cap, KT_DEPTH, seL4_AllRights));
	++*slot;
}

/* A CSpace with something of everything; all of it is made of `memory`. */
static void make_cspace(seL4_CPtr memory, seL4_CPtr cnode, seL4_CPtr raw, seL4_CPtr vspace)
{
	static const struct {
		seL4_Word type, bits;
	} kinds[] = {
		{ seL4_TCBObject, 0 },           { seL4_TCBObject, 0 },
		{ seL4_EndpointObject, 0 },      { seL4_NotificationObject, 0 },
		{ seL4_CapTableObject, 4 },      { seL4_SchedContextObject, 8 },
		{ seL4_SchedContextObject, 7 },  { seL4_ReplyObject, 0 },
		{ seL4_ReplyObject, 0 },         { seL4_ARM_SmallPageObject, 0 },
		{ seL4_ARM_SmallPageObject, 0 }, { seL4_ARM_VCPUObject, 0 },
		{ seL4_UntypedObject, 14 },      { seL4_UntypedObject, 12 },
	};
	seL4_Word slot = 1;

	CHECK_OK(seL4_Untyped_Retype(memory, seL4_CapTableObject, 6, KT_ROOT, 0, 0, raw, 1));
	CHECK_OK(seL4_Untyped_Retype(memory, seL4_ARM_VSpaceObject, 0, KT_ROOT, 0, 0, vspace, 1));
	CHECK_OK(seL4_ARM_ASIDPool_Assign(seL4_CapInitThreadASIDPool, vspace));
	CHECK_OK(seL4_CNode_Mint(KT_ROOT, cnode, KT_DEPTH, KT_ROOT, raw, KT_DEPTH, seL4_AllRights,
				 seL4_CNode_CapData_new(0, 58).words[0]));
	put(cnode, &slot, vspace);
	put(cnode, &slot, cnode);
	put(cnode, &slot, seL4_CapInitThreadASIDPool);
	put(cnode, &slot, kt_bootinfo()->schedcontrol.start);
	put(cnode, &slot, seL4_CapASIDControl);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK_OK(seL4_Untyped_Retype(memory, kinds[i].type, kinds[i].bits, cnode, 0, 0,
					     slot++, 1));
	/* Page tables can be copied only when mapped, so they are made in place. */
	CHECK_OK(seL4_Untyped_Retype(memory, seL4_ARM_PageTableObject, 0, cnode, 0, 0, slot, 3));
}

static void random_calls(void)
{
	struct kt_thread t[HOSTILE];
	seL4_CPtr memory = kt_new(seL4_UntypedObject, MEMORY_BITS), cnode = kt_slots(3);
	seL4_UserContext start[HOSTILE];

	for (unsigned i = 0; i < HOSTILE; i++) {
		r.seed[i] = 0x9e3779b97f4a7c15ul * (i + 1);
		t[i] = kt_thread_new(hostile, i, KT_PRIO - 10);
		CHECK_OK(seL4_TCB_ReadRegisters(t[i].tcb, false, 0, 5, &start[i]));
		if (i < kt_bootinfo()->numNodes)
			kt_set_sc(t[i].sc, i, 5000, 5000);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round % ROUNDS_A_WORLD == 0)
			make_cspace(memory, cnode, cnode + 1, cnode + 2);
		for (unsigned i = 0; i < HOSTILE; i++) {
			CHECK_OK(seL4_TCB_SetSpace(t[i].tcb, 0, cnode, 0, seL4_CapInitThreadVSpace,
						   0));
			CHECK_OK(seL4_TCB_WriteRegisters(t[i].tcb, true, 0, 5, &start[i]));
		}
		kt_sleep(1);
		for (unsigned i = 0; i < HOSTILE; i++)
			CHECK_OK(seL4_TCB_Suspend(t[i].tcb));
		if (round % ROUNDS_A_WORLD == ROUNDS_A_WORLD - 1)
			CHECK_OK(seL4_CNode_Revoke(KT_ROOT, memory, KT_DEPTH));
	}
	CHECK_OK(seL4_Untyped_Retype(memory, seL4_UntypedObject, MEMORY_BITS, KT_ROOT, 0, 0,
				     kt_slots(1), 1));
	CHECK(r.calls[0] + r.calls[1] > ROUNDS);
	kt_print("  %lu calls\n", r.calls[0] + r.calls[1]);
}

static const struct kt_test tests[] = {
	KT(random_calls),
};

KT_GROUP(random);
