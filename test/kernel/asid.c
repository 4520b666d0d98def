/* SPDX-License-Identifier: BSD-2-Clause */
/* More address spaces than the machine has identifiers for (8-bit VMIDs): none sees another's pages. */
#include "test/kernel/kt_state.h"

enum { SPACES = 300, PASSES = 2, MAGIC = 0x5a000000 };

#define DATA (KT_GUEST_RAM + 0x1000ul)

/* x1: where to read; the answer is x0 of a hypervisor call that no kernel has. */
extern const char asid_code[], asid_code_end[];
__asm__(".pushsection .text\n"
	".global asid_code, asid_code_end\n"
	"asid_code:\n"
	"	ldr	x0, [x1]\n"
	"	mov	x7, #1000\n"
	"	hvc	#0\n"
	"	b	asid_code\n"
	"asid_code_end:\n"
	".popsection\n");

static seL4_CPtr make_space(seL4_CPtr code, seL4_Word value)
{
	seL4_CPtr vspace = kt_new_vspace(), data = kt_new(seL4_ARM_SmallPageObject, 0);
	seL4_CPtr view = kt_copy(data);

	kt_map_in(seL4_CapInitThreadVSpace, view, KT_WINDOW, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	*(volatile seL4_Word *)KT_WINDOW = value;
	kt_delete(view);
	kt_map_in(vspace, kt_copy(code), KT_GUEST_RAM, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	kt_map_in(vspace, data, DATA, seL4_AllRights, seL4_ARM_Default_VMAttributes);
	return vspace;
}

static void asid_more_spaces_than_vmids(void)
{
	static seL4_CPtr spaces[SPACES];
	struct kt_vm vm = kt_vm_new(asid_code, asid_code_end);
	seL4_CPtr code = kt_new(seL4_ARM_SmallPageObject, 0), view = kt_copy(code);
	seL4_CPtr faults = kt_mint(vm.endpoint, seL4_AllRights, KT_GUEST_BADGE);
	seL4_CPtr empty = kt_new(seL4_CapTableObject, 1);

	kt_map_in(seL4_CapInitThreadVSpace, view, KT_WINDOW, seL4_AllRights,
		  seL4_ARM_Default_VMAttributes);
	for (long i = 0; i < asid_code_end - asid_code; i++)
		((volatile char *)KT_WINDOW)[i] = asid_code[i];
	CHECK_OK(seL4_ARM_Page_Unify_Instruction(view, 0, 4096));
	CHECK_OK(seL4_ARM_Page_Unmap(view));
	for (unsigned i = 0; i < SPACES; i++)
		spaces[i] = make_space(code, MAGIC + i);
	for (unsigned i = 0; i < SPACES * PASSES; i++) {
		CHECK_OK(seL4_TCB_Suspend(vm.tcb));
		CHECK_OK(seL4_TCB_SetSpace(vm.tcb, faults, empty, 0, spaces[i % SPACES], 0));
		kt_vm_start(&vm, 0, DATA);
		CHECK_EQ(kt_vm_result(&vm), MAGIC + i % SPACES);
	}
}

static const struct kt_test tests[] = {
	KT(asid_more_spaces_than_vmids),
};

KT_GROUP(asid);
