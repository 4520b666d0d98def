/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The screen has one line under construction; `cursor` says whose it is. To show something of
 * another client, that line is broken off ("\r\n"); if it was the live VM's, it is shown again
 * afterwards. Everything else follows from which client is live and which bytes are text.
 */
#include "vmm/backend/console/mux.h"

#include "vmm/base/util.h"

enum { ESC = 0x1b, BEL = 0x07, DEL = 0x7f };

/* Where in a control sequence (ECMA-48, 5.3 to 5.6) a client that is not live is. */
enum {
	TEXT = 0,
	AFTER_ESC,
	IN_SEQUENCE, /* ESC [ ... final byte */
	IN_STRING,   /* ESC ] or P, X, ^, _ ... BEL or ESC \ */
	IN_STRING_AFTER_ESC,
};

static const char *const mux_help[] = {
	"after Ctrl-]:",
	"  1..9   input goes to that VM (with more than nine, end the number with Enter)",
	"  n, p   input goes to the next, the previous VM",
	"  l      list of VMs",
	"  q      show only the VM with the input, or all again",
	"  ?      this help",
	"  Ctrl-] types Ctrl-] itself",
};

/* Showing. */

static void put(struct mux *mux, uint8_t byte)
{
	if (mux->out_length < MUX_OUT)
		mux->out[mux->out_length++] = byte;
}

static void put_bytes(struct mux *mux, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(mux, bytes[i]);
}

static void put_text(struct mux *mux, const char *text)
{
	while (*text != '\0')
		put(mux, (uint8_t)*text++);
}

static void put_number(struct mux *mux, unsigned number)
{
	if (number >= 10)
		put_number(mux, number / 10);
	put(mux, (uint8_t)('0' + number % 10));
}

static bool is_live(const struct mux *mux, unsigned index)
{
	return index == mux->focus;
}

/* The only VM's bytes pass unchanged. */
static bool is_raw(const struct mux *mux)
{
	return mux->vm_count == 1;
}

static void put_prefix(struct mux *mux, const struct mux_client *client)
{
	if (client->kind == MUX_LOG) {
		put_text(mux, client->name);
		put_text(mux, ": ");
	} else if (!is_raw(mux)) {
		put(mux, '[');
		put_text(mux, client->name);
		put_text(mux, "] ");
	}
}

/* Breaks off whoever's line is on the screen. */
static void leave_line(struct mux *mux)
{
	if (mux->cursor == MUX_NONE)
		return;
	put_text(mux, "\r\n");
	mux->clients[mux->cursor].shown = 0;
	mux->cursor = MUX_NONE;
}

/* The line on the screen is this client's, and complete so far. */
static void show_line(struct mux *mux, unsigned index)
{
	struct mux_client *client = &mux->clients[index];

	if (mux->cursor != index) {
		leave_line(mux);
		put_prefix(mux, client);
		client->shown = 0;
		mux->cursor = index;
	}
	put_bytes(mux, client->line + client->shown, client->length - client->shown);
	client->shown = client->length;
	client->fresh = false;
}

static void end_line(struct mux *mux)
{
	put_text(mux, "\r\n");
	mux->clients[mux->cursor].shown = 0;
	mux->cursor = MUX_NONE;
}

/* Shows the live VM's unfinished line again after others were shown. */
static void restore_live(struct mux *mux)
{
	if (mux->focus != MUX_NONE && mux->clients[mux->focus].length > 0)
		show_line(mux, mux->focus);
}

static void forget_line(struct mux_client *client)
{
	client->length = 0;
	client->shown = 0;
	client->fresh = false;
	client->grew = false;
}

static void say_line(struct mux *mux, const char *text, const char *name)
{
	leave_line(mux);
	put_text(mux, "vessel: ");
	put_text(mux, text);
	put_text(mux, name);
}

void mux_say(struct mux *mux, const char *text)
{
	say_line(mux, text, "");
	put_text(mux, "\r\n");
	restore_live(mux);
}

/* Output. */

