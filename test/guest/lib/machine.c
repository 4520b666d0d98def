// SPDX-License-Identifier: BSD-2-Clause
/*
 * The machine from its device tree (Devicetree Specification 0.4, chapter 5), so that one image runs
 * on any VMM and on a bare machine. #address-cells and #size-cells are taken as 2, as every arm64
 * virtual machine has them; cpu nodes may have 1.
 */
#include "test/guest/lib/guest.h"

enum {
	FDT_MAGIC = (int)0xd00dfeed,
	FDT_BEGIN_NODE = 1,
	FDT_END_NODE = 2,
	FDT_PROP = 3,
	FDT_NOP = 4,
	DEPTH = 12,
	FIRST_SPI = 32,
};

struct property {
	const unsigned char *value; /* NULL: the node does not have it */
	uint32_t length;
};

struct node {
	const char *name;
	struct property compatible, reg, type, method, status, interrupts, bootargs, ranges;
};

struct machine machine = { .hvc = -1 };

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* True if the string list has `text` in it. */
static bool lists(const struct property *list, const char *text)
{
	uint32_t i = 0;

	while (list->value != NULL && i < list->length) {
		const char *entry = (const char *)list->value + i;

		if (text_equal(entry, text))
			return true;
		while (i < list->length && list->value[i] != '\0')
			i++;
		i++;
	}
	return false;
}

static void take_property(struct node *node, const char *name, struct property property)
{
	const struct {
		const char *name;
		struct property *to;
	} wanted[] = {
		{ "compatible", &node->compatible }, { "reg", &node->reg },
		{ "device_type", &node->type },      { "method", &node->method },
		{ "status", &node->status },         { "interrupts", &node->interrupts },
		{ "bootargs", &node->bootargs },     { "ranges", &node->ranges },
	};

	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (text_equal(name, wanted[i].name))
			*wanted[i].to = property;
	}
}

static uint64_t reg64(const struct node *node, unsigned index)
{
	return node->reg.value != NULL && node->reg.length >= 8 * (index + 1)
		       ? be64(node->reg.value + 8 * index)
		       : 0;
}

static uint32_t spi(const struct node *node)
{
	return node->interrupts.value != NULL && node->interrupts.length >= 12
		       ? be32(node->interrupts.value + 4) + FIRST_SPI
		       : 0;
}

static void take_gic(const struct node *node)
{
	if (lists(&node->compatible, "arm,gic-v3")) {
		machine.gic_version = 3;
		machine.gicd = reg64(node, 0);
		machine.gicr = reg64(node, 2);
	} else if (lists(&node->compatible, "arm,cortex-a15-gic") ||
		   lists(&node->compatible, "arm,gic-400")) {
		machine.gic_version = 2;
		machine.gicd = reg64(node, 0);
		machine.gicc = reg64(node, 2);
	}
}

static void take_cpu(const struct node *node)
{
	uint64_t mpidr;

	if (!lists(&node->type, "cpu") || machine.cpu_count == GUEST_CPUS ||
	    node->reg.value == NULL)
		return;
	mpidr = node->reg.length == 8 ? be64(node->reg.value) : be32(node->reg.value);
	machine.mpidr[machine.cpu_count++] = mpidr;
}

static void take_virtio(const struct node *node)
{
	uint64_t at = reg64(node, 0);

	if (machine.virtio == 0 || at < machine.virtio)
		machine.virtio = at;
	if (machine.virtio_count < GUEST_VIRTIO_MAX) {
		machine.virtio_at[machine.virtio_count] = at;
		machine.virtio_intid[machine.virtio_count++] = spi(node);
	}
}

/* Ranges of a PCI bridge: kind and PCI address (3 cells), CPU address (2), size (2). */
static void take_pci(const struct node *node)
{
	enum { ENTRY = 28, KIND_MASK = 3, KIND_32 = 2, KIND_64 = 3 };

	machine.ecam = reg64(node, 0);
	for (uint32_t i = 0; node->ranges.value != NULL && i + ENTRY <= node->ranges.length;
	     i += ENTRY) {
		const unsigned char *entry = node->ranges.value + i;
		unsigned kind = entry[0] & KIND_MASK;

		/* Only windows where PCI and CPU addresses are the same. */
		if (be64(entry + 4) != be64(entry + 12))
			continue;
		if (kind == KIND_32) {
			machine.pci32_base = be64(entry + 12);
			machine.pci32_size = be64(entry + 20);
		} else if (kind == KIND_64) {
			machine.pci64_base = be64(entry + 12);
			machine.pci64_size = be64(entry + 20);
		}
	}
}

static void take_node(const struct node *node)
{
	if (lists(&node->status, "disabled"))
		return;
	take_gic(node);
	take_cpu(node);
	if (lists(&node->compatible, "arm,pl011") && machine.uart == 0) {
		machine.uart = reg64(node, 0);
		machine.uart_intid = spi(node);
	}
	if (lists(&node->compatible, "arm,pl031")) {
		machine.rtc = reg64(node, 0);
		machine.rtc_intid = spi(node);
	}
	if (lists(&node->compatible, "virtio,mmio"))
		take_virtio(node);
	if (lists(&node->compatible, "pci-host-ecam-generic"))
		take_pci(node);
	if (lists(&node->compatible, "arm,gic-v2m-frame"))
		machine.v2m = reg64(node, 0);
	if (lists(&node->compatible, "arm,psci-0.2") || lists(&node->compatible, "arm,psci-1.0"))
		machine.hvc = lists(&node->method, "hvc") ? 1 : 0;
	if (lists(&node->type, "memory")) {
		machine.ram_base = reg64(node, 0);
		machine.ram_size = reg64(node, 1);
	}
	if (text_equal(node->name, "chosen") && node->bootargs.value != NULL) {
		for (unsigned i = 0; i < node->bootargs.length && i < sizeof(machine.bootargs) - 1;
		     i++)
			machine.bootargs[i] = (char)node->bootargs.value[i];
	}
}

void machine_read(const unsigned char *dtb)
{
	const unsigned char *at = dtb + be32(dtb + 8);
	const char *strings = (const char *)dtb + be32(dtb + 12);
	struct node nodes[DEPTH] = { 0 };
	int depth = -1;

	machine.dtb = (uint64_t)(uintptr_t)dtb;
	if (be32(dtb) != (uint32_t)FDT_MAGIC)
		return;
	for (;;) {
		uint32_t token = be32(at), length;

		at += 4;
		switch (token) {
		case FDT_BEGIN_NODE:
			if (++depth == DEPTH)
				return;
			nodes[depth] = (struct node){ .name = (const char *)at };
			while (*at != '\0')
				at++;
			at = (const unsigned char *)(((uintptr_t)at + 4) & ~(uintptr_t)3);
			break;
		case FDT_END_NODE:
			if (depth < 0)
				return;
			take_node(&nodes[depth--]);
			break;
		case FDT_PROP:
			if (depth < 0)
				return;
			length = be32(at);
			take_property(&nodes[depth], strings + be32(at + 4),
				      (struct property){ .value = at + 8, .length = length });
			at += 8 + ((length + 3) & ~3u);
			break;
		case FDT_NOP:
			break;
		default: /* FDT_END */
			return;
		}
	}
}
