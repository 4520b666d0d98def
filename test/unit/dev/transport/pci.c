/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm/dev/transport/pci: a driver that knows nothing but configuration space finds the device, sets it
 * up by VIRTIO 1.2, 4.1, and hears from it, by vectors and by INTx.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/util.h"
#include "vmm/dev/pci/host.h"
#include "vmm/dev/transport/pci.h"

enum {
	SLOT = 3,
	QUEUES = 3,
	QUEUE_SIZE = 16,
	RAM_SIZE = 0x10000,
	CONFIG_SIZE = 12,
	COMMAND = 4,
	MEMORY_AND_MASTER = 6,
	/* common configuration */
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_VECTOR = 0x10,
	NUM_QUEUES = 0x12,
	STATUS = 0x14,
	GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE_AT = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_RESET = 0x3a,
	NO_VECTOR = 0xffff,
};

#define RAM    UINT64_C(0x40000000)
#define WINDOW UINT64_C(0x8000000000)
#define BAR    (WINDOW + 0x8000)
#define MSI    UINT64_C(0x08020040)

/* Where a capability says that something is. */
struct place {
	unsigned cap; /* offset in configuration space; 0: not found */
	uint64_t gpa;
	uint32_t size;
};

static struct {
	_Alignas(4096) uint8_t ram[RAM_SIZE];
	struct gmem gmem;
	struct virtq queues[QUEUES];
	uint8_t config[CONFIG_SIZE];
	struct virtio_dev vd;
	struct virtio_pci vp;
	struct pci_host host;
	unsigned notified[QUEUES];
	uint32_t config_written;
	unsigned messages[8]; /* by data */
	uint64_t last_address;
	bool line;
	unsigned caller;
	struct place common, notify, isr, device, window;
	uint32_t multiplier;
} t;

static void device_notify(struct virtio_dev *vd, unsigned queue)
{
	assert_ptr_equal(vd, &t.vd);
	assert_int_not_equal(vd->lock.held, 0);
	t.notified[queue]++;
}

static void device_config_write(struct virtio_dev *vd, unsigned offset, unsigned len,
				uint32_t value)
{
	(void)vd;
	memcpy(t.config + offset, &value, len);
	t.config_written++;
}

static void device_event(struct virtio_dev *vd)
{
	struct virtq_chain chain;

	for (unsigned q = 0; q < QUEUES; q++) {
		while (virtq_pop(vd, q, &chain) == VIRTQ_GOT)
			virtq_push(vd, q, chain.token, 0);
		virtq_notify(vd, q);
	}
}

static const struct virtio_ops ops = {
	.device_id = VIRTIO_ID_ENTROPY,
	.notify = device_notify,
	.event = device_event,
	.config_write = device_config_write,
};

static void message(void *ctx, unsigned caller, uint64_t address, uint32_t data)
{
	(void)ctx;
	assert_true(data < ARRAY_SIZE(t.messages));
	t.messages[data]++;
	t.last_address = address;
	t.caller = caller;
}

static void line(void *ctx, unsigned caller, unsigned number, bool level)
{
	(void)ctx;
	assert_int_equal(number, SLOT % 4);
	t.line = level;
	t.caller = caller;
}

static uint32_t config_space(bool write, unsigned offset, unsigned width, uint32_t value)
{
	struct mmio_access access = { .offset = SLOT << 15 | offset,
				      .value = value,
				      .width = (uint8_t)width,
				      .write = write };

	pci_ecam_access(&t.host, &access);
	return (uint32_t)access.value;
}

static uint32_t config_get(unsigned offset, unsigned width)
{
	return config_space(false, offset, width, 0);
}

static uint64_t memory(bool write, uint64_t gpa, unsigned width, uint64_t value)
{
	struct mmio_access access = { .offset = gpa - WINDOW,
				      .value = value,
				      .width = (uint8_t)width,
				      .write = write,
				      .vcpu = 1 };

	pci_window_access(&t.host.window[1], &access);
	return access.value;
}

static uint32_t get(unsigned offset, unsigned width)
{
	return (uint32_t)memory(false, t.common.gpa + offset, width, 0);
}

