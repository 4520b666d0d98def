/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things go, and everything that can be wrong with it. Pure: runs and is tested on the host. */
#include "standin/loader/loader.h"

enum { PAGE = 4096 };

/* [at, at + size) inside [base, base + room), without overflow. */
static bool inside(uint64_t at, uint64_t size, uint64_t base, uint64_t room)
{
	return at >= base && at - base <= room && size <= room - (at - base);
}

static bool apart(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	return a_end <= b || b_end <= a;
}

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static const char *check_pieces(const struct vmm_image_manifest *m)
{
	for (uint32_t i = 0; i < m->kernel_pieces + m->user_pieces; i++) {
		const struct vmm_image_piece *p = &m->pieces[i];
		bool kernel = i < m->kernel_pieces;
		uint64_t base = kernel ? m->kernel_start : 0;
		uint64_t room = kernel ? m->kernel_end - m->kernel_start : m->user_size;

		if (p->file_size > p->mem_size ||
		    !inside(p->offset, p->file_size, 0, m->image_size))
			return "the system image is damaged (a piece is outside it)";
		if (!inside(p->address, p->mem_size, base, room))
			return "the system image is damaged (a piece has no place)";
	}
	return NULL;
}

static const char *check_manifest(const struct vmm_image_manifest *m)
{
	if (m->magic != VMM_IMAGE_MAGIC)
		return "the system image has no manifest";
	if (m->version != VMM_IMAGE_VERSION)
		return "the system image is of another version than its loader";
	if (m->kernel_pieces == 0 || m->kernel_pieces > VMM_IMAGE_PIECES || m->user_pieces == 0 ||
	    m->user_pieces > VMM_IMAGE_PIECES - m->kernel_pieces ||
	    m->kernel_end <= m->kernel_start || m->user_size == 0)
		return "the system image is damaged (piece counts or sizes)";
	if ((m->kernel_start | m->kernel_end | m->user_vaddr | m->user_size) % PAGE != 0)
		return "the system image is damaged (alignment)";
	if (m->blob_offset != 0 && (!inside(m->blob_offset, m->blob_size, 0, m->image_size) ||
				    !inside(m->blob_user_offset, m->blob_size, 0, m->user_size) ||
				    m->blob_size < sizeof(struct vmm_blob)))
		return "the system image is damaged (blob)";
	return check_pieces(m);
}

static const char *check_machine(const struct vmm_image_manifest *m, const struct machine *machine)
{
	if (m->cores > machine->core_count)
		return "the kernel is built for more cores than this machine has (a seL4 kernel "
		       "waits "
		       "for all of them)";
	if (m->gic_version != 0 && machine->gic_version != 0 &&
	    m->gic_version != machine->gic_version)
		return "the kernel is built for another GIC version than this machine has";
	return NULL;
}

const char *place(const struct vmm_image_manifest *manifest, const struct machine *machine,
		  uint64_t image, uint64_t dtb, uint64_t dtb_size, struct placement *placement)
{
	const char *wrong = check_manifest(manifest);
	uint64_t image_end, ram_end = machine->ram_start + machine->ram_size;
	struct placement p;

	if (wrong == NULL)
		wrong = check_machine(manifest, machine);
	if (wrong != NULL)
		return wrong;
	if (!inside(image, manifest->image_size, machine->ram_start, machine->ram_size))
		return "the system image does not fit into RAM";
	image_end = image + manifest->image_size;

	p.kernel_start = manifest->kernel_start;
	p.kernel_end = manifest->kernel_end;
	if (!inside(p.kernel_start, p.kernel_end - p.kernel_start, machine->ram_start,
		    machine->ram_size))
		return "the kernel is linked for an address where this machine has no RAM (too "
		       "little "
		       "memory, or a kernel for another board)";
	p.dtb_start = p.kernel_end;
	p.dtb_end = page_up(p.dtb_start + dtb_size);
	p.user_start = p.dtb_end;
	if (dtb_size > machine->ram_size ||
	    !inside(p.user_start, manifest->user_size, machine->ram_start, machine->ram_size))
		return "too little RAM for kernel, device tree and root task";
	p.user_end = p.user_start + manifest->user_size;
	if (!apart(p.kernel_start, p.user_end, image, image_end))
		return "the system image overlaps the place of kernel and root task (archive too "
		       "large?)";
	if (!apart(p.kernel_start, p.user_end, dtb, dtb + dtb_size))
		return "the firmware put the device tree where the kernel or the root task belongs";
	if (p.user_end > ram_end)
		return "too little RAM for kernel, device tree and root task";
	*placement = p;
	return NULL;
}
