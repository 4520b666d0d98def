/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/model/pci_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

enum {
	TABLE = 0x1000,
	PBA = 0x1800,
	CAP = 0x40,
	MSIX_BAR = 0,
	MEMORY = 2,
	MASTER = 4,
	INTX_DISABLE = 0x400,
	ENABLE = 0x8000,
	MASK_ALL = 0x4000,
};

#define LOW       UINT64_C(0x10000000)
#define LOW_SIZE  UINT64_C(0x40000)
#define HIGH      UINT64_C(0x8000000000)
#define HIGH_SIZE UINT64_C(0x400000000)

static const unsigned slots[WORLD_FUNCTIONS] = { 0, 4, 30 }; /* the first two share a line */
static const uint64_t sizes[WORLD_FUNCTIONS][PCI_BARS] = {
	{ 0x4000 },
	{ 0x4000, 0, 0x10000 },
	{ 0x4000, 0x200000000, 0x1000 },
};

static void differ(const struct pci_world *w, const char *what, uint64_t model, uint64_t ref)
{
	printf("step %lu: %s: model 0x%llx, reference 0x%llx\n", w->step, what,
	       (unsigned long long)model, (unsigned long long)ref);
	fflush(stdout);
	abort();
}

static void same(const struct pci_world *w, const char *what, uint64_t model, uint64_t ref)
{
	if (model != ref)
		differ(w, what, model, ref);
}

/* ---- what is drawn ---- */

static uint64_t draw(struct pci_world *w, unsigned bytes)
{
	uint64_t value = 0;

	if (w->bytes != NULL) {
		for (unsigned i = 0; i < bytes && w->left > 0; i++, w->left--)
			value |= (uint64_t)*w->bytes++ << 8 * i;
		return value;
	}
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	value = w->random * UINT64_C(0x2545f4914f6cdd1d);
	return bytes == 8 ? value : value >> (64 - 8 * bytes);
}

static unsigned below(struct pci_world *w, unsigned count)
{
	return (unsigned)draw(w, 1) % count;
}

/* ---- the model's surroundings ---- */

static void bar_access(struct pci_function *fn, unsigned bar, struct mmio_access *access)
{
	struct pci_world *w = container_of(fn->host, struct pci_world, host);

	w->hit = (int)(fn - w->fn);
	w->hit_bar = bar;
	w->hit_offset = access->offset;
	if (fn->lock->held == 0)
		differ(w, "lock", 0, 1);
	if (!access->write)
		access->value = 0x5a;
}

static const struct pci_ops ops[WORLD_FUNCTIONS] = {
	{ .bar_size = { 0x4000 }, .msix_table = TABLE, .msix_pba = PBA, .bar_access = bar_access },
	{ .bar_size = { 0x4000, 0, 0x10000 },
	  .msix_table = TABLE,
	  .msix_pba = PBA,
	  .bar_access = bar_access },
	{ .bar_size = { 0x4000, 0x200000000, 0x1000 },
	  .msix_table = TABLE,
	  .msix_pba = PBA,
	  .bar_access = bar_access },
};

static void message(void *ctx, unsigned caller, uint64_t address, uint32_t data)
{
	struct pci_world *w = ctx;

	(void)caller;
	if (w->sent_count == WORLD_MESSAGES)
		differ(w, "messages", w->sent_count, 0);
	w->sent[w->sent_count++] = (struct pci_message){ address, data };
}

static void line(void *ctx, unsigned caller, unsigned number, bool level)
{
	struct pci_world *w = ctx;

	(void)caller;
	if (w->level[number] == level)
		differ(w, "a change of line", level, !level);
	w->level[number] = level;
}

static void ref_reset(struct pci_ref *r)
{
	*r = (struct pci_ref){ .command = 0 };
	for (unsigned v = 0; v < WORLD_VECTORS; v++)
		r->masked[v] = true;
}

static void build(struct pci_world *w)
{
	const struct pci_host_config config = {
		.window_gpa = { LOW, HIGH },
		.window_size = { LOW_SIZE, HIGH_SIZE },
		.message = message,
		.line = line,
		.ctx = w,
	};
	const struct pci_identity identity = { .vendor = 0x1af4, .device = 0x1041 };

	if (pci_host_init(&w->host, &config) != VMM_OK)
		abort();
	for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
		if (pci_function_init(&w->fn[i], &ops[i], &identity, &w->lock[i]) != VMM_OK ||
		    pci_add_msix(&w->fn[i], WORLD_VECTORS) != VMM_OK ||
		    pci_host_add(&w->host, slots[i], &w->fn[i]) != VMM_OK)
			abort();
		ref_reset(&w->ref[i]);
	}
}

void pci_world_seed(struct pci_world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	build(w);
}

