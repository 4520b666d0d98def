/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of guest kernel. Each reads its image, takes its places in the plan, and only then
 * copies. Internal to vmm/boot.
 */
#pragma once

#include "vmm/boot/place.h"

/** arm64 `Image` (Linux Documentation/arch/arm64/booting.rst, section 4). */
VMM_MUST_CHECK enum vmm_err kernel_linux(struct place_plan *plan,
					 const struct vmm_config_image *image, uint64_t *pc);

/** ELF64, AArch64, executable: PT_LOAD segments at their physical addresses. */
VMM_MUST_CHECK enum vmm_err kernel_elf(struct place_plan *plan,
				       const struct vmm_config_image *image, uint64_t *pc);

/** Bytes at image->gpa (0: the start of RAM), entered at the first. */
VMM_MUST_CHECK enum vmm_err kernel_raw(struct place_plan *plan,
				       const struct vmm_config_image *image, uint64_t *pc);
