// SPDX-License-Identifier: BSD-2-Clause
/* The way in, exceptions, and PSCI by the conduit the device tree names. */
#include "test/guest/lib/guest.h"

enum { EC_SVC64 = 0x15, EC_INSTRUCTION_ABORT = 0x21, EC_PC_ALIGNMENT = 0x22 };

volatile struct caught caught;
static volatile bool armed;

void guest_start(const void *dtb)
{
	machine_read(dtb);
	guest_main();
	power_off();
}

void catch_begin(void)
{
	caught.count = 0;
	caught.esr = 0;
	armed = true;
	barrier();
}

uint32_t catch_end(void)
{
	barrier();
	armed = false;
	return caught.count;
}

void exception(struct exception_frame *frame)
{
	unsigned class = esr_class(frame->esr);

	if (!armed) {
		print("EXCEPTION esr=0x%lx elr=0x%lx far=0x%lx\n", frame->esr, frame->elr,
		      frame->far);
		power_off();
	}
	caught.count++;
	caught.esr = frame->esr;
	caught.elr = frame->elr;
	caught.far = frame->far;
	if (class == EC_INSTRUCTION_ABORT || class == EC_PC_ALIGNMENT)
		frame->elr = frame->x[30];
	else if (class != EC_SVC64) /* of which ELR is already behind it */
		frame->elr += 4;
}

void exception_other(uint64_t esr, uint64_t elr)
{
	print("EXCEPTION of another kind esr=0x%lx elr=0x%lx\n", esr, elr);
	power_off();
}

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	return (int64_t)(machine.hvc == 1 ? psci_hvc(function, a, b, c)
					  : psci_smc(function, a, b, c));
}

_Noreturn void power_off(void)
{
	irq_off();
	if (machine.hvc >= 0)
		psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}
