/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree of the virtual machine, written front to back with libfdt's sequential writer.
 *
 * Bindings: Linux Documentation/devicetree/bindings (arm/cpus.yaml, arm/psci.yaml,
 * interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml, timer/arm,arch_timer.yaml,
 * serial/pl011.yaml, rtc/arm,pl031.yaml, pci/host-generic-pci.yaml, pci/pci-msi.txt). Every device is one row of a table; labels go into
 * __symbols__, and their nodes have phandles, so that a user's overlay can refer to them: gic, clock,
 * timer, psci, pci, cpuN, and uartN and rtcN in the order of the configuration.
 *
 * `w->status` holds the first error, and every writer does nothing after it, so the tree's shape
 * reads without checks in between.
 */
#include "vmm/boot/dt_virt.h"

#include <libfdt.h>

#include <string.h>

#include "vmm/base/fmt.h"
#include "vmm/base/util.h"

enum {
	PHANDLE_GIC = 1,
	PHANDLE_CLOCK = 2,
	PHANDLE_TIMER = 3,
	PHANDLE_PSCI = 4,
	PHANDLE_PCI = 5,
	PHANDLE_MSI = 6,
	PHANDLE_CPU = 16,    /* and up: one a vCPU */
	PHANDLE_DEVICE = 64, /* and up: one a device */
	SPI = 0,
	PPI = 1,
	FIRST_SPI = 32,
	IRQ_LEVEL_HIGH = 4,
	IRQ_LEVEL_LOW = 8,
	CLOCK_HZ = 24000000, /* only divides the baud rate, which nobody sees */
	GICD_V2_SIZE = 0x1000,
	GICC_V2_SIZE = 0x2000,
	GICD_V3_SIZE = 0x10000,
	GICR_V3_SIZE = 0x20000,
	MSI_FRAME_SIZE = 0x1000,
	MPIDR_AFF3_SHIFT = 32,
	MPIDR_LOW = 0xffffff,
	PCI_LINES = 4,
	PCI_INTERRUPT_CELLS = 10,   /* a row of interrupt-map */
	PCI_MEMORY_32 = 0x02000000, /* phys.hi of a PCI address: its space */
	PCI_MEMORY_64 = 0x03000000,
	PCI_DEVICE_SHIFT = 11,
	PCI_REQUESTERS = 0x100, /* of bus 0 */
	CELLS_MAX = 40,
};

enum { NAME_SIZE = 48 };

struct writer {
	void *fdt;
	int status;
};

void dt_unit_name(char *name, size_t size, const char *base, uint64_t address)
{
	fmt_snprintf(name, size, "%s@%lx", base, address);
}

static void begin(struct writer *w, const char *name)
{
	if (w->status == 0)
		w->status = fdt_begin_node(w->fdt, name);
}

static void end(struct writer *w)
{
	if (w->status == 0)
		w->status = fdt_end_node(w->fdt);
}

static void bytes(struct writer *w, const char *name, const void *value, size_t size)
{
	if (w->status == 0)
		w->status = fdt_property(w->fdt, name, value, (int)size);
}

static void string(struct writer *w, const char *name, const char *value)
{
	bytes(w, name, value, strlen(value) + 1);
}

static void cells(struct writer *w, const char *name, const uint32_t *values, unsigned count)
{
	fdt32_t be[CELLS_MAX];

	for (unsigned i = 0; i < count; i++)
		be[i] = cpu_to_fdt32(values[i]);
	bytes(w, name, be, count * sizeof(be[0]));
}

static void cell(struct writer *w, const char *name, uint32_t value)
{
	cells(w, name, &value, 1);
}

/* Pairs of address and size, two cells each. */
static void regs(struct writer *w, const uint64_t *values, unsigned count)
{
	uint32_t split[8];

	for (unsigned i = 0; i < count; i++) {
		split[2 * i] = (uint32_t)(values[i] >> 32);
		split[2 * i + 1] = (uint32_t)values[i];
	}
	cells(w, "reg", split, 2 * count);
}

#define CELLS(w, name, ...)                               \
	cells(w, name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define REGS(w, ...)                               \
	regs(w, (const uint64_t[]){ __VA_ARGS__ }, \
	     sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))
/* A list of strings, NULs between them and one at the end. */
#define STRINGS(w, name, list) bytes(w, name, list, sizeof(list))

/* The affinity fields of MPIDR_EL1, as `reg` and the unit address have them. */
static uint64_t affinity(uint64_t mpidr)
{
	return mpidr & (UINT64_C(0xff) << MPIDR_AFF3_SHIFT | MPIDR_LOW);
}

