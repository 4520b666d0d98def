/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native entropy driver against our own model of the device: what clients get is what the model's
 * source gave, each byte once. The driver's DMA memory is the model's guest RAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/vdrv_model.h"
#include "vmm/base/util.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/virtio/rng.h"
#include "vmm/driver/virtio/rng.h"

enum { CLIENTS = 3, QUEUE = 256, PAGE = 0x1000, HOST_SLOT = 3 };

#define PADDR UINT64_C(0x60000000)

static struct virtio_rng model;
static struct virtio_mmio mmio;
static struct gmem gmem;
static struct entropy_fixed source;
static uint8_t *dma;
static struct rngdrv driver;
static struct serialq header[CLIENTS];
static uint8_t data[CLIENTS][QUEUE];
static struct serialq_consumer client[CLIENTS];
static bool level;

static void irq(void *ctx, unsigned caller, bool up)
{
	(void)ctx;
	(void)caller;
	level = up;
}

static enum vmm_err open(void)
{
	return rngdrv_open(&driver, &(struct rngdrv_setup){
					    .ops = &vdrv_model_ops,
					    .page = vdrv_model_page,
					    .page_size = sizeof(vdrv_model_page),
					    .dma = dma,
					    .dma_paddr = PADDR,
					    .dma_size = rngdrv_dma_bytes(),
				    });
}

static int begin(void **state)
{
	size_t size = align_up(rngdrv_dma_bytes(), PAGE);

	(void)state;
	dma = aligned_alloc(PAGE, size);
	assert_non_null(dma);
	memset(dma, 0, size);
	memset(&gmem, 0, sizeof(gmem));
	assert_int_equal(gmem_add(&gmem, PADDR, (uint64_t)(uintptr_t)dma, size), VMM_OK);
	entropy_fixed_init(&source, 3, UINT64_MAX);
	virtio_rng_init(&model, &(struct virtio_setup){ .name = "host", .gmem = &gmem },
			&source.backend);
	virtio_mmio_init(&mmio, &model.vd, irq, NULL, NULL);
	vdrv_model_set(&mmio, HOST_SLOT);
	memset(header, 0, sizeof(header));
	assert_int_equal(open(), VMM_OK);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct serialq_producer producer;

		assert_int_equal(serialq_producer_init(&producer, &header[i], data[i], QUEUE),
				 VMM_OK);
		assert_int_equal(serialq_consumer_init(&client[i], &header[i], data[i], QUEUE),
				 VMM_OK);
		assert_int_equal(rngdrv_client(&driver, &producer), VMM_OK);
	}
	return 0;
}

static int finish(void **state)
{
	(void)state;
	free(dma);
	return 0;
}

/* Every client's queue is filled, in shares; together they hold the source's stream. */
static void test_fills(void **state)
{
	uint8_t expected[CLIENTS * QUEUE], got[QUEUE];
	struct entropy_fixed same;

	(void)state;
	assert_int_equal(rngdrv_run(&driver), (1U << CLIENTS) - 1);
	entropy_fixed_init(&same, 3, UINT64_MAX);
	(void)same.backend.ops->fill(&same.backend, expected, sizeof(expected));
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_equal(serialq_read(&client[i], got, QUEUE), QUEUE);
		for (unsigned k = 0; k < QUEUE / 64; k++)
			assert_memory_equal(got + 64 * (size_t)k,
					    expected + 64 * (size_t)(k * CLIENTS + i), 64);
	}
	assert_int_equal(rngdrv_run(&driver), 0); /* nothing was released */
}

/* A client that releases is asked for, and gets the next bytes; the others none. */
static void test_refills(void **state)
{
	uint8_t first[100], second[QUEUE];

	(void)state;
	(void)rngdrv_run(&driver);
	assert_int_equal(serialq_read(&client[1], first, sizeof(first)), sizeof(first));
	assert_true(serialq_release(&client[1])); /* the driver wants to hear it */
	assert_int_equal(rngdrv_run(&driver), 1U << 1);
	assert_int_equal(serialq_read(&client[1], second, sizeof(second)), QUEUE);
	assert_memory_not_equal(second + QUEUE - sizeof(first), first, sizeof(first));
	for (unsigned i = 0; i < 1000; i++) {
		(void)serialq_release(&client[1]);
		assert_int_equal(rngdrv_run(&driver), 1U << 1);
		assert_int_equal(serialq_read(&client[1], second, sizeof(second)), QUEUE);
	}
}

/* The device has nothing for a while: clients wait, and are served when it has. */
static void test_dry(void **state)
{
	uint8_t got[QUEUE];

	(void)state;
	source.left = 100;
	assert_int_equal(rngdrv_run(&driver), 3); /* 64 and 36 */
	assert_int_equal(serialq_read(&client[0], got, QUEUE), 64);
	assert_int_equal(serialq_read(&client[1], got, QUEUE), 36);
	assert_int_equal(rngdrv_run(&driver), 0);
	source.left = 64;
	virtio_event(&model.vd, 0);
	assert_true(level);
	assert_int_equal(rngdrv_run(&driver), 1U << 2);
	assert_false(level);
}

static void test_hostile_client(void **state)
{
	(void)state;
	header[0].head = 12345; /* beyond what was ever sent: the queue looks full */
	assert_int_equal(rngdrv_run(&driver), 6);
	assert_int_equal(serialq_length(&client[2]), QUEUE);
}

static void test_broken_device(void **state)
{
	uint8_t got[QUEUE];

	(void)state;
	(void)rngdrv_run(&driver);
	virtio_needs_reset(&model.vd, "test");
	(void)rngdrv_run(&driver);
	assert_true(driver.broken);
	assert_int_equal(model.vd.status, 0); /* it was reset: no DMA any more */
	(void)serialq_read(&client[0], got, QUEUE);
	(void)serialq_release(&client[0]);
	(void)rngdrv_run(&driver); /* what was left */
	assert_int_equal(model.vd.status, 0);
	/* Started again, as after a crash, it works. */
	assert_int_equal(open(), VMM_OK);
	assert_int_equal(model.vd.status, 15);
}

static void test_absent(void **state)
{
	(void)state;
	assert_int_equal(rngdrv_open(&driver, &(struct rngdrv_setup){ .dma_size = 16 }),
			 VMM_ERR_INVALID);
	assert_int_equal(rngdrv_open(&driver,
				     &(struct rngdrv_setup){
					     .ops = &vdrv_model_ops,
					     .page = vdrv_model_page,
					     .page_size = VDRV_MODEL_SLOT,
					     .dma = dma,
					     .dma_paddr = PADDR,
					     .dma_size = rngdrv_dma_bytes(),
				     }),
			 VMM_ERR_ABSENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fills),          TEST(test_refills),       TEST(test_dry),
		TEST(test_hostile_client), TEST(test_broken_device), TEST(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
