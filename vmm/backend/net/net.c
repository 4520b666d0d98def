// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/net/net.h"

static uint32_t gso_offload(uint8_t gso_type)
{
	switch (gso_type & ~NET_GSO_ECN) {
	case NET_GSO_TCPV4:
		return NET_OFFLOAD_TSO4;
	case NET_GSO_TCPV6:
		return NET_OFFLOAD_TSO6;
	default:
		return UINT32_MAX; /* none has all bits */
	}
}

bool net_hdr_ok(const struct net_hdr *hdr, uint32_t len, uint32_t offloads)
{
	uint32_t need;

	if ((hdr->flags & NET_HDR_F_NEEDS_CSUM) != 0 &&
	    ((offloads & NET_OFFLOAD_CSUM) == 0 ||
	     (uint32_t)hdr->csum_start + hdr->csum_offset + 2 > len))
		return false;
	if (hdr->gso_type == NET_GSO_NONE)
		return true;
	need = gso_offload(hdr->gso_type);
	if ((hdr->gso_type & NET_GSO_ECN) != 0)
		need |= NET_OFFLOAD_ECN;
	return (offloads & need) == need && hdr->gso_size != 0 &&
	       (hdr->flags & NET_HDR_F_NEEDS_CSUM) != 0;
}
