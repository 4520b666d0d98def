/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/dev/pci/host and function: what a guest sees through ECAM and the windows, and what comes out as
 * messages and lines. Two kinds of functions: one with three BARs, one with MSI-X in its only BAR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/pci/host.h"

enum {
	COMMAND = 0x04,
	STATUS = 0x06,
	BAR = 0x10,
	CAPABILITIES = 0x34,
	MEMORY = 2,
	MASTER = 4,
	INTX_DISABLE = 0x400,
	SLOT_A = 1,
	SLOT_B = 5, /* shares line 1 with A */
	SLOT_C = 31,
	TABLE = 0x1000,
	PBA = 0x1800,
	VECTORS = 3,
	MSIX_ENABLE = 0x8000,
	MSIX_MASK = 0x4000,
};

#define LOW  UINT64_C(0x10000000)
#define HIGH UINT64_C(0x8000000000)

/* What the functions and the bridge told the test. */
static struct {
	struct pci_host host;
	struct lock lock[3];
	struct pci_function a, b, c;
	const struct pci_function *hit;
	unsigned hit_bar, hits;
	uint64_t hit_offset;
	bool was_locked;
	unsigned messages;
	uint64_t address;
	uint32_t data;
	unsigned caller;
	bool level[PCI_LINES];
	unsigned changes;
} t;

static void bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access)
{
	t.hit = fn;
	t.hit_bar = bar;
	t.hit_offset = access->offset;
	t.was_locked = fn->lock->held != 0;
	t.hits++;
	if (!access->write)
		access->value = 0x42;
}

static const struct pci_ops plain_ops = {
	.bar_size = { 0x1000, 0x100000000, 0x10000 },
	.bar_access = bar_access,
};

static const struct pci_ops msix_ops = {
	.bar_size = { 0x4000 },
	.msix_table = TABLE,
	.msix_pba = PBA,
	.bar_access = bar_access,
};

static void message(void *ctx, unsigned caller, uint64_t address, uint32_t data)
{
	assert_ptr_equal(ctx, &t);
	t.messages++;
	t.caller = caller;
	t.address = address;
	t.data = data;
}

static void line(void *ctx, unsigned caller, unsigned number, bool level)
{
	assert_ptr_equal(ctx, &t);
	assert_true(number < PCI_LINES);
	assert_true(t.level[number] != level); /* only changes are told */
	t.caller = caller;
	t.level[number] = level;
	t.changes++;
}

static const struct pci_host_config config = {
	.window_gpa = { LOW, HIGH },
	.window_size = { 0x1000000, UINT64_C(0x400000000) },
	.message = message,
	.line = line,
	.ctx = &t,
};

static int setup(void **state)
{
	struct pci_identity id = {
		.vendor = 0x1af4,
		.device = 0x1044,
		.subsystem_vendor = 0x1234,
		.subsystem = 0x5678,
		.class_code = 0x028001,
		.revision = 7,
	};

	(void)state;
	memset(&t, 0, sizeof(t));
	assert_int_equal(pci_host_init(&t.host, &config), VMM_OK);
	assert_int_equal(pci_function_init(&t.a, &msix_ops, &id, &t.lock[0]), VMM_OK);
	assert_int_equal(pci_add_msix(&t.a, VECTORS), VMM_OK);
	id.device = 0x1045;
	assert_int_equal(pci_function_init(&t.b, &msix_ops, &id, &t.lock[1]), VMM_OK);
	assert_int_equal(pci_add_msix(&t.b, VECTORS), VMM_OK);
	id.device = 0x1046;
	assert_int_equal(pci_function_init(&t.c, &plain_ops, &id, &t.lock[2]), VMM_OK);
	assert_int_equal(pci_host_add(&t.host, SLOT_A, &t.a), VMM_OK);
	assert_int_equal(pci_host_add(&t.host, SLOT_B, &t.b), VMM_OK);
	assert_int_equal(pci_host_add(&t.host, SLOT_C, &t.c), VMM_OK);
	return 0;
}

/* Nothing is left locked, whatever happened. */
static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t.lock); i++)
		assert_int_equal(t.lock[i].held, 0);
	assert_int_equal(t.host.line_lock.held, 0);
	return 0;
}

static uint64_t ecam(uint64_t offset, unsigned width, bool write, uint64_t value)
{
	struct mmio_access access = { .offset = offset,
				      .value = write ? value : 0x5555,
				      .width = (uint8_t)width,
				      .write = write,
				      .vcpu = 2 };

	pci_ecam_access(&t.host, &access);
	return access.value;
}

