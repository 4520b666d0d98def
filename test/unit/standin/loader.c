/* SPDX-License-Identifier: BSD-2-Clause */
/* standin/loader: what it reads from a device tree, and where it puts things or why it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "standin/lib/devicetree.h"
#include "standin/loader/loader.h"

enum { ROOM = 4096 };

#define IMAGE UINT64_C(0x40200000)
#define DTB   UINT64_C(0x48000000)

static struct vmm_image_manifest good_manifest(void)
{
	return (struct vmm_image_manifest){
		.magic = VMM_IMAGE_MAGIC,
		.version = VMM_IMAGE_VERSION,
		.kernel_pieces = 1,
		.user_pieces = 1,
		.image_size = 0x800000,
		.kernel_start = 0x60000000,
		.kernel_end = 0x60040000,
		.user_vaddr = 0x400000,
		.user_size = 0x10000,
		.blob_offset = 0x20000,
		.blob_size = 0x2000,
		.blob_user_offset = 0xe000,
		.archive_offset = 0x200000,
		.pieces = {
			{ .offset = 0x10000, .file_size = 0x8000, .mem_size = 0x40000,
			  .address = 0x60000000 },
			{ .offset = 0x18000, .file_size = 0x8000, .mem_size = 0xe000 },
		},
	};
}

static struct machine good_machine(void)
{
	return (struct machine){
		.ram_start = 0x40000000,
		.ram_size = 0x80000000,
		.core_count = 4,
		.gic_version = 3,
	};
}

/* Puts everything where it belongs, or says `what`. */
static void check(const struct vmm_image_manifest *m, const struct machine *machine,
		  const char *what)
{
	struct placement p = { .kernel_start = 1 };
	const char *wrong = place(m, machine, IMAGE, DTB, 0x1800, &p);

	if (what == NULL) {
		assert_null(wrong);
		assert_int_equal(p.kernel_start, 0x60000000);
		assert_int_equal(p.dtb_start, p.kernel_end);
		assert_int_equal(p.dtb_end, p.dtb_start + 0x2000);
		assert_int_equal(p.user_start, p.dtb_end);
		assert_int_equal(p.user_end, p.user_start + m->user_size);
		return;
	}
	assert_non_null(wrong);
	if (strstr(wrong, what) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", wrong, what);
	assert_int_equal(p.kernel_start, 1);
}

static void places_in_order(void **state)
{
	struct vmm_image_manifest m = good_manifest();
	struct machine machine = good_machine();

	(void)state;
	check(&m, &machine, NULL);
	m.cores = 4;
	m.gic_version = 3;
	check(&m, &machine, NULL);
	machine.gic_version = 0; /* not found: not known to be wrong */
	check(&m, &machine, NULL);
}

static void names_what_the_machine_lacks(void **state)
{
	struct vmm_image_manifest m = good_manifest();
	struct machine machine = good_machine();

	(void)state;
	m.cores = 5;
	check(&m, &machine, "more cores");
	m = good_manifest();
	m.gic_version = 2;
	check(&m, &machine, "another GIC version");
	m = good_manifest();
	machine.ram_size = 0x10000000;
	check(&m, &machine, "no RAM");
	machine.ram_size = 0x20040000;
	check(&m, &machine, "too little RAM");
	machine.ram_size = 0x100000;
	check(&m, &machine, "does not fit into RAM");
}

static void refuses_overlaps(void **state)
{
	struct vmm_image_manifest m = good_manifest();
	struct machine machine = good_machine();
	struct placement p;

	(void)state;
	m.image_size = 0x20000000;
	check(&m, &machine, "overlaps");
	m = good_manifest();
	assert_non_null(place(&m, &machine, IMAGE, 0x60001000, 0x1000, &p));
	assert_non_null(place(&m, &machine, IMAGE, DTB, UINT64_MAX - 100, &p));
	assert_non_null(place(&m, &machine, UINT64_MAX - 100, DTB, 0x1000, &p));
}

/* Every number of the manifest may be anything. */
static void refuses_damaged_manifests(void **state)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, UINT64_MAX - 0xfff, 1ul << 63 };
	struct machine machine = good_machine();

	(void)state;
	for (size_t at = 0; at < sizeof(struct vmm_image_manifest); at += 8) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct vmm_image_manifest m = good_manifest();
			struct placement p = { .user_end = 0 };

			memcpy((char *)&m + at, &values[i], 8);
			if (place(&m, &machine, IMAGE, DTB, 0x1800, &p) == NULL) {
				assert_true(p.kernel_end > p.kernel_start);
				assert_true(p.user_end - p.user_start == m.user_size);
				assert_true(p.user_end <= machine.ram_start + machine.ram_size);
			}
		}
	}
}