static void set(unsigned offset, unsigned width, uint32_t value)
{
	memory(true, t.common.gpa + offset, width, value);
}

/* The first capability of this type (4.1.4). */
static struct place find(unsigned type)
{
	struct place place = { 0 };

	for (unsigned at = config_get(0x34, 1); at != 0; at = config_get(at + 1, 1)) {
		if (config_get(at, 1) != PCI_CAP_VENDOR || config_get(at + 3, 1) != type)
			continue;
		assert_int_equal(config_get(at + 4, 1), 0); /* BAR 0 */
		place.cap = at;
		place.gpa = BAR + config_get(at + 8, 4);
		place.size = config_get(at + 12, 4);
		return place;
	}
	return place;
}

static void make(size_t config_size)
{
	const struct virtio_setup virtio_setup = {
		.name = "test",
		.ops = &ops,
		.gmem = &t.gmem,
		.queues = t.queues,
		.queue_count = QUEUES,
		.queue_size_max = QUEUE_SIZE,
		.features = 0x9,
		.config = t.config,
		.config_size = config_size,
	};
	const struct pci_host_config host_config = {
		.window_gpa = { 0, WINDOW },
		.window_size = { 0, 0x100000 },
		.message = message,
		.line = line,
	};

	memset(&t, 0, sizeof(t));
	assert_int_equal(gmem_add(&t.gmem, RAM, (uintptr_t)t.ram, RAM_SIZE), VMM_OK);
	virtio_init(&t.vd, &virtio_setup);
	assert_int_equal(virtio_pci_init(&t.vp, &t.vd), VMM_OK);
	assert_int_equal(pci_host_init(&t.host, &host_config), VMM_OK);
	assert_int_equal(pci_host_add(&t.host, SLOT, &t.vp.function), VMM_OK);
	config_space(true, 0x10, 4, (uint32_t)BAR);
	config_space(true, 0x14, 4, (uint32_t)(BAR >> 32));
	config_space(true, COMMAND, 2, MEMORY_AND_MASTER);
	t.common = find(1);
	t.notify = find(2);
	t.isr = find(3);
	t.device = find(4);
	t.window = find(5);
	t.multiplier = config_get(t.notify.cap + 16, 4);
}

