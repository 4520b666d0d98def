/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader's entry to the first user instruction. Core 0 sets up memory, interrupt controller
 * and root task; the others wait for it at each step (boot.step), then set up themselves.
 */
#include "standin/boot/boot.h"

#include "standin/boot/sizes.h"
#include "standin/lib/devicetree.h"
#include "standin/lib/print.h"
#include "standin/object/cap.h"
#include "standin/sched/lock.h"

#include "standin/arch/aarch64/gic.h"
#include "standin/arch/aarch64/local.h"
#include "standin/arch/aarch64/regs.h"
#include "standin/arch/boot.h"

_Noreturn void boot_core(u64 image_start, u64 image_end, u64 image_offset, u64 entry, u64 dtb,
			 u64 dtb_size, u64 core_id);

enum { STEP_MEMORY = 1, STEP_CORES, LEAST_BUDGET_US = 20 };

struct kernel kernel;

extern char boot_stacks[], kernel_image_start[], kernel_image_end[];

static struct {
	struct boot_info info;
	u32 step;
	u32 arrived;
	unsigned cores_described;
	u64 uart;
} boot;

/* ---- what the device tree says ---- */

static void read_node(struct boot_info *b, const void *dtb, int node)
{
	u64 *const gic_v2[] = { &gic.dist, &gic.cpu,
				&gic.hyp }; /* the fourth, GICV, is for guests */
	u64 *const gic_v3[] = { &gic.dist, &gic.redist };
	u64 *const *where = NULL;
	u64 at, size;
	int count = 0;

	if (dt_has_type(dtb, node, "memory")) {
		for (int i = 0; dt_reg(dtb, node, i, &at, &size); i++)
			if (!regions_add(&b->ram, at, at + size))
				kernel_panic("too much memory", at, size);
	} else if (dt_has_type(dtb, node, "cpu")) {
		boot.cores_described++;
	} else if (fdt_node_check_compatible(dtb, node, "arm,pl011") == 0) {
		if (boot.uart == 0 && dt_reg(dtb, node, 0, &at, &size))
			boot.uart = (uintptr_t)pa_to_va(at);
	} else if (fdt_node_check_compatible(dtb, node, "arm,gic-v3") == 0) {
		gic.ops = &gic_v3_ops;
		where = gic_v3;
		count = ARRAY_SIZE(gic_v3);
	} else if (fdt_node_check_compatible(dtb, node, "arm,cortex-a15-gic") == 0 ||
		   fdt_node_check_compatible(dtb, node, "arm,gic-400") == 0) {
		gic.ops = &gic_v2_ops;
		where = gic_v2;
		count = ARRAY_SIZE(gic_v2);
	}
	for (int i = 0; i < count && dt_reg(dtb, node, i, &at, &size); i++) {
		*where[i] = (uintptr_t)pa_to_va(at);
		gic.redist_size = size; /* its last, GICv3 */
		regions_add(&b->devices, at, at + size);
	}
}

static void read_device_tree(struct boot_info *b)
{
	const void *dtb = pa_to_va(b->dtb);

	if (fdt_check_header(dtb) != 0 || fdt_totalsize(dtb) > b->dtb_size)
		kernel_panic("no device tree", b->dtb, b->dtb_size);
	b->dtb_size = fdt_totalsize(dtb);
	for (int node = 0; node >= 0; node = fdt_next_node(dtb, node, NULL))
		read_node(b, dtb, node);
	if (b->ram.count == 0)
		kernel_panic("no memory in the device tree", 0, 0);
	if (gic.ops == NULL || gic.dist == 0 || (gic.ops == &gic_v2_ops && gic.hyp == 0))
		kernel_panic("no GICv2 with virtualisation and no GICv3 in the device tree", 0, 0);
}

bool arch_is_memory(u64 pa)
{
	return regions_contain(&boot.info.ram, pa);
}

/* ---- the kernel's own translation: the window, in 1 GiB blocks ---- */

enum { BLOCK_BITS = 30, TABLE = 512, ATTR_INDEX_NORMAL = 4 };