static uint32_t get(unsigned slot, unsigned offset, unsigned width)
{
	return (uint32_t)ecam((uint64_t)slot << 15 | offset, width, false, 0);
}

static void set(unsigned slot, unsigned offset, unsigned width, uint32_t value)
{
	ecam((uint64_t)slot << 15 | offset, width, true, value);
}

static uint64_t memory_as(unsigned vcpu, uint64_t gpa, unsigned width, bool write, uint64_t value)
{
	unsigned w = gpa >= HIGH ? 1 : 0;
	struct mmio_access access = { .offset = gpa - config.window_gpa[w],
				      .value = write ? value : 0x5555,
				      .width = (uint8_t)width,
				      .write = write,
				      .vcpu = (uint16_t)vcpu };

	pci_window_access(&t.host.window[w], &access);
	return access.value;
}

static uint64_t memory(uint64_t gpa, unsigned width, bool write, uint64_t value)
{
	return memory_as(0, gpa, width, write, value);
}

static void place(unsigned slot, unsigned bar, uint64_t gpa)
{
	set(slot, BAR + 8 * bar, 4, (uint32_t)gpa);
	set(slot, BAR + 8 * bar + 4, 4, (uint32_t)(gpa >> 32));
}

static unsigned find_capability(unsigned slot, unsigned id)
{
	unsigned at = get(slot, CAPABILITIES, 1);

	for (unsigned steps = 0; at != 0 && steps < 48; steps++) {
		assert_true(at >= 0x40 && at % 4 == 0);
		if (get(slot, at, 1) == id)
			return at;
		at = get(slot, at + 1, 1);
	}
	assert_int_equal(at, 0); /* the list ends */
	return 0;
}

static void the_header_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(get(SLOT_A, 0x00, 4), 0x10441af4);
	assert_int_equal(get(SLOT_A, 0x08, 4), 0x02800107);
	assert_int_equal(get(SLOT_A, 0x0b, 1), 0x02);
	assert_int_equal(get(SLOT_A, 0x2c, 4), 0x56781234);
	assert_int_equal(get(SLOT_A, 0x0e, 1), 0); /* header type 0, one function */
	assert_int_equal(get(SLOT_A, 0x3d, 1), 1); /* INTA# */
	assert_int_equal(get(SLOT_A, STATUS, 2), 0x10);
	assert_int_equal(get(SLOT_C, STATUS, 2), 0); /* no capabilities */
	assert_int_equal(get(SLOT_C, CAPABILITIES, 1), 0);
}

