/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One VM as the `vmm` program builds it from its configuration: memory, bus, interrupt controller,
 * firmware calls and devices. All of it is one struct in main.c; nothing is allocated.
 *
 * Portable: everything here runs on the host's fake port as well. Only main.c knows the kernel.
 */
#pragma once

#include <vmm/config.h>

#include "vmm/backend/console/sddf.h"
#include "vmm/base/seed.h"
#include "vmm/core/vm.h"
#include "vmm/dev/link/front.h"
#include "vmm/dev/link/link.h"
#include "vmm/dev/pci/host.h"
#include "vmm/dev/psci/psci.h"
#include "vmm/dev/rtc/pl031.h"
#include "vmm/dev/transport/mmio.h"
#include "vmm/dev/transport/pci.h"
#include "vmm/dev/uart/pl011.h"
#include "vmm/irqchip/gic/chip.h"
#include "vmm/irqchip/gic/v2m.h"

enum {
	MACHINE_UARTS = 8,
	MACHINE_RTCS = 1, /* the loop has one alarm */
	MACHINE_VIRTIOS = 32,
	MACHINE_HEAP_ALIGN = 64,
};

struct machine;
struct machine_virtio_kind;

/* A device's line into the GIC. `caller`: the vCPU whose handler is in the device, under its lock. */
struct machine_line {
	struct machine *machine;
	unsigned intid; /* 0: not connected */
	unsigned caller;
};

struct machine_uart {
	struct lock lock;
	struct machine_line line;
	uint64_t signals; /* badge bits that mean this UART's backend */
	struct pl011 model;
	struct console_sddf sddf;
	struct console_backend null;
};

struct machine_rtc {
	struct lock lock;
	struct machine_line line;
	uint64_t alarm; /* ticks, as told to the loop; 0: none */
	struct pl031 model;
};

struct machine_pci {
	struct pci_host host;
	struct gicv2m msi;
	unsigned slot_count; /* taken */
};

/* How a virtio device is reached. */
enum machine_place {
	MACHINE_MMIO = 0,
	MACHINE_PCI,    /* also of a device in a program of its own, by way of a front */
	MACHINE_REMOTE, /* virtio-mmio, in a program of its own */
};

/* A virtio device with its transport; on the heap, as the device and its backend. */
struct machine_virtio {
	struct machine *machine;
	const char *name;
	const struct machine_virtio_kind *kind; /* NULL if it is in another program */
	enum machine_place place;
	struct virtio_dev *vd; /* NULL if it is remote */
	uint64_t signals;      /* badge bits that mean this device's backend or program */
	uint64_t *wake;        /* in another program: entry of machine.signals */
	const char *program;   /* its name */
	unsigned intid;
	union {
		struct virtio_mmio mmio;
		struct virtio_pci pci;
		struct link_remote remote;
	};
};

/* Who is at the other end of a channel, for log lines. */
struct machine_server {
	struct machine *machine;
	const char *device; /* of ours, that it serves */
	const char *name;
};

struct machine_log {
	struct lock lock;
	bool open;
	struct console_log console;
};

struct machine {
	const struct vmm_config *config; /* borrowed; read-only for us, checked by machine_init() */
	struct vm vm;
	struct irqchip chip;
	struct lock psci_lock;
	struct psci psci;
	uint64_t hz; /* counter ticks a second; 0: there is no time */
	/* What the loop's one alarm is for, in ticks, 0: nothing; under alarm_lock. */
	struct lock alarm_lock;
	uint64_t rtc_due, poll_due;
	unsigned uart_count, rtc_count;
	struct machine_uart uart[MACHINE_UARTS];
	struct machine_rtc rtc[MACHINE_RTCS];
	struct machine_pci pci;
	unsigned virtio_count;
	struct machine_virtio *virtio[MACHINE_VIRTIOS];
	struct machine_log log;
	uint64_t signals[VMM_CONFIG_CHANNELS]; /* notification of each channel's server */
	struct machine_server server[VMM_CONFIG_CHANNELS];
	/** Tells admin how it ended; the program's own. */
	void (*ended)(struct machine *m, enum vm_request request, enum vmm_err why);
	uint64_t heap_used; /* bytes */
	bool seeded;
	struct seed seed; /* of the guest's random numbers; moves on at each start */
};

