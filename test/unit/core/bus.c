/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus: every address finds its region or none, in whatever order regions were added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/core/bus.h"

struct probe {
	struct lock lock;
	unsigned calls;
	uint64_t offset;
	bool was_locked;
};

static void probe_access(void *device, struct mmio_access *access)
{
	struct probe *p = device;

	p->calls++;
	p->offset = access->offset;
	p->was_locked = p->lock.held != 0;
	if (!access->write)
		access->value = 0xab;
}

static struct bus_region region(struct probe *p, uint64_t gpa, uint64_t size)
{
	return (struct bus_region){
		.gpa = gpa, .size = size, .handler = probe_access, .device = p, .lock = &p->lock
	};
}

static void regions_are_sorted_and_found(void **state)
{
	static const uint64_t order[] = { 7, 2, 9, 0, 4, 1, 8, 3, 6, 5 };
	struct probe p = { 0 };
	struct bus bus = { 0 };
	const struct bus_region *hint = NULL;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct bus_region r = region(&p, 0x1000 + order[i] * 0x100, 0x80);

		assert_int_equal(bus_add(&bus, &r), VMM_OK);
	}
	for (uint64_t at = 0xf00; at < 0x1b00; at++) {
		const struct bus_region *r = bus_find(&bus, at, 4, &hint);
		uint64_t in = at - 0x1000;
		bool inside = at >= 0x1000 && in / 0x100 < 10 && in % 0x100 <= 0x7c;

		assert_int_equal(r != NULL, inside);
		if (r != NULL)
			assert_true(r->gpa == (at & ~UINT64_C(0xff)));
	}
	assert_null(bus_find(&bus, UINT64_MAX - 1, 4, &hint));
	assert_null(hint);
	assert_ptr_equal(bus_find(&bus, 0x1000, 4, &hint), &bus.region[0]);
	assert_ptr_equal(hint, &bus.region[0]);
	assert_ptr_equal(bus_find(&bus, 0x107c, 4, &hint), &bus.region[0]);
	assert_null(bus_find(&bus, 0x107d, 4, &hint));
}

static void add_refuses(void **state)
{
	struct probe p = { 0 };
	struct bus bus = { 0 };
	struct bus_region r = region(&p, 0x1000, 0x100);

	(void)state;
	assert_int_equal(bus_add(&bus, &r), VMM_OK);
	r.gpa = 0x10ff;
	assert_int_equal(bus_add(&bus, &r), VMM_ERR_EXISTS);
	r.gpa = 0xf01;
	assert_int_equal(bus_add(&bus, &r), VMM_ERR_EXISTS);
	r.size = 0;
	assert_int_equal(bus_add(&bus, &r), VMM_ERR_RANGE);
	r.gpa = UINT64_MAX;
	r.size = 2;
	assert_int_equal(bus_add(&bus, &r), VMM_ERR_RANGE);
	assert_int_equal(bus.count, 1);
	for (unsigned i = 1; i < BUS_REGIONS; i++) {
		r = region(&p, 0x1000 + i * UINT64_C(0x100), 0x100);
		assert_int_equal(bus_add(&bus, &r), VMM_OK);
	}
	r = region(&p, 0x100000, 0x100);
	assert_int_equal(bus_add(&bus, &r), VMM_ERR_NOMEM);
}

static void access_is_relative_and_locked(void **state)
{
	struct probe p = { 0 };
	struct bus_region r = region(&p, 0x9000, 0x100);
	struct mmio_access access = { .width = 4 };

	(void)state;
	bus_access(&r, 0x9018, &access);
	assert_int_equal(p.offset, 0x18);
	assert_int_equal(access.value, 0xab);
	assert_true(p.was_locked);
	assert_int_equal(p.lock.held, 0);
	r.lock = NULL;
	bus_access(&r, 0x9000, &access);
	assert_false(p.was_locked);
	assert_int_equal(p.calls, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_sorted_and_found),
		cmocka_unit_test(add_refuses),
		cmocka_unit_test(access_is_relative_and_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