static int setup(void **state)
{
	(void)state;
	make(CONFIG_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(t.vd.lock.held, 0);
	return 0;
}

static void negotiate(uint64_t features)
{
	set(STATUS, 1, 0);
	set(STATUS, 1, 1);
	set(STATUS, 1, 3);
	for (uint32_t i = 0; i < 2; i++) {
		set(DRIVER_FEATURE_SELECT, 4, i);
		set(DRIVER_FEATURE, 4, (uint32_t)(features >> 32 * i));
	}
	set(STATUS, 1, 11);
	assert_int_equal(get(STATUS, 1), 11);
}

/* Queue n has its areas at RAM + 0x3000 n. */
static void start(uint64_t features)
{
	negotiate(features | VIRTIO_F_VERSION_1);
	for (unsigned q = 0; q < QUEUES; q++) {
		set(QUEUE_SELECT, 2, q);
		set(QUEUE_SIZE_AT, 2, 8);
		for (unsigned area = 0; area < 3; area++) {
			set(QUEUE_DESC + 8 * area, 4, (uint32_t)(RAM + 0x3000 * q + 0x1000 * area));
			set(QUEUE_DESC + 8 * area + 4, 4, 0);
		}
		set(QUEUE_ENABLE, 2, 1);
		assert_int_equal(get(QUEUE_ENABLE, 2), 1);
	}
	set(STATUS, 1, 15);
	assert_int_equal(get(STATUS, 1), 15);
}

/* Makes one buffer available in the split ring of `queue`, the n-th of it. */
static void offer(unsigned queue, uint16_t n)
{
	uint8_t *base = t.ram + 0x3000 * queue;
	const uint64_t address = RAM + 0xf000;
	const uint32_t length = 64;
	const uint16_t flags = 2, head = 0, index = n;

	memcpy(base, &address, 8);
	memcpy(base + 8, &length, 4);
	memcpy(base + 12, &flags, 2);
	memcpy(base + 0x1000 + 4 + 2 * ((n - 1U) % 8), &head, 2);
	memcpy(base + 0x1000 + 2, &index, 2);
}

static void enable_msix(uint16_t control)
{
	for (unsigned at = config_get(0x34, 1); at != 0; at = config_get(at + 1, 1)) {
		uint64_t table = BAR + (config_get(at + 4, 4) & ~7U);

		if (config_get(at, 1) != PCI_CAP_MSIX)
			continue;
		for (unsigned v = 0; v <= (config_get(at + 2, 2) & 0x7ff); v++) {
			memory(true, table + 16 * v, 8, MSI);
			memory(true, table + 16 * v + 8, 8, v); /* data v, unmasked */
		}
		config_space(true, at + 2, 2, control);
		return;
	}
	fail();
}

static void it_is_a_modern_device(void **state)
{
	(void)state;
	assert_int_equal(config_get(0, 4), 0x10441af4);
	assert_int_equal(config_get(8, 1), 1);
	assert_true(config_get(0x2e, 2) >= 0x40);
	assert_int_equal(t.common.size, 0x3c);
	assert_int_equal(t.isr.size, 1);
	assert_int_equal(t.device.size, CONFIG_SIZE);
	assert_int_equal(t.notify.size, QUEUES * t.multiplier);
	assert_int_not_equal(t.window.cap, 0);
	assert_int_equal(config_get(t.window.cap + 2, 1), 20);
	assert_int_equal(config_get(t.common.cap + 2, 1), 16);
	/* 4.1.4.4.1: the doorbells' offset is 2-byte aligned, or more. */
	assert_int_equal(t.notify.gpa % 4096, 0);
	make(0);
	assert_int_equal(t.device.cap, 0); /* no configuration, no capability */
	assert_int_not_equal(t.isr.cap, 0);
}

static void common_registers(void **state)
{
	(void)state;
	assert_int_equal(get(NUM_QUEUES, 2), QUEUES);
	set(DEVICE_FEATURE_SELECT, 4, 0);
	assert_int_equal(get(DEVICE_FEATURE, 4) & 0xff, 9);
	set(DEVICE_FEATURE_SELECT, 4, 1);
	assert_int_equal(get(DEVICE_FEATURE_SELECT, 4), 1);
	assert_int_equal(get(DEVICE_FEATURE, 4) & 1, 1); /* VERSION_1 */
	set(DEVICE_FEATURE_SELECT, 4, 2);
	assert_int_equal(get(DEVICE_FEATURE, 4), 0);
	set(STATUS, 1, 3);
	set(DRIVER_FEATURE_SELECT, 4, 1);
	assert_int_equal(get(DRIVER_FEATURE_SELECT, 4), 1);
	set(DRIVER_FEATURE, 4, 1);
	assert_int_equal(get(DRIVER_FEATURE, 4), 1);
	negotiate(VIRTIO_F_VERSION_1 | 8);

	for (unsigned q = 0; q < QUEUES; q++) {
		set(QUEUE_SELECT, 2, q);
		assert_int_equal(get(QUEUE_SELECT, 2), q);
		assert_int_equal(get(QUEUE_SIZE_AT, 2), QUEUE_SIZE);
		assert_int_equal(get(QUEUE_VECTOR, 2), NO_VECTOR);
		assert_int_equal(get(QUEUE_NOTIFY_OFF, 2), q);
		for (unsigned word = 0; word < 6; word++) {
			set(QUEUE_DESC + 4 * word, 4, 0x1000 * (word + 1));
			assert_int_equal(get(QUEUE_DESC + 4 * word, 4), 0x1000 * (word + 1));
		}
	}
	virtio_config_changed(&t.vd);
	assert_int_equal(get(GENERATION, 1), 1);
	set(GENERATION, 1, 9);
	assert_int_equal(get(GENERATION, 1), 1);
}

/* Every register at every width at every offset: other than a field's own is RAZ/WI (4.1.3.1). */
static void other_widths_are_refused(void **state)
{
	(void)state;
	negotiate(VIRTIO_F_VERSION_1);
	for (unsigned at = 0; at < 0x3c; at++) {
		bool word = at < 0x10 || (at >= 0x20 && at < 0x38);
		bool byte = at == STATUS || at == GENERATION;
		unsigned own = word ? 4 : byte ? 1 : 2;

		for (unsigned width = 1; width <= 8; width *= 2) {
			if (width == own && at % own == 0)
				continue;
			set(at, width, UINT32_MAX);
			assert_int_equal(get(at, width), 0);
		}
	}
	assert_int_equal(get(STATUS, 1), 11);
	assert_int_equal(get(QUEUE_SELECT, 2), 0);
}

static void a_queue_that_is_not_there(void **state)
{
	(void)state;
	negotiate(VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET);
	for (unsigned q = QUEUES; q < 0x10000; q = q * 2 + 1) {
		set(QUEUE_SELECT, 2, q);
		assert_int_equal(get(QUEUE_SIZE_AT, 2), 0); /* 4.1.4.3.1 */
		assert_int_equal(get(QUEUE_ENABLE, 2), 0);
		assert_int_equal(get(QUEUE_VECTOR, 2), NO_VECTOR);
		assert_int_equal(get(QUEUE_NOTIFY_OFF, 2), 0);
		set(QUEUE_SIZE_AT, 2, 8);
		set(QUEUE_VECTOR, 2, 1);
		set(QUEUE_DESC, 4, 0x40000000);
		set(QUEUE_ENABLE, 2, 1);
		set(QUEUE_RESET, 2, 1);
	}
	for (unsigned at = 0; at < VIRTIO_PCI_NOTIFY_SIZE; at += 4)
		memory(true, t.notify.gpa + at, 2, at / 4);
	for (unsigned q = 0; q < QUEUES; q++)
		assert_int_equal(t.notified[q], 0);
	assert_int_equal(get(STATUS, 1), 11);
}

static void doorbells_notify_their_queue(void **state)
{
	(void)state;
	start(0);
	for (unsigned q = 0; q < QUEUES; q++) {
		set(QUEUE_SELECT, 2, q);
		memory(true, t.notify.gpa + get(QUEUE_NOTIFY_OFF, 2) * t.multiplier, 2, q);
		assert_int_equal(t.notified[q], 1);
		memory(true, t.notify.gpa + q * t.multiplier, 4, q);
		assert_int_equal(t.notified[q], 2);
		assert_int_equal(memory(false, t.notify.gpa + q * t.multiplier, 4, 5), 0);
	}
	assert_int_equal(t.vd.caller, 1);
}

static bool is_blind(uint64_t gpa, unsigned width)
{
	return pci_window_blind(&t.host.window[1], gpa - WINDOW, width);
}

/* What is stored at a doorbell does not matter; anywhere else, and where no BAR is, it does. */
static void doorbells_are_blind(void **state)
{
	uint64_t bell = t.notify.gpa;

	(void)state;
	start(0);
	for (unsigned at = 0; at < VIRTIO_PCI_NOTIFY_SIZE; at += 4) {
		assert_true(is_blind(bell + at, 2));
		assert_true(is_blind(bell + at, 4));
		assert_false(is_blind(bell + at, 1));
		assert_false(is_blind(bell + at, 8));
	}
	assert_false(is_blind(bell - 2, 2));
	assert_false(is_blind(bell + VIRTIO_PCI_NOTIFY_SIZE, 2));
	assert_false(is_blind(t.common.gpa + QUEUE_SIZE_AT, 2));
	memory(true, bell, 2, 0xffff);
	assert_int_equal(t.notified[0], 1);
	virtio_pci_power_on(&t.vp);
	assert_false(is_blind(bell, 2));
}

static void device_configuration(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONFIG_SIZE; i++)
		t.config[i] = (uint8_t)(i + 1);
	assert_int_equal(memory(false, t.device.gpa, 1, 0), 1);
	assert_int_equal(memory(false, t.device.gpa + 4, 4, 0), 0x08070605);
	assert_int_equal(memory(false, t.device.gpa + 10, 2, 0), 0x0c0b);
	assert_int_equal(memory(false, t.device.gpa + 11, 2, 0), 0);
	assert_int_equal(memory(false, t.device.gpa + CONFIG_SIZE, 4, 0), 0);
	assert_int_equal(memory(false, t.device.gpa + 255, 4, 0), 0);
	memory(true, t.device.gpa + 4, 4, 0xaabbccdd);
	assert_int_equal(t.config_written, 1);
	assert_int_equal(memory(false, t.device.gpa + 4, 4, 0), 0xaabbccdd);
	memory(true, t.device.gpa + CONFIG_SIZE, 4, 1); /* defect 15: past the end */
	memory(true, t.device.gpa + 10, 4, 1);
	assert_int_equal(t.config_written, 1);
}

