// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who can do what once the system is sealed: every capability that any thread can name is held
 * against a table, and every page that two address spaces share against the reasons there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm/config.h>

#include "test/unit/app/admin/world.h"
#include "vmm/base/util.h"

enum { ONE = SYSTEM_FIXED_PROGRAMS, TWO, PROGRAMS, VMS = 2 };

/* Whom a thread belongs to. */
enum owner { ADMIN, SERIAL, CONSOLE, TIMER, VMM, GUEST, OWNERS };

static const char *const owner_names[OWNERS] = { "admin", "serial", "console",
						 "timer", "a VMM",  "a guest" };

/* All that may be named after sealing. What is not here, nobody may name. */
static const struct {
	uint32_t kind;
	unsigned owners;  /* bit i: enum owner i */
	seL4_Word rights; /* at most */
} allowed[] = {
	{ seL4_EndpointObject, 1 << ADMIN | 1 << VMM, 2 }, /* read: faults, messages */
	{ seL4_EndpointObject, 1 << TIMER, 15 },
	{ seL4_EndpointObject, 1 << VMM | 1 << CONSOLE, 9 }, /* call */
	{ seL4_NotificationObject, 1 << SERIAL | 1 << CONSOLE | 1 << TIMER | 1 << ADMIN, 15 },
	{ seL4_NotificationObject, 1 << VMM, 1 }, /* write */
	{ seL4_ReplyObject, 1 << ADMIN | 1 << TIMER | 1 << VMM, 15 },
	{ seL4_TCBObject, 1 << ADMIN | 1 << TIMER | 1 << VMM, 15 },
	{ seL4_SchedContextObject, 1 << ADMIN | 1 << TIMER, 15 },
	{ seL4_ARM_VCPUObject, 1 << VMM, 15 },
	{ seL4_ARM_SmallPageObject, 1 << ADMIN, 15 }, /* its own image: check_admin() */
	{ seL4_ARM_PageTableObject, 1 << ADMIN, 15 }, /* the same */
	{ FK_IRQ_HANDLER, 1 << SERIAL, 15 },
	{ FK_SCHED_CONTROL, 1 << TIMER, 15 },
	{ FK_SMC, 1 << ADMIN, 15 },
};

static bool is_allowed(const struct fk_cap *cap, enum owner owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (allowed[i].kind == cap->object->kind &&
		    (allowed[i].owners & 1u << owner) != 0 &&
		    (cap->rights & ~allowed[i].rights) == 0)
			return true;
	}
	return false;
}

static enum owner owner_of(const struct fk_object *thread)
{
	uint64_t badge = thread->fault.badge;

	if (thread == world.kernel.root_thread)
		return ADMIN;
	if (badge == VMM_BADGE_FAULT)
		return GUEST;
	assert_true((badge & UINT64_C(1) << 32) != 0);
	switch (badge >> 8 & 0xff) {
	case SYSTEM_SERIAL:
		return SERIAL;
	case SYSTEM_CONSOLE:
		return CONSOLE;
	case SYSTEM_TIMER:
		return TIMER;
	default:
		return VMM;
	}
}

/*
 * Every capability that a thread with this CSpace can name: those at which all 64 bits of a capability
 * pointer are used up. A CNode on the way there is only walked through.
 */
static void each_cap(const struct fk_cap *cnode, unsigned left,
		     void (*visit)(void *ctx, const struct fk_cap *cap), void *ctx)
{
	unsigned bits = cnode->guard_bits + cnode->object->radix;

	assert_in_range(bits, 1, left);
	for (uint64_t i = 0; i < UINT64_C(1) << cnode->object->radix; i++) {
		const struct fk_cap *cap = &cnode->object->slots[i];

		if (cap->object == NULL)
			continue;
		if (cap->object->kind == seL4_CapTableObject && bits < left)
			each_cap(cap, left - bits, visit, ctx);
		else
			visit(ctx, cap);
	}
}

static void check_cap(void *ctx, const struct fk_cap *cap)
{
	enum owner owner = *(const enum owner *)ctx;

	if (!is_allowed(cap, owner))
		fail_msg("%s can name an object of kind %u with rights %llu", owner_names[owner],
			 cap->object->kind, (unsigned long long)cap->rights);
	assert_false(cap->object->dead);
}

static void nobody_can_create(void **state)
{
	unsigned seen[OWNERS] = { 0 };

	(void)state;
	world_run();
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];
		enum owner owner;

		if (o->kind != seL4_TCBObject || o->dead)
			continue;
		owner = owner_of(o);
		seen[owner]++;
		each_cap(&o->cspace, 64, check_cap, &owner);
	}
	for (unsigned i = 0; i < OWNERS; i++)
		assert_true(seen[i] > 0);
	assert_int_equal(seen[GUEST], 3);
}

/* Its own thread and those it can start again, its own image, and nobody's but its own. */
static void check_admin(void *ctx, const struct fk_cap *cap)
{
	const struct fk_object *o = cap->object;

	(void)ctx;
	switch (o->kind) {
	case seL4_TCBObject:
		assert_true(o == world.kernel.root_thread || o == world_thread(SYSTEM_SERIAL, 0) ||
			    o == world_thread(SYSTEM_CONSOLE, 0));
		break;
	case seL4_ARM_SmallPageObject:
		assert_true(o->paddr >= 0xfff00000); /* given by the kernel: test/support/kernel */
		break;
	case seL4_EndpointObject:
		assert_true(cap->badge == 0);
		break;
	}
}

static void admin_keeps_itself_only(void **state)
{
	(void)state;
	world_run();
	each_cap(&world.kernel.root_thread->cspace, 64, check_admin, NULL);
	assert_null(fk_cap(&world.kernel, seL4_CapInitThreadCNode));
	assert_null(fk_cap(&world.kernel, seL4_CapInitThreadVSpace));
	assert_null(fk_cap(&world.kernel, seL4_CapASIDControl));
}

