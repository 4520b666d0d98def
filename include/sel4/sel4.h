/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seL4 API of release 16.0.0, AArch64, hypervisor + MCS + SMP, as our programs and our kernel
 * tests see it.
 *
 * Names, types and signatures are libsel4's, so that the same source compiles against the headers
 * of a real libsel4 (put its include directory before ours). The numbers are those of an SMP build;
 * <sel4/invocation.h> says where a single-core kernel differs.
 *
 * Headers with numbers and layouts only (usable by a kernel, on a host, and where marked from
 * assembly): config, constants, errors, objecttype, types, faults, invocation, syscall, bootinfo.
 * Headers that need an AArch64 compiler: functions, trap, syscalls, stubs.
 */
#pragma once

#include <sel4/bootinfo.h>
#include <sel4/config.h>
#include <sel4/constants.h>
#include <sel4/errors.h>
#include <sel4/faults.h>
#include <sel4/functions.h>
#include <sel4/invocation.h>
#include <sel4/objecttype.h>
#include <sel4/stubs.h>
#include <sel4/syscall.h>
#include <sel4/syscalls.h>
#include <sel4/trap.h>
#include <sel4/types.h>