static void *new_tree(char *room)
{
	assert_int_equal(fdt_create_empty_tree(room, ROOM), 0);
	assert_int_equal(fdt_setprop_u32(room, 0, "#address-cells", 2), 0);
	assert_int_equal(fdt_setprop_u32(room, 0, "#size-cells", 2), 0);
	return room;
}

static int add_node(void *dtb, int parent, const char *name, const char *type, uint64_t address,
		    uint64_t size)
{
	int node = fdt_add_subnode(dtb, parent, name);

	assert_true(node >= 0);
	if (type != NULL)
		assert_int_equal(fdt_setprop(dtb, node, "device_type", type, (int)strlen(type) + 1),
				 0);
	if (size != 0)
		assert_int_equal(fdt_appendprop_addrrange(dtb, parent, node, "reg", address, size),
				 0);
	else
		assert_int_equal(fdt_setprop_u32(dtb, node, "reg", (uint32_t)address), 0);
	return node;
}

static void reads_the_machine(void **state)
{
	char room[ROOM];
	void *dtb = new_tree(room);
	struct machine machine;
	int cpus, gic;

	(void)state;
	gic = add_node(dtb, 0, "intc", NULL, 0x8000000, 0x10000);
	assert_int_equal(fdt_setprop_string(dtb, gic, "compatible", "arm,gic-v3"), 0);
	cpus = add_node(dtb, 0, "cpus", NULL, 0, 0);
	assert_int_equal(fdt_setprop_u32(dtb, cpus, "#address-cells", 1), 0);
	assert_int_equal(fdt_setprop_u32(dtb, cpus, "#size-cells", 0), 0);
	add_node(dtb, fdt_path_offset(dtb, "/cpus"), "cpu@1", "cpu", 0x101, 0);
	add_node(dtb, fdt_path_offset(dtb, "/cpus"), "cpu@0", "cpu", 0x100, 0);
	add_node(dtb, fdt_path_offset(dtb, "/cpus"), "l2", "cache", 5, 0);
	add_node(dtb, 0, "memory@1", "memory", 0x100000000, 0x1000);
	add_node(dtb, 0, "memory@0", "memory", 0x40000000, 0x80000000);
	assert_null(machine_read(dtb, &machine));
	assert_int_equal(machine.ram_start, 0x40000000);
	assert_int_equal(machine.ram_size, 0x80000000);
	assert_int_equal(machine.core_count, 2);
	assert_int_equal(machine.mpidr[0] + machine.mpidr[1], 0x201);
	assert_int_equal(machine.gic_version, 3);
}

static void reads_reg_by_its_parents_cells(void **state)
{
	static const fdt32_t three[] = { 0x10000, 0x20000, 0x30000 }; /* big-endian: 0x100, ... */
	char room[ROOM];
	void *dtb = new_tree(room);
	int bus = add_node(dtb, 0, "bus", NULL, 0, 0), node;
	uint64_t at, size;

	(void)state;
	node = fdt_add_subnode(dtb, bus, "device");
	assert_int_equal(fdt_setprop(dtb, node, "reg", three, sizeof(three)), 0);
	for (uint32_t cells = 0; cells <= 3; cells++) {
		bus = fdt_path_offset(dtb, "/bus");
		assert_int_equal(fdt_setprop_u32(dtb, bus, "#address-cells", 1), 0);
		assert_int_equal(fdt_setprop_u32(dtb, bus, "#size-cells", cells), 0);
		node = fdt_path_offset(dtb, "/bus/device");
		assert_int_equal(dt_reg(dtb, node, 0, &at, &size), cells <= 2);
		assert_int_equal(dt_reg(dtb, node, 1, &at, &size), cells == 0);
		assert_int_equal(dt_reg(dtb, node, 3, &at, &size), 0);
	}
	assert_int_equal(fdt_setprop_u32(dtb, fdt_path_offset(dtb, "/bus"), "#size-cells", 2), 0);
	assert_true(dt_reg(dtb, fdt_path_offset(dtb, "/bus/device"), 0, &at, &size));
	assert_int_equal(at, 0x100);
	assert_int_equal(size, 0x20000000300);
	assert_false(dt_reg(dtb, 0, 0, &at, &size)); /* the root has no parent */
}

