/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of a hostile guest's page tables, and the fetch of an instruction through them.
 *
 * Input: SCTLR, TCR, TTBR0, TTBR1, address (8 bytes each), then the guest's RAM, repeated to fill it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/arch/aarch64/a64.h"
#include "vmm/port/host/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAM_SIZE = 0x4000,
	HEADER = 5 * 8,
};

#define RAM_GPA UINT64_C(0x40000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t ram[RAM_SIZE];
	struct host host = { 0 };
	struct host_guest guest;
	struct gmem gm = { 0 };
	struct port_vcpu port;
	struct arch_access access;
	struct vm_exit exit = { .kind = EXIT_MMIO_INSN };
	uint64_t words[5], ipa;
	struct a64_mmu mmu;

	if (size < HEADER)
		return 0;
	memcpy(words, data, HEADER);
	memset(ram, 0, sizeof(ram));
	for (size_t at = 0, n; size > HEADER && at < RAM_SIZE; at += n) {
		n = size - HEADER < RAM_SIZE - at ? size - HEADER : RAM_SIZE - at;
		memcpy(ram + at, data + HEADER, n);
	}
	if (gmem_add(&gm, RAM_GPA, (uintptr_t)ram, sizeof(ram)) != VMM_OK)
		abort();

	mmu = (struct a64_mmu){
		.sctlr = words[0], .tcr = words[1], .ttbr0 = words[2], .ttbr1 = words[3]
	};
	if (a64_walk(&mmu, &gm, words[4], &ipa) && ipa >> 48 != 0)
		abort();

	host_guest_init(&guest, &host);
	port = host_port(&guest);
	guest.sysreg[PORT_SCTLR_EL1] = words[0];
	guest.sysreg[PORT_TCR_EL1] = words[1];
	guest.sysreg[PORT_TTBR0_EL1] = words[2];
	guest.sysreg[PORT_TTBR1_EL1] = words[3];
	guest.frame.pc = words[4];
	guest.frame.status = data[size - 1];
	exit.write = (data[size - 1] & 1) != 0;
	if (a64_insn_fetch(&port, &gm, &guest.frame, &exit, &access) == VMM_OK &&
	    a64_insn_writeback(&port, &guest.frame, &access) != VMM_OK)
		abort();
	return 0;
}
