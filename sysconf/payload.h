/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of an image file: is it what the description says it is, and does it fit?
 *
 * A compressed kernel is inflated here, once, so that the target only ever copies.
 */
#pragma once

#include "sysconf/file.h"
#include "vmm/admin/system.h"

/**
 * Checks the bytes read from `file` for an image of `image->kind`; reports errors at the node
 * `path`. A gzip'd kernel is replaced by what it holds. True if the image may be used.
 */
bool payload_check(const struct system_image *image, const char *path, struct buffer *bytes,
		   struct report *report);

/** Reports images of `vm` that cannot fit into its RAM together. `sizes` is by image index. */
void payload_check_fit(const struct system *system, const struct system_vm *vm,
		       const struct buffer *payloads, struct report *report);
