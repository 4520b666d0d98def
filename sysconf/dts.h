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

/**
 * Compiles `path` with the `text` (NUL-free, may be empty) after it. dtc's own messages go to
 * stderr. False if there is no dtc or it found an error.
 */
bool dts_compile(const char *path, const struct buffer *text, struct buffer *blob);
