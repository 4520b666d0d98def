/* SPDX-License-Identifier: BSD-2-Clause */
/* `sysconf pack`: an image from its parts, without a system description. For tests and tools. */
#pragma once

/** argv[0] is "pack". Returns the exit status. */
int pack_main(int argc, char **argv);
