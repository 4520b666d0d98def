/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any access to a PL031 while time passes in steps small and huge. DR follows the clock from
 * wherever the guest set it, an alarm that was passed is never missed, and the line follows MIS.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "test/fuzz/input.h"
#include "vmm/dev/rtc/pl031.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DR = 0x00, MR = 0x04, RIS = 0x14, MIS = 0x18 };

struct bench {
	struct pl031 rtc;
	uint64_t now;
	bool level;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t clock_now(void *ctx)
{
	return ((struct bench *)ctx)->now;
}

static void line(void *ctx, bool level)
{
	struct bench *b = ctx;

	must(b->level != level);
	b->level = level;
}

static uint32_t get(struct bench *b, unsigned offset)
{
	struct mmio_access a = { .offset = offset, .width = 4 };

	pl031_access(&b->rtc, &a);
	return (uint32_t)a.value;
}

static void any_access(struct bench *b, struct input *in)
{
	uint8_t what = input_u8(in);
	struct mmio_access a = { .width = (uint8_t)(1U << (what & 3)), .write = (what & 4) != 0 };

	a.offset = (what & 8) != 0 ? input_u8(in) % 0x24U : input_bytes(in, 2) % 0x1000;
	a.offset -= (what & 0x10) != 0 ? a.offset % a.width : 0;
	a.value = input_bytes(in, a.width);
	if (a.offset + a.width > 0x1000)
		return;
	pl031_access(&b->rtc, &a);
	must(a.write || a.width == 4 || a.value == 0); /* words only */
}

static void pass_time(struct bench *b, uint64_t seconds)
{
	uint32_t before = get(b, DR);
	uint32_t distance = get(b, MR) - before;
	bool polled = false;
	uint64_t when = 0;

	b->now += seconds;
	if (pl031_alarm(&b->rtc, &when) && b->now >= when) {
		pl031_poll(&b->rtc);
		polled = true;
	}
	must(get(b, DR) == (uint32_t)(before + seconds));
	if (seconds > 0 && distance != 0 && distance <= seconds)
		must(get(b, RIS) == 1);
	if (polled)
		must(b->level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .bytes = data, .left = size };
	struct bench b = { .now = input_bytes(&in, 5) };

	pl031_init(&b.rtc, clock_now, line, &b);
	while (in.left > 0) {
		uint8_t what = input_u8(&in);

		if (what % 4 == 0)
			pass_time(&b, input_bytes(&in, what / 4 % 6));
		else
			any_access(&b, &in);
		must(b.level == (get(&b, MIS) != 0));
	}
	return 0;
}
