// SPDX-License-Identifier: BSD-2-Clause
/*
 * Set-associative: an address has FDB_WAYS places. Which set it is in depends on the address alone, so
 * that fixed entries for any VLAN are found too.
 */
#include "vmm/backend/net/fdb.h"

#include <string.h>

static unsigned set_of(const uint8_t mac[NET_MAC])
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (unsigned i = 0; i < NET_MAC; i++)
		hash = (hash ^ mac[i]) * 16777619u;
	return (hash ^ hash >> 15) & (FDB_SETS - 1);
}

static bool same(const struct fdb_entry *entry, const uint8_t mac[NET_MAC], uint16_t vlan)
{
	return entry->used && (entry->vlan == vlan || entry->vlan == FDB_ANY_VLAN) &&
	       memcmp(entry->mac, mac, NET_MAC) == 0;
}

static bool aged(const struct fdb_entry *entry, uint64_t now)
{
	return !entry->fixed && now - entry->seen > FDB_AGE_MS;
}

enum vmm_err fdb_fix(struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan, uint8_t port)
{
	struct fdb_entry *set = fdb->entry[set_of(mac)], *free = NULL;

	for (unsigned i = 0; i < FDB_WAYS; i++) {
		if (set[i].fixed && memcmp(set[i].mac, mac, NET_MAC) == 0 &&
		    (set[i].vlan == vlan || vlan == FDB_ANY_VLAN || set[i].vlan == FDB_ANY_VLAN))
			return VMM_ERR_EXISTS;
		if (!set[i].fixed)
			free = &set[i];
	}
	if (free == NULL)
		return VMM_ERR_NOMEM;
	*free = (struct fdb_entry){ .vlan = vlan, .port = port, .used = true, .fixed = true };
	memcpy(free->mac, mac, NET_MAC);
	return VMM_OK;
}

void fdb_learn(struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan, uint8_t port,
	       uint64_t now)
{
	struct fdb_entry *set = fdb->entry[set_of(mac)], *place = NULL;

	for (unsigned i = 0; i < FDB_WAYS; i++) {
		if (same(&set[i], mac, vlan)) {
			if (!set[i].fixed) {
				set[i].port = port;
				set[i].seen = now;
			}
			return;
		}
		if (set[i].fixed)
			continue;
		/* A free place, or the one heard of least recently. */
		if (place == NULL || (place->used && (!set[i].used || set[i].seen < place->seen)))
			place = &set[i];
	}
	if (place == NULL)
		return;
	*place = (struct fdb_entry){ .vlan = vlan, .port = port, .used = true, .seen = now };
	memcpy(place->mac, mac, NET_MAC);
}

int fdb_find(const struct fdb *fdb, const uint8_t mac[NET_MAC], uint16_t vlan, uint64_t now)
{
	const struct fdb_entry *set = fdb->entry[set_of(mac)];

	for (unsigned i = 0; i < FDB_WAYS; i++) {
		if (same(&set[i], mac, vlan) && !aged(&set[i], now))
			return set[i].port;
	}
	return -1;
}
