// SPDX-License-Identifier: BSD-2-Clause
#include "sysconf/payload.h"

#include <elf.h>
#include <string.h>
#include <zlib.h>

#include "vmm/admin/schema.h"

#define INFLATED_MAX (UINT64_C(512) << 20)

/* The header of an arm64 Image: Linux Documentation/arch/arm64/booting.rst. */
enum {
	IMAGE_TEXT_OFFSET = 8,
	IMAGE_SIZE = 16,
	IMAGE_FLAGS = 24,
	IMAGE_MAGIC_AT = 56,
	IMAGE_HEADER = 64,
	IMAGE_MAGIC = 0x644d5241, /* "ARM\x64" */
};

static uint64_t le(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

static bool is_gzip(const struct buffer *b)
{
	return b->size > 18 && b->data[0] == 0x1f && b->data[1] == 0x8b && b->data[2] == 8;
}

static bool is_image(const struct buffer *b)
{
	return b->size >= IMAGE_HEADER && le(b->data + IMAGE_MAGIC_AT, 4) == IMAGE_MAGIC;
}

/* NULL if it went well, else what is wrong. `in` is then replaced by its content. */
static const char *inflate_buffer(struct buffer *in)
{
	static uint8_t chunk[1 << 18];
	struct buffer out = { 0 };
	z_stream z = { .next_in = in->data, .avail_in = (uInt)in->size };
	const char *wrong = NULL;
	int result;

	if (in->size > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return "a gzip file that is too large";
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		result = inflate(&z, Z_NO_FLUSH);
		buffer_append(&out, chunk, sizeof(chunk) - z.avail_out);
	} while (result == Z_OK && out.size <= INFLATED_MAX);
	inflateEnd(&z);
	if (result != Z_STREAM_END)
		wrong = out.size > INFLATED_MAX ? "more than 512 MiB when inflated"
						: "a damaged or truncated gzip file";
	if (wrong != NULL) {
		buffer_fini(&out);
		return wrong;
	}
	buffer_fini(in);
	*in = out;
	return NULL;
}

static void describe_start(struct text *text, const struct buffer *b)
{
	text_clear(text);
	if (b->size >= 4 && memcmp(b->data, ELFMAG, SELFMAG) == 0) {
		text_add(text, "an ELF file");
	} else if (is_gzip(b)) {
		text_add(text, "a gzip file");
	} else if (is_image(b)) {
		text_add(text, "an arm64 Image");
	} else if (b->size >= 2 && memcmp(b->data, "MZ", 2) == 0) {
		text_add(text, "an EFI program");
	} else {
		text_add(text, "a file of ");
		text_add_number(text, b->size);
		text_add(text, " bytes that begins with ");
		text_add_hex(text, le(b->data, b->size < 4 ? b->size : 4));
	}
}

static const char *check_linux(struct buffer *b, const char **allowed)
{
	*allowed = "an arm64 Image, plain or gzip'd";
	if (is_gzip(b)) {
		const char *wrong = inflate_buffer(b);

		if (wrong != NULL)
			return wrong;
	}
	if (!is_image(b))
		return "";
	if (le(b->data + IMAGE_SIZE, 8) == 0)
		return "an arm64 Image with image_size 0 (Linux before 3.17)";
	if ((le(b->data + IMAGE_FLAGS, 8) & 1) != 0)
		return "a big-endian arm64 Image";
	return NULL;
}

static const char *check_elf(struct buffer *b, const char **allowed)
{
	Elf64_Ehdr header;

	*allowed = "a 64-bit little-endian AArch64 executable";
	if (b->size < sizeof(header) || memcmp(b->data, ELFMAG, SELFMAG) != 0)
		return "";
	memcpy(&header, b->data, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return "an ELF file that is not 64-bit little-endian";
	if (header.e_machine != EM_AARCH64)
		return "an ELF file for another machine";
	if (header.e_type != ET_EXEC)
		return "an ELF file that is not an executable with fixed addresses (ET_EXEC)";
	if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > b->size ||
	    header.e_phnum > (b->size - header.e_phoff) / sizeof(Elf64_Phdr))
		return "an ELF file that is cut off";
	return NULL;
}

static const char *check_fdt(struct buffer *b, const char **allowed)
{
	*allowed = "a compiled device tree blob";
	return schema_blob_ok(b->data, b->size) ? NULL : "";
}

static const char *check_initrd(struct buffer *b, const char **allowed)
{
	static const struct {
		uint8_t length;
		const char *magic;
	} known[] = {
		{ 5, "07070" },
		{ 2, "\x1f\x8b" },
		{ 6, "\xfd"
		     "7zXZ" },
		{ 4, "\x28\xb5\x2f\xfd" },
		{ 3, "BZh" },
		{ 4, "\x02\x21\x4c\x18" },
		{ 3, "\x5d\x00\x00" },
		{ 4, "\x89LZO" },
	};

	*allowed = "a cpio archive, plain or compressed as Linux can unpack it";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (b->size > known[i].length &&
		    memcmp(b->data, known[i].magic, known[i].length) == 0)
			return NULL;
	}
	/* An ext2 image serves as well: its magic is in the superblock. */
	if (b->size > 1082 && le(b->data + 1080, 2) == 0xef53)
		return NULL;
	return "";
}

