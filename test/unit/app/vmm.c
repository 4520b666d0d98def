/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `vmm` program less its kernel: a whole VM with its real models on the fake port. Guests are
 * what the test says they do; what is tested is that configuration, models and loop fit together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/vmm/machine.h"
#include "vmm/arch/fake/fake.h"
#include "vmm/core/exits.h"
#include "vmm/port/host/host.h"

enum {
	VCPUS = 2,
	RAM_SIZE = 4 << 20,
	QUEUE_SIZE = 4096,
	UART_INTID = 33,
	RTC_INTID = 34,
	CONSOLE = 0,
	LOG = 1,
};

#define RAM      UINT64_C(0x40000000)
#define GICD     UINT64_C(0x08000000)
#define FIRMWARE UINT64_C(0x0801f000)
#define UART     UINT64_C(0x09000000)
#define RTC      UINT64_C(0x09010000)

#define PSCI_VERSION_32   UINT64_C(0x84000000)
#define PSCI_CPU_OFF_32   UINT64_C(0x84000002)
#define PSCI_CPU_ON_64    UINT64_C(0xc4000003)
#define PSCI_SYSTEM_OFF   UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)

static struct machine machine;
static struct vmm_config config;
static struct host host;
static struct host_guest guest[VCPUS];
static enum port_answer answer[VCPUS];
static _Alignas(4096) uint8_t ram[RAM_SIZE];
static _Alignas(4096) uint8_t image[4096];
static uint8_t firmware[4096];
static _Alignas(8) uint8_t queue[4][64], data[4][QUEUE_SIZE];
static unsigned endings;
static enum vm_request ended_as;

static void on_ended(struct machine *m, enum vm_request request, enum vmm_err why)
{
	(void)m;
	(void)why;
	endings++;
	ended_as = request;
}

static void channel(unsigned i)
{
	config.channels[i] = (struct vmm_channel){
		.rx_queue = (uintptr_t)queue[2 * i],
		.rx_data = (uintptr_t)data[2 * i],
		.tx_queue = (uintptr_t)queue[2 * i + 1],
		.tx_data = (uintptr_t)data[2 * i + 1],
		.rx_capacity = QUEUE_SIZE,
		.tx_capacity = QUEUE_SIZE,
		.notify = (uintptr_t)&host,
	};
}

static int describe(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	memset(ram, 0, sizeof(ram));
	memset(queue, 0, sizeof(queue));
	memset(image, 0x5a, sizeof(image));
	host = (struct host){ .hz = 1000000, .ticks = 7000000 };
	endings = 0;
	machine.ended = on_ended;
	config = (struct vmm_config){
		.magic = VMM_CONFIG_MAGIC,
		.version = VMM_CONFIG_VERSION,
		.size = sizeof(config),
		.name = "test",
		.vcpu_count = VCPUS,
		.gic_version = 3,
		.lr_count = 4,
		.spi_count = 64,
		.ram_count = 1,
		.device_count = 2,
		.channel_count = 2,
		.log_channel = LOG,
		.gicd_gpa = GICD,
		.gicr_gpa = UINT64_C(0x080a0000),
		.firmware_gpa = FIRMWARE,
		.firmware_host = (uintptr_t)firmware,
		.ram = { { .gpa = RAM, .host = (uintptr_t)ram, .size = RAM_SIZE } },
		.kernel = { .host = (uintptr_t)image,
			    .size = sizeof(image),
			    .gpa = RAM + 0x100000,
			    .kind = VMM_IMAGE_RAW },
		.devices = { { .kind = VMM_DEVICE_PL011,
			       .intid = UART_INTID,
			       .gpa = UART,
			       .size = 4096,
			       .channel = CONSOLE },
			     { .kind = VMM_DEVICE_PL031,
			       .intid = RTC_INTID,
			       .gpa = RTC,
			       .size = 4096,
			       .channel = UINT32_MAX } },
	};
	channel(CONSOLE);
	channel(LOG);
	for (unsigned i = 0; i < VCPUS; i++) {
		struct port_vcpu port;

		host_guest_init(&guest[i], &host);
		port = host_port(&guest[i]);
		config.vcpus[i] = (struct vmm_config_vcpu){ .tcb = port.thread,
							    .kick = port.kick,
							    .mpidr = i };
	}
	return 0;
}

static void turn(unsigned i, struct port_event event)
{
	guest[i].next = event;
	vcpu_step(&machine.vm.vcpu[i], &answer[i]);
}

static void signal_turn(unsigned i, uint64_t badge)
{
	turn(i, (struct port_event){ .kind = PORT_EVENT_SIGNAL, .badge = badge });
}

