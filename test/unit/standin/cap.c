/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stand-in's derivation list, deletion and revocation, on an arena that plays physical memory.
 * Objects other than CNodes are only counted when they end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "standin/ipc/ipc.h"
#include "standin/object/destroy.h"
#include "standin/object/irq.h"
#include "standin/object/sc.h"
#include "standin/object/tcb.h"

enum { ARENA = 1 << 20, SLOTS = 64, UNTYPED_AT = 0x40000, UNTYPED_BITS = 18 };

char *test_arena;

static unsigned ended, interrupts_every, looks;
static struct slot *table; /* slots that are in no CNode */

void endpoint_cancel_all(struct endpoint *ep)
{
	(void)ep;
	ended++;
}

void notification_destroy(struct notification *n)
{
	(void)n;
	ended++;
}

void reply_destroy(struct reply *r)
{
	(void)r;
	ended++;
}

void sc_destroy(struct sched_context *sc)
{
	(void)sc;
	ended++;
}

void irq_release(u64 irq)
{
	(void)irq;
	ended++;
}

void tcb_destroy(struct tcb *t)
{
	(void)t;
	ended++;
}

void arch_cap_finalise(struct cap cap, bool final)
{
	(void)cap;
	ended += final;
}

unsigned arch_cap_derive(struct cap cap, struct cap *out)
{
	*out = cap;
	return DERIVE_OK;
}

bool arch_irq_pending(void)
{
	return interrupts_every != 0 && ++looks % interrupts_every == 0;
}

static int set_up(void **state)
{
	(void)state;
	test_arena = aligned_alloc(4096, ARENA);
	for (unsigned i = 0; i < ARENA; i++)
		test_arena[i] = 0;
	table = pa_to_va(0x1000);
	ended = interrupts_every = looks = 0;
	slot_insert_root(&table[0], cap_new(CAP_UNTYPED, 0, UNTYPED_BITS, UNTYPED_AT, 0));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(test_arena);
	return 0;
}

static struct cap endpoint(u64 n)
{
	return cap_new(CAP_ENDPOINT, RIGHT_ALL, seL4_EndpointBits, UNTYPED_AT + 0x10000 + n * 16,
		       0);
}

static struct cap cnode(u64 n, u64 radix)
{
	return cap_new(CAP_CNODE, 0, radix, UNTYPED_AT + n * 0x800, 0);
}

static void copy(struct slot *src, struct slot *dst)
{
	struct cap cap;

	assert_int_equal(cap_derive(src, src->cap, &cap), DERIVE_OK);
	slot_insert(src, dst, cap);
}

static void mint(struct slot *src, struct slot *dst, u64 badge)
{
	slot_insert(src, dst, cap_set_data(src->cap, badge, false));
}

/* Every slot's neighbours point back at it. */
static void check_list(void)
{
	for (struct slot *s = &table[0]; s != NULL; s = slot_next(s)) {
		assert_false(slot_empty(s));
		if (slot_next(s) != NULL)
			assert_ptr_equal(slot_prev(slot_next(s)), s);
	}
}

static void copies_are_children_of_the_original(void **state)
{
	(void)state;
	slot_insert_object(&table[0], &table[1], endpoint(0));
	copy(&table[1], &table[2]);
	copy(&table[2], &table[3]);
	check_list();
	assert_true(cap_is_parent(&table[1], &table[2]));
	assert_true(cap_is_parent(&table[1], &table[3]));
	assert_false(cap_is_parent(&table[2], &table[3])); /* siblings */
	assert_true(cap_revoke(&table[2]));
	assert_false(slot_empty(&table[3]));
	assert_true(cap_revoke(&table[1]));
	assert_true(slot_empty(&table[2]) && slot_empty(&table[3]));
	assert_int_equal(ended, 0);
	assert_true(cap_delete(&table[1]));
	assert_int_equal(ended, 1);
}

static void badges_are_a_level_of_their_own(void **state)
{
	(void)state;
	slot_insert_object(&table[0], &table[1], endpoint(0));
	mint(&table[1], &table[2], 7);
	copy(&table[2], &table[3]);
	mint(&table[1], &table[4], 8);
	mint(&table[1], &table[5], 7); /* the same badge given again: another family */
	check_list();
	assert_true(cap_revoke(&table[2]));
	assert_true(slot_empty(&table[3]));
	assert_false(slot_empty(&table[4]));
	assert_false(slot_empty(&table[5]));
	assert_int_equal(cap_type(cap_set_data(table[4].cap, 9, false)), CAP_NULL);
	assert_true(cap_revoke(&table[0]));
	assert_int_equal(ended, 1);
	assert_null(slot_next(&table[0]));
}

