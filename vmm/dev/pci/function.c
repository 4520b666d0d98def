// SPDX-License-Identifier: BSD-2-Clause
/*
 * Configuration space is bytes and a mask of what may be written; after a write, what follows from the
 * registers it touched is derived anew. A BAR needs nothing more than its mask to be sized: the bits
 * below its size cannot be written, so all ones read back as the size's complement (6.2.5.1).
 */
#include "vmm/dev/pci/function.h"

#include <stddef.h>
#include <string.h>

#include "vmm/base/util.h"
#include "vmm/dev/pci/host.h"

/* The type 0 header (6.1). */
enum {
	VENDOR_ID = 0x00,
	DEVICE_ID = 0x02,
	COMMAND = 0x04,
	STATUS = 0x06,
	REVISION = 0x08,
	CLASS_CODE = 0x09,
	CACHE_LINE = 0x0c,
	BAR = 0x10,
	BARS_END = 0x28,
	SUBSYSTEM_VENDOR_ID = 0x2c,
	SUBSYSTEM_ID = 0x2e,
	CAPABILITIES = 0x34,
	INTERRUPT_LINE = 0x3c,
	INTERRUPT_PIN = 0x3d,
	HEADER_END = 0x40,
};

enum {
	COMMAND_MEMORY = 1 << 1,
	COMMAND_MASTER = 1 << 2,
	COMMAND_INTX_DISABLE = 1 << 10,
	STATUS_INTERRUPT = 1 << 3,
	STATUS_CAPABILITIES = 1 << 4,
	BAR_MEMORY_64 = 1 << 2,
	BAR_FLAGS = 0xf,
	PIN_A = 1,
	CAP_HEADER = 2, /* bytes: id, next */
	BAR_SIZE_MIN = 4096,
};

/* The MSI-X capability (6.8.2.3), from its header on. */
enum {
	MSIX_CONTROL = 2,
	MSIX_TABLE = 4,
	MSIX_PBA = 8,
	MSIX_SIZE = 12,
	MSIX_ENABLE = 1 << 15,
	MSIX_MASK_ALL = 1 << 14,
};

static void allow(struct pci_function *fn, unsigned offset, unsigned width, uint32_t bits)
{
	for (unsigned i = 0; i < width; i++)
		fn->writable[offset + i] = (uint8_t)(bits >> 8 * i);
}

static void set_up_bar(struct pci_function *fn, unsigned bar)
{
	unsigned at = BAR + 8 * bar;
	uint64_t mask = ~(fn->ops->bar_size[bar] - 1);

	pci_set(fn, at, 4, BAR_MEMORY_64);
	allow(fn, at, 4, (uint32_t)mask & ~(uint32_t)BAR_FLAGS);
	allow(fn, at + 4, 4, (uint32_t)(mask >> 32));
}

enum vmm_err pci_function_init(struct pci_function *fn, const struct pci_ops *ops,
			       const struct pci_identity *identity, struct lock *lock)
{
	*fn = (struct pci_function){ .ops = ops, .lock = lock, .capabilities_end = HEADER_END };
	for (unsigned i = 0; i < PCI_BARS; i++) {
		uint64_t size = ops->bar_size[i];

		if (size == 0)
			continue;
		if (size < BAR_SIZE_MIN || (size & (size - 1)) != 0)
			return VMM_ERR_RANGE;
		set_up_bar(fn, i);
	}
	pci_set(fn, VENDOR_ID, 2, identity->vendor);
	pci_set(fn, DEVICE_ID, 2, identity->device);
	pci_set(fn, REVISION, 1, identity->revision);
	pci_set(fn, CLASS_CODE, 3, identity->class_code);
	pci_set(fn, SUBSYSTEM_VENDOR_ID, 2, identity->subsystem_vendor);
	pci_set(fn, SUBSYSTEM_ID, 2, identity->subsystem);
	pci_set(fn, INTERRUPT_PIN, 1, PIN_A);
	allow(fn, COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE);
	allow(fn, CACHE_LINE, 1, 0xff);
	allow(fn, INTERRUPT_LINE, 1, 0xff);
	return VMM_OK;
}

