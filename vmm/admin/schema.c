// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/admin/schema.h"

#include <libfdt.h>
#include <string.h>

#include "vmm/admin/system.h"

/* A property as it stands in the blob. */
struct value {
	const char *name;
	const uint8_t *data;
	size_t length;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/*
 * Up to libfdt 1.6.1 at least, fdt_check_full() itself dereferences NULL when the root of a tree of a
 * version before 16 has no name.
 */
bool schema_blob_ok(const void *fdt, size_t size)
{
	enum { VERSION_MIN = 16 };

	return size >= sizeof(struct fdt_header) && fdt_magic(fdt) == FDT_MAGIC &&
	       fdt_version(fdt) >= VERSION_MIN && fdt_check_full(fdt, size) == 0;
}

const char *schema_name(const struct schema_node *node)
{
	const char *name = fdt_get_name(node->fdt, node->offset, NULL);

	return name != NULL ? name : "?";
}

void schema_root(struct schema_node *root, const void *fdt)
{
	root->fdt = fdt;
	root->offset = 0;
	text_clear(&root->path);
	text_add(&root->path, "/");
}

static void child_at(const struct schema_node *parent, int offset, struct schema_node *child)
{
	child->fdt = parent->fdt;
	child->offset = offset;
	child->path = parent->path;
	if (parent->path.length > 1)
		text_add(&child->path, "/");
	text_add(&child->path, schema_name(child));
}

bool schema_child(const struct schema_node *parent, const char *name, struct schema_node *child)
{
	struct schema_node each = { .offset = -1 };

	/* Not fdt_subnode_offset(): it takes "uart" for "uart@9000000". */
	while (schema_next(parent, &each)) {
		if (strcmp(schema_name(&each), name) == 0) {
			*child = each;
			return true;
		}
	}
	return false;
}

bool schema_next(const struct schema_node *parent, struct schema_node *child)
{
	int offset = child->offset < 0 ? fdt_first_subnode(parent->fdt, parent->offset)
				       : fdt_next_subnode(parent->fdt, child->offset);

	if (offset < 0)
		return false;
	child_at(parent, offset, child);
	return true;
}

bool schema_has(const struct schema_node *node, const char *property)
{
	return fdt_getprop(node->fdt, node->offset, property, NULL) != NULL;
}

bool schema_name_ok(const char *name)
{
	size_t length = 0;

	for (; name[length] != '\0'; length++) {
		char c = name[length];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if ((!plain && (c != '-' || length == 0)) || length >= SYSTEM_NAME - 1)
			return false;
	}
	return length > 0;
}

/* The whole value is one string: one NUL, at its end. */
static bool is_string(const struct value *v)
{
	return v->length > 0 && memchr(v->data, '\0', v->length) == v->data + v->length - 1;
}

static bool is_printable(const struct value *v)
{
	for (size_t i = 0; i + 1 < v->length; i++) {
		if (v->data[i] < ' ' || v->data[i] > '~')
			return false;
	}
	return is_string(v);
}

/* The value in the words of the description's author, as far as a blob shows them. */
static void describe_value(struct text *text, const struct schema_property *p,
			   const struct value *v)
{
	bool ranges = p->type == SCHEMA_RANGE || p->type == SCHEMA_RANGES;

	text_clear(text);
	if (v->length == 0) {
		text_add(text, "an empty value");
	} else if (v->length > 1 && is_printable(v)) {
		text_add(text, "\"");
		text_add(text, (const char *)v->data);
		text_add(text, "\"");
	} else if (v->length == 4) {
		text_add_number(text, be32(v->data));
	} else if (v->length == 8) {
		text_add_hex(text, be64(v->data));
	} else if (v->length == 16 && ranges) {
		text_add_hex(text, be64(v->data));
		text_add(text, " ");
		text_add_hex(text, be64(v->data + 8));
	} else {
		text_add_number(text, v->length);
		text_add(text, " bytes");
	}
}

static void describe_limits(struct text *text, const struct schema_property *p)
{
	text_clear(text);
	text_add(text, "a number from ");
	if (p->max > 0xffff)
		text_add_hex(text, p->min);
	else
		text_add_number(text, p->min);
	text_add(text, " to ");
	if (p->max > 0xffff)
		text_add_hex(text, p->max);
	else
		text_add_number(text, p->max);
}

static bool read_number(const struct schema_property *p, const struct value *v, void *at,
			struct text *allowed)
{
	uint64_t number;

