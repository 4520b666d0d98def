// SPDX-License-Identifier: BSD-2-Clause
/*
 * The device tree in every amount of room there can be: what does not fit is refused, and no byte
 * outside the buffer is touched (each buffer ends where the allocation ends, so ASan looks on).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "vmm/base/util.h"
#include "vmm/boot/dt.h"
#include "vmm/boot/dt_virt.h"

enum { TREE = 4096 };

struct fixture {
	struct vmm_config config;
	struct dt_input input;
	struct seed seed;
	struct boot_error error;
	unsigned char tree[TREE], overlay[TREE];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct vmm_config *c = &f->config;

	*c = (struct vmm_config){
		.vcpu_count = 2,
		.gic_version = 3,
		.ram_count = 2,
		.ram = { { .gpa = 0x40000000, .size = MIB(64) },
			 { .gpa = 0x100000000, .size = MIB(2) } },
		.device_count = 2,
		.devices = { { .kind = VMM_DEVICE_PL011,
			       .intid = 33,
			       .gpa = 0x09000000,
			       .size = 0x1000 },
			     { .kind = VMM_DEVICE_PL031,
			       .intid = 34,
			       .gpa = 0x09010000,
			       .size = 0x1000 } },
		.gicd_gpa = 0x08000000,
		.gicr_gpa = 0x080a0000,
		.gicc_gpa = 0x08010000,
		.cmdline = "console=ttyAMA0 quiet",
		.pci = { .ecam_gpa = 0x3f000000,
			 .ecam_size = 0x100000,
			 .low_gpa = 0x10000000,
			 .low_size = 0x1000000,
			 .high_gpa = 0x8000000000,
			 .high_size = 0x40000000,
			 .msi_gpa = 0x08020000,
			 .msi_first = 64,
			 .msi_count = 64,
			 .intx_first = 35 },
	};
	c->vcpus[1].mpidr = 1;
	f->input = (struct dt_input){
		.config = c,
		.initrd_gpa = 0x42000000,
		.initrd_size = 4000,
		.seed = &f->seed,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Builds in a buffer of exactly `space` bytes; the size it packed to, or 0. */
static uint32_t build(struct fixture *f, uint64_t space)
{
	void *buffer = malloc(space);
	void *scratch = malloc(f->config.overlay.size + 1);
	enum vmm_err err = dt_build(&f->input, buffer, space, scratch, &f->error);
	uint32_t size = 0;

	if (err == VMM_OK) {
		size = fdt_totalsize(buffer);
		assert_in_range(size, 1, space);
		assert_int_equal(fdt_check_full(buffer, space), 0);
	} else {
		assert_int_equal(err, VMM_ERR_NOMEM);
		assert_non_null(strstr(f->error.text, "device tree: "));
		assert_non_null(strstr(f->error.text, "FDT_ERR_NOSPACE"));
	}
	free(buffer);
	free(scratch);
	return size;
}

/* Up to `most`: refused, refused ... and from some size on built. */
static void every_room(struct fixture *f, uint64_t least, uint64_t most)
{
	unsigned refused = 0, built = 0;

	for (uint64_t space = align_up(least, 4); space <= most; space += 4) {
		if (build(f, space) != 0) {
			built++;
		} else {
			refused++;
			if (built > 0)
				fail_msg("refused in %lu bytes, not in less", (unsigned long)space);
		}
	}
	assert_true(refused > 0 && built > 0);
}

static void generated_in_every_room(void **state)
{
	struct fixture *f = *state;

	every_room(f, 64, 6144);
	f->config.gic_version = 2;
	f->config.pci.ecam_gpa = 0;
	f->config.cmdline[0] = '\0';
	f->input.initrd_size = 0;
	f->input.seed = NULL;
	every_room(f, 64, 4096);
}

/* A tree as a user may bring it: with or without what is fixed up, with symbols for the overlay. */
static void make_tree(struct fixture *f, bool chosen)
{
	void *t = f->tree;

	assert_int_equal(fdt_create(t, TREE), 0);
	fdt_finish_reservemap(t);
	fdt_begin_node(t, "");
	fdt_property_u32(t, "#address-cells", 2);
	fdt_property_u32(t, "#size-cells", 2);
	fdt_begin_node(t, "memory@0");
	fdt_property_string(t, "device_type", "memory");
	fdt_end_node(t);
	if (chosen) {
		fdt_begin_node(t, "chosen");
		fdt_property_string(t, "bootargs", "mine");
		fdt_end_node(t);
	}
	fdt_begin_node(t, "thing");
	fdt_property_u32(t, "phandle", 1);
	fdt_end_node(t);
	fdt_begin_node(t, "__symbols__");
	fdt_property_string(t, "thing", "/thing");
	fdt_end_node(t);
	fdt_end_node(t);
	assert_int_equal(fdt_finish(t), 0);
	f->config.dtb = (struct vmm_config_image){ .host = (uintptr_t)t, .size = fdt_totalsize(t) };
}

