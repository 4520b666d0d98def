/* SPDX-License-Identifier: BSD-2-Clause */
/* One function an invocation, by the kind of object it acts on. */
#pragma once

#include <sel4/stubs/arm.h>
#include <sel4/stubs/cnode.h>
#include <sel4/stubs/irq.h>
#include <sel4/stubs/sched.h>
#include <sel4/stubs/tcb.h>
#include <sel4/stubs/untyped.h>
