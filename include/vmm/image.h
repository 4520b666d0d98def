/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system image: one file in the arm64 `Image` format that holds everything a system needs.
 *
 *   loader      flat binary, ends with page-aligned padding
 *   manifest    struct vmm_image_manifest, for the loader
 *   pieces      loadable bytes of kernel and root task
 *   blob        struct vmm_blob, then the compiled description: for the root task
 *   archive     programs and guest images, page-aligned, large ones aligned to 2 MiB
 *
 * The boot firmware puts the file at a multiple of 2 MiB. The loader copies the pieces to where they
 * run and the blob behind the root task's image; the archive stays where it is, in memory that the
 * kernel hands out as device untyped and never clears.
 *
 * Written by sysconf (sysconf/image.h), read by the loader (standin/loader) and the root task. All
 * numbers are little-endian. The packer has checked the ELF files; the loader checks the manifest
 * against the machine.
 */
#pragma once

#include <stdint.h>

#define VMM_IMAGE_MAGIC   UINT64_C(0x4547414d49534556) /* "VESIMAGE" */
#define VMM_IMAGE_VERSION 1
#define VMM_BLOB_MAGIC    UINT64_C(0x424f4c4253534556) /* "VESSBLOB" */
#define VMM_BLOB_VERSION  1

enum {
	VMM_IMAGE_PIECES = 16,
	VMM_BLOB_NAME = 48,
	VMM_BLOB_ENTRIES = 64,
};

/* Bytes that the loader copies; the rest of `mem_size` is zeroed. */
struct vmm_image_piece {
	uint64_t offset; /* from the start of the image */
	uint64_t file_size;
	uint64_t mem_size;
	/* kernel: physical address; user: offset from the start of the user image */
	uint64_t address;
};

struct vmm_image_manifest {
	uint64_t magic;
	uint32_t version;
	uint32_t kernel_pieces; /* pieces[0 ..] */
	uint32_t user_pieces;   /* those behind them */
	uint32_t cores;         /* that the kernel is built for and waits for; 0: any number */
	uint32_t gic_version;   /* that the kernel is built for; 0: any */
	uint32_t reserved;
	uint64_t image_size;    /* bytes, everything */
	uint64_t kernel_entry;  /* virtual */
	uint64_t kernel_offset; /* virtual - physical */
	uint64_t kernel_start;  /* physical, page-aligned */
	uint64_t kernel_end;    /* physical, page-aligned, zeroed memory included */
	uint64_t user_vaddr;    /* page-aligned */
	uint64_t user_size;     /* page-aligned, blob included */
	uint64_t user_entry;    /* virtual */
	uint64_t blob_offset;   /* from the start of the image; 0: no blob */
	uint64_t blob_size;
	uint64_t blob_user_offset; /* from the start of the user image, page-aligned */
	uint64_t archive_offset;   /* from the start of the image, a multiple of 2 MiB */
	struct vmm_image_piece pieces[VMM_IMAGE_PIECES];
};

struct vmm_blob_entry {
	char name[VMM_BLOB_NAME]; /* NUL-terminated */
	uint64_t offset;          /* from archive_paddr, a multiple of 4 KiB */
	uint64_t size;            /* bytes; the file is padded with zeroes to whole pages */
};

/* Page-aligned in the root task's address space: the first page behind its ELF image. */
struct vmm_blob {
	uint64_t magic;
	uint32_t version;
	uint32_t entry_count;
	uint64_t archive_paddr;      /* a multiple of 2 MiB; written by the loader */
	uint64_t archive_size;       /* bytes, whole pages */
	uint64_t description_offset; /* from the start of the blob, a multiple of 8 */
	uint64_t description_size;
	uint64_t size; /* of the blob, this structure included */
	struct vmm_blob_entry entries[VMM_BLOB_ENTRIES];
};

_Static_assert(sizeof(struct vmm_image_manifest) <= 4096, "one page");
_Static_assert(sizeof(struct vmm_blob) <= 4608, "small");
