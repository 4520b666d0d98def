// SPDX-License-Identifier: BSD-2-Clause
/*
 * Giving everything up. Afterwards nobody in the system, admin included, can make an object, map a
 * page, change a scheduling context's budget (but the timer server those of its sleepers), or reach
 * another program's capabilities.
 *
 * The vault's CNodes must live on, since what they hold must stay mapped, but nobody may reach them:
 * each gets a capability to itself, and admin's is deleted. Then everything in the kernel's own CNode
 * goes that is not on the list of kept slots: untypeds first of all, IRQ, ASID and scheduling
 * control, the CSpace itself last. Admin's thread runs on with the copies its TCB holds.
 */
#include "app/admin/admin.h"

static void seal_vault(struct admin *a)
{
	for (uint64_t chunk = 1; chunk < a->chunk_count; chunk++) {
		must(a,
		     seL4_CNode_Copy(a->root, chunk << CHUNK_BITS, 64, a->root, chunk, ROOT_DEPTH,
				     seL4_AllRights),
		     "CNode_Copy", "the vault");
		must(a, seL4_CNode_Delete(a->root, chunk, ROOT_DEPTH), "CNode_Delete", "the vault");
	}
}

static bool is_kept(const struct admin *a, uint64_t slot)
{
	/* Admin's own thread, and the frames it runs in: without their capabilities they vanish. */
	if (slot == seL4_CapInitThreadTCB || slot == seL4_CapInitThreadSC || slot == seL4_CapSMC ||
	    slot == seL4_CapInitThreadIPCBuffer || slot == seL4_CapBootInfoFrame || slot == a->root)
		return true;
	if ((slot >= a->bi->userImageFrames.start && slot < a->bi->userImageFrames.end) ||
	    (slot >= a->bi->userImagePaging.start && slot < a->bi->userImagePaging.end) ||
	    (slot >= a->bi->extraBIPages.start && slot < a->bi->extraBIPages.end))
		return true;
	for (uint32_t i = 0; i < a->kept_count; i++) {
		if (a->kept[i] == slot)
			return true;
	}
	return false;
}

void seal(struct admin *a)
{
	uint64_t unused = untyped_free(&a->pool) >> 20;
	uint32_t deleted = 0;

	/* Deleting the last capability to an ASID pool would take all its address spaces away. */
	must(a,
	     seL4_CNode_Move(a->root, object_slot(a), 64, a->root, seL4_CapInitThreadASIDPool, 64),
	     "CNode_Move", "the ASID pool");
	seal_vault(a);
	for (uint64_t slot = 1; slot < a->next_kept; slot++) {
		if (is_kept(a, slot))
			continue;
		must(a, seL4_CNode_Delete(a->root, slot, 64), "CNode_Delete", "sealing");
		deleted++;
	}
	must(a, seL4_CNode_Delete(a->root, a->root, 64), "CNode_Delete", "sealing");
	admin_say(a, "sealed: %u capabilities deleted, %llu MiB of unused memory out of reach",
		  deleted + 1, (unsigned long long)unused);
	admin_say(
		a,
		"what remains to admin: its fault endpoint and reply object, its log queue, "
		"its own thread, the VMs' scheduling contexts%s, the native programs' threads and "
		"variables, to start them again, and signals to their neighbours",
		a->smc ? ", power off by SMC" : "");
}