static void vectors_are_checked_where_stored(void **state)
{
	(void)state;
	set(CONFIG_VECTOR, 2, QUEUES); /* the last of QUEUES + 1 */
	assert_int_equal(get(CONFIG_VECTOR, 2), QUEUES);
	set(CONFIG_VECTOR, 2, QUEUES + 1);
	assert_int_equal(get(CONFIG_VECTOR, 2), NO_VECTOR);
	set(QUEUE_VECTOR, 2, 2);
	assert_int_equal(get(QUEUE_VECTOR, 2), 2);
	set(QUEUE_VECTOR, 2, 0xfffe);
	assert_int_equal(get(QUEUE_VECTOR, 2), NO_VECTOR);
	set(QUEUE_VECTOR, 2, 1);
	set(STATUS, 1, 0); /* 4.1.5.1.2.1: reset unmaps */
	assert_int_equal(get(QUEUE_VECTOR, 2), NO_VECTOR);
}

static void queues_interrupt_by_their_vectors(void **state)
{
	(void)state;
	enable_msix(0x8000);
	start(0);
	set(CONFIG_VECTOR, 2, 0);
	set(QUEUE_SELECT, 2, 1);
	set(QUEUE_VECTOR, 2, 3);
	offer(0, 1); /* queue 0 has no vector: silent */
	offer(1, 1);
	virtio_event(&t.vd, 2);
	assert_int_equal(t.messages[3], 1);
	assert_int_equal(t.messages[0], 0);
	assert_true(t.last_address == MSI);
	assert_int_equal(t.caller, 2);
	assert_false(t.line);
	lock_take(&t.vd.lock);
	virtio_config_changed(&t.vd);
	lock_give(&t.vd.lock);
	assert_int_equal(t.messages[0], 1);
	assert_false(t.line);
	assert_int_equal(memory(false, t.isr.gpa, 1, 0), 2); /* set with vectors, too: 4.1.4.5.1 */
}