	describe_limits(allowed, p);
	if (v->length == 4)
		number = be32(v->data);
	else if (v->length == 8 && p->type == SCHEMA_U64)
		number = be64(v->data);
	else
		return false;
	if (number < p->min || number > p->max)
		return false;
	if (p->type == SCHEMA_U64)
		*(uint64_t *)at = number;
	else
		*(uint32_t *)at = (uint32_t)number;
	return true;
}

static bool read_cells(const struct schema_property *p, const struct value *v, uint32_t *at,
		       uint32_t *count, struct text *allowed)
{
	describe_limits(allowed, p);
	text_add(allowed, ", at least 1 and at most ");
	text_add_number(allowed, p->max_count);
	text_add(allowed, " of them");
	if (v->length == 0 || v->length % 4 != 0 || v->length / 4 > p->max_count)
		return false;
	for (size_t i = 0; i < v->length / 4; i++) {
		if (be32(v->data + 4 * i) < p->min || be32(v->data + 4 * i) > p->max)
			return false;
	}
	for (size_t i = 0; i < v->length / 4; i++)
		at[i] = be32(v->data + 4 * i);
	*count = (uint32_t)(v->length / 4);
	return true;
}

static bool read_ranges(const struct schema_property *p, const struct value *v,
			struct system_range *at, uint32_t *count, struct text *allowed)
{
	size_t places = p->type == SCHEMA_RANGE ? 1 : p->max_count;

