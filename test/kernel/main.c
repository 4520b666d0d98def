/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel test suite: a root task. Runs every test alone, prints a line for each, and closes with
 *   N passed, N failed, N skipped
 *
 * A selection may be given as the system image's description: words separated by spaces or newlines; a
 * test runs if its name starts with one of them. The word "list" prints the names only.
 */
#include "test/kernel/kt_state.h"

#include <stdarg.h>
#include <string.h>

#include <vmm/image.h>
#include <vmm/start.h>

#include "vmm/base/fmt.h"
#include "vmm/port/sel4/runtime.h"

VMM_ROOT_STACK(65536);

#define UART_PADDR      0x09000000ul
#define UART_VADDR      0x0f000000ul
#define PSCI_SYSTEM_OFF 0x84000008ul

enum {
	UART_DR = 0x00 / 4,
	UART_FR = 0x18 / 4,
	UART_FR_TXFF = 1 << 5,
	BADGE_CONTROL = 1,
	BADGE_FAULT = 2,
	BADGE_WATCHDOG = 3,
	SECONDS = 30,
};

extern char __image_end[];

static const struct kt_group *const groups[] = {
	&boot_group, &untyped_group, &cnode_group,  &ipc_group,   &donation_group,
	&ntfn_group, &tcb_group,     &fault_group,  &sched_group, &vspace_group,
	&page_group, &irq_group,     &vcpu_group,   &guest_group, &vgic_group,
	&smp_group,  &misc_group,    &random_group, &asid_group,
};

static volatile unsigned watchdog_seconds;

static void put(char c)
{
	volatile uint32_t *uart = (volatile uint32_t *)UART_VADDR;

	while (uart[UART_FR] & UART_FR_TXFF)
		;
	uart[UART_DR] = (unsigned char)c;
}

void kt_print(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	fmt_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (const char *p = line; *p != '\0'; p++)
		put(*p);
}

/* Its scheduling context has a period of a second; a yield sleeps until the next. */
static void watchdog(seL4_Word endpoint)
{
	for (;;) {
		seL4_Yield();
		if (++watchdog_seconds == SECONDS)
			seL4_Send(endpoint, seL4_MessageInfo_new(KT_HUNG, 0, 0, 0));
	}
}

static void test_thread(seL4_Word argument)
{
	((const struct kt_test *)argument)->run();
	seL4_Send(kt.control_send, seL4_MessageInfo_new(KT_PASSED, 0, 0, 0));
}

/* The untypeds of RAM, the first with at least `bits`; kt.memory must not be larger than it. */
static seL4_CPtr ram_untyped(unsigned bits)
{
	const seL4_BootInfo *bi = kt.bootinfo;

	for (seL4_Word i = 0; i < bi->untyped.end - bi->untyped.start; i++) {
		if (!bi->untypedList[i].isDevice && bi->untypedList[i].sizeBits >= bits)
			return bi->untyped.start + i;
	}
	return 0;
}

/* A slot of the suite's own: these stay. */
static seL4_CPtr own(seL4_CPtr untyped, seL4_Word type, seL4_Word bits)
{
	seL4_CPtr slot = kt.next_slot++;

	if (seL4_Untyped_Retype(untyped, type, bits, KT_ROOT, 0, 0, slot, 1) != seL4_NoError)
		__builtin_trap();
	return slot;
}

/* Before there is a UART, a failure can only be a fault. */
static void map_uart(seL4_CPtr untyped)
{
	seL4_CPtr frame;

	kt.memory = untyped; /* for kt_device_frame's slots it is not used */
	frame = kt_device_frame(UART_PADDR, seL4_ARM_SmallPageObject, seL4_PageBits);
	while (seL4_ARM_Page_Map(frame, seL4_CapInitThreadVSpace, UART_VADDR, seL4_ReadWrite,
				 (seL4_ARM_VMAttributes)0) == seL4_FailedLookup) {
		seL4_CPtr table = own(untyped, seL4_ARM_PageTableObject, 0);

		if (seL4_ARM_PageTable_Map(table, seL4_CapInitThreadVSpace, UART_VADDR,
					   seL4_ARM_Default_VMAttributes) != seL4_NoError)
			__builtin_trap();
	}
}

