// SPDX-License-Identifier: BSD-2-Clause
#include "app/blk/probe.h"

void probe(const struct blkdrv *driver, bool answered, unsigned rounds)
{
	(void)driver;
	(void)answered;
	(void)rounds;
}
