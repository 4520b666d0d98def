/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A native program that VMs reach by socket: whatever is sent to its port comes back. It shows what a
 * service needs, and tests use it.
 */
#include "app/lib/native.h"
#include "vmm/backend/socket/stream.h"
#include "vmm/port/sel4/runtime.h"

enum { PORT = 7 }; /* as RFC 862 has it */

static struct stream_end end;

static const struct vmm_channel *open_link(struct native *n)
{
	const struct vmm_channel *c;
	const struct vmm_region *r;
	struct sockq_receiver from;
	struct sockq_sender to;
	uint32_t at = 0;

	c = native_channel(n, VMM_CHANNEL_SOCKET, VMM_ROLE_CLIENT, &at);
	native_expect(c != NULL);
	r = c->region;
	native_expect(sockq_sender_init(&to, (void *)r[VMM_SOCKET_TX_QUEUE].vaddr,
					(void *)r[VMM_SOCKET_TX_DATA].vaddr,
					r[VMM_SOCKET_TX_DATA].size) == VMM_OK);
	native_expect(sockq_receiver_init(&from, (void *)r[VMM_SOCKET_RX_QUEUE].vaddr,
					  (void *)r[VMM_SOCKET_RX_DATA].vaddr,
					  r[VMM_SOCKET_RX_DATA].size) == VMM_OK);
	stream_init(&end, c->socket.cid, PORT, &to, &from);
	native_say(n, "CID %lu, port %u", (unsigned long)c->socket.cid, PORT);
	return c;
}

static void echo(struct stream *s)
{
	uint32_t n = stream_write(&end, s, s->buffer, s->held);

	if (n > 0)
		stream_consume(&end, s, n);
	if (s->ended && s->held == 0)
		(void)stream_close(&end, s);
}

void runtime_main(void *page, uint64_t thread)
{
	const struct vmm_channel *link;
	struct native n;

	native_init(&n, page, thread);
	link = open_link(&n);
	for (;;) {
		stream_run(&end);
		for (unsigned i = 0; i < STREAM_CONNECTIONS; i++) {
			if (end.stream[i].used)
				echo(&end.stream[i]);
		}
		if (stream_flush(&end))
			seL4_Signal(link->notify);
		(void)native_wait(&n);
	}
}
