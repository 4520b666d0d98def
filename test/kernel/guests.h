/* SPDX-License-Identifier: BSD-2-Clause */
/* The guests of guest.S: first and behind the last byte of each. */
#pragma once

#define GUEST(name) extern const char code_##name[], code_##name##_end[]

GUEST(load);
GUEST(widths);
GUEST(pairs);
GUEST(store);
GUEST(hvc);
GUEST(hvc_number);
GUEST(smc);
GUEST(wfi);
GUEST(cntp);
GUEST(sgi);
GUEST(jump);
GUEST(exceptions);
GUEST(sysregs);
GUEST(identity);
GUEST(count);
GUEST(timer);
GUEST(fpu);
GUEST(pmu);
GUEST(debug);
GUEST(irq2);
GUEST(irq3);

/** A stopped VM with guest `name`. */
#define NEW_VM(name) kt_vm_new(code_##name, code_##name##_end)