static void read_only_bytes_stay(void **state)
{
	uint8_t before[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		before[i] = (uint8_t)get(SLOT_C, i, 1);
	for (unsigned i = 0; i < 4096; i += 4)
		set(SLOT_C, i, 4, UINT32_MAX);
	for (unsigned i = 0; i < 256; i++) {
		uint32_t now = get(SLOT_C, i, 1);

		if (i == 0x04)
			assert_int_equal(now, 0x06);
		else if (i == 0x05)
			assert_int_equal(now, 0x04);
		else if (i == 0x0c || i == 0x3c)
			assert_int_equal(now, 0xff);
		else if (i < 0x10 || i >= 0x28)
			assert_int_equal(now, before[i]);
	}
	for (unsigned i = 256; i < 4096; i += 4)
		assert_int_equal(get(SLOT_C, i, 4), 0);
}

static void bars_are_sized(void **state)
{
	static const uint64_t sizes[] = { 0x1000, 0x100000000, 0x10000 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t mask;

		assert_int_equal(get(SLOT_C, BAR + 8 * i, 4), 4); /* 64 bits, not prefetchable */
		place(SLOT_C, i, UINT64_MAX);
		mask = (uint64_t)get(SLOT_C, BAR + 8 * i + 4, 4) << 32 |
		       (get(SLOT_C, BAR + 8 * i, 4) & ~15U);
		assert_int_equal(get(SLOT_C, BAR + 8 * i, 1) & 15, 4);
		assert_true(~mask + 1 == sizes[i]);
	}
	for (unsigned at = BAR + 8; at < 0x28; at += 4) { /* A has the first only */
		set(SLOT_A, at, 4, UINT32_MAX);
		assert_int_equal(get(SLOT_A, at, 4), 0);
	}
}

static void empty_slots_read_as_ones(void **state)
{
	static const uint64_t empty[] = {
		0,                                /* slot 0 */
		(uint64_t)SLOT_A << 15 | 1 << 12, /* function 1 of A */
		(uint64_t)SLOT_A << 15 | 7 << 12,
		UINT64_C(1) << 20, /* bus 1: outside of what is on the VM's bus, and yet */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(empty); i++) {
		assert_int_equal(ecam(empty[i], 1, false, 0), 0xff);
		assert_int_equal(ecam(empty[i], 2, false, 0), 0xffff);
		assert_int_equal(ecam(empty[i], 4, false, 0), 0xffffffff);
		assert_true(ecam(empty[i], 8, false, 0) == UINT64_MAX);
		ecam(empty[i], 4, true, 0);
	}
}

static void odd_accesses_do_nothing(void **state)
{
	(void)state;
	set(SLOT_A, 0x3c, 1, 0x77);
	for (unsigned width = 2; width <= 8; width *= 2) {
		set(SLOT_A, 0x3d - width / 2, width, 0);
		if (width == 2) { /* aligned, and the pin is read-only */
			assert_int_equal(get(SLOT_A, 0x3c, 1), 0);
			set(SLOT_A, 0x3c, 1, 0x77);
		}
	}
	assert_int_equal(get(SLOT_A, 0x3c, 1), 0x77);
	assert_int_equal(get(SLOT_A, 0x3b, 2), 0);
	assert_int_equal(get(SLOT_A, 0x3a, 4), 0);
	assert_int_equal(ecam((uint64_t)SLOT_A << 15, 8, false, 0), 0);
	assert_int_equal(get(SLOT_A, 0xff, 2), 0);
	set(SLOT_A, 0xfe, 4, UINT32_MAX);
}

static void accesses_reach_a_decoded_bar(void **state)
{
	(void)state;
	place(SLOT_C, 0, LOW + 0x3000);
	place(SLOT_C, 1, HIGH + UINT64_C(0x100000000));
	place(SLOT_C, 2, LOW + 0x20000);
	assert_int_equal(memory(LOW + 0x3000, 4, false, 0), 0xffffffff); /* memory is off */
	assert_int_equal(t.hits, 0);
	set(SLOT_C, COMMAND, 2, MEMORY);
	assert_int_equal(memory(LOW + 0x3ffc, 4, false, 0), 0x42);
	assert_ptr_equal(t.hit, &t.c);
	assert_int_equal(t.hit_bar, 0);
	assert_int_equal(t.hit_offset, 0xffc);
	assert_true(t.was_locked);
	assert_int_equal(t.c.caller, 0);
	memory_as(3, HIGH + UINT64_C(0x1fffffff8), 8, true, 1);
	assert_int_equal(t.hit_bar, 1);
	assert_true(t.hit_offset == 0xfffffff8);
	assert_int_equal(t.c.caller, 3);
	memory(LOW + 0x20010, 1, false, 0);
	assert_int_equal(t.hit_bar, 2);
	assert_int_equal(t.hit_offset, 0x10);
	/* Not wholly inside, or beside it. */
	t.hits = 0;
	assert_int_equal(memory(LOW + 0x3ffe, 4, false, 0), 0xffffffff);
	assert_int_equal(memory(LOW + 0x2fff, 2, false, 0), 0xffff);
	assert_int_equal(memory(LOW + 0x4000, 1, false, 0), 0xff);
	assert_true(memory(HIGH, 8, false, 0) == UINT64_MAX);
	memory(LOW, 4, true, 0);
	assert_int_equal(t.hits, 0);
}

static void bars_move(void **state)
{
	(void)state;
	set(SLOT_A, COMMAND, 2, MEMORY);
	place(SLOT_A, 0, LOW);
	for (unsigned vcpu = 0; vcpu < 4; vcpu++) /* every vCPU remembers */
		assert_int_equal(memory_as(vcpu, LOW, 4, false, 0), 0x42);
	place(SLOT_A, 0, LOW + 0x8000);
	t.hits = 0;
	for (unsigned vcpu = 0; vcpu < 4; vcpu++) {
		assert_int_equal(memory_as(vcpu, LOW, 4, false, 0), 0xffffffff);
		assert_int_equal(memory_as(vcpu, LOW + 0x8000, 4, false, 0), 0x42);
	}
	assert_int_equal(t.hits, 4);
	/* Nowhere: outside of the windows, or only half of it inside. */
	t.hits = 0;
	place(SLOT_A, 0, 0x40000000);
	place(SLOT_A, 0, 0);
	place(SLOT_A, 0, UINT64_MAX);
	assert_true(t.host.decode[t.a.decode[0]].gpa == PCI_NOWHERE);
	place(SLOT_A, 0, HIGH - 0x4000);
	assert_true(t.host.decode[t.a.decode[0]].gpa == PCI_NOWHERE);
	place(SLOT_A, 0, HIGH + config.window_size[1] - 0x4000);
	assert_int_equal(memory(HIGH + config.window_size[1] - 4, 4, false, 0), 0x42);
	assert_int_equal(t.hits, 1);
	set(SLOT_A, COMMAND, 2, 0);
	memory(HIGH + config.window_size[1] - 4, 4, false, 0);
	assert_int_equal(t.hits, 1);
}

/* Two BARs at one place: the one that was asked for last, or the first; never both, never a crash. */
static void overlapping_bars_are_harmless(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set(i == 0 ? SLOT_A : SLOT_B, COMMAND, 2, MEMORY);
		place(i == 0 ? SLOT_A : SLOT_B, 0, LOW);
	}
	assert_int_equal(memory(LOW, 4, false, 0), 0x42);
	assert_int_equal(t.hits, 1);
	place(SLOT_A, 0, LOW + 0x10000);
	assert_int_equal(memory(LOW, 4, false, 0), 0x42);
	assert_ptr_equal(t.hit, &t.b);
}

