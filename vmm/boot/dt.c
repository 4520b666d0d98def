/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generated and a user's own tree have in common: fixing up and merging (Devicetree
 * Specification 0.4, section 3; booting.rst, section 2).
 *
 * A user's tree and overlay are untrusted bytes. fdt_check_full walks all of a blob before anything
 * else looks at it; after that, libfdt's own checks hold and no pointer into the tree is kept across
 * a write.
 *
 * A tree is opened for additions by growing its total size, not by fdt_open_into: what dtc and the
 * sequential writer produce needs no reordering (libfdt refuses what does), and distributions build
 * fdt_open_into with SIMD stores, which the threads that run this do not have.
 */
#include "vmm/boot/dt.h"

#include <libfdt.h>
#include <string.h>

#include "vmm/base/util.h"
#include "vmm/boot/dt_virt.h"

uint64_t dt_space(const struct vmm_config *config)
{
	uint64_t space = config->dtb.size != 0 ? config->dtb.size + DT_MARGIN : DT_GENERATED;

	/* Merging may add every node's name and every property once more as symbols and fixups. */
	return align_up(space + 2 * config->overlay.size, 4096);
}

static enum vmm_err fdt_fail(struct boot_error *error, const char *what, int status)
{
	return boot_fail(error, status == -FDT_ERR_NOSPACE ? VMM_ERR_NOMEM : VMM_ERR_INVALID,
			 "device tree: %s: %s", what, fdt_strerror(status));
}

static int set_string(void *fdt, int node, const char *name, const char *value)
{
	return fdt_setprop(fdt, node, name, value, (int)strlen(value) + 1);
}

/* True for nodes that describe RAM, by property or by name as old trees do. */
static bool is_memory(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int length = 0;
	const char *type = fdt_getprop(fdt, node, "device_type", &length);

	if (type != NULL && length == sizeof("memory") &&
	    memcmp(type, "memory", sizeof("memory")) == 0)
		return true;
	return name != NULL && strncmp(name, "memory", 6) == 0 &&
	       (name[6] == '\0' || name[6] == '@');
}

static int delete_memory(void *fdt)
{
	int node = fdt_first_subnode(fdt, 0);

	while (node >= 0) {
		if (is_memory(fdt, node)) {
			int status = fdt_del_node(fdt, node);

			if (status != 0)
				return status;
			node = fdt_first_subnode(fdt, 0); /* offsets have moved */
		} else {
			node = fdt_next_subnode(fdt, node);
		}
	}
	return node == -FDT_ERR_NOTFOUND ? 0 : node;
}

static unsigned put_cells(fdt32_t *cells, unsigned at, int count, uint64_t value)
{
	if (count == 2)
		cells[at++] = cpu_to_fdt32((uint32_t)(value >> 32));
	cells[at++] = cpu_to_fdt32((uint32_t)value);
	return at;
}

/* The name and `reg` follow the root's own cell counts, which in a user's tree may be 1. */
static enum vmm_err add_memory(void *fdt, const struct vmm_config *config, struct boot_error *error)
{
	int address_cells = fdt_address_cells(fdt, 0), size_cells = fdt_size_cells(fdt, 0);
	fdt32_t reg[VMM_CONFIG_RAM * 4];
	char name[sizeof("memory@") + 16];
	unsigned used = 0;
	int node, status;

	if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2)
		return boot_fail(error, VMM_ERR_INVALID,
				 "device tree: root has %d address and %d size cells, not 1 or 2",
				 address_cells, size_cells);
	for (uint32_t i = 0; i < config->ram_count; i++) {
		const struct vmm_config_range *ram = &config->ram[i];

		if ((address_cells == 1 && ram->gpa + ram->size - 1 > UINT32_MAX) ||
		    (size_cells == 1 && ram->size > UINT32_MAX))
			return boot_fail(error, VMM_ERR_RANGE,
					 "device tree: RAM of 0x%lx bytes at 0x%lx needs 2 cells "
					 "in the root",
					 ram->size, ram->gpa);
		used = put_cells(reg, used, address_cells, ram->gpa);
		used = put_cells(reg, used, size_cells, ram->size);
	}
	dt_unit_name(name, sizeof(name), "memory", config->ram[0].gpa);
	node = fdt_add_subnode(fdt, 0, name);
	if (node < 0)
		return fdt_fail(error, "memory node", node);
	status = set_string(fdt, node, "device_type", "memory");
	if (status == 0)
		status = fdt_setprop(fdt, node, "reg", reg, (int)(used * sizeof(reg[0])));
	return status == 0 ? VMM_OK : fdt_fail(error, "memory node", status);
}

/*
 * chosen.yaml of dt-schema: rng-seed. Without it Linux makes its random numbers out of nothing for a
 * long time, and at every system call.
 */