/*
 * True if `byte` is to be shown of a client that is not live: text and tabs. Bytes from 0x80 are
 * taken as UTF-8; 0x80 to 0x9f at its beginning would be control characters to some terminals, and
 * behind 0xc2 they are (RFC 3629, 3: U+0080 to U+009F; ECMA-48, 5.3).
 */
static bool is_text(struct mux_client *client, uint8_t byte)
{
	switch (client->control) {
	case AFTER_ESC:
		client->control = TEXT;
		if (byte == '[')
			client->control = IN_SEQUENCE;
		else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
			client->control = IN_STRING;
		else if (byte >= 0x20 && byte <= 0x2f)
			client->control = AFTER_ESC; /* intermediate byte: one more follows */
		return false;
	case IN_SEQUENCE:
		if (byte >= 0x40 && byte <= 0x7e)
			client->control = TEXT;
		return false;
	case IN_STRING:
		if (byte == BEL)
			client->control = TEXT;
		else if (byte == ESC)
			client->control = IN_STRING_AFTER_ESC;
		return false;
	case IN_STRING_AFTER_ESC:
		client->control = byte == '\\' ? TEXT : IN_STRING;
		return false;
	default:
		break;
	}
	if (byte == ESC)
		client->control = AFTER_ESC;
	if (byte >= 0x80 && byte < 0xa0) {
		uint8_t before = client->length > 0 ? client->line[client->length - 1] : 0;

		return before >= 0x80 && before != 0xc2;
	}
	return byte == '\t' || (byte >= 0x20 && byte != DEL);
}

static void remember(struct mux_client *client, uint8_t byte)
{
	if (client->length < MUX_LINE)
		client->line[client->length++] = byte;
}

/* The live VM's line, for showing it again: its text, as far as backspaces left it. */
static void track(struct mux_client *client, uint8_t byte)
{
	if (byte == '\b' && client->control == TEXT && client->length > 0)
		client->length--;
	else if (is_text(client, byte))
		remember(client, byte);
	client->shown = client->length;
}

/* A finished line of a client that is not live, or a part as long as we can keep. */
static void finish_line(struct mux *mux, unsigned index)
{
	struct mux_client *client = &mux->clients[index];

	if (mux->quiet && client->kind == MUX_VM) {
		client->unshown++;
		forget_line(client);
		return;
	}
	/* Not twice: what was shown as unfinished and has not grown, the end of a line that was cut. */
	if (client->fresh || mux->cursor == index || (client->length == 0 && !client->cut)) {
		show_line(mux, index);
		end_line(mux);
	}
	client->cut = client->length == MUX_LINE;
	forget_line(client);
	restore_live(mux);
}

static void output_text(struct mux *mux, unsigned index, uint8_t byte)
{
	struct mux_client *client = &mux->clients[index];

	if (byte == '\n') {
		client->control = TEXT;
		finish_line(mux, index);
		return;
	}
	if (!is_text(client, byte))
		return;
	remember(client, byte);
	client->fresh = true;
	client->grew = true;
	if (client->length == MUX_LINE)
		finish_line(mux, index);
}

/* The only VM: what is remembered is for showing its line again after a log line. */
static void output_raw(struct mux *mux, unsigned index, uint8_t byte)
{
	struct mux_client *client = &mux->clients[index];

	if (mux->cursor != index && (client->length > 0 || mux->cursor != MUX_NONE))
		show_line(mux, index);
	put(mux, byte);
	mux->cursor = index;
	if (byte == '\n')
		mux->cursor = MUX_NONE;
	if (byte == '\n' || byte == '\r')
		forget_line(client);
	else
		track(client, byte);
}

/* The VM with the focus among several: its lines are marked, also after a lone carriage return. */
static void output_live(struct mux *mux, unsigned index, uint8_t byte)
{
	struct mux_client *client = &mux->clients[index];
	bool cr = client->cr;

	client->cr = byte == '\r';
	if (client->cr)
		return;
	show_line(mux, index);
	if (byte == '\n') {
		end_line(mux);
		forget_line(client);
		return;
	}
	if (cr) {
		put(mux, '\r');
		put_prefix(mux, client);
		forget_line(client);
	}
	put(mux, byte);
	track(client, byte);
}

