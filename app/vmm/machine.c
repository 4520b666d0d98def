/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building a VM from its configuration, and starting it anew.
 *
 * The order matters and is this: check, log, memory, interrupt controller, firmware, devices. A
 * reset goes through the same models in the same order and ends with the images being copied again.
 */
#include "app/vmm/machine.h"

#include <stddef.h>
#include <string.h>

#include "vmm/base/util.h"
#include "vmm/boot/boot.h"

enum {
	LEAD_DIVISOR = 200000, /* a second over this: 5 us */
};

struct port_vcpu machine_port(const struct vmm_config_vcpu *vcpu)
{
	return (struct port_vcpu){
		.thread = vcpu->tcb,
		.vcpu = vcpu->vcpu,
		.source = vcpu->fault_ep,
		.reply = vcpu->reply,
		.kick = vcpu->kick,
		.timer = vcpu->timer,
		.passive = vcpu->passive != 0,
	};
}

static enum vmm_err check_config(const struct vmm_config *c)
{
	if (c->magic != VMM_CONFIG_MAGIC || c->version != VMM_CONFIG_VERSION ||
	    c->size != sizeof(*c))
		return VMM_ERR_INVALID;
	if (c->vcpu_count == 0 || c->vcpu_count > VMM_CONFIG_VCPUS || c->ram_count == 0 ||
	    c->ram_count > VMM_CONFIG_RAM || c->device_count > VMM_CONFIG_DEVICES ||
	    c->channel_count > VMM_CONFIG_CHANNELS)
		return VMM_ERR_RANGE;
	return VMM_OK;
}

static enum vmm_err add_memory(struct machine *m)
{
	for (uint32_t i = 0; i < m->config->ram_count; i++) {
		const struct vmm_config_range *r = &m->config->ram[i];
		enum vmm_err err = gmem_add(&m->vm.gmem, r->gpa, r->host, r->size);

		if (err != VMM_OK) {
			machine_say(m, "RAM %u at 0x%lx: %s", i, (unsigned long)r->gpa,
				    vmm_err_name(err));
			return err;
		}
	}
	return VMM_OK;
}

static void kick(void *ctx, unsigned vcpu)
{
	struct machine *m = ctx;

	vm_kick(&m->vm, vcpu);
}

static enum vmm_err add_gic(struct machine *m)
{
	const struct vmm_config *c = m->config;
	bool v3 = c->gic_version == 3;
	struct gic_config config = {
		.version = c->gic_version,
		.vcpu_count = c->vcpu_count,
		.spi_count = c->spi_count,
		.lr_count = c->lr_count < GIC_LRS ? c->lr_count : GIC_LRS,
	};
	struct bus_region dist = {
		.gpa = c->gicd_gpa,
		.size = v3 ? GIC_DIST_SIZE_V3 : GIC_DIST_SIZE_V2,
		.handler = gic_chip_dist,
		.device = &m->chip,
	};
	struct bus_region redist = {
		.gpa = c->gicr_gpa,
		.size = GIC_REDIST_SIZE * c->vcpu_count,
		.handler = gic_chip_redist,
		.device = &m->chip,
	};
	enum vmm_err err;

	for (unsigned i = 0; i < c->vcpu_count; i++)
		config.mpidr[i] = c->vcpus[i].mpidr;
	err = gic_chip_init(&m->chip, &config, kick, m);
	if (err == VMM_OK)
		err = bus_add(&m->vm.bus, &dist);
	if (err == VMM_OK && v3)
		err = bus_add(&m->vm.bus, &redist);
	if (err != VMM_OK)
		machine_say(m, "GIC: %s", vmm_err_name(err));
	return err;
}

/* The page from which a vCPU that ran before starts: core/vm.h, VCPU_SCRUBBING. */
static enum vmm_err add_firmware_page(struct machine *m)
{
	const struct vmm_config *c = m->config;
	size_t size;
	const void *code = arch_scrubber(c->gic_version, &size);

	if (c->firmware_host == 0)
		return VMM_ERR_INVALID;
	memcpy((void *)(uintptr_t)c->firmware_host, code, size);
	port_cache_clean(c->firmware_host, size);
	m->vm.scrub_entry = c->firmware_gpa;
	m->vm.scrub_argument = c->gicc_gpa;
	return VMM_OK;
}

static void machine_signal(struct vm *vm, uint64_t badge)
{
	machine_devices_signal(vm->context, badge);
}