void pci_world_bytes(struct pci_world *w, const uint8_t *bytes, size_t size)
{
	memset(w, 0, sizeof(*w));
	w->bytes = bytes;
	w->left = size;
	build(w);
}

/* ---- the reference ---- */

static bool enabled(const struct pci_ref *r)
{
	return (r->msix_control & ENABLE) != 0;
}

static bool open(const struct pci_ref *r)
{
	return enabled(r) && (r->msix_control & MASK_ALL) == 0 && (r->command & MASTER) != 0;
}

/* What is pending and may go out does; nothing stays pending while MSI-X is off. */
static void settle(struct pci_world *w)
{
	for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
		struct pci_ref *r = &w->ref[i];

		for (unsigned v = 0; v < WORLD_VECTORS; v++) {
			if (r->pending[v] && open(r) && !r->masked[v])
				w->expected[w->expected_count++] =
					(struct pci_message){ r->address[v], r->data[v] };
			if (!enabled(r) || (open(r) && !r->masked[v]))
				r->pending[v] = false;
		}
	}
}

static uint64_t ref_config_word(const struct pci_world *w, unsigned i, unsigned at)
{
	const struct pci_ref *r = &w->ref[i];
	bool pin = r->intx && !enabled(r);

	switch (at) {
	case 0x00:
		return 0x10411af4;
	case 0x04:
		return r->command | (pin ? 0x180000U : 0x100000U);
	case 0x0c:
		return r->cache_line;
	case 0x34:
		return CAP;
	case 0x3c:
		return 0x100U | r->interrupt_line;
	case CAP:
		return PCI_CAP_MSIX | (uint32_t)(WORLD_VECTORS - 1) << 16 |
		       (uint32_t)r->msix_control << 16;
	case CAP + 4:
		return TABLE;
	case CAP + 8:
		return PBA;
	default:
		break;
	}
	for (unsigned b = 0; b < PCI_BARS; b++) {
		if (sizes[i][b] != 0 && at == 0x10 + 8 * b)
			return (uint32_t)r->bar[b] | 4;
		if (sizes[i][b] != 0 && at == 0x14 + 8 * b)
			return r->bar[b] >> 32;
	}
	return 0;
}

static uint64_t part(uint64_t word, unsigned at, unsigned width)
{
	return word >> 8 * (at % 4) & ((UINT64_C(1) << 8 * width) - 1);
}

/* A write to some bytes of a word: what the whole word then would be, if all of it could be written. */
static uint32_t merged(uint64_t old, unsigned at, unsigned width, uint64_t value)
{
	uint64_t mask = ((UINT64_C(1) << 8 * width) - 1) << 8 * (at % 4);

	return (uint32_t)((old & ~mask) | (value << 8 * (at % 4) & mask));
}

static void ref_config_write(struct pci_world *w, unsigned i, unsigned at, unsigned width,
			     uint64_t value)
{
	struct pci_ref *r = &w->ref[i];
	unsigned word = at & ~3U;
	uint32_t now = merged(ref_config_word(w, i, word), at, width, value);

	if (word == 0x04)
		r->command = now & (MEMORY | MASTER | INTX_DISABLE);
	if (word == 0x0c)
		r->cache_line = (uint8_t)now;
	if (word == 0x3c)
		r->interrupt_line = (uint8_t)now;
	if (word == CAP)
		r->msix_control = now >> 16 & (ENABLE | MASK_ALL);
	for (unsigned b = 0; b < PCI_BARS; b++) {
		uint64_t bar = r->bar[b];

		if (word == 0x10 + 8 * b)
			bar = (bar & ~UINT64_C(0xffffffff)) | now;
		else if (word == 0x14 + 8 * b)
			bar = (bar & UINT64_C(0xffffffff)) | (uint64_t)now << 32;
		r->bar[b] = sizes[i][b] == 0 ? 0 : bar & ~(sizes[i][b] - 1);
	}
}

static bool ref_decodes(const struct pci_world *w, unsigned i, unsigned b)
{
	const struct pci_ref *r = &w->ref[i];

	return sizes[i][b] != 0 && (r->command & MEMORY) != 0 &&
	       (range_inside(r->bar[b], sizes[i][b], LOW, LOW_SIZE) ||
		range_inside(r->bar[b], sizes[i][b], HIGH, HIGH_SIZE));
}

static uint64_t ref_table_word(const struct pci_ref *r, uint64_t offset)
{
	unsigned v = (unsigned)(offset / 16);

	if (v >= WORLD_VECTORS)
		return 0;
	switch (offset / 4 % 4) {
	case 0:
		return (uint32_t)r->address[v];
	case 1:
		return r->address[v] >> 32;
	case 2:
		return r->data[v];
	default:
		return r->masked[v];
	}
}