static seL4_CPtr own_mint(seL4_CPtr cap, seL4_Word badge)
{
	seL4_CPtr slot = kt.next_slot++;

	if (seL4_CNode_Mint(KT_ROOT, slot, KT_DEPTH, KT_ROOT, cap, KT_DEPTH, seL4_AllRights,
			    badge) != seL4_NoError)
		__builtin_trap();
	return slot;
}

/* Debug kernels answer seL4_DebugCapIdentify; others fault, so a thread tries it out. */
static volatile seL4_Word probed;

static void probe(seL4_Word unused)
{
	(void)unused;
	seL4_DebugCapIdentify(seL4_CapInitThreadTCB);
	probed = 1;
	seL4_Send(kt.control_send, seL4_MessageInfo_new(KT_PASSED, 0, 0, 0));
}

static void clean_up(void)
{
	seL4_CNode_Revoke(KT_ROOT, kt.memory, KT_DEPTH);
	for (seL4_CPtr slot = kt.first_slot; slot < kt.next_slot; slot++)
		seL4_CNode_Delete(KT_ROOT, slot, KT_DEPTH);
	if (kt.device != 0)
		seL4_CNode_Revoke(KT_ROOT, kt.device, KT_DEPTH);
	kt.device = 0;
	kt.next_slot = kt.first_slot;
	kt.thread_count = 1; /* thread 0 is the watchdog's */
	kt.sleeper = (struct kt_thread){ .tcb = 0 };
	kt.slept = 0;
}

static void set_up(seL4_BootInfo *bootinfo)
{
	struct kt_thread dog;
	seL4_CPtr untyped;

	kt.bootinfo = bootinfo;
	kt.next_slot = bootinfo->empty.start;
	untyped = ram_untyped(KT_MEMORY_BITS + 1);
	map_uart(untyped);
	kt.control = own(untyped, seL4_EndpointObject, 0);
	kt.never = own(untyped, seL4_NotificationObject, 0);
	kt.control_send = own_mint(kt.control, BADGE_CONTROL);
	kt.fault_send = own_mint(kt.control, BADGE_FAULT);
	kt.memory = untyped;
	kt.device = 0;
	dog = kt_thread_new(watchdog, own_mint(kt.control, BADGE_WATCHDOG), 254);
	kt_set_sc(dog.sc, 0, 1000, 1000000);
	kt_start(&dog);
	kt.reply = own(untyped, seL4_ReplyObject, 0);
	kt.memory = own(untyped, seL4_UntypedObject, KT_MEMORY_BITS);
	kt.first_slot = kt.next_slot;

	kt_spawn(probe, 0, KT_PRIO);
	seL4_Recv(kt.control, seL4_Null, kt.reply);
	kt.debug = probed != 0;
	clean_up();
}

/* Runs one test; true if it passed. The outcome is in kt.message if it did not. */
static bool run(const struct kt_test *test)
{
	seL4_MessageInfo_t info;
	seL4_Word badge, words[4];
	bool passed = false;

	kt.message[0] = '\0';
	kt.main = kt_thread_new(test_thread, (seL4_Word)test, KT_PRIO);
	kt.slept = kt_new(seL4_NotificationObject, 0);
	watchdog_seconds = 0;
	kt_start(&kt.main);
	info = seL4_Recv(kt.control, &badge, kt.reply);
	for (int i = 0; i < 4; i++)
		words[i] = seL4_GetMR(i);
	if (badge == BADGE_FAULT)
		fmt_snprintf(kt.message, sizeof(kt.message),
			     "a thread faulted: label %lu, words %#lx %#lx %#lx %#lx",
			     seL4_MessageInfo_get_label(info), words[0], words[1], words[2],
			     words[3]);
	else if (badge == BADGE_WATCHDOG)
		fmt_snprintf(kt.message, sizeof(kt.message), "no end after %d seconds", SECONDS);
	else
		passed = seL4_MessageInfo_get_label(info) == KT_PASSED;
	clean_up();
	return passed;
}

