/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a flattened device tree: see fdt.h. */
#include "standin/lib/fdt.h"

#include "standin/lib/string.h"

#define MAGIC 0xd00dfeedu

enum {
	HEADER = 40,
	TOKEN_BEGIN = 1,
	TOKEN_END = 2,
	TOKEN_PROP = 3,
	TOKEN_NOP = 4,
	DEPTH_MAX = 16,
};

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

bool fdt_open(struct fdt *f, const void *blob, u64 max)
{
	const u8 *p = blob;

	if (max < HEADER || be32(p) != MAGIC)
		return false;
	*f = (struct fdt){
		.base = p,
		.size = be32(p + 4),
		.struct_at = be32(p + 8),
		.strings_at = be32(p + 12),
		.strings_size = be32(p + 32),
		.struct_size = be32(p + 36),
	};
	return f->size <= max && f->struct_at % 4 == 0 && f->struct_at <= f->size &&
	       f->struct_size <= f->size - f->struct_at && f->strings_at <= f->size &&
	       f->strings_size <= f->size - f->strings_at;
}

/* A word of the structure block; 0, which is no token, behind its end. */
static u32 word(const struct fdt *f, u32 at)
{
	return at <= f->struct_size && f->struct_size - at >= 4 ? be32(f->base + f->struct_at + at)
								: 0;
}

/* Length of the string at p, which ends before `end`; -1 if it does not. */
static int bounded_length(const u8 *p, const u8 *end)
{
	for (int n = 0; p + n < end; n++)
		if (p[n] == '\0')
			return n;
	return -1;
}

struct prop {
	const char *name;
	const u8 *value;
	u32 length;
};

/* The property at `at`; returns where the next token is, or 0 if there is no sound property. */
static u32 read_prop(const struct fdt *f, u32 at, struct prop *p)
{
	u32 name = word(f, at + 8);
	const u8 *strings = f->base + f->strings_at;

	p->length = word(f, at + 4);
	if (word(f, at) != TOKEN_PROP || at + 12 > f->struct_size ||
	    p->length > f->struct_size - at - 12 || name >= f->strings_size ||
	    bounded_length(strings + name, strings + f->strings_size) < 0)
		return 0;
	p->name = (const char *)strings + name;
	p->value = f->base + f->struct_at + at + 12;
	return (u32)align_up(at + 12 + p->length, 4);
}

const void *fdt_prop(const struct fdt_node *n, const char *name, u32 *length)
{
	u32 at = n->at, next;
	struct prop p;

	for (;;) {
		if (word(n->fdt, at) == TOKEN_NOP) {
			at += 4;
			continue;
		}
		next = read_prop(n->fdt, at, &p);
		if (next == 0)
			return NULL;
		if (strlen(p.name) == strlen(name) && memcmp(p.name, name, strlen(name)) == 0) {
			*length = p.length;
			return p.value;
		}
		at = next;
	}
}

static u32 cells(const struct fdt_node *n, const char *name, u32 otherwise)
{
	u32 length;
	const u8 *v = fdt_prop(n, name, &length);

	return v != NULL && length == 4 && be32(v) <= 2 ? be32(v) : otherwise;
}

void fdt_walk(const struct fdt *f, void (*visit)(const struct fdt_node *n, void *arg), void *arg)
{
	struct {
		u32 address, size;
	} in[DEPTH_MAX] = { { 2, 1 } };
	u32 at = 0, depth = 0, token;
	const u8 *end = f->base + f->struct_at + f->struct_size;

	while ((token = word(f, at)) != 0) {
		struct prop p;

		if (token == TOKEN_BEGIN) {
			const u8 *name = f->base + f->struct_at + at + 4;
			int length = bounded_length(name, end);
			struct fdt_node n = { .name = (const char *)name, .fdt = f };

			if (length < 0 || depth + 1 == DEPTH_MAX)
				return;
			at = (u32)align_up(at + 4 + (u32)length + 1, 4);
			n.at = at;
			n.address_cells = in[depth].address;
			n.size_cells = in[depth].size;
			visit(&n, arg);
			depth++;
			in[depth].address = cells(&n, "#address-cells", 2);
			in[depth].size = cells(&n, "#size-cells", 1);
		} else if (token == TOKEN_END) {
			if (depth == 0)
				return;
			depth--;
			at += 4;
		} else if (token == TOKEN_NOP) {
			at += 4;
		} else {
			at = read_prop(f, at, &p);
			if (at == 0)
				return;
		}
	}
}

static u64 number(const u8 *p, u32 n)
{
	u64 v = 0;

	for (u32 i = 0; i < n; i++)
		v = v << 32 | be32(p + i * 4);
	return v;
}

bool fdt_reg(const struct fdt_node *n, unsigned i, u64 *address, u64 *size)
{
	u32 length, entry = (n->address_cells + n->size_cells) * 4;
	const u8 *v = fdt_prop(n, "reg", &length);

	if (v == NULL || entry == 0 || length / entry <= i)
		return false;
	*address = number(v + i * entry, n->address_cells);
	*size = number(v + i * entry + n->address_cells * 4, n->size_cells);
	return true;
}

bool fdt_compatible(const struct fdt_node *n, const char *what)
{
	u32 length = 0;
	const u8 *v = fdt_prop(n, "compatible", &length), *end;
	int part;

	if (v == NULL)
		return false;
	for (end = v + length; v < end; v += part + 1) {
		part = bounded_length(v, end);
		if (part < 0)
			return false;
		if ((size_t)part == strlen(what) && memcmp(v, what, (size_t)part) == 0)
			return true;
	}
	return false;
}