enum vmm_err pci_add_capability(struct pci_function *fn, uint8_t id, const void *body,
				unsigned size, const void *writable, uint8_t *offset)
{
	unsigned at = fn->capabilities_end, end = at + CAP_HEADER + size;

	if (size > PCI_CONFIG_BYTES || end > PCI_CONFIG_BYTES - 4)
		return VMM_ERR_NOMEM;
	fn->config[at] = id;
	memcpy(&fn->config[at + CAP_HEADER], body, size);
	if (writable != NULL)
		memcpy(&fn->writable[at + CAP_HEADER], writable, size);
	if (fn->last_capability == 0) {
		fn->config[CAPABILITIES] = (uint8_t)at;
		pci_set(fn, STATUS, 2, STATUS_CAPABILITIES);
	} else {
		fn->config[fn->last_capability + 1] = (uint8_t)at;
	}
	fn->last_capability = (uint8_t)at;
	fn->capabilities_end = (uint8_t)align_up(end, 4);
	*offset = (uint8_t)at;
	return VMM_OK;
}

enum vmm_err pci_add_msix(struct pci_function *fn, unsigned vectors)
{
	const struct pci_ops *ops = fn->ops;
	static const uint8_t zero[MSIX_SIZE - CAP_HEADER];
	enum vmm_err err;
	uint8_t at;

	if (vectors == 0 || vectors > MSIX_VECTORS || fn->msix_capability != 0)
		return VMM_ERR_RANGE;
	err = pci_add_capability(fn, PCI_CAP_MSIX, zero, sizeof(zero), NULL, &at);
	if (err != VMM_OK)
		return err;
	fn->msix_capability = at;
	/* BARs are 64 bits, so the indicator counts two registers for each. */
	pci_set(fn, at + MSIX_CONTROL, 2, vectors - 1);
	pci_set(fn, at + MSIX_TABLE, 4, ops->msix_table | ops->msix_bar * 2U);
	pci_set(fn, at + MSIX_PBA, 4, ops->msix_pba | ops->msix_bar * 2U);
	allow(fn, at + MSIX_CONTROL, 2, MSIX_ENABLE | MSIX_MASK_ALL);
	msix_reset(&fn->msix, vectors);
	return VMM_OK;
}

static bool command(const struct pci_function *fn, uint32_t bit)
{
	return (pci_get(fn, COMMAND, 2) & bit) != 0;
}

static bool msix_control(const struct pci_function *fn, uint32_t bit)
{
	return fn->msix_capability != 0 &&
	       (pci_get(fn, fn->msix_capability + MSIX_CONTROL, 2) & bit) != 0;
}

bool pci_msix_enabled(const struct pci_function *fn)
{
	return msix_control(fn, MSIX_ENABLE);
}

bool pci_mastering(const struct pci_function *fn)
{
	return command(fn, COMMAND_MASTER);
}

static void update_decode(struct pci_function *fn)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		unsigned at = BAR + 8 * i;
		uint64_t gpa = (uint64_t)pci_get(fn, at + 4, 4) << 32 |
			       (pci_get(fn, at, 4) & ~(uint32_t)BAR_FLAGS);

		if (fn->ops->bar_size[i] != 0)
			pci_host_decode(fn, i, command(fn, COMMAND_MEMORY) ? gpa : PCI_NOWHERE);
	}
}

/* Messages are memory writes, which only a bus master makes (6.2.2). */
static bool messages_open(const struct pci_function *fn)
{
	return pci_msix_enabled(fn) && !msix_control(fn, MSIX_MASK_ALL) && pci_mastering(fn);
}

static void send(struct pci_function *fn, const struct msix_message *message)
{
	const struct pci_host *host = fn->host;

	if (host != NULL)
		host->config.message(host->config.ctx, fn->caller, message->address, message->data);
}