static void untyped_memory_nests(void **state)
{
	(void)state;
	slot_insert_object(&table[0], &table[1], cap_new(CAP_UNTYPED, 0, 12, UNTYPED_AT, 0));
	slot_insert_object(&table[1], &table[2], cap_new(CAP_UNTYPED, 0, 10, UNTYPED_AT, 0));
	slot_insert_object(&table[2], &table[3],
			   cap_new(CAP_NOTIFICATION, RIGHT_ALL, 0, UNTYPED_AT, 0));
	slot_insert_object(&table[0], &table[4],
			   cap_new(CAP_UNTYPED, 0, 12, UNTYPED_AT + 0x1000, 0));
	check_list();
	assert_true(cap_delete(&table[2])); /* its child is the next one's child now */
	assert_true(slot_has_children(&table[1]));
	assert_true(cap_revoke(&table[1]));
	assert_int_equal(ended, 1);
	assert_false(slot_empty(&table[4]));
}

static void moving_and_swapping_keep_the_place(void **state)
{
	struct cap a, b;

	(void)state;
	slot_insert_object(&table[0], &table[1], endpoint(0));
	copy(&table[1], &table[2]); /* neighbours */
	slot_insert_object(&table[0], &table[3], endpoint(1));
	a = table[1].cap;
	b = table[2].cap;
	slot_swap(&table[1], b, &table[2], a);
	check_list();
	assert_true(cap_is_parent(&table[2], &table[1]));
	slot_swap(&table[1], table[3].cap, &table[3], table[1].cap);
	check_list();
	slot_move(&table[2], &table[9], table[2].cap);
	check_list();
	assert_true(slot_empty(&table[2]));
	assert_true(cap_revoke(&table[9]));
	assert_true(slot_empty(&table[3]));
	assert_false(slot_empty(&table[1]));
}

static struct slot *slot_of(u64 n, unsigned i)
{
	return cnode_slots(cnode(n, 4)) + i;
}

/* Repeats until done, as a preempted thread does. */
static void delete_fully(struct slot *s)
{
	while (!cap_delete(s))
		;
}

static void containers_are_emptied(void **state)
{
	(void)state;
	interrupts_every = 1;
	slot_insert_object(&table[0], &table[1], cnode(0, 4));
	slot_insert_object(&table[0], slot_of(0, 3), cnode(1, 4));
	slot_insert_object(&table[0], slot_of(1, 15), cnode(2, 4));
	for (unsigned i = 0; i < 16; i++)
		slot_insert_object(&table[0], slot_of(2, i), endpoint(i));
	delete_fully(&table[1]);
	assert_int_equal(ended, 16);
	assert_null(slot_next(&table[0]));
}

static void circles_are_emptied(void **state)
{
	(void)state;
	for (unsigned every = 0; every < 3; every++) {
		interrupts_every = every;
		ended = 0;
		/* 0 holds 1, 1 holds 2, 2 holds 0; and 1 holds itself, once more. */
		slot_insert_object(&table[0], slot_of(2, 5), cnode(0, 4));
		slot_insert_object(&table[0], slot_of(0, 9), cnode(1, 4));
		copy(slot_of(0, 9), slot_of(1, 2));
		slot_insert_object(&table[0], slot_of(1, 7), cnode(2, 4));
		for (unsigned i = 10; i < 16; i++)
			slot_insert_object(&table[0], slot_of(i % 3, i), endpoint(i));
		check_list();
		while (!cap_revoke(&table[0]))
			check_list();
		assert_int_equal(ended, 6);
		assert_null(slot_next(&table[0]));
		for (unsigned n = 0; n < 3; n++)
			for (unsigned i = 0; i < 16; i++)
				assert_true(slot_empty(slot_of(n, i)));
	}
}

