/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket router. What it does is in vmm/backend/socket/router.h; here are its channels, signals and
 * the time.
 */
#include "app/lib/native.h"
#include "app/lib/probe.h"
#include "vmm/backend/socket/router.h"
#include "vmm/port/sel4/runtime.h"

static struct router router;

/* By client of the router. */
static const struct vmm_channel *clients[ROUTER_CLIENTS];

static void open_clients(struct native *n)
{
	const struct vmm_channel *c;
	uint32_t at = 0;

	while ((c = native_channel(n, VMM_CHANNEL_SOCKET, VMM_ROLE_SERVER, &at)) != NULL) {
		const struct vmm_region *r = c->region;
		struct sockq_receiver from;
		struct sockq_sender to;

		native_expect(router.client_count < ROUTER_CLIENTS);
		clients[router.client_count] = c;
		native_expect(sockq_sender_init(&to, (void *)r[VMM_SOCKET_RX_QUEUE].vaddr,
						(void *)r[VMM_SOCKET_RX_DATA].vaddr,
						r[VMM_SOCKET_RX_DATA].size) == VMM_OK);
		native_expect(sockq_receiver_init(&from, (void *)r[VMM_SOCKET_TX_QUEUE].vaddr,
						  (void *)r[VMM_SOCKET_TX_DATA].vaddr,
						  r[VMM_SOCKET_TX_DATA].size) == VMM_OK);
		native_expect(router_add(&router, c->socket.cid, &to, &from) == VMM_OK);
		native_say(n, "%s: CID %lu", c->name, (unsigned long)c->socket.cid);
	}
}

void runtime_main(void *page, uint64_t thread)
{
	struct native n;

	native_init(&n, page, thread);
	router_init(&router, n.hz);
	open_clients(&n);
	router_start(&router);
	for (unsigned rounds = 0;; rounds++) {
		uint64_t now = native_now(&n);
		struct router_signals signals = router_run(&router, now);

		probe((unsigned)now, signals.clients != 0, rounds);
		for (uint32_t i = 0; i < router.client_count; i++) {
			if ((signals.clients >> i & 1) != 0)
				seL4_Signal(clients[i]->notify);
		}
		if (signals.again || (signals.deadline != 0 && native_alarm(&n, signals.deadline)))
			continue;
		(void)native_wait(&n);
	}
}
