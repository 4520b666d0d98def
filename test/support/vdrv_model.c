// SPDX-License-Identifier: BSD-2-Clause
#include "test/support/vdrv_model.h"

#include <stddef.h>

uint8_t vdrv_model_page[VDRV_MODEL_PAGE];

static struct virtio_mmio *device;
static const uint8_t *device_at;

static struct mmio_access reach(void *regs, unsigned offset, bool write, unsigned width,
				uint64_t value)
{
	struct mmio_access access = {
		.offset = offset,
		.value = value,
		.width = (uint8_t)width,
		.write = write,
	};

	/* Other slots of the page are empty: a magic number, and device 0. */
	if (regs != device_at)
		access.value = offset == 0 ? 0x74726976 : offset == 4 ? 2 : 0;
	else
		virtio_mmio_access(device, &access);
	return access;
}

static uint32_t read32(void *regs, unsigned offset)
{
	return (uint32_t)reach(regs, offset, false, 4, 0).value;
}

static void write32(void *regs, unsigned offset, uint32_t value)
{
	(void)reach(regs, offset, true, 4, value);
}

static uint8_t read8(void *regs, unsigned offset)
{
	return (uint8_t)reach(regs, offset, false, 1, 0).value;
}

const struct vdrv_ops vdrv_model_ops = { .read = read32, .write = write32, .read8 = read8 };

void vdrv_model_set(struct virtio_mmio *mmio, unsigned slot)
{
	device = mmio;
	device_at = &vdrv_model_page[(size_t)VDRV_MODEL_SLOT * slot];
}
