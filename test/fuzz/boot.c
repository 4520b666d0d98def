// SPDX-License-Identifier: BSD-2-Clause
/*
 * The loaders and the device tree code on hostile images.
 *
 * The first byte says what the rest is: the kernel (Image, ELF or raw), a user's device tree, or an
 * overlay; the other images are good ones. RAM has a guard on both sides (a heap block of its own),
 * so that AddressSanitizer sees the first byte that is written outside. A VM that would start must
 * start in RAM, with a tree that libfdt finds whole.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "vmm/base/util.h"
#include "vmm/boot/boot.h"

enum {
	RAM_GPA = 0x40000000,
	RAM_SIZE = 256 << 10,
	WHAT_DTB = 4,
	WHAT_OVERLAY = 5,
	WHAT_COUNT = 6,
	GIC_V2 = 0x80, /* bit of the first byte */
	PINNED = 0x40, /* the image has a load address, from the next eight bytes */
	HEADER = 1 + 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vmm_config machine(uint8_t *ram, bool v2)
{
	struct vmm_config config = {
		.vcpu_count = 2,
		.gic_version = v2 ? 2 : 3,
		.ram_count = 1,
		.device_count = 1,
		.gicd_gpa = 0x08000000,
		.gicr_gpa = 0x080a0000,
		.gicc_gpa = 0x08010000,
		.cmdline = "console=ttyAMA0",
	};

	config.ram[0] = (struct vmm_config_range){ .gpa = RAM_GPA,
						   .host = (uintptr_t)ram,
						   .size = RAM_SIZE };
	config.devices[0] = (struct vmm_config_device){
		.kind = VMM_DEVICE_PL011, .intid = 33, .gpa = 0x09000000, .size = 0x1000
	};
	return config;
}

static void check_started(const struct boot_entry *entry, const uint8_t *ram)
{
	const void *fdt;

	if (!range_inside(entry->pc, 4, RAM_GPA, RAM_SIZE) ||
	    !range_inside(entry->dtb, sizeof(struct fdt_header), RAM_GPA, RAM_SIZE))
		abort();
	fdt = ram + (entry->dtb - RAM_GPA);
	if (fdt_check_full(fdt, RAM_SIZE - (entry->dtb - RAM_GPA)) != 0)
		abort();
	for (uint32_t i = 0; i < entry->written_count; i++) {
		if (!range_inside(entry->written[i].host, entry->written[i].size, (uintptr_t)ram,
				  RAM_SIZE))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t good_kernel[4] = { 0xd503207f, 0x17ffffff };
	struct vmm_config_image image = { 0 };
	struct vmm_config config;
	struct seed seed = { .key = { 0 } };
	struct boot_entry entry;
	struct boot_error error = { .text = "" };
	uint8_t *ram, *copy;
	unsigned what;

	if (size <= HEADER)
		return 0;
	what = (data[0] & 0x3f) % WHAT_COUNT;
	ram = malloc(RAM_SIZE);
	copy = malloc(size - HEADER); /* exact, so that one byte too far is seen */
	memset(ram, 0, RAM_SIZE);
	memcpy(copy, data + HEADER, size - HEADER);
	config = machine(ram, (data[0] & GIC_V2) != 0);
	image.host = (uintptr_t)copy;
	image.size = size - HEADER;
	image.kind = what < WHAT_DTB ? what : (uint32_t)VMM_IMAGE_RAW;
	if (data[0] & PINNED)
		memcpy(&image.gpa, data + 1, sizeof(image.gpa));

	config.kernel = (struct vmm_config_image){ .host = (uintptr_t)good_kernel,
						   .size = sizeof(good_kernel),
						   .kind = VMM_IMAGE_RAW };
	if (what == WHAT_DTB)
		config.dtb = image;
	else if (what == WHAT_OVERLAY)
		config.overlay = image;
	else
		config.kernel = image;
	if (boot_load(&config, &seed, &entry, &error) == VMM_OK)
		check_started(&entry, ram);
	else if (error.text[0] == '\0')
		abort(); /* a refusal always has its reason */
	free(copy);
	free(ram);
	return 0;
}
