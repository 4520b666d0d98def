/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's part of objects and structures: one include per ISA. */
#pragma once

#include "standin/arch/aarch64/types.h"
