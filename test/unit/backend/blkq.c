/* SPDX-License-Identifier: BSD-2-Clause */
/* The page in which a block server describes its medium, read while another server shows its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "vmm/backend/queue/blkq.h"

enum { PAGE = 4096, HALF = 72 /* bytes, with what says that it is ready */ };

static uint8_t *pages; /* one that can be read, and one that cannot yet */
static struct blkq_medium next;

static void *medium_page(void)
{
	return pages + PAGE - HALF;
}

/* When the second half is read, another server has shown its medium. */
static void show_next(int number)
{
	(void)number;
	if (mprotect(pages, 2 * (size_t)PAGE, PROT_READ | PROT_WRITE) != 0)
		abort();
	blkq_medium_show(medium_page(), &next);
}

/* What is read is what one server has shown. */
static void a_medium_is_read_whole(void **state)
{
	const struct sigaction action = { .sa_handler = show_next };
	struct blkq_medium medium = { .sectors = 100, .block_size = 512, .generation = 1 };
	struct sigaction before;

	(void)state;
	pages = mmap(NULL, 2 * (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	assert_true(pages != MAP_FAILED);
	next = medium;
	(void)memset(medium.serial, 'a', 60);
	(void)memset(next.serial, 'b', 60);
	next.sectors = 200;
	next.generation = 2;
	blkq_medium_show(medium_page(), &medium);
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	if (blkq_medium_read(medium_page(), &medium))
		assert_int_equal(medium.serial[0], medium.sectors == 100 ? 'a' : 'b');
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	assert_true(blkq_medium_read(medium_page(), &medium));
	assert_int_equal(medium.sectors, 200);
	assert_int_equal(medium.serial[0], 'b');
	assert_int_equal(munmap(pages, 2 * (size_t)PAGE), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_medium_is_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
