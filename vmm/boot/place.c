/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan of guest RAM at start. A handful of places, so every question is a walk over all of them.
 *
 * place_high tries, from the top down, the end of the range and the space just below every place
 * already taken: the highest gap is always one of these.
 */
#include "vmm/boot/place.h"

#include <stdarg.h>

#include "vmm/base/fmt.h"
#include "vmm/base/util.h"

enum vmm_err boot_fail(struct boot_error *error, enum vmm_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

enum vmm_err place_init(struct place_plan *plan, const struct vmm_config *config,
			struct boot_error *error)
{
	*plan = (struct place_plan){ .config = config, .error = error };
	if (config->ram_count == 0 || config->ram_count > VMM_CONFIG_RAM)
		return boot_fail(error, VMM_ERR_INVALID, "configuration: %u RAM ranges",
				 config->ram_count);
	for (uint32_t i = 0; i < config->ram_count; i++) {
		const struct vmm_config_range *ram = &config->ram[i];
		uint64_t end;

		if (ram->host == 0 || ram->size == 0 || !add_u64(ram->gpa, ram->size, &end) ||
		    !add_u64(ram->host, ram->size, &end))
			return boot_fail(error, VMM_ERR_INVALID,
					 "configuration: RAM range %u is empty, unmapped or wraps",
					 i);
		for (uint32_t j = 0; j < i; j++) {
			if (overlaps(ram->gpa, ram->size, config->ram[j].gpa, config->ram[j].size))
				return boot_fail(error, VMM_ERR_INVALID,
						 "configuration: RAM ranges %u and %u overlap", j,
						 i);
		}
	}
	return VMM_OK;
}

/* The range that holds all of it, or NULL. */
static const struct vmm_config_range *range_of(const struct vmm_config *config, uint64_t gpa,
					       uint64_t size)
{
	for (uint32_t i = 0; i < config->ram_count; i++) {
		const struct vmm_config_range *ram = &config->ram[i];

		if (range_inside(gpa, size, ram->gpa, ram->size))
			return ram;
	}
	return NULL;
}

static const struct place *taken_by(const struct place_plan *plan, uint64_t gpa, uint64_t size)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (overlaps(gpa, size, plan->places[i].gpa, plan->places[i].size))
			return &plan->places[i];
	}
	return NULL;
}

static enum vmm_err take(struct place_plan *plan, const char *what, uint64_t gpa, uint64_t size,
			 const struct vmm_config_range *ram, struct place **out)
{
	struct place *place = &plan->places[plan->count];

	if (plan->count == PLACE_MAX)
		return boot_fail(plan->error, VMM_ERR_NOMEM, "%s: more than %d pieces to load",
				 what, PLACE_MAX);
	plan->count++;
	*place = (struct place){
		.what = what,
		.gpa = gpa,
		.size = size,
		.host = (unsigned char *)(uintptr_t)(ram->host + (gpa - ram->gpa)),
	};
	*out = place;
	return VMM_OK;
}

enum vmm_err place_fixed(struct place_plan *plan, const char *what, uint64_t gpa, uint64_t size,
			 struct place **out)
{
	const struct vmm_config *config = plan->config;
	const struct vmm_config_range *ram = range_of(config, gpa, size);
	const struct place *other;

	if (ram == NULL)
		return boot_fail(
			plan->error, VMM_ERR_RANGE,
			"%s: %lu bytes at 0x%lx do not fit in RAM (0x%lx bytes at 0x%lx%s)", what,
			size, gpa, config->ram[0].size, config->ram[0].gpa,
			config->ram_count > 1 ? " and other ranges" : "");
	other = taken_by(plan, gpa, size);
	if (other != NULL)
		return boot_fail(plan->error, VMM_ERR_RANGE,
				 "%s: %lu bytes at 0x%lx overlap %s (%lu bytes at 0x%lx)", what,
				 size, gpa, other->what, other->size, other->gpa);
	return take(plan, what, gpa, size, ram, out);
}

/* The highest aligned start at or below `limit` - size that lies in `ram`; false if there is none. */
static bool below(const struct vmm_config_range *ram, uint64_t limit, uint64_t size, uint64_t align,
		  uint64_t *gpa)
{
	if (limit < ram->gpa || limit - ram->gpa < size || limit - ram->gpa > ram->size)
		return false;
	*gpa = align_down(limit - size, align);
	return *gpa >= ram->gpa;
}

static bool highest_in(const struct place_plan *plan, const struct vmm_config_range *ram,
		       uint64_t size, uint64_t align, uint64_t *best)
{
	bool found = false;

	for (uint32_t i = 0; i <= plan->count; i++) {
		uint64_t limit = i == plan->count ? ram->gpa + ram->size : plan->places[i].gpa;
		uint64_t gpa;

		if (!below(ram, limit, size, align, &gpa) || taken_by(plan, gpa, size) != NULL)
			continue;
		if (!found || gpa > *best)
			*best = gpa;
		found = true;
	}
	return found;
}

enum vmm_err place_high(struct place_plan *plan, const char *what, uint64_t size, uint64_t align,
			struct place **out)
{
	const struct vmm_config *config = plan->config;
	uint64_t gpa = 0;

	for (uint32_t i = 0; i < config->ram_count; i++) {
		if (highest_in(plan, &config->ram[i], size, align, &gpa))
			return take(plan, what, gpa, size, &config->ram[i], out);
	}
	return boot_fail(plan->error, VMM_ERR_RANGE, "%s: no room for %lu bytes in guest RAM", what,
			 size);
}