static void machine_again(struct vm *vm, unsigned vcpu)
{
	struct machine *m = vm->context;

	machine_virtio_again(m, vcpu, VIRTIO_RESUMED);
	if (__atomic_load_n(&vm->later, __ATOMIC_RELAXED) == 0)
		machine_poll_done(m, vcpu);
}

/* Every vCPU is parked, so nobody else is in here or in a device. */
static enum vmm_err machine_reload(struct vm *vm, uint64_t *entry, uint64_t *argument)
{
	struct machine *m = vm->context;
	struct boot_entry start;
	struct boot_error error;
	enum vmm_err err;

	gic_chip_reset(&m->chip);
	psci_reset(&m->psci);
	machine_devices_reset(m);
	err = boot_load(m->config, m->seeded ? &m->seed : NULL, &start, &error);
	if (err != VMM_OK) {
		machine_say(m, "cannot start: %s", error.text);
		return err;
	}
	for (uint32_t i = 0; i < start.written_count && i < BOOT_WRITTEN; i++)
		port_cache_clean(start.written[i].host, start.written[i].size);
	*entry = start.pc;
	*argument = start.dtb;
	return VMM_OK;
}

static void say_statistics(struct machine *m)
{
	static const enum exit_kind shown[] = { EXIT_MMIO, EXIT_IRQ_DONE,  EXIT_TIMER, EXIT_WAIT,
						EXIT_CALL, EXIT_HYPERCALL, EXIT_IPI };
	uint64_t count[ARRAY_SIZE(shown)] = { 0 }, all = 0;

	for (unsigned i = 0; i < m->vm.vcpu_count; i++) {
		for (unsigned k = 0; k < EXIT_KIND_COUNT; k++)
			all += m->vm.vcpu[i].exits[k];
		for (unsigned k = 0; k < ARRAY_SIZE(shown); k++)
			count[k] += m->vm.vcpu[i].exits[shown[k]];
	}
	machine_say(m,
		    "stats: exits %lu: mmio %lu, eoi %lu, timer %lu, wfi %lu, smc %lu, hvc %lu, "
		    "sgi %lu",
		    (unsigned long)all, (unsigned long)count[0], (unsigned long)count[1],
		    (unsigned long)count[2], (unsigned long)count[3], (unsigned long)count[4],
		    (unsigned long)count[5], (unsigned long)count[6]);
}

static void machine_ended(struct vm *vm, enum vm_request request, enum vmm_err why)
{
	struct machine *m = vm->context;

	say_statistics(m);
	machine_virtio_say_figures(m);
	if (request == VM_FAILED)
		machine_say(m, "failed: %s", vmm_err_name(why));
	else
		machine_say(m, "off");
	m->ended(m, request, why);
}

static const struct vm_ops machine_ops = {
	.call = machine_call,
	.started = machine_started,
	.signal = machine_signal,
	.again = machine_again,
	.reload = machine_reload,
	.ended = machine_ended,
};

enum vmm_err machine_init(struct machine *m, const struct vmm_config *config)
{
	struct vm *vm = &m->vm;
	uint64_t ticks, hz;
	enum vmm_err err = check_config(config);

	if (err != VMM_OK)
		return err;
	m->config = config;
	m->seeded = config->seeded != 0;
	memcpy(m->seed.key, config->seed, sizeof(m->seed.key));
	for (uint32_t i = 0; i < config->channel_count; i++)
		m->signals[i] = config->channels[i].notify;
	machine_log_init(m);

	vm->ops = &machine_ops;
	vm->context = m;
	vm->irqchip = &m->chip;
	vm->kick_badge = VMM_BADGE_KICK;
	vm->timer_badge = VMM_BADGE_TIMER;
	vm->vcpu_count = config->vcpu_count;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vm->vcpu[i].port = machine_port(&config->vcpus[i]);
		vm->vcpu[i].cpu_id = config->vcpus[i].mpidr;
	}
	if (port_time(&vm->vcpu[0].port, &ticks, &hz) == VMM_OK) {
		m->hz = hz;
		vm->timer_lead = hz / LEAD_DIVISOR;
	}

	err = add_memory(m);
	if (err == VMM_OK)
		err = add_gic(m);
	if (err == VMM_OK)
		err = add_firmware_page(m);
	if (err == VMM_OK)
		err = machine_firmware_init(m);
	if (err == VMM_OK)
		err = machine_pci_init(m);
	if (err == VMM_OK)
		err = machine_devices_init(m);
	if (err == VMM_OK)
		vm_init(vm);
	return err;
}