static void ref_table_write(struct pci_ref *r, uint64_t offset, uint32_t value)
{
	unsigned v = (unsigned)(offset / 16);

	if (v >= WORLD_VECTORS)
		return;
	switch (offset / 4 % 4) {
	case 0:
		r->address[v] = (r->address[v] & ~UINT64_C(0xffffffff)) | (value & ~UINT32_C(3));
		break;
	case 1:
		r->address[v] = (uint32_t)r->address[v] | (uint64_t)value << 32;
		break;
	case 2:
		r->data[v] = value;
		break;
	default:
		r->masked[v] = (value & 1) != 0;
		break;
	}
}

static uint64_t ref_pba(const struct pci_ref *r)
{
	uint64_t bits = 0;

	for (unsigned v = 0; v < WORLD_VECTORS; v++)
		bits |= (uint64_t)r->pending[v] << v;
	return bits;
}

/* ---- steps ---- */

static uint64_t all_ones(unsigned width)
{
	return width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
}

/* What a driver might write there: so that BARs are decoded and vectors are on most of the time. */
static uint32_t sensible(unsigned at, uint32_t value)
{
	if (at == 0x04)
		return value | MEMORY | MASTER;
	if (at == CAP)
		return value | (uint32_t)ENABLE << 16;
	if (at >= 0x10 && at < 0x28 && at % 8 == 0)
		return (value & 0x3f000) | ((value & 1) != 0 ? (uint32_t)LOW : 0);
	if (at >= 0x10 && at < 0x28)
		return (value & 3) == 0 ? 0x80 : 0;
	return value;
}

static void config_step(struct pci_world *w)
{
	static const uint8_t likely[] = { 0x04, 0x06, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24,
					  0x3c, 0x40, 0x42, 0x44, 0x48, 0x00, 0x0c, 0x34 };
	unsigned i = below(w, WORLD_FUNCTIONS + 1), how = below(w, 64);
	unsigned width = 1U << (how & 3);
	unsigned at = how < 48 ? likely[below(w, ARRAY_SIZE(likely))] : (unsigned)draw(w, 2) % 4096;
	struct mmio_access access = { .width = (uint8_t)width, .write = below(w, 2) != 0 };
	bool legal;

	if (how >= 8 && how < 48) { /* mostly whole words */
		width = 4;
		access.width = 4;
		at &= ~3U;
	}
	if (at + width > 4096)
		return;
	access.offset = (uint64_t)(i < WORLD_FUNCTIONS ? slots[i] : 9) << 15 | at;
	access.value = draw(w, 4) & all_ones(width);
	if (access.write && width == 4 && below(w, 4) != 0)
		access.value = sensible(at, (uint32_t)access.value);
	pci_ecam_access(&w->host, &access);
	if (i == WORLD_FUNCTIONS) {
		if (!access.write)
			same(w, "an empty slot", access.value, all_ones(width));
		return;
	}
	legal = width <= 4 && at % width == 0 && at < PCI_CONFIG_BYTES;
	if (access.write) {
		if (legal)
			ref_config_write(w, i, at, width, access.value);
		return;
	}
	/* Class, revision and subsystem are 0 here, as is everything not named. */
	same(w, "configuration", access.value,
	     legal ? part(ref_config_word(w, i, at & ~3U), at, width) : 0);
}

/* Some address of some BAR, or of nothing. */
static uint64_t draw_address(struct pci_world *w, unsigned width)
{
	static const uint16_t likely[] = {
		0, TABLE - 4, TABLE, TABLE + 0x200, PBA, PBA + 8, 0x3ffc
	};
	unsigned i = below(w, WORLD_FUNCTIONS), b = below(w, 8) < 6 ? 0 : below(w, PCI_BARS);
	uint64_t at = w->ref[i].bar[b] + likely[below(w, ARRAY_SIZE(likely))] +
		      (uint64_t)width * below(w, 18);

	if (range_inside(at, width, LOW, LOW_SIZE) || range_inside(at, width, HIGH, HIGH_SIZE))
		return at;
	return LOW + draw(w, 3) % (LOW_SIZE - 8);
}