static void boot(void)
{
	assert_int_equal(machine_init(&machine, &config), VMM_OK);
	for (unsigned i = 0; i < config.vcpu_count; i++)
		answer[i] = vcpu_attend(&machine.vm.vcpu[i]);
	if (config.vcpu_count > 1)
		signal_turn(0, VMM_BADGE_KICK);
	assert_int_equal(answer[0], PORT_RUNNING);
	assert_true(guest[0].frame.pc == RAM + 0x100000);
}

static uint64_t load(uint64_t gpa)
{
	turn(0, (struct port_event){ .kind = PORT_EVENT_MEMORY,
				     .word = { 0, gpa, 0, FAKE_MAGIC | 5 << 8 | 2 << 4 } });
	return guest[0].frame.gpr[5];
}

static void store(uint64_t gpa, uint64_t value)
{
	guest[0].frame.gpr[5] = value;
	turn(0, (struct port_event){
			.kind = PORT_EVENT_MEMORY,
			.word = { 0, gpa, 0, FAKE_MAGIC | 5 << 8 | 2 << 4 | FAKE_WRITE } });
}

static uint64_t call(unsigned i, uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	guest[i].frame.gpr[0] = function;
	guest[i].frame.gpr[1] = a;
	guest[i].frame.gpr[2] = b;
	guest[i].frame.gpr[3] = c;
	turn(i, (struct port_event){ .kind = PORT_EVENT_TRAP, .word = { FAKE_OP_CALL } });
	return guest[i].frame.gpr[0];
}

/* vCPU `i`, which ran before, starts on the firmware page; its first exit there is its end. */
static void leave_firmware(unsigned i)
{
	assert_true(guest[i].frame.pc == FIRMWARE);
	turn(i, (struct port_event){ .kind = PORT_EVENT_TRAP, .word = { FAKE_OP_CALL } });
	assert_int_equal(answer[i], PORT_RESUME);
}

static void devices_are_where_they_should_be(void **state)
{
	(void)state;
	boot();
	assert_int_equal(load(GICD + 4) & 0x1f, 2); /* GICD_TYPER: 64 SPIs */
	assert_int_equal(load(UART + 0xfe0), 0x11); /* UARTPeriphID0 */
	assert_int_equal(load(RTC + 0xfe0), 0x31);
	assert_int_equal(load(RTC), 7); /* seconds */
	assert_int_equal(memcmp(&ram[0x100000], image, sizeof(image)), 0);
}

static void output_reaches_the_queue(void **state)
{
	unsigned before;

	(void)state;
	boot();
	before = host.signals;
	store(UART, 'x');
	assert_int_equal(data[2 * CONSOLE + 1][0], 'x');
	assert_true(host.signals > before);
}

static void input_interrupts_the_guest(void **state)
{
	uint32_t tail = 1;

	(void)state;
	boot();
	store(GICD, 0x12);            /* affinity routing, Group 1 */
	store(GICD + 0x104, 1U << 1); /* INTID 33 */
	store(UART + 0x38, 1U << 4 | 1U << 6);
	signal_turn(0, VMM_BADGE_KICK); /* the guest runs */
	data[2 * CONSOLE][0] = 'y';
	memcpy(queue[2 * CONSOLE], &tail, sizeof(tail));
	signal_turn(0, VMM_BADGE_CHANNEL(CONSOLE));
	assert_int_equal(guest[0].injection_count, 1);
	assert_int_equal(guest[0].injection[0].intid, UART_INTID);
	assert_int_equal(guest[0].kicks, 1); /* the one of the boot: none to oneself */
	assert_int_equal(load(UART), 'y');
}

static void psci_runs_the_vcpus(void **state)
{
	(void)state;
	boot();
	assert_int_equal(call(0, PSCI_VERSION_32, 0, 0, 0), 0x10001);
	assert_true(call(0, PSCI_CPU_ON_64, 1, UINT64_C(0x1000), 9) != 0); /* not RAM */
	assert_int_equal(call(0, PSCI_CPU_ON_64, 1, RAM + 0x2000, 9), 0);
	assert_true(call(0, PSCI_CPU_ON_64, 1, RAM + 0x2000, 9) != 0); /* pending */
	signal_turn(1, VMM_BADGE_KICK);
	assert_true(guest[1].frame.pc == RAM + 0x2000 && guest[1].frame.gpr[0] == 9);
	(void)call(1, PSCI_CPU_OFF_32, 0, 0, 0);
	assert_int_equal(answer[1], PORT_HOLD);
	assert_int_equal(call(0, PSCI_CPU_ON_64, 1, RAM + 0x3000, 8), 0);
	signal_turn(1, VMM_BADGE_KICK);
	leave_firmware(1);
	assert_true(guest[1].frame.pc == RAM + 0x3000);
}

