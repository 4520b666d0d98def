/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts a VM's images and its device tree into guest RAM, at its first start and again at each reset.
 *
 * Pure code: it reads the configuration and the images, writes guest RAM through the ranges the
 * configuration names, and calls nothing but libfdt. Images are untrusted (a user's files), the
 * configuration is admin's. No vCPU of the VM may run meanwhile, and no device may write its RAM:
 * the device tree is built where it will lie.
 *
 * RAM outside what is loaded is left as it is: zero at the first start, as found at a reset (a warm
 * reset keeps memory, and a guest's crash log with it).
 */
#pragma once

#include <stdint.h>

#include <vmm/config.h>

#include "vmm/base/err.h"
#include "vmm/base/seed.h"

enum {
	BOOT_ERROR_TEXT = 160,
	BOOT_WRITTEN = 24, /* an ELF of most segments, initrd, device tree, overlay */
};

/* A piece of guest RAM that was written, as the VMM sees it. */
struct boot_range {
	uint64_t host;
	uint64_t size;
};

/*
 * Where the first vCPU starts: at EL1, caches and MMU off, x0 = dtb, x1 to x3 = 0 (Linux
 * Documentation/arch/arm64/booting.rst; ELF and raw guests are entered alike). The guest reads RAM
 * past the caches at first, so the caller cleans `written` to the point of coherency.
 */
struct boot_entry {
	uint64_t pc;
	uint64_t dtb; /* gpa of the device tree */
	uint32_t written_count;
	struct boot_range written[BOOT_WRITTEN];
};

/* One line for the log: what is wrong, found and allowed. No newline at the end. */
struct boot_error {
	char text[BOOT_ERROR_TEXT];
};

/**
 * Loads everything `config` names. From `seed`, which may be NULL, the guest gets random bytes of its
 * own. On failure `*entry` is untouched, `error->text` says what is wrong, and guest RAM may have been
 * written in part: the VM is not to be started.
 *
 * VMM_ERR_INVALID: an image is not what it should be. VMM_ERR_RANGE: something does not fit in RAM
 * or overlaps. VMM_ERR_NOMEM: the device tree outgrew its space. VMM_ERR_UNSUPPORTED: an image kind
 * that is not known here.
 */
VMM_MUST_CHECK enum vmm_err boot_load(const struct vmm_config *config, struct seed *seed,
				      struct boot_entry *entry, struct boot_error *error);