/**
 * Builds the VM: every number in `config` is checked before it is used. `m` is zeroed, but for
 * `ended`. On failure the reason has been logged if there is a log.
 */
VMM_MUST_CHECK enum vmm_err machine_init(struct machine *m, const struct vmm_config *config);

/** The handles of vCPU `index`, as its handler's port wants them. */
struct port_vcpu machine_port(const struct vmm_config_vcpu *vcpu);

/* devices.c */
VMM_MUST_CHECK enum vmm_err machine_devices_init(struct machine *m);
void machine_devices_reset(struct machine *m);
void machine_devices_signal(struct machine *m, uint64_t badge);

/** Connects the console backend of `device` to the server at channel `index`. */
VMM_MUST_CHECK enum vmm_err machine_console(struct machine *m, uint32_t index, const char *device,
					    struct console_sddf *sddf);

/** The server of `device` at channel `index`, which exists: what it does wrong is logged. */
struct server machine_server(struct machine *m, uint32_t index, const char *device);

/** Wakes the server of a channel; `ctx` is its m->signals entry. */
void machine_raise(void *ctx);
/** What becomes not 0 when admin gives the other end of a channel up; NULL: it has nothing to say of it. */
const uint32_t *machine_over(const struct vmm_channel *channel);

/* virtio.c: what is the same for all virtio devices. */
VMM_MUST_CHECK enum vmm_err machine_virtio_add(struct machine *m,
					       const struct vmm_config_device *device);

/** Makes a device by its kind's row, without a transport. Needs m->config, memory and signals. */
VMM_MUST_CHECK enum vmm_err machine_virtio_create(struct machine *m,
						  const struct vmm_config_device *device,
						  const struct virtio_owner *owner,
						  struct virtio_dev **vd);
void machine_virtio_reset(struct machine *m);
void machine_virtio_say_figures(struct machine *m);
void machine_virtio_signal(struct machine *m, uint64_t badge);
void machine_virtio_again(struct machine *m, unsigned vcpu, enum virtio_resumed why);

/* alarm.c. A device's lock may be held, but in the last one. */

/** Sets the RTC's alarm (0: none), in ticks. True: it has passed, look at once. */
bool machine_rtc_alarm(struct machine *m, unsigned caller, uint64_t ticks);

/** Sees to machine_virtio_again(VIRTIO_OVERDUE) in half a millisecond. False: not for this handler. */
bool machine_poll_later(struct machine *m, unsigned caller);

/** No device waits for that any more. */
void machine_poll_done(struct machine *m, unsigned caller);

/** The alarm's signal has come: vCPU 0's handler. The RTC looks for itself. */
void machine_alarm_signal(struct machine *m);

/** Zeroed memory of the heap for as long as the VM exists, or NULL. Only while the VM is built. */
void *machine_take(struct machine *m, size_t size);

/*
 * kinds.c: one row a kind of device. `common` has what does not depend on the kind; `create` connects
 * the backend, initialises the device and says where it is.
 */
struct machine_virtio_kind {
	uint32_t kind; /* enum vmm_device_kind */
	enum vmm_err (*create)(struct machine *m, const struct vmm_config_device *device,
			       const struct virtio_setup *common, struct virtio_dev **vd);
	/* A log line of figures when the VM has ended; NULL: there are none to say. */
	void (*say_figures)(struct machine *m, const struct virtio_dev *vd);
};

extern const struct machine_virtio_kind machine_virtio_kinds[];
extern const size_t machine_virtio_kind_count;

/* pci.c: the bus, if the configuration has one; before the devices. VMM_ERR_ABSENT: there is none. */
VMM_MUST_CHECK enum vmm_err machine_pci_init(struct machine *m);
VMM_MUST_CHECK enum vmm_err machine_pci_add(struct machine *m, struct pci_function *function);

/* firmware.c: vm_ops.call and vm_ops.started */
VMM_MUST_CHECK enum vmm_err machine_firmware_init(struct machine *m);
enum vm_call_outcome machine_call(struct vcpu *vcpu, uint64_t reg[4], struct vm_start *start);
void machine_started(struct vcpu *vcpu);

/* log.c: one line to the system's log, without a newline. Any handler. */
void machine_log_init(struct machine *m);
void machine_say(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
