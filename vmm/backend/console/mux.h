/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer's mind: several clients, one line. Pure code; it moves no queue and knows
 * no time. The owner feeds it bytes and takes away what is to be shown.
 *
 * What is shown
 *   log     whole lines, "NAME: text"
 *   VM      if it is the only VM: every byte, at once, unchanged, so that its terminal is the user's.
 *           With more VMs each line starts with "[NAME] ". The VM with the focus is live: its
 *           unfinished line is shown as it grows. Others show whole lines; an unfinished one waits until
 *           it ends, overflows, or a tick passes without it growing.
 * A line that comes while the live VM's unfinished line (a prompt) is on the screen goes above it: the
 * unfinished line is shown again below. Terminal control sequences pass only from the VM with the
 * focus; in others' lines and in logs only text passes, so that no client can rewrite what another one
 * printed, or make a line look like another client's.
 *
 * What is typed goes to the VM with the focus. MUX_ESCAPE starts a command (see mux_help in mux.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MUX_CLIENTS = 64,
	MUX_NAME = 32,
	MUX_LINE = 256, /* of an unfinished line, what is remembered */
	MUX_OUT = 8192,
	MUX_STEP = 4096, /* the most that one call shows: the list of clients */
	MUX_NONE = MUX_CLIENTS,
	MUX_ESCAPE = 0x1d, /* Ctrl-] : passes QEMU's stdio and every terminal but telnet's */
};

enum mux_kind {
	MUX_LOG,
	MUX_VM,
};

struct mux_client {
	char name[MUX_NAME];
	enum mux_kind kind;
	uint8_t line[MUX_LINE]; /* the unfinished line, or its beginning: text only */
	size_t length;          /* of `line` */
	size_t shown;     /* how much of it is on the screen, if the cursor is this client's */
	bool fresh;       /* some of it was never shown */
	bool grew;        /* since the last tick */
	bool cut;         /* not live: the last line shown was one too long, cut off */
	bool cr;          /* live: the last byte was a carriage return */
	uint8_t control;  /* where in a control sequence, which is not remembered */
	unsigned unshown; /* lines left out while `quiet` */
};

enum mux_input {
	MUX_INPUT_TYPED,   /* for the VM with the focus */
	MUX_INPUT_COMMAND, /* taken; the focus may have changed */
};

struct mux {
	struct mux_client clients[MUX_CLIENTS];
	unsigned client_count, vm_count;
	unsigned focus;  /* index of the VM that gets input; MUX_NONE: there is no VM */
	unsigned cursor; /* index of the client whose unfinished line is on the screen; MUX_NONE */
	bool escaped;    /* MUX_ESCAPE was typed */
	bool quiet;      /* VMs without the focus are not shown */
	unsigned number; /* of a VM, while it is being typed */
	bool numbering;
	uint8_t out[MUX_OUT];
	size_t out_length;
};

/** Starts with no client. */
void mux_init(struct mux *mux);

/** Adds a client; its index, or MUX_NONE if there are too many. The name is cut and made printable. */
unsigned mux_add(struct mux *mux, const char *name, size_t name_size, enum mux_kind kind);

/** Says where input goes and how to change it. Once all clients are there. */
void mux_announce(struct mux *mux);

/** True if one more call of mux_output(), mux_tick() or mux_typed() has room for what it may show. */
bool mux_ready(const struct mux *mux);

/** `byte` came from client `index`. Only if mux_ready(). */
void mux_output(struct mux *mux, unsigned index, uint8_t byte);

/**
 * `byte` was typed. MUX_INPUT_TYPED: give it to client mux->focus. Only if mux_ready(). To know before
 * taking the byte from its queue: mux_is_command().
 */
enum mux_input mux_typed(struct mux *mux, uint8_t byte);

/** True if mux_typed() would return MUX_INPUT_COMMAND. */
bool mux_is_command(const struct mux *mux, uint8_t byte);

/** A line "vessel: text". Only if mux_ready(); `text` is ours and shorter than MUX_LINE. */
void mux_say(struct mux *mux, const char *text);

/** True while an unfinished line waits to be shown: call mux_tick() in a moment. */
bool mux_wants_tick(const struct mux *mux);

/**
 * Shows unfinished lines that have not grown since the last tick: one a call, while it returns true.
 */
bool mux_tick(struct mux *mux);

/** What is to be shown: up to `size` bytes, oldest first; returns how many. */
size_t mux_take(struct mux *mux, uint8_t *bytes, size_t size);