static void intx_and_the_status_byte(void **state)
{
	(void)state;
	start(0);
	offer(2, 1);
	virtio_event(&t.vd, 0);
	assert_true(t.line);
	assert_int_equal(config_get(6, 2) & 8, 8);
	lock_take(&t.vd.lock);
	virtio_config_changed(&t.vd);
	lock_give(&t.vd.lock);
	assert_true(t.line);
	assert_int_equal(memory(false, t.isr.gpa, 4, 0), 0); /* no such width: nothing happens */
	assert_true(t.line);
	assert_int_equal(memory(false, t.isr.gpa, 1, 0), 3);
	assert_false(t.line);
	assert_int_equal(t.caller, 1);
	assert_int_equal(config_get(6, 2) & 8, 0);
	assert_int_equal(memory(false, t.isr.gpa, 1, 0), 0);
	offer(2, 2);
	virtio_event(&t.vd, 0);
	assert_true(t.line);
	set(STATUS, 1, 0);
	assert_false(t.line);
	assert_int_equal(memory(false, t.isr.gpa, 1, 0), 0);
}

static void one_queue_is_reset(void **state)
{
	(void)state;
	start(VIRTIO_F_RING_RESET);
	set(QUEUE_SELECT, 2, 1);
	set(QUEUE_VECTOR, 2, 1);
	set(QUEUE_ENABLE, 2, 0); /* not the way */
	assert_int_equal(get(QUEUE_ENABLE, 2), 1);
	set(QUEUE_RESET, 2, 1);
	assert_int_equal(get(QUEUE_RESET, 2), 0);
	assert_int_equal(get(QUEUE_ENABLE, 2), 0);
	assert_int_equal(get(QUEUE_VECTOR, 2), NO_VECTOR);
	assert_int_equal(get(QUEUE_SIZE_AT, 2), QUEUE_SIZE);
	memory(true, t.notify.gpa + t.multiplier, 2, 1);
	assert_int_equal(t.notified[1], 0);
	set(QUEUE_SELECT, 2, 0);
	assert_int_equal(get(QUEUE_ENABLE, 2), 1);
	start(0); /* not negotiated: ignored */
	set(QUEUE_SELECT, 2, 1);
	set(QUEUE_RESET, 2, 1);
	assert_int_equal(get(QUEUE_ENABLE, 2), 1);
}

