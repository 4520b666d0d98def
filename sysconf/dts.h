/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiles a description with dtc, with properties set from the command line on top of it.
 *
 * A setting is "/path/to/node:property=value". The value is in devicetree syntax ("<1 2>",
 * "/bits/ 64 <4>", "\"text\""); anything that does not begin like that is taken as a string. An empty
 * value is an empty property.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sysconf/file.h"

/** Appends the devicetree text of one setting. False if it is not of the form above. */
bool dts_setting(const char *setting, struct buffer *text);

enum { DTS_DIRS_MAX = 16 };

/**
 * Compiles `path` with the `text` (NUL-free, may be empty) after it. What it includes is looked for
 * beside it, then in `dirs`, of which there are `dir_count`, at most DTS_DIRS_MAX. dtc's own messages
 * go to stderr. False if there is no dtc or it found an error.
 */
bool dts_compile(const char *path, const struct buffer *text, const char *const *dirs,
		 size_t dir_count, struct buffer *blob);
