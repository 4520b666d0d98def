/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * app/vmm/kinds.c and virtio.c: what a VM's configuration makes of each kind of virtio device, and of
 * every way in which that configuration can be wrong. The devices and backends are the real ones, the
 * port is the fake one; what devices do is tested where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/vmm/machine.h"
#include "vmm/base/util.h"
#include "vmm/port/host/host.h"

enum {
	RAM_SIZE = 1 << 20,
	HEAP_SIZE = 256 << 10,
	REGION_SIZE = 1 << 20, /* enough for any */
	HEADERS = 64 << 10,    /* of a region, more than anything writes here */
	SERIAL_SIZE = 4096,
	LOG = 0,
	CHANNEL = 1, /* of the device under test */
	PORT = 2,    /* of its port, for a console */
	INTID = 48,
	MMIO_MAGIC = 0x000,
	MMIO_DEVICE_ID = 0x008,
	MMIO_FEATURES = 0x010,
	MMIO_FEATURES_SEL = 0x014,
	MMIO_DRIVER_FEATURES = 0x020,
	MMIO_DRIVER_FEATURES_SEL = 0x024,
	MMIO_QUEUE_SIZE = 0x038,
	MMIO_QUEUE_READY = 0x044,
	MMIO_STATUS = 0x070,
	MMIO_QUEUE_AREAS = 0x080,
	FEATURE_RING_PACKED = 34 - 32, /* in the second word */
	MAGIC = 0x74726976,
	PCI_VENDOR_VIRTIO = 0x1af4,
	PCI_DEVICE_FIRST = 0x1040,
};

#define RAM    UINT64_C(0x40000000)
#define GICD   UINT64_C(0x08000000)
#define DEVICE UINT64_C(0x0a000000)
#define ECAM   UINT64_C(0x3f000000)

static const struct row {
	uint32_t kind, id, channel, heap_kib;
	unsigned regions; /* of its channel */
} rows[] = {
	{ VMM_DEVICE_VIRTIO_BLK, 2, VMM_CHANNEL_BLOCK, VMM_HEAP_KIB_BLK, 4 },
	{ VMM_DEVICE_VIRTIO_NET, 1, VMM_CHANNEL_NET, VMM_HEAP_KIB_NET, 6 },
	{ VMM_DEVICE_VIRTIO_CONSOLE, 3, VMM_CHANNEL_NONE, VMM_HEAP_KIB_CONSOLE, 0 },
	{ VMM_DEVICE_VIRTIO_RNG, 4, VMM_CHANNEL_ENTROPY, VMM_HEAP_KIB_RNG, 2 },
	{ VMM_DEVICE_VIRTIO_VSOCK, 19, VMM_CHANNEL_SOCKET, VMM_HEAP_KIB_VSOCK, 4 },
	{ VMM_DEVICE_VIRTIO_BALLOON, 5, VMM_CHANNEL_NONE, VMM_HEAP_KIB_BALLOON, 0 },
};

static struct machine machine;
static struct vmm_config config;
static struct host host;
static struct vmm_fate fate;
static struct host_guest guest;
static _Alignas(4096) uint8_t ram[RAM_SIZE];
static _Alignas(4096) uint8_t regions[VMM_CHANNEL_REGIONS][REGION_SIZE];
static uint8_t firmware[4096];
static _Alignas(8) uint8_t queue[4][64];
static char data[4][SERIAL_SIZE];
static uint8_t *heap;

static void serial_channel(unsigned channel, unsigned first)
{
	config.channels[channel] = (struct vmm_channel){
		.kind = VMM_CHANNEL_SERIAL,
		.rx_queue = (uintptr_t)queue[first],
		.rx_data = (uintptr_t)data[first],
		.tx_queue = (uintptr_t)queue[first + 1],
		.tx_data = (uintptr_t)data[first + 1],
		.rx_capacity = SERIAL_SIZE,
		.tx_capacity = SERIAL_SIZE,
		.notify = (uintptr_t)&host,
		.name = "terminal",
	};
}

