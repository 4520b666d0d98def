// SPDX-License-Identifier: BSD-2-Clause
/*
 * The bridge itself has no configuration space and no function number: a host bridge need not show
 * on its own bus. What is not there reads as all ones, as after a master abort.
 */
#include "vmm/dev/pci/host.h"

#include <stddef.h>

#include "vmm/base/util.h"

enum {
	SLOT_SHIFT = 15, /* ECAM: bus 27:20, device 19:15, function 14:12 */
	FUNCTION_SHIFT = 12,
	WINDOW_ALIGN = 0x10000,
};

enum vmm_err pci_host_init(struct pci_host *host, const struct pci_host_config *config)
{
	*host = (struct pci_host){ .config = *config };
	for (unsigned i = 0; i < PCI_WINDOWS; i++) {
		uint64_t gpa = config->window_gpa[i], size = config->window_size[i], end;

		if (gpa % WINDOW_ALIGN != 0 || size % WINDOW_ALIGN != 0 ||
		    !add_u64(gpa, size, &end))
			return VMM_ERR_RANGE;
		host->window[i] = (struct pci_window){ .host = host, .gpa = gpa, .size = size };
	}
	return VMM_OK;
}

enum vmm_err pci_host_add(struct pci_host *host, unsigned slot, struct pci_function *fn)
{
	if (slot >= PCI_SLOTS)
		return VMM_ERR_RANGE;
	if (host->slot[slot] != NULL)
		return VMM_ERR_EXISTS;
	for (unsigned bar = 0; bar < PCI_BARS; bar++) {
		if (fn->ops->bar_size[bar] == 0)
			continue;
		fn->decode[bar] = (uint8_t)host->decode_count;
		host->decode[host->decode_count++] = (struct pci_decode){
			.gpa = PCI_NOWHERE,
			.size = fn->ops->bar_size[bar],
			.function = fn,
			.bar = bar,
		};
	}
	fn->host = host;
	fn->slot = (uint8_t)slot;
	host->slot[slot] = fn;
	return VMM_OK;
}

static void nobody(struct mmio_access *access)
{
	if (!access->write)
		access->value =
			access->width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * access->width) - 1;
}

void pci_ecam_access(void *device, struct mmio_access *access)
{
	const struct pci_host *host = device;
	uint64_t slot = access->offset >> SLOT_SHIFT;
	struct pci_function *fn = slot < PCI_SLOTS ? host->slot[slot] : NULL;

	if (fn == NULL || (access->offset >> FUNCTION_SHIFT & 7) != 0) {
		nobody(access);
		return;
	}
	access->offset &= (UINT64_C(1) << FUNCTION_SHIFT) - 1;
	lock_take(fn->lock);
	fn->caller = access->vcpu;
	pci_config_access(fn, access);
	lock_give(fn->lock);
}

/* If the BAR holds the access: it, relative to it. */
static bool holds(const struct pci_decode *decode, uint64_t gpa, unsigned width, uint64_t *offset)
{
	uint64_t base = __atomic_load_n(&decode->gpa, __ATOMIC_RELAXED);

	*offset = gpa - base;
	return base != PCI_NOWHERE && gpa >= base && *offset <= decode->size - width;
}

static const struct pci_decode *find(struct pci_host *host, uint64_t gpa,
				     const struct mmio_access *access, uint64_t *offset)
{
	uint8_t *hint = &host->hint[access->vcpu % PCI_HINTS];

	if (*hint < host->decode_count && holds(&host->decode[*hint], gpa, access->width, offset))
		return &host->decode[*hint];
	for (unsigned i = 0; i < host->decode_count; i++) {
		if (holds(&host->decode[i], gpa, access->width, offset)) {
			*hint = (uint8_t)i;
			return &host->decode[i];
		}
	}
	return NULL;
}

void pci_window_access(void *device, struct mmio_access *access)
{
	const struct pci_window *window = device;
	uint64_t offset;
	const struct pci_decode *decode =
		find(window->host, window->gpa + access->offset, access, &offset);
	struct pci_function *fn;

	if (decode == NULL) {
		nobody(access);
		return;
	}
	fn = decode->function;
	access->offset = offset;
	lock_take(fn->lock);
	fn->caller = access->vcpu;
	pci_bar_access(fn, decode->bar, access);
	lock_give(fn->lock);
}

bool pci_window_blind(const void *device, uint64_t offset, unsigned width)
{
	const struct pci_window *window = device;
	const struct pci_host *host = window->host;

	for (unsigned i = 0; i < host->decode_count; i++) {
		const struct pci_decode *decode = &host->decode[i];
		const struct pci_function *fn = decode->function;
		uint64_t in_bar;

		if (holds(decode, window->gpa + offset, width, &in_bar))
			return fn->ops->bar_blind != NULL &&
			       fn->ops->bar_blind(fn, decode->bar, in_bar, width);
	}
	return false;
}

void pci_host_decode(struct pci_function *fn, unsigned bar, uint64_t gpa)
{
	struct pci_decode *decode;
	uint64_t at = PCI_NOWHERE;

	if (fn->host == NULL)
		return;
	decode = &fn->host->decode[fn->decode[bar]];
	for (unsigned i = 0; i < PCI_WINDOWS; i++) {
		const struct pci_window *window = &fn->host->window[i];

		if (range_inside(gpa, decode->size, window->gpa, window->size))
			at = gpa;
	}
	__atomic_store_n(&decode->gpa, at, __ATOMIC_RELAXED);
}

/* Lines are shared, and the last word about one must be the right one: hence under a lock. */
void pci_host_line(struct pci_function *fn, bool level)
{
	struct pci_host *host = fn->host;
	unsigned line = pci_line_of(fn->slot);
	uint32_t before, after;

	if (host == NULL)
		return;
	lock_take(&host->line_lock);
	before = host->asserted[line];
	after = level ? before | UINT32_C(1) << fn->slot : before & ~(UINT32_C(1) << fn->slot);
	host->asserted[line] = after;
	if ((before != 0) != (after != 0))
		host->config.line(host->config.ctx, fn->caller, line, after != 0);
	lock_give(&host->line_lock);
}
