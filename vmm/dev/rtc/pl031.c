// SPDX-License-Identifier: BSD-2-Clause
/*
 * PL031 (DDI 0224C, chapter 3). The counter is not counted: DR is the callback's time and an
 * offset. So that no alarm is missed however late one looks, the next match is kept as a time of
 * the callback's 64-bit clock, not compared for equality.
 */
#include "vmm/dev/rtc/pl031.h"

#include "vmm/base/util.h"

static uint32_t counter(const struct pl031 *rtc, uint64_t now)
{
	return (uint32_t)now + rtc->offset;
}

/* The next match after a change of MR or of the counter; now, if they are equal now. */
static void rearm(struct pl031 *rtc)
{
	uint64_t now = rtc->now(rtc->ctx);

	rtc->alarm = now + (uint32_t)(rtc->mr - counter(rtc, now));
}

/* Notices a match, then tells the line. */
static void update(struct pl031 *rtc)
{
	uint64_t now = rtc->now(rtc->ctx);
	bool level;

	if (now >= rtc->alarm) {
		rtc->ris = true;
		rtc->alarm += (((now - rtc->alarm) >> 32) + 1) << 32; /* once a round */
	}
	level = rtc->ris && rtc->imsc;
	if (level != rtc->level && rtc->irq != NULL)
		rtc->irq(rtc->ctx, level);
	rtc->level = level;
}

static uint64_t dr_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return counter(rtc, rtc->now(rtc->ctx));
}

static uint64_t mr_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return rtc->mr;
}

static void mr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl031 *rtc = device;

	(void)access;
	rtc->mr = (uint32_t)value;
	rearm(rtc);
}

static uint64_t lr_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return rtc->lr;
}

static void lr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl031 *rtc = device;

	(void)access;
	rtc->lr = (uint32_t)value;
	rtc->offset = rtc->lr - (uint32_t)rtc->now(rtc->ctx);
	rearm(rtc);
}

/* Enabled by the firmware, and "once enabled, any write has no effect" (3.3.4). */
static uint64_t cr_read(void *device, const struct mmio_access *access)
{
	(void)device;
	(void)access;
	return 1;
}

static uint64_t imsc_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return rtc->imsc;
}

static void imsc_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl031 *rtc = device;

	(void)access;
	rtc->imsc = (value & 1) != 0;
}

static uint64_t ris_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return rtc->ris;
}

static uint64_t mis_read(void *device, const struct mmio_access *access)
{
	const struct pl031 *rtc = device;

	(void)access;
	return rtc->ris && rtc->imsc;
}

static void icr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl031 *rtc = device;

	(void)access;
	if ((value & 1) != 0)
		rtc->ris = false;
}

/* PeriphID0..3, PCellID0..3. */
static uint64_t id_read(void *device, const struct mmio_access *access)
{
	static const uint8_t id[8] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	(void)device;
	return id[(access->offset - 0xfe0) / 4];
}

static const struct reg_range regs[] = {
	REG_RANGE(0x000, 0x003, 4, .read = dr_read),
	REG_RANGE(0x004, 0x007, 4, .read = mr_read, .write = mr_write),
	REG_RANGE(0x008, 0x00b, 4, .read = lr_read, .write = lr_write),
	REG_RANGE(0x00c, 0x00f, 4, .read = cr_read),
	REG_RANGE(0x010, 0x013, 4, .read = imsc_read, .write = imsc_write),
	REG_RANGE(0x014, 0x017, 4, .read = ris_read),
	REG_RANGE(0x018, 0x01b, 4, .read = mis_read),
	REG_RANGE(0x01c, 0x01f, 4, .write = icr_write),
	REG_RANGE(0xfe0, 0xfff, 4, .read = id_read),
};

void pl031_access(void *device, struct mmio_access *access)
{
	struct pl031 *rtc = device;

	update(rtc); /* a match that is due happened before this access */
	(void)regs_dispatch(regs, ARRAY_SIZE(regs), rtc, access);
	update(rtc);
}

void pl031_poll(struct pl031 *rtc)
{
	update(rtc);
}

bool pl031_alarm(const struct pl031 *rtc, uint64_t *when)
{
	if (!rtc->imsc || rtc->ris)
		return false;
	*when = rtc->alarm;
	return true;
}

void pl031_reset(struct pl031 *rtc)
{
	rtc->mr = 0;
	rtc->lr = 0;
	rtc->ris = false;
	rtc->imsc = false;
	rearm(rtc);
	update(rtc);
}

void pl031_init(struct pl031 *rtc, uint64_t (*now)(void *ctx), void (*irq)(void *ctx, bool level),
		void *ctx)
{
	*rtc = (struct pl031){ .now = now, .irq = irq, .ctx = ctx };
	pl031_reset(rtc);
}
