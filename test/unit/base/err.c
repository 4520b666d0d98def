/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm/base/err: every error has a name of its own, and a wild value does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/err.h"

static void names_are_distinct(void **state)
{
	(void)state;
	for (int a = VMM_OK; a <= VMM_ERR_AGAIN; a++) {
		assert_non_null(vmm_err_name((enum vmm_err)a));
		for (int b = VMM_OK; b < a; b++)
			assert_string_not_equal(vmm_err_name((enum vmm_err)a),
						vmm_err_name((enum vmm_err)b));
	}
	assert_string_equal(vmm_err_name(VMM_ERR_RANGE), "VMM_ERR_RANGE");
}

static void wild_value_has_a_name(void **state)
{
	(void)state;
	assert_non_null(vmm_err_name((enum vmm_err)1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_distinct),
		cmocka_unit_test(wild_value_has_a_name),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