static void intx_follows_the_device(void **state)
{
	(void)state;
	pci_set_intx(&t.a, true);
	assert_true(t.level[1]);
	assert_int_equal(get(SLOT_A, STATUS, 2), 0x18);
	pci_set_intx(&t.b, true); /* shared: no change */
	pci_set_intx(&t.a, false);
	assert_true(t.level[1]);
	assert_int_equal(get(SLOT_A, STATUS, 2), 0x10);
	set(SLOT_B, COMMAND, 2, INTX_DISABLE);
	assert_false(t.level[1]);
	assert_int_equal(get(SLOT_B, STATUS, 2), 0x18); /* the status bit tells anyway */
	set(SLOT_B, COMMAND, 2, 0);
	assert_true(t.level[1]);
	pci_set_intx(&t.c, true);
	assert_true(t.level[3]);
	pci_function_reset(&t.b);
	assert_false(t.level[1]);
	assert_int_equal(t.changes, 5);
}

static void enable_msix(unsigned slot, uint32_t control)
{
	set(slot, find_capability(slot, PCI_CAP_MSIX) + 2, 2, control);
}

static void set_vector(uint64_t bar, unsigned vector, uint64_t address, uint32_t data, bool masked)
{
	memory(bar + TABLE + vector * 16, 8, true, address);
	memory(bar + TABLE + vector * 16 + 8, 4, true, data);
	memory(bar + TABLE + vector * 16 + 12, 4, true, masked);
}

static void the_msix_capability_points_to_the_table(void **state)
{
	unsigned at = find_capability(SLOT_A, PCI_CAP_MSIX);

	(void)state;
	assert_int_not_equal(at, 0);
	assert_int_equal(get(SLOT_A, at + 2, 2), VECTORS - 1);
	assert_int_equal(get(SLOT_A, at + 4, 4), TABLE);
	assert_int_equal(get(SLOT_A, at + 8, 4), PBA);
	set(SLOT_A, at + 2, 2, 0xffff);
	assert_int_equal(get(SLOT_A, at + 2, 2), 0xc000 | (VECTORS - 1));
	set(SLOT_A, at + 4, 4, UINT32_MAX);
	assert_int_equal(get(SLOT_A, at + 4, 4), TABLE);
	place(SLOT_A, 0, LOW);
	set(SLOT_A, COMMAND, 2, MEMORY);
	set_vector(LOW, 1, 0x1230, 5, true);
	assert_int_equal(memory(LOW + TABLE + 16, 4, false, 0), 0x1230);
	assert_int_equal(t.hits, 0); /* the owner does not see these */
	memory(LOW + TABLE + MSIX_TABLE_BYTES, 4, false, 0);
	memory(LOW + PBA + MSIX_PBA_BYTES, 4, false, 0);
	memory(LOW + TABLE - 4, 4, false, 0);
	assert_int_equal(t.hits, 3);
}