/* CNodes that hold each other at random, everything broken off again and again. */
static void random_graphs_are_emptied(void **state)
{
	enum { NODES = 12, RUNS = 400 };

	(void)state;
	srand(7);
	for (unsigned run = 0; run < RUNS; run++) {
		unsigned endpoints = 0;

		interrupts_every = (unsigned)rand() % 3;
		ended = 0;
		for (u64 n = 0; n < NODES; n++) {
			struct slot *first = slot_of((u64)rand() % NODES, (unsigned)rand() % 16);

			if (!slot_empty(first))
				continue;
			slot_insert_object(&table[0], first, cnode(n, 4));
			for (unsigned i = (unsigned)rand() % 4; i > 0; i--) {
				struct slot *s =
					slot_of((u64)rand() % NODES, (unsigned)rand() % 16);

				if (slot_empty(s))
					copy(first, s);
			}
		}
		for (unsigned i = 0; i < 20; i++) {
			struct slot *s = slot_of((u64)rand() % NODES, (unsigned)rand() % 16);

			if (slot_empty(s)) {
				slot_insert_object(&table[0], s, endpoint(i));
				endpoints++;
			}
		}
		check_list();
		for (unsigned i = 0; i < 3; i++)
			(void)cap_delete(slot_of((u64)rand() % NODES, (unsigned)rand() % 16));
		check_list();
		while (!cap_revoke(&table[0]))
			check_list();
		assert_null(slot_next(&table[0]));
		assert_int_equal(ended, endpoints);
	}
}

/*
 * A deletion is broken off within the inner CNode, which somebody else then revokes; meanwhile the
 * outer one's capability was moved, and another one lies in its old slot.
 */
static void what_was_met_on_the_way_is_forgotten(void **state)
{
	enum { RADIX = 7, PA = UNTYPED_AT + 0x8000 };
	struct cap inner = cap_new(CAP_CNODE, 0, RADIX, PA, 0), other = endpoint(40);

	(void)state;
	slot_insert_object(&table[0], &table[1], cnode(0, 4));
	slot_insert_object(&table[0], &table[2],
			   cap_new(CAP_UNTYPED, 0, RADIX + seL4_SlotBits, PA, 0));
	slot_insert_object(&table[2], slot_of(0, 15), inner);
	slot_insert_object(&table[0], cnode_slots(inner), endpoint(0));
	interrupts_every = 1;
	assert_false(cap_delete(&table[1]));
	assert_int_equal(cap_type(slot_of(0, 15)->cap), CAP_ZOMBIE);
	interrupts_every = 0;
	slot_move(&table[1], &table[9], table[1].cap);
	slot_insert_object(&table[0], &table[1], other);
	assert_true(cap_revoke(&table[2]));
	check_list();
	assert_int_equal(ended, 1);
	assert_int_equal(table[1].cap.word, other.word);
	assert_true(slot_empty(slot_of(0, 15)));
	assert_true(cap_delete(&table[9]));
	check_list();
	assert_int_equal(ended, 1);
}

static void last_irq_handler_ends_the_interrupt(void **state)
{
	(void)state;
	slot_insert_root(&table[10], cap_new(CAP_IRQ_CONTROL, 0, 0, 0, 0));
	slot_insert(&table[10], &table[11], cap_new(CAP_IRQ_HANDLER, 0, 0, 0, 33));
	copy(&table[11], &table[12]);
	slot_insert(&table[10], &table[13], cap_new(CAP_IRQ_HANDLER, 0, 0, 0, 34));
	assert_true(cap_delete(&table[11]));
	assert_int_equal(ended, 0);
	assert_true(cap_delete(&table[12]));
	assert_int_equal(ended, 1);
	assert_true(cap_revoke(&table[10]));
	assert_int_equal(ended, 2);
}

static void guards_must_fit(void **state)
{
	struct cap c = cnode(0, 4);

	(void)state;
	assert_int_equal(cap_type(cap_set_data(c, 61, false)), CAP_NULL);
	c = cap_set_data(c, 0x3ull << 6 | 60, false);
	assert_int_equal(cap_extra(c), 60);
	assert_int_equal(c.data, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copies_are_children_of_the_original),
		TEST(badges_are_a_level_of_their_own),
		TEST(untyped_memory_nests),
		TEST(moving_and_swapping_keep_the_place),
		TEST(containers_are_emptied),
		TEST(circles_are_emptied),
		TEST(random_graphs_are_emptied),
		TEST(what_was_met_on_the_way_is_forgotten),
		TEST(last_irq_handler_ends_the_interrupt),
		TEST(guards_must_fit),
	};

	return cmocka_run_group_tests_name("standin/cap", tests, NULL, NULL);
}
