/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding things by name in the start page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>
#include <vmm/start.h>

static void finds_whole_names_only(void **state)
{
	static struct vmm_start start = {
		.cap_count = 3,
		.caps = { { "wake", 7 }, { "wake.more", 8 }, { "x", 9 } },
		.region_count = 1,
		.regions = { { "uart", 0x1000, 0x2000, 0x3000 } },
	};

	(void)state;
	assert_int_equal(vmm_start_cap(&start, "wake"), 7);
	assert_int_equal(vmm_start_cap(&start, "wake.more"), 8);
	assert_int_equal(vmm_start_cap(&start, "wak"), 0);
	assert_int_equal(vmm_start_cap(&start, "wakes"), 0);
	assert_int_equal(vmm_start_cap(&start, ""), 0);
	assert_ptr_equal(vmm_start_region(&start, "uart"), &start.regions[0]);
	assert_null(vmm_start_region(&start, "uar"));
}

static void counts_and_names_are_bounded(void **state)
{
	static struct vmm_start start = { .cap_count = UINT32_MAX, .region_count = UINT32_MAX };
	char longer[VMM_START_NAME + 2];

	(void)state;
	memset(start.caps[VMM_START_CAPS - 1].name, 'a', VMM_START_NAME);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(vmm_start_cap(&start, longer), 0);
	assert_int_equal(vmm_start_cap(&start, "none"), 0);
	assert_null(vmm_start_region(&start, "none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_whole_names_only),
		cmocka_unit_test(counts_and_names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