static void finds_the_console(void **state)
{
	static const char *const none[] = { "/nowhere", "", ":", "serial9:115200" };
	char room[ROOM];
	void *dtb = new_tree(room);
	int chosen, uart;

	(void)state;
	assert_int_equal(machine_uart(NULL), 0);
	assert_int_equal(machine_uart(dtb), 0);
	uart = add_node(dtb, 0, "pl011@9040000", NULL, 0x9040000, 0x1000);
	assert_int_equal(fdt_setprop(dtb, uart, "compatible", "arm,pl011\0arm,primecell", 24), 0);
	chosen = fdt_add_subnode(dtb, 0, "chosen");
	assert_int_equal(fdt_setprop_string(dtb, chosen, "stdout-path", "/pl011@9040000:115200n8"),
			 0);
	assert_int_equal(machine_uart(dtb), 0x9040000);
	assert_int_equal(fdt_setprop_string(dtb, chosen, "stdout-path", "/pl011@9040000"), 0);
	assert_int_equal(machine_uart(dtb), 0x9040000);
	chosen = fdt_path_offset(dtb, "/chosen");
	assert_int_equal(fdt_setprop(dtb, chosen, "stdout-path", "/pl011@9040000", 10), 0);
	assert_int_equal(machine_uart(dtb), 0); /* its end is missing */
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		chosen = fdt_path_offset(dtb, "/chosen");
		assert_int_equal(
			fdt_setprop(dtb, chosen, "stdout-path", none[i], (int)strlen(none[i]) + 1),
			0);
		assert_int_equal(machine_uart(dtb), 0);
	}
	/* Another UART: its registers are not known here. */
	chosen = fdt_path_offset(dtb, "/chosen");
	assert_int_equal(fdt_setprop_string(dtb, chosen, "stdout-path", "/pl011@9040000"), 0);
	uart = fdt_path_offset(dtb, "/pl011@9040000");
	assert_int_equal(fdt_setprop_string(dtb, uart, "compatible", "ns16550a"), 0);
	assert_int_equal(machine_uart(dtb), 0);
}

static void names_what_the_tree_lacks(void **state)
{
	char room[ROOM];
	struct machine machine;
	void *dtb;
	int cpus;

	(void)state;
	memset(room, 0, sizeof(room));
	assert_non_null(strstr(machine_read(NULL, &machine), "no device tree"));
	assert_non_null(strstr(machine_read(room, &machine), "no device tree"));
	dtb = new_tree(room);
	assert_non_null(strstr(machine_read(dtb, &machine), "no memory"));
	add_node(dtb, 0, "memory@0", "memory", 0x40000000, 0x80000000);
	assert_non_null(strstr(machine_read(dtb, &machine), "no cores"));
	cpus = add_node(dtb, 0, "cpus", NULL, 0, 0);
	assert_int_equal(fdt_setprop_u32(dtb, cpus, "#address-cells", 1), 0);
	assert_non_null(strstr(machine_read(dtb, &machine), "no cores"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_in_order),
		cmocka_unit_test(names_what_the_machine_lacks),
		cmocka_unit_test(refuses_overlaps),
		cmocka_unit_test(refuses_damaged_manifests),
		cmocka_unit_test(reads_the_machine),
		cmocka_unit_test(reads_reg_by_its_parents_cells),
		cmocka_unit_test(finds_the_console),
		cmocka_unit_test(names_what_the_tree_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
