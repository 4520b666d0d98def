// SPDX-License-Identifier: BSD-2-Clause
#include "app/net/probe.h"

void probe(const struct netdrv *driver, bool moved, unsigned rounds)
{
	(void)driver;
	(void)moved;
	(void)rounds;
}