/* A VM that has nothing but a device of this row, with exactly as much heap as admin would give. */
static void describe(const struct row *row)
{
	struct port_vcpu port;

	memset(&machine, 0, sizeof(machine));
	for (unsigned i = 0; i < VMM_CHANNEL_REGIONS; i++)
		memset(regions[i], 0, HEADERS);
	memset(queue, 0, sizeof(queue));
	memset(data, 0, sizeof(data));
	host = (struct host){ .hz = 1000000 };
	fate.over = 0;
	host_guest_init(&guest, &host);
	port = host_port(&guest);
	free(heap);
	heap = aligned_alloc(4096, HEAP_SIZE);
	assert_non_null(heap);
	memset(heap, 0, HEAP_SIZE);
	config = (struct vmm_config){
		.magic = VMM_CONFIG_MAGIC,
		.version = VMM_CONFIG_VERSION,
		.size = sizeof(config),
		.name = "test",
		.vcpu_count = 1,
		.gic_version = 3,
		.lr_count = 4,
		.spi_count = 64,
		.ram_count = 1,
		.device_count = 1,
		.channel_count = 3,
		.port_count = 1,
		.log_channel = LOG,
		.gicd_gpa = GICD,
		.gicr_gpa = UINT64_C(0x080a0000),
		.firmware_gpa = UINT64_C(0x0801f000),
		.firmware_host = (uintptr_t)firmware,
		.heap_host = (uintptr_t)heap,
		.heap_size = (uint64_t)row->heap_kib << 10,
		.ram = { { .gpa = RAM, .host = (uintptr_t)ram, .size = RAM_SIZE } },
		.vcpus = { { .tcb = port.thread, .kick = port.kick } },
		.devices = { { .kind = row->kind,
			       .intid = INTID,
			       .gpa = DEVICE,
			       .size = 0x1000,
			       .channel = row->channel != VMM_CHANNEL_NONE ? CHANNEL : UINT32_MAX,
			       .name = "dut" } },
		.ports = { { .channel = PORT, .name = "port" } },
	};
	if (row->kind == VMM_DEVICE_VIRTIO_CONSOLE)
		config.devices[0].port_count = 1;
	serial_channel(LOG, 0);
	serial_channel(PORT, 2);
	config.channels[CHANNEL].kind = row->channel;
	config.channels[CHANNEL].notify = (uintptr_t)&host;
	config.channels[CHANNEL].socket.cid = 3;
	memcpy(config.channels[CHANNEL].name, "other", sizeof("other"));
	config.channels[CHANNEL].fate = (uintptr_t)&fate;
	for (unsigned i = 0; i < row->regions; i++)
		config.channels[CHANNEL].region[i] = (struct vmm_region){
			.vaddr = (uintptr_t)regions[i],
			.size = REGION_SIZE,
		};
}

static int clean_up(void **state)
{
	(void)state;
	free(heap);
	heap = NULL;
	return 0;
}

static const struct row *row_of(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].kind == kind)
			return &rows[i];
	}
	fail();
	return NULL;
}

static uint64_t reach(uint64_t gpa, bool write, uint64_t value)
{
	const struct bus_region *region = bus_search(&machine.vm.bus, gpa, 4);
	struct mmio_access access;

	assert_non_null(region);
	mmio_prepare(&access, 4, write, 0);
	access.value = value;
	bus_access(region, gpa, &access);
	return access.value;
}

static uint64_t load(uint64_t gpa)
{
	return reach(gpa, false, 0);
}

static void store(uint64_t gpa, uint64_t value)
{
	(void)reach(gpa, true, value);
}

static enum vmm_err build(void)
{
	memset(&machine, 0, sizeof(machine));
	return machine_init(&machine, &config);
}