/* ---- threads of a VM ---- */

struct reach {
	const struct fk_object *of;
	bool found;
};

static void find_object(void *ctx, const struct fk_cap *cap)
{
	struct reach *reach = ctx;

	reach->found = reach->found || cap->object == reach->of;
}

static bool can_name(uint32_t id, const struct fk_object *o)
{
	struct reach reach = { .of = o };

	each_cap(&world_thread(id, 0)->cspace, 64, find_object, &reach);
	return reach.found;
}

/* A guest's thread, VCPU and fault endpoint are its own VMM's and nobody else's. */
static void vmms_reach_their_own_guest_only(void **state)
{
	unsigned guests = 0;

	(void)state;
	world_run();
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];

		if (o->kind != seL4_TCBObject || o->dead || owner_of(o) != GUEST)
			continue;
		guests++;
		assert_true(can_name(ONE, o) != can_name(TWO, o));
		assert_true(can_name(ONE, o) == can_name(ONE, o->vcpu));
		assert_true(can_name(TWO, o) == can_name(TWO, o->vcpu));
		assert_true(can_name(ONE, o) == can_name(ONE, o->fault.object));
		assert_true(can_name(TWO, o) == can_name(TWO, o->fault.object));
		for (uint32_t id = 0; id < SYSTEM_FIXED_PROGRAMS; id++)
			assert_false(can_name(id, o) || can_name(id, o->fault.object));
	}
	assert_int_equal(guests, 3);
}

/* ---- memory ---- */

static const struct fk_object *space_of(uint32_t id)
{
	return world_thread(id, 0)->vspace.object;
}

/* The VM's number, if `space` is a guest's or its VMM's; else -1. */
static int vm_of(const struct fk_object *space)
{
	for (int vm = 0; vm < VMS; vm++) {
		if (space == space_of((uint32_t)vm + ONE))
			return vm;
	}
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];

		if (o->kind == seL4_TCBObject && !o->dead && owner_of(o) == GUEST &&
		    o->vspace.object == space)
			return can_name(ONE, o) ? 0 : 1;
	}
	return -1;
}

/* Variables of what admin can start again. */
static bool admin_restarts(const struct fk_object *a, const struct fk_object *b)
{
	const struct fk_object *other = a == world.kernel.root_vspace ? b : a;

	return (a == world.kernel.root_vspace || b == world.kernel.root_vspace) &&
	       (other == space_of(SYSTEM_SERIAL) || other == space_of(SYSTEM_CONSOLE));
}

static bool may_share(const struct fk_object *a, const struct fk_object *b)
{
	if (admin_restarts(a, b))
		return true;
	if (a == space_of(SYSTEM_CONSOLE) || b == space_of(SYSTEM_CONSOLE))
		return true; /* a queue */
	return vm_of(a) >= 0 && vm_of(a) == vm_of(b);
}

static uint64_t end_of(const struct fk_object *frame)
{
	return frame->paddr + (UINT64_C(1) << frame->bits);
}

/* One mapping of a space against all of another's: by address, whatever the objects are. */
static void check_shared(const struct fk_object *a, const struct fk_mapping *m,
			 const struct fk_object *b)
{
	for (uint32_t i = 0; i < b->map_count; i++) {
		const struct fk_mapping *n = &b->map[i];

		if (m->frame->paddr >= end_of(n->frame) || n->frame->paddr >= end_of(m->frame))
			continue;
		if (((m->rights | n->rights) & seL4_CanWrite.words[0]) != 0 && !may_share(a, b))
			fail_msg("0x%llx is shared and written",
				 (unsigned long long)m->frame->paddr);
	}
}

static void memory_is_shared_as_meant(void **state)
{
	const struct fk_object *spaces[2 * PROGRAMS];
	unsigned count = 0;

	(void)state;
	world_run();
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];

		if (o->kind == seL4_ARM_VSpaceObject && !o->dead)
			spaces[count++] = o;
		assert_in_range(count, 0, ARRAY_SIZE(spaces) - 1);
	}
	assert_int_equal(count, 1 + PROGRAMS + VMS);
	for (unsigned a = 0; a < count; a++) {
		for (uint32_t i = 0; i < spaces[a]->map_count; i++) {
			const struct fk_mapping *m = &spaces[a]->map[i];
			bool writable = (m->rights & seL4_CanWrite.words[0]) != 0;
			bool executable = (m->attributes & seL4_ARM_ExecuteNever) == 0;

			/* A guest's RAM is the guest's to execute, and its VMM's to write. */
			assert_false(writable && executable && m->size == PAGE_BYTES);
			for (unsigned b = a + 1; b < count; b++)
				check_shared(spaces[a], m, spaces[b]);
		}
	}
}

/* The vault is out of everyone's reach, yet everything in it lives. */
static void nothing_was_lost(void **state)
{
	uint32_t dead = 0;

	(void)state;
	world_run();
	for (uint32_t i = 0; i < world.kernel.object_count; i++) {
		const struct fk_object *o = world.kernel.objects[i];

		if (!o->dead)
			continue;
		dead++;
		assert_true(o->kind == seL4_UntypedObject || o->kind == FK_IRQ_CONTROL ||
			    o->kind == FK_ASID_CONTROL || o->kind == FK_DOMAIN ||
			    o->kind == FK_SCHED_CONTROL);
	}
	assert_true(dead > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(nobody_can_create),
		TEST(admin_keeps_itself_only),
		TEST(vmms_reach_their_own_guest_only),
		TEST(memory_is_shared_as_meant),
		TEST(nothing_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
