/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arm64 Image and raw kernels.
 *
 * An Image that was cut short still has its header, so the size of the file is held against the
 * PE/COFF section table that every kernel with an EFI stub carries (Microsoft PE Format, "COFF File
 * Header" and "Section Table"). A kernel without one is taken at its word.
 */
#include "vmm/boot/kernel.h"

#include <string.h>

#include "vmm/base/util.h"

enum {
	IMAGE_MAGIC = 0x644d5241, /* "ARM\x64" */
	IMAGE_MAGIC_OFFSET = 56,
	IMAGE_BIG_ENDIAN = 1,
	GZIP_MAGIC = 0x8b1f,
	OLD_TEXT_OFFSET = 0x80000, /* meant when image_size is 0: kernels before 3.17 */
};

struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint64_t reserved[3];
	uint32_t magic;
	uint32_t pe_offset;
};

_Static_assert(sizeof(struct image_header) == 64, "booting.rst, section 4");
_Static_assert(offsetof(struct image_header, magic) == IMAGE_MAGIC_OFFSET,
	       "booting.rst, section 4");

enum {
	DOS_MAGIC = 0x5a4d,
	PE_MAGIC = 0x4550,
	PE_SECTIONS = 6,
	PE_OPTIONAL_SIZE = 20,
	PE_HEADER = 24,
	PE_SECTION = 40,
	PE_SECTION_RAW_SIZE = 16,
	PE_SECTION_RAW_START = 20,
};

static uint16_t get16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* The bytes the file must have by its own section table; 0 if it has no PE header. */
static uint64_t pe_extent(const unsigned char *image, uint64_t size, uint32_t pe)
{
	uint64_t table, need;
	unsigned count;

	if (get16(image) != DOS_MAGIC)
		return 0;
	if (!range_inside(pe, PE_HEADER, 0, size))
		return (uint64_t)pe + PE_HEADER;
	if (get32(image + pe) != PE_MAGIC)
		return 0;
	count = get16(image + pe + PE_SECTIONS);
	table = (uint64_t)pe + PE_HEADER + get16(image + pe + PE_OPTIONAL_SIZE);
	need = table + (uint64_t)count * PE_SECTION;
	if (need > size)
		return need;
	for (unsigned i = 0; i < count; i++) {
		const unsigned char *section = image + table + (uint64_t)i * PE_SECTION;
		uint64_t end = (uint64_t)get32(section + PE_SECTION_RAW_START) +
			       get32(section + PE_SECTION_RAW_SIZE);

		if (end > need)
			need = end;
	}
	return need;
}

static enum vmm_err check_linux(const struct place_plan *plan, const struct vmm_config_image *image,
				struct image_header *header)
{
	const unsigned char *bytes = (const unsigned char *)(uintptr_t)image->host;
	uint64_t need;

	if (image->size >= 2 && get16(bytes) == GZIP_MAGIC)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: a gzip file, not an arm64 Image: to be inflated before");
	if (image->size < sizeof(*header))
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: not an arm64 Image: %lu bytes, the header alone has %zu",
				 image->size, sizeof(*header));
	memcpy(header, bytes, sizeof(*header));
	if (header->magic != IMAGE_MAGIC)
		return boot_fail(
			plan->error, VMM_ERR_INVALID,
			"kernel: not an arm64 Image: magic 0x%08x at offset %d, not 0x%08x",
			header->magic, IMAGE_MAGIC_OFFSET, (unsigned)IMAGE_MAGIC);
	if (header->flags & IMAGE_BIG_ENDIAN)
		return boot_fail(plan->error, VMM_ERR_UNSUPPORTED,
				 "kernel: a big-endian arm64 Image");
	need = pe_extent(bytes, image->size, header->pe_offset);
	if (need > image->size)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: cut short: its sections end at %lu, the file at %lu",
				 need, image->size);
	return VMM_OK;
}

enum vmm_err kernel_linux(struct place_plan *plan, const struct vmm_config_image *image,
			  uint64_t *pc)
{
	uint64_t base = align_up(plan->config->ram[0].gpa, MIB(2));
	struct image_header header = { 0 };
	uint64_t gpa, size;
	struct place *place;
	enum vmm_err err;

	err = check_linux(plan, image, &header);
	if (err != VMM_OK)
		return err;
	size = header.image_size;
	if (size == 0)
		header.text_offset = OLD_TEXT_OFFSET;
	if (size < image->size)
		size = image->size;
	if (header.text_offset >= MIB(2))
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: text_offset 0x%lx, not below 2 MiB", header.text_offset);

	gpa = image->gpa != 0 ? image->gpa : base + header.text_offset;
	if ((gpa - header.text_offset) % MIB(2) != 0)
		return boot_fail(plan->error, VMM_ERR_RANGE,
				 "kernel: to be loaded at 0x%lx, which is not a multiple of 2 MiB "
				 "plus 0x%lx",
				 gpa, header.text_offset);
	err = place_fixed(plan, "kernel", gpa, size, &place);
	if (err != VMM_OK)
		return err;
	memcpy(place->host, (const void *)(uintptr_t)image->host, image->size);
	memset(place->host + image->size, 0, size - image->size);
	*pc = gpa;
	return VMM_OK;
}

enum vmm_err kernel_raw(struct place_plan *plan, const struct vmm_config_image *image, uint64_t *pc)
{
	uint64_t gpa = image->gpa != 0 ? image->gpa : plan->config->ram[0].gpa;
	struct place *place;
	enum vmm_err err;

	if (gpa % 4 != 0)
		return boot_fail(plan->error, VMM_ERR_INVALID,
				 "kernel: raw image at 0x%lx, which is no address of code", gpa);
	err = place_fixed(plan, "kernel", gpa, image->size, &place);
	if (err != VMM_OK)
		return err;
	memcpy(place->host, (const void *)(uintptr_t)image->host, image->size);
	*pc = gpa;
	return VMM_OK;
}