static void messages_need_enable_and_mastering(void **state)
{
	(void)state;
	place(SLOT_A, 0, LOW);
	set(SLOT_A, COMMAND, 2, MEMORY);
	set_vector(LOW, 0, 0x8020040, 100, false);
	set_vector(LOW, 1, 0x8020040, 101, true);
	pci_raise(&t.a, 0); /* not enabled: nothing, for ever */
	enable_msix(SLOT_A, MSIX_ENABLE);
	set(SLOT_A, COMMAND, 2, MEMORY | MASTER);
	assert_int_equal(t.messages, 0);
	pci_raise(&t.a, 0);
	assert_int_equal(t.messages, 1);
	assert_int_equal(t.address, 0x8020040);
	assert_int_equal(t.data, 100);

	set(SLOT_A, COMMAND, 2, MEMORY);
	pci_raise(&t.a, 0);
	pci_raise(&t.a, 0);
	assert_int_equal(t.messages, 1);
	assert_int_equal(memory(LOW + PBA, 4, false, 0), 1);
	set(SLOT_A, COMMAND, 2, MEMORY | MASTER);
	assert_int_equal(t.messages, 2);
	assert_int_equal(t.caller, 2); /* the vCPU that wrote it */

	enable_msix(SLOT_A, MSIX_ENABLE | MSIX_MASK);
	pci_raise(&t.a, 0);
	pci_raise(&t.a, 1);
	pci_raise(&t.a, VECTORS);
	assert_int_equal(memory(LOW + PBA, 8, false, 0), 3);
	enable_msix(SLOT_A, MSIX_ENABLE);
	assert_int_equal(t.messages, 3);
	assert_int_equal(memory(LOW + PBA, 8, false, 0), 2);
	memory(LOW + TABLE + 16 + 12, 4, true, 0); /* unmask */
	assert_int_equal(t.messages, 4);
	assert_int_equal(t.data, 101);
	assert_int_equal(memory(LOW + PBA, 8, false, 0), 0);
}

static void disabling_msix_forgets_and_turns_intx_on(void **state)
{
	(void)state;
	place(SLOT_A, 0, LOW);
	set(SLOT_A, COMMAND, 2, MEMORY | MASTER);
	enable_msix(SLOT_A, MSIX_ENABLE | MSIX_MASK);
	pci_set_intx(&t.a, true);
	assert_false(t.level[1]);
	assert_int_equal(get(SLOT_A, STATUS, 2), 0x10);
	pci_raise(&t.a, 2);
	assert_int_equal(memory(LOW + PBA, 4, false, 0), 4);
	enable_msix(SLOT_A, 0);
	assert_true(t.level[1]);
	assert_int_equal(memory(LOW + PBA, 4, false, 0), 0);
	enable_msix(SLOT_A, MSIX_ENABLE);
	assert_false(t.level[1]);
	assert_int_equal(t.messages, 0);
}

static void reset_forgets_everything(void **state)
{
	unsigned msix = find_capability(SLOT_A, PCI_CAP_MSIX);

	(void)state;
	place(SLOT_A, 0, LOW);
	set(SLOT_A, COMMAND, 2, MEMORY | MASTER);
	set(SLOT_A, 0x3c, 1, 9);
	enable_msix(SLOT_A, MSIX_ENABLE);
	set_vector(LOW, 0, 0x1000, 1, false);
	pci_raise(&t.a, 1);
	pci_function_reset(&t.a);
	assert_int_equal(get(SLOT_A, COMMAND, 4), 0x100000);
	assert_int_equal(get(SLOT_A, BAR, 4), 4);
	assert_int_equal(get(SLOT_A, BAR + 4, 4), 0);
	assert_int_equal(get(SLOT_A, 0x3c, 4), 0x100);
	assert_int_equal(get(SLOT_A, msix + 2, 2), VECTORS - 1);
	assert_int_equal(get(SLOT_A, 0, 4), 0x10441af4);
	t.hits = 0;
	memory(LOW, 4, false, 0);
	assert_int_equal(t.hits, 0);
	place(SLOT_A, 0, LOW);
	set(SLOT_A, COMMAND, 2, MEMORY);
	assert_int_equal(memory(LOW + TABLE + 12, 4, false, 0), 1);
	assert_int_equal(memory(LOW + TABLE, 4, false, 0), 0);
	assert_int_equal(memory(LOW + PBA, 4, false, 0), 0);
}

