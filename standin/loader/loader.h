/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader: from the boot firmware to the kernel's entry, on every core.
 *
 * Order of memory after it: kernel < device tree < user image, all outside the system image itself,
 * whose archive stays in place. Whatever is wrong is said on the UART, and the machine stops there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmm/image.h>

enum { LOADER_CORES = 8 };

/* What every core needs to enter the kernel; offsets are known to start.S. */
struct handover {
	uint64_t page_table; /* physical */
	uint64_t kernel_entry;
	uint64_t tcr, mair;
	uint64_t user_start, user_end; /* physical */
	uint64_t user_offset;          /* physical - virtual */
	uint64_t user_entry;           /* virtual */
	uint64_t dtb_start, dtb_size;
};

_Static_assert(offsetof(struct handover, dtb_start) == 64, "start.S knows the layout");

/* What the machine is, from its device tree. */
struct machine {
	uint64_t ram_start, ram_size; /* the largest bank */
	uint32_t core_count;          /* at most LOADER_CORES */
	uint64_t mpidr[LOADER_CORES]; /* in the device tree's order */
	uint32_t gic_version;         /* 0: not found */
};

/**
 * Where the firmware says its console is, /chosen stdout-path (Devicetree Specification v0.4, 3.6), if
 * that is a PL011: the physical address of its registers, else 0.
 */
uint64_t machine_uart(const void *dtb);

/** Where things go. Physical addresses; ends are exclusive. */
struct placement {
	uint64_t kernel_start, kernel_end;
	uint64_t dtb_start, dtb_end;
	uint64_t user_start, user_end;
};

/** Reads the device tree. NULL on success, else what is missing. */
const char *machine_read(const void *dtb, struct machine *machine);

/**
 * Checks the manifest against the machine and decides where things go. NULL on success, else what is
 * wrong. `image` and `dtb` are where the firmware put them.
 */
const char *place(const struct vmm_image_manifest *manifest, const struct machine *machine,
		  uint64_t image, uint64_t dtb, uint64_t dtb_size, struct placement *placement);

/**
 * Two mappings for EL2: identity and kernel window (kernel_offset), 1 GiB blocks, normal memory
 * where there is RAM and device memory below it.
 */
void mmu_build(const struct machine *machine, uint64_t kernel_offset, struct handover *handover);

/** Turns the MMU on and enters the kernel. */
_Noreturn void enter_kernel(const struct handover *handover, uint64_t core);

/* start.S */
extern char secondary_start[];
uint64_t loader_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