static void flush(struct pci_function *fn)
{
	struct msix_message message;

	while (messages_open(fn) && msix_flush(&fn->msix, &message))
		send(fn, &message);
}

static void update_intx(struct pci_function *fn)
{
	uint32_t status = pci_get(fn, STATUS, 2) & ~(uint32_t)STATUS_INTERRUPT;
	bool pin = fn->intx && !pci_msix_enabled(fn);

	pci_set(fn, STATUS, 2, pin ? status | STATUS_INTERRUPT : status);
	pci_host_line(fn, pin && !command(fn, COMMAND_INTX_DISABLE));
}

static void update_interrupts(struct pci_function *fn)
{
	/* Nobody listens to the vectors now, and whoever enables them again has not asked for these. */
	if (!pci_msix_enabled(fn))
		fn->msix.pending = 0;
	flush(fn);
	update_intx(fn);
}

void pci_function_reset(struct pci_function *fn)
{
	for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++)
		fn->config[i] &= (uint8_t)~fn->writable[i];
	msix_reset(&fn->msix, fn->msix.count);
	fn->intx = false;
	update_decode(fn);
	update_intx(fn);
}

static bool touches(const struct mmio_access *access, unsigned first, unsigned end)
{
	return access->offset < end && access->offset + access->width > first;
}

static void config_write(struct pci_function *fn, const struct mmio_access *access)
{
	unsigned at = (unsigned)access->offset;

	for (unsigned i = 0; i < access->width; i++) {
		uint8_t may = fn->writable[at + i];
		uint8_t value = (uint8_t)(access->value >> 8 * i);

		fn->config[at + i] = (uint8_t)((fn->config[at + i] & ~may) | (value & may));
	}
	if (touches(access, COMMAND, STATUS) || touches(access, BAR, BARS_END))
		update_decode(fn);
	if (touches(access, COMMAND, STATUS) ||
	    (fn->msix_capability != 0 &&
	     touches(access, fn->msix_capability, fn->msix_capability + MSIX_TABLE)))
		update_interrupts(fn);
	if (fn->ops->config_written != NULL)
		fn->ops->config_written(fn, at, access->width);
}

void pci_config_access(struct pci_function *fn, struct mmio_access *access)
{
	/*
	 * No more than a word, and within one (7.2.2 of PCI Express leaves the rest open). Behind
	 * the 256 bytes of a conventional function there is nothing.
	 */
	if (access->width > 4 || access->offset % access->width != 0 ||
	    access->offset + access->width > PCI_CONFIG_BYTES) {
		if (!access->write)
			access->value = 0;
		return;
	}
	if (access->write) {
		config_write(fn, access);
		return;
	}
	if (fn->ops->config_read != NULL)
		fn->ops->config_read(fn, (unsigned)access->offset, access->width);
	access->value = pci_get(fn, (unsigned)access->offset, access->width);
}

void pci_bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access)
{
	const struct pci_ops *ops = fn->ops;

	if (fn->msix_capability != 0 && bar == ops->msix_bar) {
		if (range_inside(access->offset, access->width, ops->msix_table,
				 MSIX_TABLE_BYTES)) {
			msix_table_access(&fn->msix, access->offset - ops->msix_table, access);
			flush(fn); /* a vector may have been unmasked */
			return;
		}
		if (range_inside(access->offset, access->width, ops->msix_pba, MSIX_PBA_BYTES)) {
			msix_pba_access(&fn->msix, access->offset - ops->msix_pba, access);
			return;
		}
	}
	ops->bar_access(fn, bar, access);
}

void pci_set_intx(struct pci_function *fn, bool level)
{
	if (level == fn->intx)
		return;
	fn->intx = level;
	update_intx(fn);
}

void pci_raise(struct pci_function *fn, unsigned vector)
{
	struct msix_message message;

	if (pci_msix_enabled(fn) && msix_raise(&fn->msix, vector, messages_open(fn), &message))
		send(fn, &message);
}
