/* SPDX-License-Identifier: BSD-2-Clause */
/* Usable from assembly. */
#pragma once

#define STACK_SIZE 8192 /* a core's kernel stack */