static void reset_loads_the_images_again(void **state)
{
	(void)state;
	boot();
	assert_int_equal(call(0, PSCI_CPU_ON_64, 1, RAM + 0x2000, 9), 0);
	signal_turn(1, VMM_BADGE_KICK);
	signal_turn(1, VMM_BADGE_KICK); /* it runs */
	store(GICD, 0x12);
	memset(&ram[0x100000], 0, sizeof(image));
	(void)call(0, PSCI_SYSTEM_RESET, 0, 0, 0);
	signal_turn(1, VMM_BADGE_KICK);
	signal_turn(0, VMM_BADGE_KICK);
	leave_firmware(0);
	assert_true(guest[0].frame.pc == RAM + 0x100000);
	assert_int_equal(memcmp(&ram[0x100000], image, sizeof(image)), 0);
	assert_int_equal(endings, 0);
	/* Firmware, interrupt controller and the other vCPU are as at power-on. */
	assert_false(guest[1].running);
	assert_int_equal(load(GICD) & 3, 0);
	assert_int_equal(call(0, PSCI_CPU_ON_64, 1, RAM + 0x2000, 9), 0);
}

static void off_tells_admin(void **state)
{
	(void)state;
	boot();
	(void)call(0, PSCI_SYSTEM_OFF, 0, 0, 0);
	signal_turn(1, VMM_BADGE_KICK);
	signal_turn(0, VMM_BADGE_KICK);
	assert_int_equal(endings, 1);
	assert_int_equal(ended_as, VM_OFF);
}

static void the_last_vcpu_off_is_the_vm_off(void **state)
{
	(void)state;
	config.vcpu_count = 1;
	boot();
	(void)call(0, PSCI_CPU_OFF_32, 0, 0, 0);
	assert_int_equal(endings, 1);
	assert_int_equal(ended_as, VM_OFF);
}

static void an_alarm_of_the_clock(void **state)
{
	(void)state;
	boot();
	store(GICD, 0x12);
	store(GICD + 0x104, 1U << 2); /* INTID 34 */
	store(RTC + 0x10, 1);
	store(RTC + 0x04, 9); /* two seconds from now */
	assert_true(guest[0].deadline == 9000000);
	signal_turn(0, VMM_BADGE_TIMER); /* too early: asked for again */
	assert_int_equal(guest[0].injection_count, 0);
	host.ticks = 9000000;
	signal_turn(0, VMM_BADGE_TIMER);
	assert_int_equal(guest[0].injection_count, 1);
	assert_int_equal(guest[0].injection[0].intid, RTC_INTID);
}

#define ECAM UINT64_C(0x3f000000)
#define BARS UINT64_C(0x10000000)
#define V2M  UINT64_C(0x08020000)

static void describe_pci(void)
{
	config.pci = (struct vmm_config_pci){
		.ecam_gpa = ECAM,
		.ecam_size = PCI_ECAM_SIZE,
		.low_gpa = BARS,
		.low_size = 0x1000000,
		.high_gpa = UINT64_C(0x8000000000),
		.high_size = 0x1000000,
		.msi_gpa = V2M,
		.msi_first = 64,
		.msi_count = 32,
		.intx_first = 36,
	};
}

static void bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access)
{
	(void)bar;
	if (access->write)
		pci_raise(fn, 0);
	else
		access->value = 0xcafe;
}

/* A function is found, its BAR placed, and its vector and its line interrupt the guest. */
static void a_pci_bus(void **state)
{
	static const struct pci_ops ops = {
		.bar_size = { 0x4000 },
		.msix_table = 0x1000,
		.msix_pba = 0x1800,
		.bar_access = bar_access,
	};
	const struct pci_identity identity = { .vendor = 0x1234, .device = 0x5678 };
	static struct pci_function fn;
	static struct lock lock;

	(void)state;
	describe_pci();
	boot();
	assert_int_equal(pci_function_init(&fn, &ops, &identity, &lock), VMM_OK);
	assert_int_equal(pci_add_msix(&fn, 1), VMM_OK);
	assert_int_equal(machine_pci_add(&machine, &fn), VMM_OK);
	assert_int_equal(load(ECAM), 0x56781234);
	assert_int_equal(load(ECAM + 0x8000), UINT32_MAX);
	store(ECAM + 0x10, BARS);
	store(ECAM + 0x04, 6);
	store(ECAM + 0x40, UINT32_C(0x80000000)); /* MSI-X on */
	assert_int_equal(load(BARS), 0xcafe);
	assert_int_equal(load(V2M + 8), 64 << 16 | 32);
	store(BARS + 0x1000, V2M + 0x40);
	store(BARS + 0x1008, 70);
	store(BARS + 0x100c, 0);

	store(GICD, 0x12);
	store(GICD + 0x104, 1U << (36 - 32));
	store(GICD + 0x108, 1U << (70 - 64));
	signal_turn(0, VMM_BADGE_KICK); /* the guest runs */
	store(BARS, 0);
	assert_int_equal(guest[0].injection_count, 1);
	assert_int_equal(guest[0].injection[0].intid, 70);
	store(ECAM + 0x40, 0);
	lock_take(&lock);
	fn.caller = 0;
	pci_set_intx(&fn, true);
	lock_give(&lock);
	signal_turn(0, VMM_BADGE_KICK);
	assert_int_equal(guest[0].injection_count, 2);
	assert_int_equal(guest[0].injection[1].intid, 36);
}