static bool logged(const char *text)
{
	return strstr(data[1], text) != NULL;
}

static void each_kind_over_mmio(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		describe(&rows[i]);
		assert_int_equal(build(), VMM_OK);
		assert_int_equal(machine.virtio_count, 1);
		assert_int_equal(load(DEVICE + MMIO_MAGIC), MAGIC);
		assert_int_equal(load(DEVICE + MMIO_DEVICE_ID), rows[i].id);
		store(DEVICE + MMIO_FEATURES_SEL, 1);
		assert_int_equal(load(DEVICE + MMIO_FEATURES) >> FEATURE_RING_PACKED & 1, 0);
	}
}

static void packed_rings_where_they_are_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		describe(&rows[i]);
		config.devices[0].flags = VMM_DEVICE_PACKED;
		assert_int_equal(build(), VMM_OK);
		store(DEVICE + MMIO_FEATURES_SEL, 1);
		assert_int_equal(load(DEVICE + MMIO_FEATURES) >> FEATURE_RING_PACKED & 1, 1);
	}
}

static void each_kind_over_pci(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		describe(&rows[i]);
		config.devices[0].transport = VMM_TRANSPORT_PCI;
		assert_int_equal(build(), VMM_ERR_ABSENT); /* there is no bus */
		config.pci = (struct vmm_config_pci){
			.ecam_gpa = ECAM,
			.ecam_size = PCI_ECAM_SIZE,
			.low_gpa = UINT64_C(0x10000000),
			.low_size = 0x1000000,
			.high_gpa = UINT64_C(0x8000000000),
			.high_size = 0x1000000,
			.msi_gpa = UINT64_C(0x08020000),
			.msi_first = 64,
			.msi_count = 32,
			.intx_first = 36,
		};
		assert_int_equal(build(), VMM_OK);
		assert_int_equal(load(ECAM),
				 (PCI_DEVICE_FIRST + rows[i].id) << 16 | PCI_VENDOR_VIRTIO);
	}
}

/* With any smaller heap it is refused or fits; nothing is ever written behind it. */
static void any_size_of_heap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool fitted = false;

		for (uint64_t size = 0; size <= (uint64_t)rows[i].heap_kib << 10;
		     size += MACHINE_HEAP_ALIGN) {
			enum vmm_err err;

			describe(&rows[i]);
			config.heap_size = size;
			memset(heap + size, 0x5a, HEAP_SIZE - size);
			err = build();
			assert_true(err == VMM_OK || (err == VMM_ERR_NOMEM && !fitted));
			fitted = err == VMM_OK;
			for (uint64_t at = size; at < HEAP_SIZE; at++)
				assert_true(heap[at] == 0x5a);
		}
		assert_true(fitted);
	}
}

static void wrong_channels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].channel == VMM_CHANNEL_NONE)
			continue;
		for (uint32_t kind = VMM_CHANNEL_NONE; kind <= VMM_CHANNEL_KINDS; kind++) {
			describe(&rows[i]);
			config.channels[CHANNEL].kind = kind;
			assert_int_equal(build(), kind == rows[i].channel ? VMM_OK : VMM_ERR_RANGE);
		}
		describe(&rows[i]);
		config.devices[0].channel = config.channel_count;
		assert_int_equal(build(), VMM_ERR_RANGE);
		assert_true(logged("device 0"));
	}
}

static void regions_that_are_too_small(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned r = 0; r < rows[i].regions; r++) {
			/* The size of these is a part of the kind. */
			if (rows[i].kind == VMM_DEVICE_VIRTIO_RNG ||
			    (rows[i].kind == VMM_DEVICE_VIRTIO_VSOCK && r <= VMM_SOCKET_TX_QUEUE))
				continue;
			describe(&rows[i]);
			config.channels[CHANNEL].region[r].size = 8;
			assert_true(build() != VMM_OK);
			assert_int_equal(machine.virtio_count, 0);
		}
	}
}