void mux_output(struct mux *mux, unsigned index, uint8_t byte)
{
	if (index >= mux->client_count)
		return;
	if (!is_live(mux, index))
		output_text(mux, index, byte);
	else if (is_raw(mux))
		output_raw(mux, index, byte);
	else
		output_live(mux, index, byte);
}

/* The client has an unfinished line that a tick will show. */
static bool waits(const struct mux *mux, unsigned index)
{
	const struct mux_client *client = &mux->clients[index];

	return client->fresh && !is_live(mux, index) && !(mux->quiet && client->kind == MUX_VM);
}

bool mux_wants_tick(const struct mux *mux)
{
	for (unsigned i = 0; i < mux->client_count; i++) {
		if (waits(mux, i))
			return true;
	}
	return false;
}

bool mux_tick(struct mux *mux)
{
	for (unsigned i = 0; i < mux->client_count; i++) {
		struct mux_client *client = &mux->clients[i];

		if (!waits(mux, i) || client->grew)
			continue;
		show_line(mux, i);
		if (mux->focus != MUX_NONE && mux->clients[mux->focus].length > 0) {
			end_line(mux);
			restore_live(mux);
		}
		return true;
	}
	for (unsigned i = 0; i < mux->client_count; i++)
		mux->clients[i].grew = false;
	return false;
}

/* Input. */

/* The VM called number `number` in the list (from 1), or MUX_NONE. */
static unsigned vm_by_number(const struct mux *mux, unsigned number)
{
	for (unsigned i = 0; i < mux->client_count; i++) {
		if (mux->clients[i].kind == MUX_VM && --number == 0)
			return i;
	}
	return MUX_NONE;
}

static unsigned number_of_vm(const struct mux *mux, unsigned index)
{
	unsigned number = 0;

	for (unsigned i = 0; i <= index && i < mux->client_count; i++)
		number += mux->clients[i].kind == MUX_VM;
	return number;
}

/* How much of a VM's output was left out while only the one with the focus was shown. */
static void say_unshown(struct mux *mux, unsigned index)
{
	struct mux_client *client = &mux->clients[index];

	if (client->unshown == 0)
		return;
	leave_line(mux);
	put_prefix(mux, client);
	put(mux, '(');
	put_number(mux, client->unshown);
	put_text(mux, " lines not shown)\r\n");
	client->unshown = 0;
}

static void set_focus(struct mux *mux, unsigned index)
{
	if (index == MUX_NONE) {
		mux_say(mux, "there is no such VM");
		return;
	}
	leave_line(mux);
	mux->clients[mux->focus].control = TEXT;
	mux->clients[mux->focus].cr = false;
	mux->focus = index;
	mux->clients[index].control = TEXT;
	mux->clients[index].fresh = false;
	say_line(mux, "input goes to ", mux->clients[index].name);
	put_text(mux, "\r\n");
	say_unshown(mux, index);
	restore_live(mux);
}

/* Only logs and the VM with the focus, or all again. */
static void toggle_quiet(struct mux *mux)
{
	mux->quiet = !mux->quiet;
	say_line(mux, mux->quiet ? "only the VM with the input is shown" : "all VMs are shown", "");
	put_text(mux, "\r\n");
	for (unsigned i = 0; !mux->quiet && i < mux->client_count; i++)
		say_unshown(mux, i);
	restore_live(mux);
}

static void list(struct mux *mux)
{
	for (unsigned i = 0; i < mux->client_count; i++) {
		if (mux->clients[i].kind != MUX_VM)
			continue;
		leave_line(mux);
		put_text(mux, "vessel: ");
		put_text(mux, is_live(mux, i) ? "* " : "  ");
		put_number(mux, number_of_vm(mux, i));
		put(mux, ' ');
		put_text(mux, mux->clients[i].name);
		put_text(mux, "\r\n");
	}
	restore_live(mux);
}

static void help(struct mux *mux)
{
	for (size_t i = 0; i < ARRAY_SIZE(mux_help); i++) {
		say_line(mux, mux_help[i], "");
		put_text(mux, "\r\n");
	}
	restore_live(mux);
}