static const char *check_any(struct buffer *b, const char **allowed)
{
	(void)b;
	*allowed = "a file that is not empty";
	return NULL;
}

static const char *(*const checks[])(struct buffer *, const char **) = {
	[SYSTEM_IMAGE_LINUX] = check_linux, [SYSTEM_IMAGE_ELF] = check_elf,
	[SYSTEM_IMAGE_RAW] = check_any,     [SYSTEM_IMAGE_INITRD] = check_initrd,
	[SYSTEM_IMAGE_DTB] = check_fdt,     [SYSTEM_IMAGE_OVERLAY] = check_fdt,
};

bool payload_check(const struct system_image *image, const char *path, struct buffer *bytes,
		   struct report *report)
{
	const char *allowed = "a file that is not empty", *wrong;
	struct text found;

	wrong = bytes->size == 0 ? "an empty file" : checks[image->kind](bytes, &allowed);
	if (wrong == NULL)
		return true;
	if (wrong[0] == '\0') {
		describe_start(&found, bytes);
		wrong = found.at;
	}
	report_add(report, path, "file", wrong, allowed);
	return false;
}

/* What the image takes in guest RAM. */
static uint64_t footprint(const struct system_image *image, const struct buffer *payload)
{
	uint64_t size = payload->size;

	if (image->kind == SYSTEM_IMAGE_LINUX && is_image(payload) &&
	    le(payload->data + IMAGE_SIZE, 8) > size)
		size = le(payload->data + IMAGE_SIZE, 8);
	return size;
}

void payload_check_fit(const struct system *system, const struct system_vm *vm,
		       const struct buffer *payloads, struct report *report)
{
	const int32_t images[] = { vm->kernel, vm->initrd, vm->dtb };
	uint64_t need = 0;
	struct text path, found, allowed;

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		if (images[i] >= 0)
			need += footprint(&system->images[images[i]], &payloads[images[i]]);
	}
	if (need <= system_vm_ram(vm))
		return;
	text_clear(&path);
	text_add(&path, "/vms/");
	text_add(&path, vm->name);
	text_clear(&found);
	text_add_number(&found, system_vm_ram(vm) >> 20);
	text_add(&found, " MiB");
	text_clear(&allowed);
	text_add(&allowed, "at least ");
	text_add_number(&allowed, (need + (1 << 20) - 1) >> 20);
	text_add(&allowed, " MiB: the sum of its images in memory");
	report_add(report, path.at, vm->ram_count == 1 ? "memory-mib" : "ram", found.at,
		   allowed.at);
}
