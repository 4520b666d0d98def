/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of address ranges. */
#include "standin/boot/boot.h"

static bool insert_at(struct regions *l, unsigned at, struct region r)
{
	if (l->count == REGIONS_MAX)
		return false;
	for (unsigned i = l->count; i > at; i--)
		l->r[i] = l->r[i - 1];
	l->r[at] = r;
	l->count++;
	return true;
}

static void delete_at(struct regions *l, unsigned at)
{
	l->count--;
	for (unsigned i = at; i < l->count; i++)
		l->r[i] = l->r[i + 1];
}

bool regions_add(struct regions *l, u64 start, u64 end)
{
	unsigned i = 0;

	if (start >= end)
		return true;
	while (i < l->count && l->r[i].end < start)
		i++;
	while (i < l->count && l->r[i].start <= end) {
		if (l->r[i].start < start)
			start = l->r[i].start;
		if (l->r[i].end > end)
			end = l->r[i].end;
		delete_at(l, i);
	}
	return insert_at(l, i, (struct region){ start, end });
}

bool regions_remove(struct regions *l, u64 start, u64 end)
{
	if (start >= end)
		return true;
	for (unsigned i = 0; i < l->count; i++) {
		struct region r = l->r[i];

		if (r.end <= start || r.start >= end)
			continue;
		delete_at(l, i);
		if (end < r.end && !insert_at(l, i, (struct region){ end, r.end }))
			return false;
		if (r.start < start) {
			if (!insert_at(l, i, (struct region){ r.start, start }))
				return false;
		} else if (end >= r.end) {
			i--; /* unsigned wrap at 0 is undone by the loop's increment */
		}
	}
	return true;
}

bool regions_contain(const struct regions *l, u64 at)
{
	for (unsigned i = 0; i < l->count; i++)
		if (at >= l->r[i].start && at < l->r[i].end)
			return true;
	return false;
}