static u64 window_top[TABLE] __attribute__((aligned(4096)));
static u64 window_blocks[TABLE] __attribute__((aligned(4096)));

#define BLOCK_AF    BIT(10)
#define BLOCK_ISH   (3ull << 8)
#define BLOCK_VALID 1ull
#define BLOCK_XN    BIT(54)
#define MAIR_KERNEL 0x0000aaff440c0400ull /* as at entry: 0 device nGnRnE, 4 write-back */
#define TCR_KERNEL \
	(BIT(31) | BIT(23) | (2ull << 16) | (3ull << 12) | (1ull << 10) | (1ull << 8) | 16)

static void window_map(u64 pa, bool memory)
{
	u64 i = pa >> BLOCK_BITS;

	if (i >= TABLE || (window_blocks[i] & BLOCK_VALID))
		return;
	window_blocks[i] = i << BLOCK_BITS | BLOCK_AF | BLOCK_VALID |
			   (memory ? BLOCK_ISH | ATTR_INDEX_NORMAL << 2 : BLOCK_XN);
}

static void window_init(const struct boot_info *b)
{
	window_top[KERNEL_WINDOW >> 39] = va_to_pa(window_blocks) | 3;
	window_map(b->kernel_start, true);
	window_map(b->dtb, true);
	window_map(0, false);
}

static void window_add_memory(const struct boot_info *b)
{
	for (unsigned i = 0; i < b->ram.count; i++)
		for (u64 at = b->ram.r[i].start; at < b->ram.r[i].end; at += BIT(BLOCK_BITS))
			window_map(at, true);
	for (unsigned i = 0; i < b->ram.count; i++)
		window_map(b->ram.r[i].end - 1, true);
	for (unsigned i = 0; i < b->devices.count; i++)
		window_map(b->devices.r[i].start, false);
	dsb_ish();
}

static void window_enter(void)
{
	dsb_ish();
	WRITE_REG(mair_el2, MAIR_KERNEL);
	WRITE_REG(tcr_el2, TCR_KERNEL);
	WRITE_REG(ttbr0_el2, va_to_pa(window_top));
	isb();
	__asm__ volatile("tlbi alle2; dsb ish; isb; ic iallu; dsb ish; isb" : : : "memory");
}

/* ---- each core ---- */

#define VTCR_KERNEL \
	(BIT(31) | (2ull << 16) | (3ull << 12) | (1ull << 10) | (1ull << 8) | (1ull << 6) | 24)

static void init_registers(struct core *c, u64 id)
{
	c->id = id;
	c->stack_top = (uintptr_t)boot_stacks + STACK_SIZE * (id + 1);
	c->arch.mpidr = READ_REG(mpidr_el1) & 0xff00ffffffull;
	WRITE_REG(tpidr_el2, (uintptr_t)c);
	WRITE_REG(vbar_el2, (uintptr_t)trap_vectors);
	WRITE_REG(vtcr_el2, VTCR_KERNEL);
	WRITE_REG(hstr_el2, 0);
	/* Counters as reset leaves them; no debug or performance access is trapped. */
	WRITE_REG(mdcr_el2, READ_REG(pmcr_el0) >> 11 & 31);
	isb();
	__asm__ volatile("tlbi alle1; dsb nsh; isb" : : : "memory");
}

static void init_core(struct core *c, u64 id)
{
	thread_init_core(c);
	vcpu_init_core(c);
	irq_init_core(c);
	sched_init_core(c, (unsigned)id);
	WRITE_REG(cnthp_ctl_el2, 1);
	vttbr_set(c, asid_vttbr(cap_null()));
	isb();
}

static void count_up(u32 *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELEASE);
	__asm__ volatile("dsb ish; sev");
}

static void await(const u32 *count, u32 least)
{
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < least)
		__asm__ volatile("wfe");
}

static _Noreturn void run(struct core *c)
{
	struct tcb *t;

	lock_take(c);
	t = sched_choose(c);
	lock_release();
	trap_return(t != NULL ? t : trap_idle(c));
}