static int set_seed(void *fdt, int node, struct seed *seed)
{
	uint8_t bytes[SEED_BYTES];
	int status;

	if (seed == NULL)
		return 0;
	seed_next(seed, bytes);
	status = fdt_setprop(fdt, node, "rng-seed", bytes, sizeof(bytes));
	seed_wipe(bytes, sizeof(bytes));
	return status;
}

static int set_chosen(void *fdt, const struct dt_input *input)
{
	const struct vmm_config *config = input->config;
	int node = fdt_path_offset(fdt, "/chosen");
	int status = 0;

	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	if (config->cmdline[0] != '\0')
		status = set_string(fdt, node, "bootargs", config->cmdline);
	if (status == 0)
		status = set_seed(fdt, node, input->seed);
	if (status != 0)
		return status;
	if (input->initrd_size == 0) {
		/* A user's tree may still name the initrd of the machine it came from. */
		status = fdt_delprop(fdt, node, "linux,initrd-start");
		if (status == 0 || status == -FDT_ERR_NOTFOUND)
			status = fdt_delprop(fdt, node, "linux,initrd-end");
		return status == -FDT_ERR_NOTFOUND ? 0 : status;
	}
	status = fdt_setprop_u64(fdt, node, "linux,initrd-start", input->initrd_gpa);
	if (status == 0)
		status = fdt_setprop_u64(fdt, node, "linux,initrd-end",
					 input->initrd_gpa + input->initrd_size);
	return status;
}

/*
 * fdt_check_full, less what it stumbles over itself: up to libfdt 1.6.1 at least it dereferences NULL
 * when the root of a tree of a version before 16 has no name.
 */
static int check_blob(const void *fdt, uint64_t size)
{
	enum { VERSION_MIN = 16 };

	if (size < sizeof(struct fdt_header))
		return -FDT_ERR_TRUNCATED;
	if (fdt_magic(fdt) != FDT_MAGIC)
		return -FDT_ERR_BADMAGIC;
	if (fdt_version(fdt) < VERSION_MIN)
		return -FDT_ERR_BADVERSION;
	return fdt_check_full(fdt, size);
}

static enum vmm_err take_users(const struct vmm_config_image *image, void *buffer, uint64_t space,
			       struct boot_error *error)
{
	int status;

	/* The copy is what is checked and used: the image is not read a second time. */
	if (image->size > space)
		return fdt_fail(error, "user's tree", -FDT_ERR_NOSPACE);
	memcpy(buffer, (const void *)(uintptr_t)image->host, image->size);
	status = check_blob(buffer, image->size);
	if (status == 0)
		fdt_set_totalsize(buffer, (uint32_t)space);
	return status == 0 ? VMM_OK : fdt_fail(error, "user's tree", status);
}

static enum vmm_err merge_overlay(const struct vmm_config_image *image, void *fdt, void *scratch,
				  struct boot_error *error)
{
	int status;

	memcpy(scratch, (const void *)(uintptr_t)image->host, image->size);
	status = check_blob(scratch, image->size);
	if (status == 0)
		status = fdt_overlay_apply(fdt, scratch);
	memset(scratch, 0, image->size);
	if (status != 0)
		return boot_fail(error,
				 status == -FDT_ERR_NOSPACE ? VMM_ERR_NOMEM : VMM_ERR_INVALID,
				 "device tree: overlay: %s%s", fdt_strerror(status),
				 status == -FDT_ERR_NOTFOUND
					 ? " (a label or target that the tree does not have)"
					 : "");
	return VMM_OK;
}

enum vmm_err dt_build(const struct dt_input *input, void *buffer, uint64_t space, void *scratch,
		      struct boot_error *error)
{
	const struct vmm_config *config = input->config;
	enum vmm_err err;
	int status;

	if (space > DT_MAX)
		return boot_fail(error, VMM_ERR_RANGE, "device tree: %lu bytes needed, %d allowed",
				 space, DT_MAX);
	if (config->dtb.size != 0) {
		err = take_users(&config->dtb, buffer, space, error);
		if (err != VMM_OK)
			return err;
	} else {
		status = dt_virt_generate(config, buffer, (int)space);
		if (status != 0)
			return fdt_fail(error, "generated tree", status);
	}

	status = delete_memory(buffer);
	if (status != 0)
		return fdt_fail(error, "memory node", status);
	err = add_memory(buffer, config, error);
	if (err != VMM_OK)
		return err;
	status = set_chosen(buffer, input);
	if (status != 0)
		return fdt_fail(error, "chosen node", status);

	if (config->overlay.size != 0) {
		err = merge_overlay(&config->overlay, buffer, scratch, error);
		if (err != VMM_OK)
			return err;
	}
	status = fdt_pack(buffer);
	return status == 0 ? VMM_OK : fdt_fail(error, "pack", status);
}