/* Where an access to function i, BAR 0 goes inside: false if to its owner. */
static bool ref_msix(struct pci_world *w, unsigned i, uint64_t offset,
		     const struct mmio_access *access, uint64_t wrote)
{
	struct pci_ref *r = &w->ref[i];
	bool whole = access->width >= 4 && offset % access->width == 0;
	bool two = access->width == 8;
	uint64_t want = 0;

	if (range_inside(offset, access->width, PBA, MSIX_PBA_BYTES)) {
		if (!access->write)
			same(w, "pending bits", access->value,
			     whole && offset == PBA ? ref_pba(r) : 0);
		return true;
	}
	if (!range_inside(offset, access->width, TABLE, MSIX_TABLE_BYTES))
		return false;
	offset -= TABLE;
	if (access->write && whole) {
		ref_table_write(r, offset, (uint32_t)wrote);
		if (two)
			ref_table_write(r, offset + 4, (uint32_t)(wrote >> 32));
	} else if (!access->write) {
		if (whole)
			want = ref_table_word(r, offset) |
			       (two ? ref_table_word(r, offset + 4) << 32 : 0);
		same(w, "vector table", access->value, want);
	}
	return true;
}

/* Of BARs that overlap, any may answer: the one that did is believed if it could. */
static int who_answered(const struct pci_world *w, uint64_t gpa, unsigned width, unsigned *bar)
{
	for (unsigned n = 0; n < w->host.decode_count; n++) {
		const struct pci_decode *d = &w->host.decode[n];
		unsigned i = (unsigned)(d->function - w->fn);
		bool ref = ref_decodes(w, i, d->bar) &&
			   range_inside(gpa, width, w->ref[i].bar[d->bar], sizes[i][d->bar]);
		bool model = d->gpa != PCI_NOWHERE && range_inside(gpa, width, d->gpa, d->size);

		same(w, "decoding", model, ref);
		if (ref && (w->host.hint[0] == n)) {
			*bar = d->bar;
			return (int)i;
		}
	}
	return -1;
}

static void memory_step(struct pci_world *w)
{
	unsigned how = below(w, 16), width = how < 4 ? 1U << how : how < 12 ? 4 : 8;
	uint64_t gpa = draw_address(w, width), wrote = draw(w, width);
	unsigned window = gpa >= HIGH ? 1 : 0, bar = 0;
	struct mmio_access access = {
		.offset = gpa - (window != 0 ? HIGH : LOW),
		.width = (uint8_t)width,
		.write = below(w, 2) != 0,
	};
	int i;

	access.value = wrote;
	w->hit = -1;
	pci_window_access(&w->host.window[window], &access);
	i = who_answered(w, gpa, width, &bar);
	if (i < 0) {
		same(w, "a hit", (uint64_t)w->hit, (uint64_t)-1);
		if (!access.write)
			same(w, "nobody's memory", access.value, all_ones(width));
		return;
	}
	w->hits++;
	if (bar == MSIX_BAR && ref_msix(w, (unsigned)i, gpa - w->ref[i].bar[bar], &access, wrote))
		return;
	same(w, "who was hit", (uint64_t)w->hit, (uint64_t)i);
	same(w, "BAR", w->hit_bar, bar);
	same(w, "offset", w->hit_offset, gpa - w->ref[i].bar[bar]);
}

static void device_step(struct pci_world *w)
{
	unsigned i = below(w, WORLD_FUNCTIONS), what = below(w, 240);
	struct pci_ref *r = &w->ref[i];
	unsigned v = below(w, WORLD_VECTORS + 1);

	if (what == 0) {
		pci_function_reset(&w->fn[i]);
		ref_reset(r);
	} else if (what < 60) {
		r->intx = (what & 1) != 0;
		pci_set_intx(&w->fn[i], r->intx);
	} else {
		pci_raise(&w->fn[i], v);
		if (v < WORLD_VECTORS && enabled(r))
			r->pending[v] = true; /* settle() sends it if it may go */
	}
}

static void check_messages(struct pci_world *w)
{
	settle(w);
	same(w, "number of messages", w->sent_count, w->expected_count);
	for (unsigned i = 0; i < w->expected_count; i++) {
		same(w, "message's address", w->sent[i].address, w->expected[i].address);
		same(w, "message's data", w->sent[i].data, w->expected[i].data);
	}
	w->messages += w->sent_count;
	w->sent_count = 0;
	w->expected_count = 0;
}

static void check_lines(const struct pci_world *w)
{
	bool want[PCI_LINES] = { false };

	for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
		const struct pci_ref *r = &w->ref[i];

		if (r->intx && !enabled(r) && (r->command & INTX_DISABLE) == 0)
			want[slots[i] % PCI_LINES] = true;
		same(w, "device lock", w->lock[i].held, 0);
	}
	for (unsigned n = 0; n < PCI_LINES; n++)
		same(w, "line", w->level[n], want[n]);
	same(w, "line lock", w->host.line_lock.held, 0);
}

void pci_world_step(struct pci_world *w)
{
	unsigned what = below(w, 8);

	w->step++;
	if (what < 3)
		config_step(w);
	else if (what < 6)
		memory_step(w);
	else
		device_step(w);
	check_messages(w);
	check_lines(w);
}