static void wrong_set_ups_are_refused(void **state)
{
	struct pci_host_config bad = config;
	struct pci_host host;
	struct pci_ops ops = plain_ops;
	struct pci_identity id = { .vendor = 1 };
	struct pci_function fn;
	uint8_t body[255] = { 0 }, offset;

	(void)state;
	bad.window_gpa[0] = 0x1000;
	assert_int_equal(pci_host_init(&host, &bad), VMM_ERR_RANGE);
	bad = config;
	bad.window_gpa[1] = UINT64_MAX & ~UINT64_C(0xffff);
	assert_int_equal(pci_host_init(&host, &bad), VMM_ERR_RANGE);
	assert_int_equal(pci_host_add(&t.host, PCI_SLOTS, &t.a), VMM_ERR_RANGE);
	assert_int_equal(pci_host_add(&t.host, SLOT_A, &t.b), VMM_ERR_EXISTS);
	ops.bar_size[1] = 0x800;
	assert_int_equal(pci_function_init(&fn, &ops, &id, &t.lock[0]), VMM_ERR_RANGE);
	ops.bar_size[1] = 0x3000;
	assert_int_equal(pci_function_init(&fn, &ops, &id, &t.lock[0]), VMM_ERR_RANGE);
	assert_int_equal(pci_function_init(&fn, &msix_ops, &id, &t.lock[0]), VMM_OK);
	assert_int_equal(pci_add_msix(&fn, 0), VMM_ERR_RANGE);
	assert_int_equal(pci_add_msix(&fn, MSIX_VECTORS + 1), VMM_ERR_RANGE);
	assert_int_equal(pci_add_msix(&fn, 1), VMM_OK);
	assert_int_equal(pci_add_msix(&fn, 1), VMM_ERR_RANGE); /* twice */
	assert_int_equal(pci_add_capability(&fn, 9, body, 255, NULL, &offset), VMM_ERR_NOMEM);
	assert_int_equal(pci_add_capability(&fn, 9, body, 100, NULL, &offset), VMM_OK);
	assert_int_equal(pci_add_capability(&fn, 9, body, 100, NULL, &offset), VMM_ERR_NOMEM);
	pci_set_intx(&fn, true); /* of no bus: nobody is told */
	pci_raise(&fn, 0);
	pci_function_reset(&fn);
}

static void a_full_bus(void **state)
{
	static struct pci_function all[PCI_SLOTS];
	const struct pci_identity id = { .vendor = 1 };

	(void)state;
	assert_int_equal(pci_host_init(&t.host, &config), VMM_OK);
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		assert_int_equal(pci_function_init(&all[i], &plain_ops, &id, &t.lock[0]), VMM_OK);
		assert_int_equal(pci_host_add(&t.host, i, &all[i]), VMM_OK);
		set(i, COMMAND, 2, MEMORY);
		place(i, 0, LOW + i * UINT64_C(0x1000));
		place(i, 2, HIGH + i * UINT64_C(0x10000));
	}
	assert_int_equal(t.host.decode_count, PCI_DECODES);
	for (unsigned i = 0; i < PCI_SLOTS; i++) {
		memory(LOW + i * UINT64_C(0x1000) + 8, 4, false, 0);
		assert_ptr_equal(t.hit, &all[i]);
		memory(HIGH + i * UINT64_C(0x10000), 8, false, 0);
		assert_ptr_equal(t.hit, &all[i]);
		assert_int_equal(t.hit_bar, 2);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_header_says_what_it_is),
		CASE(read_only_bytes_stay),
		CASE(bars_are_sized),
		CASE(empty_slots_read_as_ones),
		CASE(odd_accesses_do_nothing),
		CASE(accesses_reach_a_decoded_bar),
		CASE(bars_move),
		CASE(overlapping_bars_are_harmless),
		CASE(intx_follows_the_device),
		CASE(the_msix_capability_points_to_the_table),
		CASE(messages_need_enable_and_mastering),
		CASE(disabling_msix_forgets_and_turns_intx_on),
		CASE(reset_forgets_everything),
		CASE(wrong_set_ups_are_refused),
		CASE(a_full_bus),
	};

	return cmocka_run_group_tests_name("dev/pci/host", tests, NULL, NULL);
}