/* The next (+1) or previous VM in the list, round the end. */
static void step_focus(struct mux *mux, bool back)
{
	unsigned at;

	if (mux->focus == MUX_NONE)
		return;
	at = number_of_vm(mux, mux->focus) - 1;
	at = (at + (back ? mux->vm_count - 1 : 1)) % mux->vm_count;
	set_focus(mux, vm_by_number(mux, at + 1));
}

static void number_typed(struct mux *mux, uint8_t byte)
{
	bool digit = byte >= '0' && byte <= '9';

	if (digit && mux->number < MUX_CLIENTS)
		mux->number = mux->number * 10 + (unsigned)(byte - '0');
	mux->numbering = digit && mux->vm_count > 9;
	if (!mux->numbering)
		set_focus(mux, mux->number == 0 ? MUX_NONE : vm_by_number(mux, mux->number));
}

static void command(struct mux *mux, uint8_t byte)
{
	switch (byte) {
	case '?':
	case 'h':
		help(mux);
		break;
	case 'l':
		list(mux);
		break;
	case 'n':
	case 'p':
		step_focus(mux, byte == 'p');
		break;
	case 'q':
		toggle_quiet(mux);
		break;
	default:
		mux->number = 0;
		if (byte >= '0' && byte <= '9')
			number_typed(mux, byte);
		else
			mux_say(mux, "no such command; press Ctrl-] then ? for help");
		break;
	}
}

bool mux_is_command(const struct mux *mux, uint8_t byte)
{
	if (mux->escaped)
		return byte != MUX_ESCAPE;
	return mux->numbering || byte == MUX_ESCAPE;
}

enum mux_input mux_typed(struct mux *mux, uint8_t byte)
{
	bool escaped = mux->escaped;

	if (!mux_is_command(mux, byte)) {
		mux->escaped = false;
		return MUX_INPUT_TYPED;
	}
	mux->escaped = !escaped && !mux->numbering;
	if (mux->numbering)
		number_typed(mux, byte);
	else if (escaped)
		command(mux, byte);
	return MUX_INPUT_COMMAND;
}

/* The rest. */

void mux_init(struct mux *mux)
{
	mux->client_count = 0;
	mux->vm_count = 0;
	mux->focus = MUX_NONE;
	mux->cursor = MUX_NONE;
	mux->escaped = false;
	mux->quiet = false;
	mux->number = 0;
	mux->numbering = false;
	mux->out_length = 0;
}

unsigned mux_add(struct mux *mux, const char *name, size_t name_size, enum mux_kind kind)
{
	unsigned index = mux->client_count;
	struct mux_client *client;

	if (index == MUX_CLIENTS)
		return MUX_NONE;
	client = &mux->clients[index];
	*client = (struct mux_client){ .kind = kind };
	for (size_t i = 0; i < name_size && i < MUX_NAME - 1 && name[i] != '\0'; i++)
		client->name[i] = name[i] > 0x20 && name[i] < DEL
					  ? name[i]
					  : (char)(name[i] == ' ' ? ' ' : '?');
	mux->client_count++;
	if (kind == MUX_VM) {
		mux->vm_count++;
		if (mux->focus == MUX_NONE)
			mux->focus = index;
	}
	return index;
}

void mux_announce(struct mux *mux)
{
	if (mux->focus == MUX_NONE)
		return;
	say_line(mux, "input goes to ", mux->clients[mux->focus].name);
	put_text(mux, "; press Ctrl-] then ? for help\r\n");
	restore_live(mux);
}

bool mux_ready(const struct mux *mux)
{
	return MUX_OUT - mux->out_length >= MUX_STEP;
}

size_t mux_take(struct mux *mux, uint8_t *bytes, size_t size)
{
	size_t n = mux->out_length < size ? mux->out_length : size;

	for (size_t i = 0; i < n; i++)
		bytes[i] = mux->out[i];
	for (size_t i = n; i < mux->out_length; i++)
		mux->out[i - n] = mux->out[i];
	mux->out_length -= n;
	return n;
}
