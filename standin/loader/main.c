/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot core's path: check, place, copy, start the other cores, enter the kernel.
 *
 * MMU and caches are off throughout, on all cores, so nothing here is cached; lines that the firmware
 * may have left over the destinations are thrown out before the kernel turns its caches on.
 */
#include <libfdt.h>
#include <string.h>

#include "standin/loader/loader.h"

#define PSCI_CPU_ON UINT64_C(0xc4000003)

enum {
	UART_DR = 0x00,
	UART_FR = 0x18,
	UART_FR_TXFF = 1 << 5,
	CACHE_LINE = 16, /* the least there is */
	ROOT_ENTRIES = 512,
	ROOT_SHIFT = 39,
};

extern char _start[], __loader_end[];

/* Read by the other cores when they arrive. */
struct handover loader_handover;

void loader_main(const void *dtb, uint64_t level, uint64_t address);

/* `at` 0: nobody can be told. */
static void say(uint64_t at, const char *text)
{
	volatile uint32_t *uart = (volatile uint32_t *)at;

	for (; at != 0 && *text != '\0'; text++) {
		while (uart[UART_FR / 4] & UART_FR_TXFF)
			;
		uart[UART_DR / 4] = (unsigned char)*text;
	}
}

static _Noreturn void stop(const void *dtb, const char *why)
{
	uint64_t uart = machine_uart(dtb);

	say(uart, "vessel loader: ");
	say(uart, why);
	say(uart, "\nvessel: all VMs are off, status 1\n");
	for (;;)
		__asm__ volatile("wfe");
}

static void invalidate(uint64_t start, uint64_t end)
{
	for (uint64_t at = start & ~(uint64_t)(CACHE_LINE - 1); at < end; at += CACHE_LINE)
		__asm__ volatile("dc ivac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

/*
 * The device tree without the free room that firmware leaves behind it (QEMU: most of 1 MiB, which
 * the kernel would map and hand on page by page).
 */
static uint64_t dtb_used(const void *dtb)
{
	uint64_t structure = (uint64_t)fdt_off_dt_struct(dtb) + fdt_size_dt_struct(dtb);
	uint64_t strings = (uint64_t)fdt_off_dt_strings(dtb) + fdt_size_dt_strings(dtb);
	uint64_t used = structure > strings ? structure : strings;

	return used < fdt_totalsize(dtb) ? used : fdt_totalsize(dtb);
}

static void copy_piece(const struct vmm_image_piece *piece, uint64_t base)
{
	char *to = (char *)(base + piece->address);

	memcpy(to, _start + piece->offset, piece->file_size);
	memset(to + piece->file_size, 0, piece->mem_size - piece->file_size);
}

static void copy_all(const struct vmm_image_manifest *m, const struct placement *p, const void *dtb,
		     uint64_t dtb_size)
{
	struct vmm_blob *blob = (struct vmm_blob *)(p->user_start + m->blob_user_offset);

	memset((void *)p->kernel_start, 0, p->user_end - p->kernel_start);
	for (uint32_t i = 0; i < m->kernel_pieces; i++)
		copy_piece(&m->pieces[i], 0);
	memcpy((void *)p->dtb_start, dtb, dtb_size);
	fdt_set_totalsize((void *)p->dtb_start, (uint32_t)dtb_size);
	for (uint32_t i = 0; i < m->user_pieces; i++)
		copy_piece(&m->pieces[m->kernel_pieces + i], p->user_start);
	if (m->blob_offset != 0) {
		memcpy(blob, _start + m->blob_offset, m->blob_size);
		blob->archive_paddr = (uint64_t)_start + m->archive_offset;
	}
	invalidate(p->kernel_start, p->user_end);
}

static uint64_t own_mpidr(void)
{
	uint64_t mpidr;

	__asm__("mrs %0, mpidr_el1" : "=r"(mpidr));
	return mpidr & UINT64_C(0xff00ffffff);
}

/* Logical number 0 is the boot core; the others follow in the device tree's order. */
static void start_cores(const void *dtb, const struct machine *machine, uint32_t wanted)
{
	uint64_t own = own_mpidr();
	uint32_t logical = 1;

	for (uint32_t i = 0; i < machine->core_count && logical < wanted; i++) {
		if (machine->mpidr[i] == own)
			continue;
		if (loader_smc(PSCI_CPU_ON, machine->mpidr[i], (uint64_t)secondary_start,
			       logical) != 0)
			stop(dtb, "a core cannot be started (PSCI CPU_ON by SMC failed)");
		logical++;
	}
}

void loader_main(const void *dtb, uint64_t level, uint64_t address)
{
	const struct vmm_image_manifest *manifest = (const void *)__loader_end;
	struct placement placement;
	struct machine machine;
	const char *wrong;
	uint64_t window, dtb_size = 0;

	if (level != 2)
		stop(dtb, "not at EL2: the machine must offer virtualization (QEMU: -M "
			  "virt,virtualization=on)");
	if (address != (uint64_t)_start)
		stop(dtb,
		     "loaded at another address than linked for (a multiple of 2 MiB from RAM's "
		     "start)");
	wrong = machine_read(dtb, &machine);
	if (wrong == NULL) {
		dtb_size = dtb_used(dtb);
		wrong = place(manifest, &machine, (uint64_t)_start, (uint64_t)dtb, dtb_size,
			      &placement);
	}
	if (wrong != NULL)
		stop(dtb, wrong);
	window = manifest->kernel_offset >> ROOT_SHIFT;
	if (window == 0 || window >= ROOT_ENTRIES ||
	    manifest->kernel_offset != window << ROOT_SHIFT)
		stop(dtb, "the kernel is not linked for EL2 (hypervisor support is off in its "
			  "configuration)");

	copy_all(manifest, &placement, dtb, dtb_size);
	loader_handover = (struct handover){
		.kernel_entry = manifest->kernel_entry,
		.user_start = placement.user_start,
		.user_end = placement.user_end,
		.user_offset = placement.user_start - manifest->user_vaddr,
		.user_entry = manifest->user_entry,
		.dtb_start = placement.dtb_start,
		.dtb_size = dtb_size,
	};
	mmu_build(&machine, manifest->kernel_offset, &loader_handover);
	__asm__ volatile("dsb sy" : : : "memory");
	start_cores(dtb, &machine, manifest->cores != 0 ? manifest->cores : machine.core_count);
	enter_kernel(&loader_handover, 0);
}