static _Noreturn void boot_first(void)
{
	struct core *c = &kernel.cores[0];
	struct boot_info *b = &boot.info;

	b->kernel_start = va_to_pa(kernel_image_start);
	b->kernel_end = va_to_pa(kernel_image_end);
	window_init(b);
	window_enter();
	init_registers(c, 0);
	read_device_tree(b);
	window_add_memory(b);
	kernel.ticks_per_second = arch_ticks_per_second();
	kernel.least_budget = ticks_from_us(LEAST_BUDGET_US);
	irq_init();
	count_up(&boot.step);
	/* The loader starts them all, or says why not. */
	kernel.core_count = boot.cores_described < CORES_MAX ? boot.cores_described : CORES_MAX;
	await(&boot.arrived, kernel.core_count - 1);
	init_core(c, 0);
	print("standin: %u core%s, GICv%u, root task at %x\n", (u64)kernel.core_count,
	      kernel.core_count == 1 ? "" : "s", gic.ops == &gic_v3_ops ? 3ull : 2ull, b->entry);
	boot_root_task(b);
	count_up(&boot.step);
	run(c);
}

static _Noreturn void boot_other(u64 id)
{
	struct core *c = &kernel.cores[id];

	await(&boot.step, STEP_MEMORY);
	window_enter();
	init_registers(c, id);
	count_up(&boot.arrived);
	await(&boot.step, STEP_CORES);
	init_core(c, id);
	run(c);
}

void boot_core(u64 image_start, u64 image_end, u64 image_offset, u64 entry, u64 dtb, u64 dtb_size,
	       u64 core_id)
{
	if (core_id >= CORES_MAX)
		arch_halt();
	if (core_id != 0)
		boot_other(core_id);
	boot.info = (struct boot_info){
		.image_start = image_start,
		.image_end = image_end,
		.image_offset = image_offset,
		.entry = entry,
		.dtb = dtb,
		.dtb_size = dtb_size,
	};
	boot_first();
}

/* ---- the root task's address space ---- */

enum { ROOT_ASID = 1 };

void boot_space(u64 pool_pa, u64 vspace_pa, struct cap *pool, struct cap *vspace)
{
	*pool = cap_new(CAP_ASID_POOL, 0, seL4_ASIDPoolBits, pool_pa, 0);
	*vspace = cap_new(CAP_VSPACE, 0, seL4_VSpaceBits, vspace_pa, mapping_data(ROOT_ASID, 0));
	asid_boot(pool_pa, ROOT_ASID, vspace_pa);
}

u64 boot_table_missing(u64 vspace_pa, u64 va)
{
	u64 missing;

	return vspace_entry(vspace_pa, va, seL4_PageBits, &missing) == NULL ? missing : 0;
}

struct cap boot_map_table(u64 vspace_pa, u64 pa, u64 va)
{
	u64 missing = boot_table_missing(vspace_pa, va), unused;

	*vspace_entry(vspace_pa, va, missing, &unused) = vspace_table(pa);
	return cap_new(CAP_PAGE_TABLE, 0, seL4_PageTableBits, pa,
		       mapping_data(ROOT_ASID, va & ~MASK(missing)));
}

struct cap boot_map_page(u64 vspace_pa, u64 pa, u64 va)
{
	u64 unused, rights = RIGHT_READ | RIGHT_WRITE;

	*vspace_entry(vspace_pa, va, seL4_PageBits, &unused) =
		vspace_leaf(pa, seL4_PageBits, rights, ATTR_CACHEABLE);
	return cap_new(CAP_FRAME, rights, seL4_PageBits, pa, mapping_data(ROOT_ASID, va));
}

void boot_set_start(struct tcb *t, u64 entry, u64 info_va)
{
	t->ctx.elr = entry;
	t->ctx.x[0] = info_va;
}

/* ---- debugging ---- */

enum { UART_DR = 0x00, UART_FR = 0x18, UART_FR_TXFF = 0x20 };

void arch_putchar(char ch)
{
	if (boot.uart == 0)
		return;
	if (ch == '\n')
		arch_putchar('\r');
	while (mmio_read(boot.uart + UART_FR) & UART_FR_TXFF)
		;
	mmio_write(boot.uart + UART_DR, (u8)ch);
}

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi");
}