static void users_tree_in_every_room(void **state)
{
	struct fixture *f = *state;

	make_tree(f, true);
	every_room(f, 64, 2048);
	make_tree(f, false);
	every_room(f, 64, 2048);
}

/* libfdt gives an overlay's target away when it runs out of room: any error will do, none is fatal. */
static void overlay_in_every_room(void **state)
{
	struct fixture *f = *state;
	void *t = f->overlay;
	unsigned built = 0;

	fdt_create(t, TREE);
	fdt_finish_reservemap(t);
	fdt_begin_node(t, "");
	fdt_begin_node(t, "fragment@0");
	fdt_property_u32(t, "target", 0xffffffff);
	fdt_begin_node(t, "__overlay__");
	fdt_property_string(t, "status", "disabled");
	fdt_begin_node(t, "more");
	fdt_property_string(t, "text", "some more text than a few bytes");
	fdt_end_node(t);
	fdt_end_node(t);
	fdt_end_node(t);
	fdt_begin_node(t, "__fixups__");
	fdt_property_string(t, "thing", "/fragment@0:target:0");
	fdt_end_node(t);
	fdt_end_node(t);
	assert_int_equal(fdt_finish(t), 0);
	f->config.overlay =
		(struct vmm_config_image){ .host = (uintptr_t)t, .size = fdt_totalsize(t) };
	make_tree(f, true);
	for (uint64_t space = 64; space < 2048; space += 4) {
		void *buffer = malloc(space), *scratch = malloc(f->config.overlay.size);
		enum vmm_err err = dt_build(&f->input, buffer, space, scratch, &f->error);

		built += err == VMM_OK;
		assert_true(err == VMM_OK || err == VMM_ERR_NOMEM);
		free(buffer);
		free(scratch);
	}
	assert_in_range(built, 1, 1000);
}

static void cells_of_a_users_root(void **state)
{
	struct fixture *f = *state;
	unsigned char buffer[TREE];

	for (uint32_t cells = 0; cells <= 3; cells += 3) {
		make_tree(f, true);
		fdt_setprop_inplace_u32(f->tree, 0, "#size-cells", cells);
		assert_int_equal(dt_build(&f->input, buffer, sizeof(buffer), NULL, &f->error),
				 VMM_ERR_INVALID);
		assert_non_null(strstr(f->error.text, "not 1 or 2"));
	}
	make_tree(f, true);
	fdt_setprop_inplace_u32(f->tree, 0, "#address-cells", 1);
	assert_int_equal(dt_build(&f->input, buffer, sizeof(buffer), NULL, &f->error),
			 VMM_ERR_RANGE);
	assert_non_null(strstr(f->error.text, "needs 2 cells"));
}

static void more_than_linux_takes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dt_build(&f->input, NULL, DT_MAX + 1, NULL, &f->error), VMM_ERR_RANGE);
	assert_non_null(strstr(f->error.text, "allowed"));
}

/* Devices that the tree does not describe, and one without an interrupt. */
static void devices_of_other_kinds(void **state)
{
	struct fixture *f = *state;
	unsigned char buffer[2 * TREE];
	int node, length;

	f->config.device_count = 4;
	f->config.devices[0].intid = 0;
	f->config.devices[2].kind = VMM_DEVICE_NONE;
	f->config.devices[3].kind = 1000;
	assert_int_equal(dt_build(&f->input, buffer, sizeof(buffer), NULL, &f->error), VMM_OK);
	node = fdt_path_offset(buffer, "/pl011@9000000");
	if (node < 0)
		node = fdt_node_offset_by_compatible(buffer, -1, "arm,pl011");
	assert_true(node > 0);
	assert_null(fdt_getprop(buffer, node, "interrupts", &length));
	/* Without a UART there is no stdout. */
	f->config.devices[0].kind = VMM_DEVICE_NONE;
	assert_int_equal(dt_build(&f->input, buffer, sizeof(buffer), NULL, &f->error), VMM_OK);
	assert_null(
		fdt_getprop(buffer, fdt_path_offset(buffer, "/chosen"), "stdout-path", &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(generated_in_every_room), TEST(users_tree_in_every_room),
		TEST(overlay_in_every_room),   TEST(cells_of_a_users_root),
		TEST(more_than_linux_takes),   TEST(devices_of_other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