	text_clear(allowed);
	text_add(allowed, "/bits/ 64 <address size>");
	if (places > 1) {
		text_add(allowed, ", up to ");
		text_add_number(allowed, places);
		text_add(allowed, " such pairs");
	}
	text_add(allowed, "; size not 0, multiples of 0x1000 below 1 << 40");
	if (v->length == 0 || v->length % 16 != 0 || v->length / 16 > places)
		return false;
	for (size_t i = 0; i < v->length / 16; i++) {
		uint64_t base = be64(v->data + 16 * i), size = be64(v->data + 16 * i + 8);

		if (size == 0 || ((base | size) & 0xfff) != 0 || base >= SYSTEM_ADDRESS_LIMIT ||
		    size > SYSTEM_ADDRESS_LIMIT - base)
			return false;
	}
	for (size_t i = 0; i < v->length / 16; i++) {
		at[i].base = be64(v->data + 16 * i);
		at[i].size = be64(v->data + 16 * i + 8);
	}
	if (count != NULL)
		*count = (uint32_t)(v->length / 16);
	return true;
}

static bool read_string(const struct schema_property *p, const struct value *v, const char **at,
			struct text *allowed)
{
	text_clear(allowed);
	if (p->type == SCHEMA_NAME) {
		text_add(allowed, "a name of 1 to 31 of a-z, 0-9 and '-'");
		if (!is_string(v) || !schema_name_ok((const char *)v->data))
			return false;
	} else {
		text_add(allowed, "a string of printable characters, at most ");
		text_add_number(allowed, p->max);
		if (!is_printable(v) || v->length - 1 > p->max)
			return false;
	}
	*at = (const char *)v->data;
	return true;
}

static bool read_choice(const struct schema_property *p, const struct value *v, uint32_t *at,
			struct text *allowed)
{
	text_clear(allowed);
	for (uint32_t i = 0; p->choices[i] != NULL; i++) {
		if (p->choices[i][0] == '\0')
			continue;
		text_add(allowed, allowed->length == 0 ? "\"" : " or \"");
		text_add(allowed, p->choices[i]);
		text_add(allowed, "\"");
		if (is_string(v) && strcmp((const char *)v->data, p->choices[i]) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

static bool read_flag(const struct value *v, uint32_t *at, struct text *allowed)
{
	text_clear(allowed);
	text_add(allowed, "the property without a value");
	if (v->length != 0)
		return false;
	*at = 1;
	return true;
}

static bool read_bytes(const struct schema_property *p, const struct value *v, uint8_t *at,
		       struct text *allowed)
{
	text_clear(allowed);
	text_add_number(allowed, p->max_count);
	text_add(allowed, " bytes, as in [02 00 ...]");
	if (v->length != p->max_count)
		return false;
	memcpy(at, v->data, v->length);
	return true;
}

static bool read_property(const struct schema_property *p, const struct value *v, void *out,
			  struct text *allowed)
{
	char *at = (char *)out + p->offset;
	void *count = (char *)out + p->count_offset;

	switch (p->type) {
	case SCHEMA_U32:
	case SCHEMA_U64:
		return read_number(p, v, (void *)at, allowed);
	case SCHEMA_CELLS:
		return read_cells(p, v, (void *)at, count, allowed);
	case SCHEMA_RANGE:
		return read_ranges(p, v, (void *)at, NULL, allowed);
	case SCHEMA_RANGES:
		return read_ranges(p, v, (void *)at, count, allowed);
	case SCHEMA_NAME:
	case SCHEMA_STRING:
		return read_string(p, v, (void *)at, allowed);
	case SCHEMA_FLAG:
		return read_flag(v, (void *)at, allowed);
	case SCHEMA_BYTES:
		return read_bytes(p, v, (void *)at, allowed);
	case SCHEMA_CHOICE:
		return read_choice(p, v, (void *)at, allowed);
	}
	return false;
}

static void list_names(struct text *text, const struct schema_property *table, size_t count)
{
	text_clear(text);
	text_add(text, count > 0 ? "one of:" : "no property");
	for (size_t i = 0; i < count; i++) {
		text_add(text, " ");
		text_add(text, table[i].name);
	}
}

static const struct schema_property *find(const struct schema_property *table, size_t count,
					  const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

void schema_read(struct report *report, const struct schema_node *node,
		 const struct schema_property *table, size_t table_count, void *out)
{
	struct text found, allowed;
	int at;

	fdt_for_each_property_offset(at, node->fdt, node->offset)
	{
		struct value v;
		int length = 0;
		const struct schema_property *p;

		v.data = fdt_getprop_by_offset(node->fdt, at, &v.name, &length);
		if (v.data == NULL)
			continue;
		v.length = (size_t)length;
		p = find(table, table_count, v.name);
		if (p == NULL) {
			list_names(&allowed, table, table_count);
			report_add(report, node->path.at, v.name, "an unknown property",
				   allowed.at);
		} else if (!read_property(p, &v, out, &allowed)) {
			describe_value(&found, p, &v);
			report_add(report, node->path.at, v.name, found.at, allowed.at);
		}
	}
	for (size_t i = 0; i < table_count; i++) {
		if (table[i].required && !schema_has(node, table[i].name))
			report_add(report, node->path.at, table[i].name, "nothing",
				   "a value: the property is required");
	}
}

void schema_only_children(struct report *report, const struct schema_node *node,
			  const char *const *names)
{
	struct schema_node child = { .offset = -1 };

	while (schema_next(node, &child)) {
		struct text allowed;
		bool known = false;

		text_clear(&allowed);
		text_add(&allowed, names[0] != NULL ? "only:" : "no node");
		for (size_t i = 0; names[i] != NULL; i++) {
			known = known || strcmp(names[i], schema_name(&child)) == 0;
			text_add(&allowed, " ");
			text_add(&allowed, names[i]);
		}
		if (!known)
			report_add(report, child.path.at, NULL, "an unknown node", allowed.at);
	}
}
