// SPDX-License-Identifier: BSD-2-Clause
/* What sysconf takes for an image of each kind, and what it says of one that is not. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "sysconf/payload.h"

struct seen {
	char found[256];
};

static void note(void *ctx, const struct report_item *item)
{
	struct seen *seen = ctx;

	strncpy(seen->found, item->found, sizeof(seen->found) - 1);
	assert_string_equal(item->path, "/images/x");
	assert_string_equal(item->property, "file");
}

static bool check(uint32_t kind, struct buffer *bytes, struct seen *seen)
{
	const struct system_image image = { .name = "x", .file = "x", .kind = kind };
	struct report report = { .emit = note, .ctx = seen };
	bool ok;

	memset(seen, 0, sizeof(*seen));
	ok = payload_check(&image, "/images/x", bytes, &report);
	assert_int_equal(report.count, ok ? 0 : 1);
	return ok;
}

/* An arm64 Image of a page: magic at 56, image_size at 16. */
static void make_image(struct buffer *bytes)
{
	uint8_t image[4096] = { 0 };

	image[17] = 0x10;
	memcpy(image + 56, "ARM\x64", 4);
	buffer_append(bytes, image, sizeof(image));
}

static void gzip(const struct buffer *from, struct buffer *to)
{
	uint8_t out[8192];
	z_stream z = { .next_in = from->data, .avail_in = (uInt)from->size };

	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buffer_append(to, out, sizeof(out) - z.avail_out);
	deflateEnd(&z);
}

static void images_are_taken_and_inflated(void **state)
{
	struct buffer plain = { 0 }, packed = { 0 };
	struct seen seen;

	(void)state;
	make_image(&plain);
	gzip(&plain, &packed);
	assert_true(check(SYSTEM_IMAGE_LINUX, &plain, &seen));
	assert_true(check(SYSTEM_IMAGE_LINUX, &packed, &seen));
	assert_int_equal(packed.size, plain.size);
	assert_memory_equal(packed.data, plain.data, plain.size);
	buffer_fini(&plain);
	buffer_fini(&packed);
}

static void truncated_gzip_is_told(void **state)
{
	struct buffer plain = { 0 }, packed = { 0 };
	struct seen seen;

	(void)state;
	make_image(&plain);
	gzip(&plain, &packed);
	packed.size -= 8;
	assert_false(check(SYSTEM_IMAGE_LINUX, &packed, &seen));
	assert_string_equal(seen.found, "a damaged or truncated gzip file");
	buffer_fini(&plain);
	buffer_fini(&packed);
}

static void other_files_are_named(void **state)
{
	static const uint32_t kinds[] = { SYSTEM_IMAGE_LINUX, SYSTEM_IMAGE_ELF, SYSTEM_IMAGE_INITRD,
					  SYSTEM_IMAGE_DTB, SYSTEM_IMAGE_OVERLAY };
	struct buffer text = { 0 }, elf = { 0 };
	struct seen seen;

	(void)state;
	buffer_append_text(&text, "nothing of any kind");
	buffer_append_text(&elf, "\x7f"
				 "ELF and no more");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_false(check(kinds[i], &text, &seen));
		assert_string_equal(seen.found, "a file of 19 bytes that begins with 0x68746f6e");
	}
	assert_false(check(SYSTEM_IMAGE_LINUX, &elf, &seen));
	assert_string_equal(seen.found, "an ELF file");
	assert_true(check(SYSTEM_IMAGE_RAW, &text, &seen));
	text.size = 0;
	assert_false(check(SYSTEM_IMAGE_RAW, &text, &seen));
	assert_string_equal(seen.found, "an empty file");
	buffer_fini(&text);
	buffer_fini(&elf);
}

/* The same as the target's loader (vmm/boot/elf.c) takes: what passes here starts there. */
static void elf_files_are_told_apart(void **state)
{
	struct buffer elf = { 0 };
	struct seen seen;
	Elf64_Ehdr header = {
		.e_type = ET_EXEC,
		.e_machine = EM_AARCH64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
	};

	(void)state;
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	buffer_append(&elf, &header, sizeof(header));
	assert_true(check(SYSTEM_IMAGE_ELF, &elf, &seen));
	header.e_type = ET_DYN;
	memcpy(elf.data, &header, sizeof(header));
	assert_false(check(SYSTEM_IMAGE_ELF, &elf, &seen));
	assert_string_equal(seen.found,
			    "an ELF file that is not an executable with fixed addresses (ET_EXEC)");
	header.e_machine = EM_X86_64;
	memcpy(elf.data, &header, sizeof(header));
	assert_false(check(SYSTEM_IMAGE_ELF, &elf, &seen));
	assert_string_equal(seen.found, "an ELF file for another machine");
	buffer_fini(&elf);
}

static void images_must_fit(void **state)
{
	static struct system system;
	struct system_vm *vm = &system.vms[0];
	struct buffer payloads[SYSTEM_IMAGES] = { { 0 } };
	struct report report = { 0 };

	(void)state;
	system.images[0].kind = SYSTEM_IMAGE_RAW;
	system.images[1].kind = SYSTEM_IMAGE_INITRD;
	*vm = (struct system_vm){ .name = "a",
				  .kernel = 0,
				  .initrd = 1,
				  .dtb = -1,
				  .overlay = -1,
				  .ram_count = 1,
				  .ram = { { 0x40000000, 0x200000 } } };
	payloads[0].size = 0x100000;
	payloads[1].size = 0x100000;
	payload_check_fit(&system, vm, payloads, &report);
	assert_int_equal(report.count, 0);
	payloads[1].size++;
	payload_check_fit(&system, vm, payloads, &report);
	assert_int_equal(report.count, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_taken_and_inflated),
		cmocka_unit_test(truncated_gzip_is_told),
		cmocka_unit_test(other_files_are_named),
		cmocka_unit_test(elf_files_are_told_apart),
		cmocka_unit_test(images_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
