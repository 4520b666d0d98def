/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer under arbitrary output of its clients, typing and ticks. Beyond not crashing: no
 * call shows more than a step, and with several VMs every line on the screen starts with the mark of
 * somebody, and only of the client that was speaking or of the line that is shown again.
 *
 * Input: first byte, number of VMs; then pairs (what, byte).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backend/console/mux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mux mux;

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* True if the bytes at `at` start with a client's mark, or are the multiplexer's own words. */
static bool marked(const uint8_t *at, size_t len)
{
	for (unsigned i = 0; i < mux.client_count; i++) {
		char mark[MUX_NAME + 4] = "";
		size_t n;

		if (mux.clients[i].kind == MUX_VM)
			strcat(mark, "[");
		strcat(mark, mux.clients[i].name);
		strcat(mark, mux.clients[i].kind == MUX_VM ? "] " : ": ");
		n = strlen(mark);
		if (memcmp(at, mark, n < len ? n : len) == 0)
			return true;
	}
	return memcmp(at, "vessel: ", len < 8 ? len : 8) == 0;
}

/* `start`: the screen is at the start of a line. Returns what it is afterwards. */
static bool check_screen(bool start, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (start && bytes[i] != '\r' && bytes[i] != '\n') {
			require(marked(bytes + i, len - i));
			start = false;
		}
		if (bytes[i] == '\r' || bytes[i] == '\n')
			start = true;
	}
	return start;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "alpha", "beta", "gamma", "delta" };
	bool start = true;
	unsigned vms;

	if (size < 1)
		return 0;
	mux_init(&mux);
	vms = data[0] % 5;
	(void)mux_add(&mux, "log", 3, MUX_LOG);
	for (unsigned i = 0; i < vms; i++)
		(void)mux_add(&mux, names[i], strlen(names[i]), MUX_VM);
	mux_announce(&mux);
	for (size_t i = 1; i + 1 < size; i += 2) {
		uint8_t what = data[i], byte = data[i + 1], screen[MUX_OUT];
		size_t before = mux.out_length, n;

		require(mux_ready(&mux));
		if (what % 8 == 7) {
			(void)mux_tick(&mux);
		} else if (what % 8 == 6) {
			bool is_command = mux_is_command(&mux, byte);

			require((mux_typed(&mux, byte) == MUX_INPUT_COMMAND) == is_command);
		} else {
			mux_output(&mux, what % 8, byte);
		}
		require(mux.out_length - before <= MUX_STEP);
		require(mux.focus == MUX_NONE ? vms == 0 : mux.clients[mux.focus].kind == MUX_VM);
		n = mux_take(&mux, screen, sizeof(screen));
		if (vms != 1)
			start = check_screen(start, screen, n);
	}
	return 0;
}
