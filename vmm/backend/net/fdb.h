/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's table of who is where: MAC address and VLAN to port.
 *
 * Entries are fixed, from the description, or learned from what a port sends. A fixed address is never
 * learned elsewhere, so nobody can steal it. A learned one is forgotten when it was not heard of for
 * FDB_AGE_MS, or when its place is needed: frames to it then go to all ports that may have it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/backend/net/net.h"
#include "vmm/base/err.h"

enum {
	FDB_SETS = 128, /* a power of two */
	FDB_WAYS = 8,
	FDB_AGE_MS = 300 * 1000, /* IEEE 802.1Q-2018, 8.8.3: the recommended default */
	FDB_ANY_VLAN = 0xffff,   /* of a fixed entry */
};

struct fdb_entry {
	uint8_t mac[NET_MAC];
	uint16_t vlan;
	uint8_t port;
	bool used, fixed;
	uint64_t seen; /* ms */
};

struct fdb {
	struct fdb_entry entry[FDB_SETS][FDB_WAYS];
};

/** Adds a fixed entry. VMM_ERR_EXISTS: it is another port's; VMM_ERR_NOMEM: too many like it. */
enum vmm_err fdb_fix(struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan,
		     uint8_t port) VMM_MUST_CHECK;

/** `mac` was seen at `port`. Fixed addresses stay where they are. */
void fdb_learn(struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan, uint8_t port,
	       uint64_t now);

/** The port of `mac`, or -1. */
int fdb_find(const struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan, uint64_t now);
