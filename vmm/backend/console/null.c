// SPDX-License-Identifier: BSD-2-Clause
/*
 * The console nobody looks at: takes everything, so its device is never stuck, and has no input.
 */
#include "vmm/backend/console/console.h"

static size_t null_write(struct console_backend *backend, const uint8_t *bytes, size_t len)
{
	(void)backend;
	(void)bytes;
	return len;
}

static size_t null_read(struct console_backend *backend, uint8_t *bytes, size_t len)
{
	(void)backend;
	(void)bytes;
	(void)len;
	return 0;
}

static const struct console_ops null_ops = { .write = null_write, .read = null_read };

void console_null_init(struct console_backend *backend)
{
	backend->ops = &null_ops;
}