static void functions_need_a_bus(void **state)
{
	static struct pci_function fn;

	(void)state;
	boot();
	assert_int_equal(machine_pci_add(&machine, &fn), VMM_ERR_ABSENT);
}

static void a_wrong_image_fails_the_vm(void **state)
{
	(void)state;
	config.vcpu_count = 1;
	config.kernel.gpa = UINT64_C(0x10000000); /* no RAM there */
	assert_int_equal(machine_init(&machine, &config), VMM_OK);
	answer[0] = vcpu_attend(&machine.vm.vcpu[0]);
	assert_int_equal(endings, 1);
	assert_int_equal(ended_as, VM_FAILED);
}

static bool is_config(const struct vmm_config *other)
{
	return memcmp((const uint8_t *)&config, (const uint8_t *)other, sizeof(config)) == 0;
}

/* Each wrong number in a configuration, and that none gets past machine_init(). */
static void bad_configurations(void **state)
{
	struct vmm_config good;

	describe(state);
	good = config;
	for (unsigned n = 0; n < 19; n++) {
		describe(state);
		switch (n) {
		case 0:
			config.magic++;
			break;
		case 1:
			config.version++;
			break;
		case 2:
			config.size--;
			break;
		case 3:
			config.vcpu_count = 0;
			break;
		case 4:
			config.vcpu_count = VMM_CONFIG_VCPUS + 1;
			break;
		case 5:
			config.ram_count = 0;
			break;
		case 6:
			config.ram_count = UINT32_MAX;
			break;
		case 7:
			config.device_count = UINT32_MAX;
			break;
		case 8:
			config.channel_count = UINT32_MAX;
			break;
		case 9:
			config.gic_version = 4;
			break;
		case 10:
			config.devices[0].channel = 7;
			break;
		case 11:
			config.devices[0].kind = 99;
			break;
		case 12:
			config.devices[1].gpa = GICD + 8;
			break;
		case 13:
			config.ram[0].size = UINT64_MAX;
			break;
		case 14:
			describe_pci();
			config.pci.ecam_size = 0x1000;
			break;
		case 15:
			describe_pci();
			config.pci.ecam_gpa = GICD;
			break;
		case 16:
			describe_pci();
			config.pci.msi_first = 16;
			break;
		case 17:
			describe_pci();
			config.pci.low_gpa = 0x1234;
			break;
		case 18:
			describe_pci();
			config.pci.high_gpa = BARS;
			break;
		default:
			break;
		}
		assert_false(is_config(&good));
		assert_true(machine_init(&machine, &config) != VMM_OK);
	}
	describe(state);
	config.devices[0].channel = UINT32_MAX; /* a UART that nobody hears is fine */
	config.log_channel = UINT32_MAX;
	assert_int_equal(machine_init(&machine, &config), VMM_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(devices_are_where_they_should_be, describe),
		cmocka_unit_test_setup(output_reaches_the_queue, describe),
		cmocka_unit_test_setup(input_interrupts_the_guest, describe),
		cmocka_unit_test_setup(psci_runs_the_vcpus, describe),
		cmocka_unit_test_setup(reset_loads_the_images_again, describe),
		cmocka_unit_test_setup(off_tells_admin, describe),
		cmocka_unit_test_setup(the_last_vcpu_off_is_the_vm_off, describe),
		cmocka_unit_test_setup(an_alarm_of_the_clock, describe),
		cmocka_unit_test_setup(a_pci_bus, describe),
		cmocka_unit_test_setup(functions_need_a_bus, describe),
		cmocka_unit_test_setup(a_wrong_image_fails_the_vm, describe),
		cmocka_unit_test(bad_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
