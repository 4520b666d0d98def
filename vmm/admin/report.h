/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How errors in a system description are told. Each finding names the node, the property, what was
 * found there and what is allowed, so that nobody has to read a parser to mend a description.
 *
 * The reader of a description goes on after an error, to find the others too; the caller looks at
 * `count` at the end and uses nothing of the result unless it is zero.
 */
#pragma once

#include <stdint.h>

/* All strings are borrowed for the time of the call. */
struct report_item {
	const char *path;     /* of the node, "/vms/hello" */
	const char *property; /* "" when the finding concerns the node itself */
	const char *found;
	const char *allowed;
};

struct report {
	void (*emit)(void *ctx, const struct report_item *item);
	void *ctx;
	unsigned count;
};

/** Counts the finding and hands it on. `property` may be NULL for "the node itself". */
void report_add(struct report *report, const char *path, const char *property, const char *found,
		const char *allowed);

/* A short text made of parts; what does not fit is cut off, the text always ends with a NUL. */
struct text {
	char at[192];
	uint32_t length;
};

void text_clear(struct text *text);
void text_add(struct text *text, const char *string);
void text_add_number(struct text *text, uint64_t value);
void text_add_hex(struct text *text, uint64_t value);
/** "0x1000 to 0x1fff": the first and the last byte; `size` is not zero. */
void text_add_range(struct text *text, uint64_t base, uint64_t size);
