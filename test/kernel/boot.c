/* SPDX-License-Identifier: BSD-2-Clause */
/* What the root task is given. */
#include "test/kernel/kt.h"

extern char __image_start[];

static seL4_Word count(seL4_SlotRegion region)
{
	return region.end - region.start;
}

static void boot_node(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();

	CHECK_EQ(bi->nodeID, 0);
	CHECK(bi->numNodes >= 1);
	CHECK_EQ(bi->initThreadDomain, 0);
	CHECK_EQ(bi->initThreadCNodeSizeBits, 12);
}

static void boot_one_sched_control_a_core(void)
{
	CHECK_EQ(count(kt_bootinfo()->schedcontrol), kt_bootinfo()->numNodes);
}

/* The IPC buffer's page follows the user image, bootinfo follows that. */
static void boot_image_layout(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	seL4_Word image_end = (seL4_Word)__image_start + count(bi->userImageFrames) * 4096;

	CHECK_EQ(bi->ipcBuffer, image_end);
	CHECK_EQ(bi, image_end + 4096);
}

static void boot_image_frames_are_contiguous(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	seL4_ARM_Page_GetAddress_t first = seL4_ARM_Page_GetAddress(bi->userImageFrames.start);

	CHECK_OK(first.error);
	for (seL4_CPtr i = 0; i < count(bi->userImageFrames); i++) {
		seL4_ARM_Page_GetAddress_t a =
			seL4_ARM_Page_GetAddress(bi->userImageFrames.start + i);

		CHECK_OK(a.error);
		CHECK_EQ(a.paddr, first.paddr + i * 4096);
	}
}

static void boot_untypeds_are_sane(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();

	CHECK(count(bi->untyped) > 0 && count(bi->untyped) <= CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS);
	for (seL4_Word i = 0; i < count(bi->untyped); i++) {
		const seL4_UntypedDesc *a = &bi->untypedList[i];

		CHECK(a->sizeBits >= seL4_MinUntypedBits && a->sizeBits <= seL4_MaxUntypedBits);
		CHECK_EQ(a->paddr & ((1ul << a->sizeBits) - 1), 0);
		CHECK(a->isDevice <= 1);
		for (seL4_Word j = 0; j < i; j++) {
			const seL4_UntypedDesc *b = &bi->untypedList[j];

			CHECK(a->paddr + (1ul << a->sizeBits) <= b->paddr ||
			      b->paddr + (1ul << b->sizeBits) <= a->paddr);
		}
	}
}

/* The image's archive lies in RAM 0x40000000 to 0x5fffffff, which must come as device memory. */
static void boot_low_ram_is_device_untyped(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	seL4_Word covered = 0;

	for (seL4_Word i = 0; i < count(bi->untyped); i++) {
		const seL4_UntypedDesc *u = &bi->untypedList[i];

		if (u->isDevice && u->paddr >= 0x40000000 && u->paddr < 0x60000000)
			covered += 1ul << u->sizeBits;
	}
	CHECK_EQ(covered, 0x20000000);
}

static void boot_extra_holds_device_tree(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();
	const char *extra = (const char *)bi + seL4_BootInfoFrameSize;
	seL4_Word at = 0;

	while (at < bi->extraLen) {
		const seL4_BootInfoHeader *h =
			(const seL4_BootInfoHeader *)(const void *)(extra + at);
		const uint32_t *blob = (const uint32_t *)(h + 1);

		CHECK(h->len >= sizeof(*h) && h->len <= bi->extraLen - at);
		if (h->id == SEL4_BOOTINFO_HEADER_FDT) {
			CHECK_EQ(__builtin_bswap32(blob[0]), 0xd00dfeed);
			CHECK(__builtin_bswap32(blob[1]) <= h->len - sizeof(*h));
			return;
		}
		at += h->len;
	}
	kt_fail(__FILE__, __LINE__, "no device tree in %lu bytes", bi->extraLen);
}

static void boot_empty_slots_are_empty(void)
{
	const seL4_BootInfo *bi = kt_bootinfo();

	CHECK(count(bi->empty) > 1000);
	CHECK_EQ(bi->empty.end, 1u << bi->initThreadCNodeSizeBits);
	CHECK(kt_empty(bi->empty.end - 1));
}

/* Slots 7, 8, 12 and 13 hold capabilities of other machines. */
static void boot_foreign_slots_are_null(void)
{
	CHECK(kt_empty(seL4_CapNull));
	CHECK(kt_empty(seL4_CapIOPortControl));
	CHECK(kt_empty(seL4_CapIOSpace));
	CHECK(kt_empty(seL4_CapSMMUSIDControl));
	CHECK(kt_empty(seL4_CapSMMUCBControl));
}

static void boot_initial_caps_are_there(void)
{
	static const seL4_CPtr there[] = {
		seL4_CapInitThreadTCB, seL4_CapInitThreadCNode,     seL4_CapInitThreadVSpace,
		seL4_CapIRQControl,    seL4_CapASIDControl,         seL4_CapInitThreadASIDPool,
		seL4_CapBootInfoFrame, seL4_CapInitThreadIPCBuffer, seL4_CapDomain,
		seL4_CapInitThreadSC,
	};

	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		CHECK_EQ(seL4_CNode_Mint(KT_ROOT, there[i], KT_DEPTH, KT_ROOT,
					 seL4_CapInitThreadTCB, KT_DEPTH, seL4_AllRights, 0),
			 seL4_DeleteFirst);
}

static const struct kt_test tests[] = {
	KT(boot_node),
	KT(boot_one_sched_control_a_core),
	KT(boot_image_layout),
	KT(boot_image_frames_are_contiguous),
	KT(boot_untypeds_are_sane),
	KT(boot_low_ram_is_device_untyped),
	KT(boot_extra_holds_device_tree),
	KT(boot_empty_slots_are_empty),
	KT(boot_foreign_slots_are_null),
	KT(boot_initial_caps_are_there),
};

KT_GROUP(boot);