static void window(unsigned bar, uint32_t at, uint32_t length)
{
	config_space(true, t.window.cap + 4, 1, bar);
	config_space(true, t.window.cap + 8, 4, at);
	config_space(true, t.window.cap + 12, 4, length);
}

static void the_bar_through_configuration_space(void **state)
{
	unsigned data = t.window.cap + 16;
	uint32_t common = (uint32_t)(t.common.gpa - BAR);

	(void)state;
	config_space(true, COMMAND, 2, 0); /* it needs no decoded BAR */
	window(0, common + NUM_QUEUES, 2);
	assert_int_equal(config_get(data, 2), QUEUES);
	window(0, common + STATUS, 1);
	config_space(true, data, 1, 1);
	assert_int_equal(t.vd.status, 1);
	assert_int_equal(config_get(data, 4) & 0xff, 1);
	window(0, common + DRIVER_FEATURE_SELECT, 4);
	config_space(true, data, 4, 1);
	assert_int_equal(t.vd.driver_features_select, 1);
	config_space(true, data - 4, 4, 4); /* beside the data: no access */
	assert_int_equal(t.vd.driver_features_select, 1);
}

static void a_wild_window_reaches_nothing(void **state)
{
	static const struct {
		unsigned bar;
		uint32_t at, length;
	} wild[] = {
		{ 0, 0, 0 },          { 0, 0, 3 }, { 0, 0, 8 },          { 0, 0, UINT32_MAX },
		{ 1, 0, 4 },          { 2, 0, 4 }, { 255, 0, 4 },        { 0, 0x4000, 4 },
		{ 0, 0xfffffffc, 4 }, { 0, 2, 4 }, { 0, UINT32_MAX, 1 }, { 0, 0x3fff, 2 },
	};
	unsigned data = t.window.cap + 16;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
		window(0, 0, 0);
		config_space(true, data, 4, 0x1234);
		window(wild[i].bar, wild[i].at, wild[i].length);
		assert_int_equal(config_get(data, 4), 0x1234); /* as written */
		config_space(true, data, 4, 0xffffffff);
	}
	assert_int_equal(t.vd.device_features_select, 0);
	assert_int_equal(t.vd.status, 0);
}

static void power_on_forgets(void **state)
{
	(void)state;
	start(0);
	enable_msix(0xc000);
	virtio_power_on(&t.vd);
	virtio_pci_power_on(&t.vp);
	assert_int_equal(config_get(COMMAND, 2), 0);
	assert_false(pci_msix_enabled(&t.vp.function));
	assert_int_equal(memory(false, BAR, 4, 0), UINT32_MAX);
	assert_int_equal(t.vd.status, 0);
}

static void too_many_queues(void **state)
{
	(void)state;
	t.vd.setup.queue_count = VIRTIO_PCI_QUEUES + 1;
	assert_int_equal(virtio_pci_init(&t.vp, &t.vd), VMM_ERR_RANGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_is_a_modern_device),
		CASE(common_registers),
		CASE(other_widths_are_refused),
		CASE(a_queue_that_is_not_there),
		CASE(doorbells_notify_their_queue),
		CASE(doorbells_are_blind),
		CASE(device_configuration),
		CASE(vectors_are_checked_where_stored),
		CASE(queues_interrupt_by_their_vectors),
		CASE(intx_and_the_status_byte),
		CASE(one_queue_is_reset),
		CASE(the_bar_through_configuration_space),
		CASE(a_wild_window_reaches_nothing),
		CASE(power_on_forgets),
		CASE(too_many_queues),
	};

	return cmocka_run_group_tests_name("dev/transport/pci", tests, NULL, NULL);
}
