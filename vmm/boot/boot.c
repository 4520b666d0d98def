/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One start of a VM: check, kernel, initrd, device tree.
 *
 * The kernel takes its place first because most cannot move; initrd and device tree go to the top of
 * RAM, away from a kernel that grows. Places that a configuration fixes are taken before free ones.
 */
#include "vmm/boot/boot.h"

#include <string.h>

#include "vmm/base/util.h"
#include "vmm/boot/dt.h"
#include "vmm/boot/kernel.h"

enum {
	INITRD_ALIGN = 4096,
	DT_ALIGN = 4096, /* booting.rst asks for 8 */
};

static enum vmm_err check_image(struct boot_error *error, const char *what,
				const struct vmm_config_image *image)
{
	uint64_t end;

	if (image->size != 0 && (image->host == 0 || !add_u64(image->host, image->size, &end) ||
				 image->size > INT32_MAX))
		return boot_fail(error, VMM_ERR_INVALID,
				 "configuration: %s: 0x%lx bytes at 0x%lx is no image", what,
				 image->size, image->host);
	return VMM_OK;
}

/* Only what the code below relies on; the run loop checks the rest for itself. */
static enum vmm_err check_config(const struct vmm_config *config, struct boot_error *error)
{
	const struct {
		const char *what;
		const struct vmm_config_image *image;
	} images[] = {
		{ "kernel", &config->kernel },
		{ "initrd", &config->initrd },
		{ "device tree", &config->dtb },
		{ "overlay", &config->overlay },
	};

	if (config->vcpu_count == 0 || config->vcpu_count > VMM_CONFIG_VCPUS ||
	    config->device_count > VMM_CONFIG_DEVICES ||
	    (config->gic_version != 2 && config->gic_version != 3))
		return boot_fail(error, VMM_ERR_INVALID,
				 "configuration: %u vCPUs, %u devices, GIC version %u",
				 config->vcpu_count, config->device_count, config->gic_version);
	if (memchr(config->cmdline, '\0', sizeof(config->cmdline)) == NULL)
		return boot_fail(error, VMM_ERR_INVALID,
				 "configuration: the command line does not end");
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		enum vmm_err err = check_image(error, images[i].what, images[i].image);

		if (err != VMM_OK)
			return err;
	}
	return VMM_OK;
}

static enum vmm_err load_kernel(struct place_plan *plan, uint64_t *pc)
{
	const struct vmm_config_image *image = &plan->config->kernel;

	if (image->kind == VMM_IMAGE_NONE || image->size == 0)
		return boot_fail(plan->error, VMM_ERR_INVALID, "kernel: there is none");
	switch (image->kind) {
	case VMM_IMAGE_LINUX:
		return kernel_linux(plan, image, pc);
	case VMM_IMAGE_ELF:
		return kernel_elf(plan, image, pc);
	case VMM_IMAGE_RAW:
		return kernel_raw(plan, image, pc);
	default:
		return boot_fail(plan->error, VMM_ERR_UNSUPPORTED, "kernel: image kind %u",
				 image->kind);
	}
}

static enum vmm_err place_at(struct place_plan *plan, const char *what, uint64_t gpa, uint64_t size,
			     uint64_t align, struct place **out)
{
	if (gpa == 0)
		return place_high(plan, what, size, align, out);
	if (gpa % 8 != 0) {
		boot_fail(plan->error, VMM_ERR_INVALID, "%s: 0x%lx is not a multiple of 8", what,
			  gpa);
		return VMM_ERR_INVALID;
	}
	return place_fixed(plan, what, gpa, size, out);
}

static enum vmm_err load_initrd(struct place_plan *plan, struct dt_input *input)
{
	const struct vmm_config_image *image = &plan->config->initrd;
	struct place *place;
	enum vmm_err err;

	if (image->size == 0)
		return VMM_OK;
	err = place_at(plan, "initrd", image->gpa, image->size, INITRD_ALIGN, &place);
	if (err != VMM_OK)
		return err;
	/* boot_fail() never returns VMM_OK. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	memcpy(place->host, (const void *)(uintptr_t)image->host, image->size);
	input->initrd_gpa = place->gpa;
	input->initrd_size = place->size;
	return VMM_OK;
}

static enum vmm_err load_tree(struct place_plan *plan, const struct dt_input *input, uint64_t *gpa)
{
	const struct vmm_config *config = plan->config;
	uint64_t space = dt_space(config);
	struct place *tree, *overlay;
	void *scratch = NULL;
	enum vmm_err err;

	err = place_at(plan, "device tree", config->dtb.gpa, space, DT_ALIGN, &tree);
	if (err != VMM_OK)
		return err;
	if (config->overlay.size != 0) {
		err = place_high(plan, "overlay", config->overlay.size, DT_ALIGN, &overlay);
		if (err != VMM_OK)
			return err;
		scratch = overlay->host;
	}
	/* As above. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	*gpa = tree->gpa;
	return dt_build(input, tree->host, space, scratch, plan->error);
}

enum vmm_err boot_load(const struct vmm_config *config, struct seed *seed, struct boot_entry *entry,
		       struct boot_error *error)
{
	struct dt_input input = { .config = config, .seed = seed };
	struct boot_entry result = { 0 };
	struct place_plan plan;
	enum vmm_err err;

	err = check_config(config, error);
	if (err != VMM_OK)
		return err;
	err = place_init(&plan, config, error);
	if (err != VMM_OK)
		return err;
	err = load_kernel(&plan, &result.pc);
	if (err != VMM_OK)
		return err;
	err = load_initrd(&plan, &input);
	if (err != VMM_OK)
		return err;
	err = load_tree(&plan, &input, &result.dtb);
	if (err != VMM_OK)
		return err;

	for (uint32_t i = 0; i < plan.count; i++) {
		result.written[i] = (struct boot_range){
			.host = (uintptr_t)plan.places[i].host,
			.size = plan.places[i].size,
		};
	}
	result.written_count = plan.count;
	*entry = result;
	return VMM_OK;
}