static void numbers_out_of_range(void **state)
{
	(void)state;
	describe(row_of(VMM_DEVICE_VIRTIO_BLK));
	config.devices[0].queues = VIRTIO_MMIO_PAGE;
	assert_int_equal(build(), VMM_ERR_RANGE);
	describe(row_of(VMM_DEVICE_VIRTIO_VSOCK));
	config.channels[CHANNEL].socket.cid = UINT64_C(1) << 32;
	assert_int_equal(build(), VMM_ERR_RANGE);
	describe(row_of(VMM_DEVICE_VIRTIO_RNG));
	config.channels[CHANNEL].region[VMM_ENTROPY_DATA].size = UINT64_C(1) << 32;
	assert_int_equal(build(), VMM_ERR_RANGE);
	describe(row_of(VMM_DEVICE_VIRTIO_CONSOLE));
	config.devices[0].port_count = 0;
	assert_int_equal(build(), VMM_ERR_RANGE);
	config.devices[0].port_count = UINT16_MAX;
	assert_int_equal(build(), VMM_ERR_RANGE);
	config.devices[0].port_count = 1;
	config.devices[0].first_port = VMM_CONFIG_PORTS;
	assert_int_equal(build(), VMM_ERR_RANGE);
	config.devices[0].first_port = 0;
	config.ports[0].channel = config.channel_count;
	assert_int_equal(build(), VMM_ERR_RANGE);
	config.ports[0].channel = UINT32_MAX; /* leads nowhere */
	assert_int_equal(build(), VMM_OK);
}

static void signals_are_those_of_its_channels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t expected =
			rows[i].channel != VMM_CHANNEL_NONE ? VMM_BADGE_CHANNEL(CHANNEL) : 0;

		describe(&rows[i]);
		if (rows[i].kind == VMM_DEVICE_VIRTIO_CONSOLE)
			expected = VMM_BADGE_CHANNEL(PORT);
		assert_int_equal(build(), VMM_OK);
		assert_int_equal(machine.virtio[0]->signals, expected);
		machine_virtio_signal(&machine, UINT64_MAX); /* of a driver that is not there yet */
	}
}

static void a_reset_is_as_at_power_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		describe(&rows[i]);
		assert_int_equal(build(), VMM_OK);
		store(DEVICE + MMIO_STATUS, 1);
		assert_int_equal(load(DEVICE + MMIO_STATUS), 1);
		machine_virtio_reset(&machine);
		assert_int_equal(load(DEVICE + MMIO_STATUS), 0);
	}
}

static void figures_of_a_balloon(void **state)
{
	(void)state;
	describe(row_of(VMM_DEVICE_VIRTIO_BLK));
	assert_int_equal(build(), VMM_OK);
	machine_virtio_say_figures(&machine); /* has none */
	assert_false(logged("given up"));
	describe(row_of(VMM_DEVICE_VIRTIO_BALLOON));
	assert_int_equal(build(), VMM_OK);
	machine_virtio_say_figures(&machine);
	assert_true(logged("device dut: 0 KiB given up at most"));
}

/* Queue 0, with a buffer that the device may write. */
static void add_queue(void)
{
	enum { SIZE = 2, AVAIL = 0x100, USED = 0x200, BUFFER = 0x1000, BYTES = 0x800, WRITE = 2 };
	static const uint64_t desc[] = { RAM + BUFFER, BYTES | (uint64_t)WRITE << 32 };
	static const uint16_t avail[] = { 0, 1, 0 };
	static const uint32_t areas[] = { 0, AVAIL, USED };

	memset(ram, 0, BUFFER);
	memcpy(ram, desc, sizeof(desc));
	memcpy(ram + AVAIL, avail, sizeof(avail));
	store(DEVICE + MMIO_QUEUE_SIZE, SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++)
		store(DEVICE + MMIO_QUEUE_AREAS + 0x10 * i, RAM + areas[i]);
	store(DEVICE + MMIO_QUEUE_READY, 1);
}

