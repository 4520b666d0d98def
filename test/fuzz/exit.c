/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit decode and instruction decode on arbitrary words: whatever a guest makes the hardware say, the
 * result is something the run loop can carry out.
 *
 * Input: event kind (1 byte), four words of 8 bytes, one instruction of 4.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/arch/aarch64/a64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_exit(const struct vm_exit *exit)
{
	uint64_t value;

	check(exit->kind < EXIT_KIND_COUNT);
	check(exit->length == 2 || exit->length == 4);
	check(exit->reg <= EXIT_REG_ZERO);
	if (exit->kind == EXIT_MMIO) {
		check(exit->width == 1 || exit->width == 2 || exit->width == 4 || exit->width == 8);
		value = arch_load_value(exit, UINT64_MAX);
		check(exit->sign_extend || exit->width == 8 || value >> (8 * exit->width) == 0);
		check(!exit->narrow || exit->width == 8 || value >> 32 == 0);
	}
	if (exit->kind == EXIT_IPI)
		check(exit->selector <= A64_ICC_SGI0R && exit->write);
	if (exit->kind == EXIT_SYSREG)
		check(a64_sysreg(exit, &value) <= ARCH_SYSREG_COUNTER);
}

static void check_insn(uint32_t insn)
{
	struct a64_ldst ldst;

	if (!a64_ldst_decode(insn, &ldst))
		return;
	check(ldst.access.count >= 1 && ldst.access.count <= ARCH_TRANSFERS);
	check(ldst.access.width >= 1 && ldst.access.width <= 8);
	check(ldst.access.base <= EXIT_REG_ZERO);
	check(ldst.access.reg[0] <= EXIT_REG_ZERO && ldst.access.reg[1] <= EXIT_REG_ZERO);
	check(ldst.access.writeback || ldst.step == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_event event = { 0 };
	struct vm_exit exit = { 0 };
	uint32_t insn;

	if (size < 1 + sizeof(event.word) + sizeof(insn))
		return 0;
	event.kind = (enum port_event_kind)(data[0] % (PORT_EVENT_OTHER + 1));
	memcpy(event.word, data + 1, sizeof(event.word));
	memcpy(&insn, data + 1 + sizeof(event.word), sizeof(insn));
	a64_exit_decode(&event, &exit);
	check_exit(&exit);
	check_insn(insn);
	return 0;
}
