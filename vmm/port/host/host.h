/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel of unit tests: a guest is a frame and an array of system registers, an event is
 * what the test says comes next, and any call can be made to fail. One thread; nothing happens that
 * the test did not ask for, so every run is the same.
 *
 * A struct port_vcpu names its guest by `thread`: the address of a struct host_guest.
 */
#pragma once

#include "vmm/port/port.h"

enum {
	HOST_INJECTIONS = 64,
};

struct host_injection {
	unsigned lr, intid, priority, group;
	bool replaced;
};

/* What all guests of a test share. */
struct host {
	unsigned calls;   /* that can fail, so far */
	unsigned fail_at; /* the number (from 1) of the call that fails; 0: none */
	uint64_t ticks, hz;
	unsigned signals; /* port_signal() calls */
};

struct host_guest {
	struct host *host;
	struct port_frame frame;
	uint64_t sysreg[PORT_SYSREG_COUNT];
	bool running;            /* as the kernel sees it: started and not at an exit */
	struct port_event next;  /* what the next port_wait() returns */
	enum port_answer answer; /* what that port_wait() was given */
	uint64_t result[4];
	unsigned waits;
	unsigned kicks;
	unsigned acks;
	uint64_t deadline; /* of the last port_timer_set() */
	unsigned timer_sets;
	unsigned injection_count;
	struct host_injection injection[HOST_INJECTIONS];
};

/** A guest that has not been started. */
void host_guest_init(struct host_guest *guest, struct host *host);

/** The handles that name it. */
struct port_vcpu host_port(struct host_guest *guest);