/* Device, server and reason are in the log, once. */
static void a_server_that_is_given_up(void **state)
{
	const char *line = "device dut: its server other was given up", *first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].channel == VMM_CHANNEL_NONE)
			continue;
		describe(&rows[i]);
		assert_int_equal(build(), VMM_OK);
		store(DEVICE + MMIO_STATUS, 3);
		store(DEVICE + MMIO_DRIVER_FEATURES_SEL, 1);
		store(DEVICE + MMIO_DRIVER_FEATURES, 1);
		store(DEVICE + MMIO_STATUS, 3 | 8);
		add_queue();
		store(DEVICE + MMIO_STATUS, 3 | 8 | 4);
		machine_virtio_signal(&machine, UINT64_MAX);
		assert_false(logged(line));
		fate.over = 1;
		machine_virtio_signal(&machine, UINT64_MAX);
		machine_virtio_signal(&machine, UINT64_MAX);
		first = strstr(data[1], line);
		assert_non_null(first);
		assert_null(strstr(first + 1, line));
	}
}

/* ---- in a program of its own ---- */

static void describe_remote(void)
{
	const uint32_t magic = MAGIC;

	describe(row_of(VMM_DEVICE_VIRTIO_BLK));
	config.devices[0].flags = VMM_DEVICE_REMOTE;
	config.heap_size = VMM_HEAP_KIB_REMOTE << 10;
	config.channels[CHANNEL].kind = VMM_CHANNEL_DEVICE;
	memcpy(regions[VMM_DEVICE_REGISTERS], &magic, sizeof(magic));
}

static void a_device_in_another_program(void **state)
{
	const struct link_ring *ring = (const void *)regions[VMM_DEVICE_WRITES];
	unsigned before;

	(void)state;
	describe_remote();
	assert_int_equal(build(), VMM_OK);
	assert_null(machine.virtio[0]->vd);
	assert_int_equal(load(DEVICE + MMIO_MAGIC), MAGIC);
	before = host.signals;
	store(DEVICE + MMIO_STATUS, 3); /* waits for the program, which never answers */
	assert_true(host.signals > before);
	assert_int_equal(ring->tail, 1);
	assert_int_equal(ring->write[0].offset, MMIO_STATUS);
	assert_int_equal(ring->write[0].value, 3);
	assert_true(logged("device dut: its program other does not answer; the device fails"));
	machine_virtio_signal(&machine, UINT64_MAX);
	machine_virtio_again(&machine, 0, VIRTIO_OVERDUE);
	machine_virtio_say_figures(&machine);
	machine_virtio_reset(&machine);
}

static void links_that_are_wrong(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4; n++) {
		describe_remote();
		if (n == 0)
			config.devices[0].channel = config.channel_count;
		else if (n == 1)
			config.channels[CHANNEL].kind = VMM_CHANNEL_BLOCK;
		else
			config.channels[CHANNEL].region[n - 2].size = LINK_RING - 1;
		assert_int_equal(build(), VMM_ERR_RANGE);
		assert_int_equal(machine.virtio_count, 0);
	}
	describe_remote();
	config.heap_size = 0;
	assert_int_equal(build(), VMM_ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_over_mmio),
		cmocka_unit_test(packed_rings_where_they_are_asked_for),
		cmocka_unit_test(each_kind_over_pci),
		cmocka_unit_test(any_size_of_heap),
		cmocka_unit_test(wrong_channels),
		cmocka_unit_test(regions_that_are_too_small),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(signals_are_those_of_its_channels),
		cmocka_unit_test(a_reset_is_as_at_power_on),
		cmocka_unit_test(figures_of_a_balloon),
		cmocka_unit_test(a_server_that_is_given_up),
		cmocka_unit_test(a_device_in_another_program),
		cmocka_unit_test(links_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
