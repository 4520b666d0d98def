/* SPDX-License-Identifier: BSD-2-Clause */
/* What making the root task needs of the machine. */
#pragma once

#include "standin/object/objects.h"

/** Gives the address space the first ASID of the first pool; the capabilities to both. */
void boot_space(u64 pool_pa, u64 vspace_pa, struct cap *pool, struct cap *vspace);
/** 0 if a page can be mapped at `va`; else the table that is missing covers 2^result bytes. */
u64 boot_table_missing(u64 vspace_pa, u64 va);
struct cap boot_map_table(u64 vspace_pa, u64 pa, u64 va);
struct cap boot_map_page(u64 vspace_pa, u64 pa, u64 va);
void boot_set_start(struct tcb *t, u64 entry, u64 info_va);
