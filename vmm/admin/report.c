// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/admin/report.h"

#include <stddef.h>

void report_add(struct report *report, const char *path, const char *property, const char *found,
		const char *allowed)
{
	struct report_item item = {
		.path = path,
		.property = property != NULL ? property : "",
		.found = found,
		.allowed = allowed,
	};

	if (report->count < UINT32_MAX)
		report->count++;
	if (report->emit != NULL)
		report->emit(report->ctx, &item);
}

void text_clear(struct text *text)
{
	text->length = 0;
	text->at[0] = '\0';
}

static void text_put(struct text *text, char c)
{
	if (text->length + 1 >= sizeof(text->at))
		return;
	text->at[text->length++] = c;
	text->at[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	while (*string != '\0')
		text_put(text, *string++);
}

static void text_add_base(struct text *text, uint64_t value, unsigned base)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (count > 0)
		text_put(text, digits[--count]);
}

void text_add_number(struct text *text, uint64_t value)
{
	text_add_base(text, value, 10);
}

void text_add_hex(struct text *text, uint64_t value)
{
	text_add(text, "0x");
	text_add_base(text, value, 16);
}

void text_add_range(struct text *text, uint64_t base, uint64_t size)
{
	text_add_hex(text, base);
	text_add(text, " to ");
	text_add_hex(text, base + (size - 1));
}
