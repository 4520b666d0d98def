/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of a block server that begins while the server dies and is started again: at whatever moment the
 * other's stores are seen, the disk is there, or not known yet. It is never taken for none, with which
 * the guest's requests would fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/mortal.h"
#include "vmm/backend/block/sddf.h"

enum { SECTORS = 100, UNITS = 4, READY = 65, LOADS = 40 };

static struct block_sddf client;
static struct {
	_Alignas(8) uint8_t requests[8192], responses[4096], medium[4096];
	uint8_t data[UNITS * BLOCK_SDDF_UNIT];
} shared;

static void show(void)
{
	blkq_medium_show(shared.medium,
			 &(struct blkq_medium){
				 .sectors = SECTORS,
				 .block_size = 512,
				 .generation = blkq_medium_generation(shared.medium) + 1,
			 });
}

/* As much as a server does that dies then. */
static void begin_to_show(void)
{
	shared.medium[READY] = 0;
}

static void again(void)
{
	begin_to_show();
	show();
}

static void nobody(void *ctx)
{
	(void)ctx;
}

static void a_disk_is_never_taken_for_none(void **state)
{
	static void (*const others[])(void) = { begin_to_show, show, again };
	const struct block_sddf_setup setup = {
		.requests = shared.requests,
		.responses = shared.responses,
		.medium = shared.medium,
		.requests_size = sizeof(shared.requests),
		.responses_size = sizeof(shared.responses),
		.medium_size = sizeof(shared.medium),
		.data = shared.data,
		.data_size = sizeof(shared.data),
		.signal = { nobody, NULL },
	};
	struct block_info info;

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(others) / sizeof(others[0]); i++) {
		for (unsigned loads = 1; loads < LOADS; loads++) {
			memset(&shared, 0, sizeof(shared));
			show();
			if (i % 2 != 0)
				begin_to_show();
			assert_int_equal(block_sddf_init(&client, &setup), VMM_OK);
			mortal_meanwhile(loads, others[i / 2]);
			client.backend.ops->info(&client.backend, &info);
			mortal_meanwhile(0, NULL);
			if (info.sectors != SECTORS && !info.changing)
				fail_msg("%u, load %u: no disk", i, loads);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_is_never_taken_for_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
