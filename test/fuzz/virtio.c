/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/fuzz/virtio.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/virtio_pci.h"
#include "vmm/base/util.h"

enum {
	BUFFERS = 6,
	STATUS = 0x070,
	NEEDS_RESET = 64,
	PLAIN_SIZE = 8,
	BUFFER_MAX = 2048,
};

struct guest {
	const struct fuzz_virtio *fuzz;
	struct driver d;
	struct driver_pci *pci; /* NULL: virtio-mmio */
	struct input in;
	uint8_t *page;
	uint32_t resets; /* that the guest made */
	unsigned checks;
};

void fuzz_expect(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t any_gpa(struct guest *g)
{
	/* Mostly inside of RAM; the end is as interesting as the outside. */
	switch (input_u8(&g->in) % 8) {
	case 0:
		return input_bytes(&g->in, 8);
	case 1:
		return DRIVER_GPA + FUZZ_VIRTIO_RAM - input_u8(&g->in);
	default:
		return DRIVER_GPA + input_bytes(&g->in, 2) % FUZZ_VIRTIO_RAM;
	}
}

static uint64_t features(struct guest *g)
{
	uint8_t bits = input_u8(&g->in);

	return (g->fuzz->features & input_bytes(&g->in, 8)) | VIRTIO_F_VERSION_1 |
	       ((bits & 1) != 0 ? VIRTIO_F_RING_PACKED : 0) |
	       ((bits & 2) != 0 ? VIRTIO_F_EVENT_IDX : 0) |
	       ((bits & 4) != 0 ? VIRTIO_F_INDIRECT_DESC : 0) |
	       ((bits & 8) != 0 ? VIRTIO_F_RING_RESET : 0);
}

static void start(struct guest *g, uint64_t wanted, unsigned size)
{
	struct driver *d = &g->d;

	d->brk = DRIVER_GPA;
	g->resets++;
	(void)driver_start(d, wanted, g->fuzz->queues, size);
}

static void begin(struct guest *g)
{
	static const unsigned sizes[] = { 4, 8, 16, 64, 1, 2 };

	start(g, features(g), sizes[input_u8(&g->in) % ARRAY_SIZE(sizes)]);
}

static unsigned queue_of(struct guest *g)
{
	return input_u8(&g->in) % g->fuzz->queues;
}

/* A chain with content of the input's. */
static void add(struct guest *g)
{
	struct driver_buffer b[BUFFERS];
	unsigned queue = queue_of(g), count = 1 + input_u8(&g->in) % BUFFERS;
	unsigned writable = input_u8(&g->in) % (BUFFERS + 1);
	struct driver *d = &g->d;
	bool table = (input_u8(&g->in) & 1) != 0;

	if (d->queue[queue].size == 0 || d->brk + BUFFER_MAX > DRIVER_GPA + FUZZ_VIRTIO_RAM)
		return;
	for (unsigned i = 0; i < count; i++) {
		uint32_t len = (uint32_t)input_bytes(&g->in, 2) % 512;
		uint64_t gpa = any_gpa(g);
		uint8_t content = input_u8(&g->in);

		b[i] = (struct driver_buffer){ .gpa = gpa, .len = len, .writable = i >= writable };
		for (unsigned k = 0; k < content % 32u && k < len; k++) {
			if (gmem_host(&d->gmem, gpa + k, 1) != NULL)
				*(uint8_t *)gmem_host(&d->gmem, gpa + k, 1) = input_u8(&g->in);
		}
	}
	(void)driver_add(d, queue, b, count, table);
}

static void kick(struct guest *g)
{
	unsigned queue = queue_of(g);

	if (g->d.queue[queue].size != 0 && (input_u8(&g->in) & 1) != 0)
		(void)driver_kick(&g->d, queue);
	else
		driver_write(&g->d, 0x050, queue);
}

/* Some bytes of a ring change. */
static void poke(struct guest *g)
{
	const struct driver_queue *q = &g->d.queue[queue_of(g)];
	unsigned area = input_u8(&g->in) % 3, width = 1U << input_u8(&g->in) % 4;
	uint64_t at = q->area[area] + input_u8(&g->in) * (area == 0 ? 2U : 1U);
	uint64_t value = input_bytes(&g->in, width);

	if (q->size != 0 && gmem_host(&g->d.gmem, at, width) != NULL)
		memcpy(gmem_host(&g->d.gmem, at, width), &value, width);
}

/* Takes what the device has given back, as far as it makes sense to a driver. */
static void drain(struct guest *g)
{
	unsigned queue = queue_of(g);
	struct driver_queue *q = &g->d.queue[queue];
	const uint8_t *used;
	uint32_t written, raw;
	int id;

	/* Rings that were poked would lead the driver astray, which is not what is tested here. */
	if (q->size == 0)
		return;
	used = g->d.ram + (q->area[2] - DRIVER_GPA);
	memcpy(&raw, used + 4 + 8 * (size_t)(q->last_used % q->size), sizeof(raw));
	if ((g->d.features & VIRTIO_F_RING_PACKED) == 0 && raw < q->size && q->count[raw] != 0)
		(void)driver_used(&g->d, queue, &id, &written);
}

/* Configuration space and BAR, now and then; the BAR is put back where the driver looks for it. */
static void access_pci(struct guest *g, bool write)
{
	unsigned where = input_u8(&g->in), width = 1U << where % 4;
	uint64_t offset = input_bytes(&g->in, 2), value = input_bytes(&g->in, width);

	if ((where & 0x80) != 0) {
		(void)driver_pci_bar(g->pci, write, offset % 0x4000, width, value);
		g->resets += write && value == 0;
		return;
	}
	/* The window's registers are in configuration space, too. */
	offset %= (where & 0x40) != 0 ? 0x100 : 0x1000;
	(void)driver_pci_config(g->pci, write, offset, width, value);
	g->resets += write;
	if ((where & 0x20) != 0)
		driver_pci_place(g->pci);
}

static void access(struct guest *g, bool write)
{
	unsigned width = 1U << input_u8(&g->in) % 4;
	uint64_t offset = input_bytes(&g->in, 2) % VIRTIO_MMIO_SIZE;
	uint64_t value = input_bytes(&g->in, width);

	if (offset + width <= VIRTIO_MMIO_SIZE)
		(void)driver_access(&g->d, write, offset, width, value);
	g->resets += write && offset == STATUS && width == 4 && value == 0;
}

/* Whether the interrupt line must be up. */
static bool pending(struct guest *g)
{
	const struct virtio_pci *vp;

	if (g->pci == NULL)
		return driver_read(&g->d, 0x060) != 0;
	vp = &g->pci->device; /* reading its status would clear it */
	return vp->isr != 0 && !pci_msix_enabled(&vp->function) &&
	       (vp->function.config[5] & 4) == 0;
}

static void check(struct guest *g)
{
	const struct virtio_dev *vd = g->d.vd;

	fuzz_expect(vd->lock.held == 0);
	fuzz_expect(pending(g) == g->d.level);
	fuzz_expect(((vd->status & NEEDS_RESET) != 0) == vd->broken);
	fuzz_expect(g->d.said <= 1 + g->resets); /* once, and not again until it is reset */
	for (unsigned i = 0; i < vd->setup.queue_count; i++) {
		const struct virtq *vq = &vd->setup.queues[i];

		fuzz_expect(vq->size > 0 && vq->size <= vd->setup.queue_size_max);
		fuzz_expect(vq->in_flight <= vq->size);
		fuzz_expect(!vq->enabled || (vd->status & 8) != 0);
	}
	if (g->page == NULL || g->pci != NULL || ++g->checks % 16 != 0)
		return;
	/* What the guest reads from the page is what an exit would give. */
	for (uint32_t at = 0; at < VIRTIO_MMIO_SIZE; at += 4) {
		uint32_t shown;

		memcpy(&shown, g->page + at, 4);
		fuzz_expect(shown == driver_read(&g->d, at));
	}
}

static void step(struct guest *g)
{
	uint8_t what = input_u8(&g->in);

	switch (what % 16) {
	case 0:
		begin(g);
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		add(g);
		break;
	case 5:
	case 6:
		kick(g);
		break;
	case 7:
	case 8:
		poke(g);
		break;
	case 9:
		drain(g);
		break;
	case 10:
	case 11:
		if (g->pci != NULL)
			access_pci(g, what % 16 == 10);
		else
			access(g, what % 16 == 10);
		break;
	case 12:
		(void)driver_acknowledge(&g->d);
		break;
	case 13:
		virtio_resume(g->d.vd, 0, VIRTIO_RESUMED);
		break;
	default:
		g->fuzz->backend(&g->d, &g->in);
		virtio_event(g->d.vd, 0);
		break;
	}
}

void fuzz_virtio(const struct fuzz_virtio *fuzz, const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t page[VIRTIO_MMIO_PAGE];
	static struct driver_pci pci;
	static struct guest g;
	static const uint64_t plain[] = { 0, VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX };
	uint8_t how;

	g = (struct guest){ .fuzz = fuzz, .in = { data, size } };
	driver_init_sized(&g.d, FUZZ_VIRTIO_RAM);
	how = input_u8(&g.in);
	g.page = (how & 1) != 0 ? page : NULL;
	g.pci = (how & 2) != 0 ? &pci : NULL;
	if (g.pci != NULL)
		driver_connect_pci(&g.d, &pci, fuzz->make(&g.d));
	else
		driver_connect(&g.d, fuzz->make(&g.d), g.page);
	begin(&g);
	while (g.in.left > 0) {
		step(&g);
		check(&g);
	}
	if (g.pci != NULL)
		driver_pci_place(g.pci);
	for (unsigned i = 0; i < ARRAY_SIZE(plain); i++) {
		start(&g, plain[i], PLAIN_SIZE);
		fuzz_expect(driver_read(&g.d, STATUS) == 15);
		fuzz->works(&g.d);
		check(&g);
	}
	driver_fini(&g.d);
}