static bool selected(const char *name, const char *words, size_t size)
{
	size_t at = 0;

	if (size == 0)
		return true;
	while (at < size) {
		size_t end = at;

		while (end < size && words[end] != ' ' && words[end] != '\n' && words[end] != '\0')
			end++;
		if (end > at && strncmp(name, words + at, end - at) == 0)
			return true;
		at = end + 1;
	}
	return false;
}

/* The numbers that kernels give kinds of capabilities are their own; this is the stand-in's of a TCB. */
static bool is_standin(void)
{
	enum { STANDIN_TCB = 6 };

	return kt.debug && seL4_DebugCapIdentify(seL4_CapInitThreadTCB) == STANDIN_TCB;
}

static const char *missing(const struct kt_test *test)
{
	if ((test->needs & KT_SMP) && kt.bootinfo->numNodes < 2)
		return "needs two cores";
	if ((test->needs & KT_UP) && kt.bootinfo->numNodes > 1)
		return "needs a kernel for one core";
	if ((test->needs & KT_SMC) && kt_empty(seL4_CapSMC))
		return "needs the SMC capability";
	if ((test->needs & KT_DEBUG) && !kt.debug)
		return "needs debug system calls";
	if ((test->needs & KT_GIC3) && kt.gic != 3)
		return "needs GICv3";
	if ((test->needs & KT_STANDIN) && !is_standin())
		return "needs the stand-in kernel";
	return NULL;
}

/* A seL4 kernel says what GIC it has only in the device tree it hands on; its names differ. */
static unsigned find_gic(const seL4_BootInfo *bootinfo)
{
	static const char v3[] = "arm,gic-v3";
	const char *extra = (const char *)bootinfo + seL4_BootInfoFrameSize;

	for (size_t i = 0; i + sizeof(v3) <= bootinfo->extraLen; i++) {
		if (memcmp(extra + i, v3, sizeof(v3)) == 0)
			return 3;
	}
	return 2;
}

static void run_all(const char *words, size_t size)
{
	unsigned passed = 0, failed = 0, skipped = 0;

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		for (size_t i = 0; i < groups[g]->count; i++) {
			const struct kt_test *test = &groups[g]->tests[i];
			const char *lacking = missing(test);

			clean_up();
			if (!selected(test->name, words, size))
				continue;
			if (lacking != NULL) {
				kt_print("SKIP %s: %s\n", test->name, lacking);
				skipped++;
			} else if (run(test)) {
				kt_print("PASS %s\n", test->name);
				passed++;
			} else {
				kt_print("FAIL %s: %s\n", test->name, kt.message);
				failed++;
			}
		}
	}
	kt_print("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
}

static void list_all(void)
{
	unsigned count = 0;

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		for (size_t i = 0; i < groups[g]->count; i++, count++)
			kt_print("TEST %s\n", groups[g]->tests[i].name);
	}
	kt_print("%u tests\n", count);
}

static void power_off(void)
{
	seL4_ARM_SMCContext call = { .x0 = PSCI_SYSTEM_OFF }, answer;

	if (!kt_empty(seL4_CapSMC))
		seL4_ARM_SMC_Call(seL4_CapSMC, &call, &answer);
}

static void runner(seL4_BootInfo *bootinfo)
{
	const struct vmm_blob *blob =
		(const struct vmm_blob *)align_up((seL4_Word)__image_end, 4096);
	const char *words = (const char *)blob + blob->description_offset;

	set_up(bootinfo);
	kt.gic = find_gic(bootinfo);
	kt_print("\nkernel tests: %lu cores, GICv%u, %s kernel\n", bootinfo->numNodes, kt.gic,
		 kt.debug ? "debug" : "release");
	if (blob->description_size >= 4 && memcmp(words, "list", 4) == 0)
		list_all();
	else
		run_all(words, blob->description_size);
	power_off();
	kt_park();
}

void runtime_main(void *page, uint64_t thread)
{
	if (((const struct vmm_start *)page)->magic == VMM_START_MAGIC)
		kt_thread_enter((unsigned)thread);
	runner(page);
}