static void cpus(struct writer *w, const struct vmm_config *config)
{
	char name[NAME_SIZE];

	begin(w, "cpus");
	cell(w, "#address-cells", 2);
	cell(w, "#size-cells", 0);
	for (uint32_t i = 0; i < config->vcpu_count; i++) {
		uint64_t reg = affinity(config->vcpus[i].mpidr);

		dt_unit_name(name, sizeof(name), "cpu", reg);
		begin(w, name);
		string(w, "device_type", "cpu");
		string(w, "compatible", "arm,armv8");
		string(w, "enable-method", "psci");
		CELLS(w, "reg", (uint32_t)(reg >> 32), (uint32_t)reg);
		cell(w, "phandle", PHANDLE_CPU + i);
		end(w);
	}
	end(w);
}

static void psci(struct writer *w, const struct vmm_config *config)
{
	begin(w, "psci");
	STRINGS(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	string(w, "method", config->hvc != 0 ? "hvc" : "smc");
	cell(w, "phandle", PHANDLE_PSCI);
	end(w);
}

static void gic_name(char *name, const struct vmm_config *config)
{
	dt_unit_name(name, NAME_SIZE, "interrupt-controller", config->gicd_gpa);
}

/* The GICv2m frame is a child of either GIC, whose own address cells then stand in interrupt-map. */
static void msi_frame(struct writer *w, const struct vmm_config_pci *pci)
{
	char name[NAME_SIZE];

	cell(w, "#address-cells", 2);
	cell(w, "#size-cells", 2);
	bytes(w, "ranges", NULL, 0);
	dt_unit_name(name, sizeof(name), "v2m", pci->msi_gpa);
	begin(w, name);
	string(w, "compatible", "arm,gic-v2m-frame");
	bytes(w, "msi-controller", NULL, 0);
	REGS(w, pci->msi_gpa, MSI_FRAME_SIZE);
	cell(w, "phandle", PHANDLE_MSI);
	end(w);
}

static void gic(struct writer *w, const struct vmm_config *config)
{
	char name[NAME_SIZE];

	gic_name(name, config);
	begin(w, name);
	if (config->gic_version == 3) {
		string(w, "compatible", "arm,gic-v3");
		REGS(w, config->gicd_gpa, GICD_V3_SIZE, config->gicr_gpa,
		     (uint64_t)config->vcpu_count * GICR_V3_SIZE);
	} else {
		STRINGS(w, "compatible", "arm,gic-400\0arm,cortex-a15-gic");
		REGS(w, config->gicd_gpa, GICD_V2_SIZE, config->gicc_gpa, GICC_V2_SIZE);
	}
	cell(w, "#interrupt-cells", 3);
	bytes(w, "interrupt-controller", NULL, 0);
	cell(w, "phandle", PHANDLE_GIC);
	if (config->pci.ecam_gpa != 0)
		msi_frame(w, &config->pci);
	else
		cell(w, "#address-cells", 0);
	end(w);
}

/* INTA# of slot n is line n modulo 4: one row for each, the other bits of the address masked out. */
static void pci_interrupts(struct writer *w, const struct vmm_config_pci *pci)
{
	uint32_t map[PCI_LINES * PCI_INTERRUPT_CELLS];
	uint32_t *row = map;

	for (uint32_t slot = 0; slot < PCI_LINES; slot++, row += PCI_INTERRUPT_CELLS) {
		const uint32_t cells[PCI_INTERRUPT_CELLS] = {
			slot << PCI_DEVICE_SHIFT,
			0,
			0,
			1, /* address, pin A */
			PHANDLE_GIC,
			0,
			0, /* the GIC's address cells */
			SPI,
			pci->intx_first + slot - FIRST_SPI,
			IRQ_LEVEL_HIGH,
		};

		memcpy(row, cells, sizeof(cells));
	}
	cells(w, "interrupt-map", map, ARRAY_SIZE(map));
	CELLS(w, "interrupt-map-mask", (PCI_LINES - 1) << PCI_DEVICE_SHIFT, 0, 0, 7);
	cell(w, "#interrupt-cells", 1);
}

#define SPLIT(value) (uint32_t)((value) >> 32), (uint32_t)(value)

static void pci(struct writer *w, const struct vmm_config *config)
{
	const struct vmm_config_pci *pci = &config->pci;
	char name[NAME_SIZE];

	if (pci->ecam_gpa == 0)
		return;
	dt_unit_name(name, sizeof(name), "pcie", pci->ecam_gpa);
	begin(w, name);
	string(w, "compatible", "pci-host-ecam-generic");
	string(w, "device_type", "pci");
	REGS(w, pci->ecam_gpa, pci->ecam_size);
	CELLS(w, "bus-range", 0, 0);
	cell(w, "linux,pci-domain", 0);
	cell(w, "#address-cells", 3);
	cell(w, "#size-cells", 2);
	/* What a BAR holds is the guest's own address: no translation. */
	CELLS(w, "ranges", PCI_MEMORY_32, SPLIT(pci->low_gpa), SPLIT(pci->low_gpa),
	      SPLIT(pci->low_size), PCI_MEMORY_64, SPLIT(pci->high_gpa), SPLIT(pci->high_gpa),
	      SPLIT(pci->high_size));
	CELLS(w, "msi-map", 0, PHANDLE_MSI, 0, PCI_REQUESTERS);
	bytes(w, "dma-coherent", NULL, 0);
	pci_interrupts(w, pci);
	cell(w, "phandle", PHANDLE_PCI);
	end(w);
}

static void timer(struct writer *w, const struct vmm_config *config)
{
	/* GICv2: bits 15:8 say which CPUs a PPI is wired to; GICv3 wants zero there. */
	uint32_t mask = config->gic_version == 3 ? 0 : ((1u << config->vcpu_count) - 1) << 8;
	uint32_t flags = mask | IRQ_LEVEL_LOW;

	begin(w, "timer");
	string(w, "compatible", "arm,armv8-timer");
	/* Secure, non-secure, virtual, hypervisor. Only the virtual one exists for a guest. */
	CELLS(w, "interrupts", PPI, 13, flags, PPI, 14, flags, PPI, 11, flags, PPI, 10, flags);
	bytes(w, "always-on", NULL, 0);
	cell(w, "phandle", PHANDLE_TIMER);
	end(w);
}

static void clock(struct writer *w)
{
	begin(w, "apb-pclk");
	string(w, "compatible", "fixed-clock");
	cell(w, "#clock-cells", 0);
	cell(w, "clock-frequency", CLOCK_HZ);
	string(w, "clock-output-names", "clk24mhz");
	cell(w, "phandle", PHANDLE_CLOCK);
	end(w);
}

static void pl011_clocks(struct writer *w)
{
	CELLS(w, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	STRINGS(w, "clock-names", "uartclk\0apb_pclk");
}

static void pl031_clocks(struct writer *w)
{
	CELLS(w, "clocks", PHANDLE_CLOCK);
	string(w, "clock-names", "apb_pclk");
}

/* 4.2.1 of VIRTIO 1.2; the device's rings are in memory as the vCPUs see it. */
static void virtio_coherent(struct writer *w)
{
	bytes(w, "dma-coherent", NULL, 0);
}

#define VIRTIO_MMIO(label_)                                                            \
	{                                                                              \
		.node = "virtio_mmio", .label = (label_), .compatible = "virtio,mmio", \
		.compatible_size = sizeof("virtio,mmio"), .more = virtio_coherent,     \
	}

/* One row for each kind; the compatible string carries its inner NUL and its length. */
static const struct device_kind {
	const char *node;
	const char *label;
	const char *compatible;
	size_t compatible_size;
	void (*more)(struct writer *w);
} kinds[] = {
	[VMM_DEVICE_PL011] = {
		.node = "serial",
		.label = "uart",
		.compatible = "arm,pl011\0arm,primecell",
		.compatible_size = sizeof("arm,pl011\0arm,primecell"),
		.more = pl011_clocks,
	},
	[VMM_DEVICE_PL031] = {
		.node = "rtc",
		.label = "rtc",
		.compatible = "arm,pl031\0arm,primecell",
		.compatible_size = sizeof("arm,pl031\0arm,primecell"),
		.more = pl031_clocks,
	},
	[VMM_DEVICE_VIRTIO_BLK] = VIRTIO_MMIO("blk"),
	[VMM_DEVICE_VIRTIO_NET] = VIRTIO_MMIO("net"),
	[VMM_DEVICE_VIRTIO_CONSOLE] = VIRTIO_MMIO("console"),
	[VMM_DEVICE_VIRTIO_RNG] = VIRTIO_MMIO("rng"),
	[VMM_DEVICE_VIRTIO_VSOCK] = VIRTIO_MMIO("vsock"),
	[VMM_DEVICE_VIRTIO_BALLOON] = VIRTIO_MMIO("balloon"),
};

/* NULL: it has no node. What is on the PCI bus, the guest finds there. */
static const struct device_kind *kind_of(const struct vmm_config_device *device)
{
	if (device->transport == VMM_TRANSPORT_PCI)
		return NULL;
	if (device->kind >= ARRAY_SIZE(kinds) || kinds[device->kind].node == NULL)
		return NULL;
	return &kinds[device->kind];
}

static void devices(struct writer *w, const struct vmm_config *config)
{
	char name[NAME_SIZE];

	for (uint32_t i = 0; i < config->device_count; i++) {
		const struct vmm_config_device *device = &config->devices[i];
		const struct device_kind *kind = kind_of(device);

		if (kind == NULL)
			continue;
		dt_unit_name(name, sizeof(name), kind->node, device->gpa);
		begin(w, name);
		bytes(w, "compatible", kind->compatible, kind->compatible_size);
		REGS(w, device->gpa, device->size);
		if (device->intid >= FIRST_SPI)
			CELLS(w, "interrupts", SPI, device->intid - FIRST_SPI, IRQ_LEVEL_HIGH);
		kind->more(w);
		cell(w, "phandle", PHANDLE_DEVICE + i);
		end(w);
	}
}

/* Writes label = path for every device, numbered within its kind from 0. */
static void device_labels(struct writer *w, const struct vmm_config *config, uint32_t only,
			  const char *rename)
{
	unsigned next[ARRAY_SIZE(kinds)] = { 0 };
	char label[NAME_SIZE], path[NAME_SIZE];

	for (uint32_t i = 0; i < config->device_count; i++) {
		const struct vmm_config_device *device = &config->devices[i];
		const struct device_kind *kind = kind_of(device);

		if (kind == NULL || (only != VMM_DEVICE_NONE && device->kind != only))
			continue;
		fmt_snprintf(label, sizeof(label), "%s%u", rename != NULL ? rename : kind->label,
			     next[device->kind]++);
		fmt_snprintf(path, sizeof(path), "/%s@%lx", kind->node, device->gpa);
		string(w, label, path);
	}
}

static void symbols(struct writer *w, const struct vmm_config *config)
{
	char name[NAME_SIZE], path[NAME_SIZE + 1];

	begin(w, "__symbols__");
	gic_name(name, config);
	fmt_snprintf(path, sizeof(path), "/%s", name);
	string(w, "gic", path);
	string(w, "clock", "/apb-pclk");
	string(w, "timer", "/timer");
	string(w, "psci", "/psci");
	if (config->pci.ecam_gpa != 0) {
		dt_unit_name(path, sizeof(path), "/pcie", config->pci.ecam_gpa);
		string(w, "pci", path);
	}
	for (uint32_t i = 0; i < config->vcpu_count; i++) {
		fmt_snprintf(name, sizeof(name), "cpu%u", i);
		fmt_snprintf(path, sizeof(path), "/cpus/cpu@%lx", affinity(config->vcpus[i].mpidr));
		string(w, name, path);
	}
	device_labels(w, config, VMM_DEVICE_NONE, NULL);
	end(w);
}

static void aliases_and_chosen(struct writer *w, const struct vmm_config *config)
{
	begin(w, "aliases");
	device_labels(w, config, VMM_DEVICE_PL011, "serial");
	end(w);
	begin(w, "chosen");
	for (uint32_t i = 0; i < config->device_count; i++) {
		if (config->devices[i].kind == VMM_DEVICE_PL011) {
			string(w, "stdout-path", "serial0");
			break;
		}
	}
	end(w);
}

int dt_virt_generate(const struct vmm_config *config, void *buffer, int space)
{
	struct writer w = { .fdt = buffer };

	w.status = fdt_create(buffer, space);
	if (w.status == 0)
		w.status = fdt_finish_reservemap(buffer);
	begin(&w, "");
	string(&w, "compatible", "vessel,virt");
	string(&w, "model", "Vessel virtual machine");
	cell(&w, "#address-cells", 2);
	cell(&w, "#size-cells", 2);
	cell(&w, "interrupt-parent", PHANDLE_GIC);
	aliases_and_chosen(&w, config);
	cpus(&w, config);
	psci(&w, config);
	timer(&w, config);
	clock(&w);
	gic(&w, config);
	pci(&w, config);
	devices(&w, config);
	symbols(&w, config);
	end(&w);
	if (w.status == 0)
		w.status = fdt_finish(buffer);
	if (w.status == 0)
		fdt_set_totalsize(buffer, (uint32_t)space);
	return w.status;
}
