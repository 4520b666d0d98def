/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * admin, all of it but its main(), on the kernel of test/support/kernel: a system image made by
 * sysconf is put into the machine's memory as the loader does, and admin runs until it dies, switches
 * the machine off, or has served every event the test had for it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/admin/admin.h"
#include "test/support/kernel/kernel.h"
#include "test/support/systemfiles.h"

enum { WORLD_EVENTS = 16, WORLD_UNTYPED = 8, WORLD_LOG = 16384 };

/* What admin finds when it waits. */
struct event {
	uint64_t badge, label, mr[5];
};

enum world_end {
	WORLD_DIED = 1, /* admin stopped itself */
	WORLD_OFF,      /* the machine was switched off */
	WORLD_SERVED,   /* no event is left */
	WORLD_WENT_ON,  /* a call failed and admin did not mind (stop_after_failure) */
};

struct world {
	/* For the test to change before world_run(). */
	const char *settings[SYSTEM_FILES_SETTINGS];
	struct fk_untyped untyped[WORLD_UNTYPED];
	uint32_t untyped_count, cores;
	bool smc;
	uint64_t fail_call; /* this one fails; 0: none */
	struct event events[WORLD_EVENTS];
	unsigned event_count;

	/* What came of it. */
	enum world_end end;
	seL4_Word failed_label;
	char log[WORLD_LOG]; /* what admin said, on the UART and then to the console */
	size_t log_size;
	unsigned events_taken;

	struct fk kernel;
	struct admin admin;
	struct system_files files;
	bool built; /* `files.image` is of `settings` */
	jmp_buf ended;
};

/** The one there is: set up for the system of test/support/system.dts as it stands. */
extern struct world world;

int world_setup(void **state);
int world_teardown(void **state);

/** An event that admin receives; the timer server's start is there already. */
void world_event(struct event event);
/** The image as admin finds it: the blob in its own memory, the archive in the machine's. */
struct vmm_blob *world_blob(void);
/** Builds the image (once) and puts it into memory. */
void world_load(void);
/** Runs admin in a new machine. world_load() is done if the test has not. */
void world_run(void);

bool said(const char *text);
void assert_said(const char *text);

/** Thread `thread` of program `id`, as the kernel knows it by its fault endpoint's badge. */
struct fk_object *world_thread(uint32_t id, uint32_t thread);
/** The start page of a program, and its configuration of `size` bytes. */
void world_start_page(uint32_t id, struct vmm_start *start, void *config, uint64_t size);
