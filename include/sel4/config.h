/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel configuration these headers describe, under the names of seL4's own configuration.
 *
 * Printing and debugging are declared although a release kernel lacks them: their system call
 * numbers are the same in every build, and a kernel without them answers with an UnknownSyscall
 * fault. Likewise the SMC capability exists in every build's numbering; its slot is null in a kernel
 * that was built without it. Usable from assembly.
 */
#pragma once

#define CONFIG_ARCH_ARM                      1
#define CONFIG_ARCH_AARCH64                  1
#define CONFIG_WORD_SIZE                     64
#define CONFIG_KERNEL_MCS                    1
#define CONFIG_ARM_HYPERVISOR_SUPPORT        1
#define CONFIG_ARM_PA_SIZE_BITS_40           1
#define CONFIG_ENABLE_SMP_SUPPORT            1
#define CONFIG_MAX_NUM_NODES                 8
#define CONFIG_NUM_DOMAINS                   1
#define CONFIG_NUM_PRIORITIES                256
#define CONFIG_HAVE_FPU                      1
#define CONFIG_ROOT_CNODE_SIZE_BITS          12
#define CONFIG_RETYPE_FAN_OUT_LIMIT          256
#define CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS 230
#define CONFIG_BOOT_THREAD_TIME_SLICE        5
#define CONFIG_ALLOW_SMC_CALLS               1
#define CONFIG_PRINTING                      1
#define CONFIG_DEBUG_BUILD                   1
