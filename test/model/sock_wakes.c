/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way of a socket's packets: two VMs' backends, a native program and the router, where everybody runs
 * when signalled and not otherwise, in any order, and dies in front of any store; then admin signals the
 * neighbours. A signal that is missing leaves packets that are never taken: so when nobody has anything to do
 * any more, all must be sent, and a new connection must carry data, from VM to VM and to the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/mortal.h"
#include "test/support/sock_link.h"
#include "test/support/wakes.h"
#include "vmm/backend/socket/queue.h"
#include "vmm/backend/socket/router.h"
#include "vmm/backend/socket/stream.h"
#include "vmm/base/util.h"

enum {
	VMS = 2,
	PROGRAM = VMS, /* the native one */
	CLIENTS,
	ROUTER = CLIENTS,
	HISTORIES = 300,
	TURNS = 300,    /* with deaths and traffic */
	DEATH_IN = 6,   /* one turn in so many is a death, if it is long enough */
	STEPS_MAX = 20, /* stores until then */
	BURST = 8,      /* packets; some are half as long as a queue */
	PORTS = 3,      /* of the traffic; others are for the check */
	ECHO_PORT = 7,
	SMALL = 100,
};

/* A VM: its backend, and of device and guest as much as waits for signals. */
struct vm {
	struct socket_queue queue;
	struct vsock_packet pending;         /* the next to be sent, if `to_send` */
	unsigned to_send;                    /* by its guest */
	bool full;                           /* the guest gives no buffers to receive into */
	unsigned requests, responses, bytes; /* received from ports of the check */
};

static struct {
	struct sock_link link[CLIENTS];
	struct router router;
	struct stream_end end;
	struct vm vm[VMS];
	struct wakes wakes;
} w;

static unsigned dice(unsigned sides)
{
	return wakes_dice(&w.wakes, sides);
}

static uint64_t cid(unsigned client)
{
	return 3 + client;
}

static struct vsock_packet packet(uint16_t op, unsigned from, uint32_t port, unsigned to,
				  uint32_t to_port, uint32_t len)
{
	return (struct vsock_packet){
		.src_cid = cid(from),
		.dst_cid = cid(to),
		.src_port = port,
		.dst_port = to_port,
		.len = len,
		.type = VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = STREAM_BUFFER,
	};
}

/* ---- VMs: as dev/virtio/vsock.c uses its backend ---- */

static void raised(void *ctx)
{
	*(bool *)ctx = true;
}

static struct socket_backend *backend_of(unsigned v)
{
	return &w.vm[v].queue.backend;
}

static void invent(unsigned v)
{
	static const uint16_t ops[] = { VSOCK_OP_REQUEST, VSOCK_OP_RW, VSOCK_OP_RW, VSOCK_OP_RST };
	unsigned to = (v + 1 + dice(CLIENTS - 1)) % CLIENTS;
	uint16_t op = ops[dice(ARRAY_SIZE(ops))];

	w.vm[v].pending = packet(op, v, dice(PORTS), to, to == PROGRAM ? ECHO_PORT : dice(PORTS),
				 op == VSOCK_OP_RW ? dice(VSOCK_PAYLOAD_MAX) : 0);
}

static bool send(unsigned v, const struct vsock_packet *p)
{
	static const uint8_t bytes[VSOCK_PAYLOAD_MAX];
	struct socket_backend *b = backend_of(v);

	if (!b->ops->room(b, p->len))
		return false;
	b->ops->send(b, p);
	b->ops->send_data(b, bytes, p->len);
	return true;
}

static void transmit(unsigned v)
{
	while (w.vm[v].to_send > 0 && send(v, &w.vm[v].pending)) {
		w.vm[v].to_send--;
		invent(v);
	}
}

/* False: its answer has no room. */
static bool received(unsigned v, const struct vsock_packet *p)
{
	struct vsock_packet response;

	if (p->dst_port < PORTS)
		return true;
	if (p->op == VSOCK_OP_REQUEST) {
		response = packet(VSOCK_OP_RESPONSE, v, p->dst_port, (unsigned)(p->src_cid - 3),
				  p->src_port, 0);
		if (!send(v, &response))
			return false;
		w.vm[v].requests++;
	}
	w.vm[v].responses += p->op == VSOCK_OP_RESPONSE;
	w.vm[v].bytes += p->op == VSOCK_OP_RW ? p->len : 0;
	return true;
}

static void receive(unsigned v)
{
	static uint8_t bytes[VSOCK_PAYLOAD_MAX];
	struct socket_backend *b = backend_of(v);
	struct vsock_packet p;

	while (b->ops->peek(b, &p)) {
		if (p.type == VSOCK_TYPE_LINK) {
			b->ops->set_up(b, true);
		} else {
			if (w.vm[v].full || !received(v, &p))
				return;
			assert_int_equal(b->ops->read(b, bytes, p.len), p.len);
		}
		b->ops->next(b);
	}
}

static void serve(unsigned v)
{
	receive(v);
	transmit(v);
	backend_of(v)->ops->flush(backend_of(v));
}

static void start_vm(unsigned v)
{
	struct vm *vm = &w.vm[v];

	sock_link_again(&w.link[v], false);
	vm->queue.to = w.link[v].client_to;
	vm->queue.from = w.link[v].client_from;
	vm->to_send = 0;
	vm->full = false;
	invent(v);
	socket_queue_init(&vm->queue, raised, &w.wakes.signalled[ROUTER]);
	vm->queue.backend.ops->set_up(&vm->queue.backend, true);
	serve(v);
}

/* ---- native programs ---- */

static void start_program(unsigned who)
{
	(void)who;
	sock_link_again(&w.link[PROGRAM], false);
	stream_init(&w.end, cid(PROGRAM), ECHO_PORT, &w.link[PROGRAM].client_to,
		    &w.link[PROGRAM].client_from);
}

/* Once round the loop of app/echo. */
static void run_program(unsigned who)
{
	(void)who;
	stream_run(&w.end);
	for (unsigned i = 0; i < STREAM_CONNECTIONS; i++) {
		struct stream *s = &w.end.stream[i];
		uint32_t n = s->used ? stream_write(&w.end, s, s->buffer, s->held) : 0;

		if (n > 0)
			stream_consume(&w.end, s, n);
	}
	w.wakes.signalled[ROUTER] |= stream_flush(&w.end);
}

static void start_router(unsigned who)
{
	(void)who;
	router_init(&w.router, 1000);
	for (unsigned i = 0; i < CLIENTS; i++) {
		sock_link_again(&w.link[i], true);
		if (router_add(&w.router, cid(i), &w.link[i].server_to, &w.link[i].server_from) !=
		    VMM_OK)
			__builtin_trap();
	}
	router_start(&w.router);
}

static void run_router(unsigned who)
{
	struct router_signals signals = router_run(&w.router, 0);

	for (unsigned i = 0; i < CLIENTS; i++)
		w.wakes.signalled[i] |= (signals.clients >> i & 1) != 0;
	w.wakes.signalled[who] |= signals.again;
}

/* ---- histories ---- */

static void traffic(void)
{
	unsigned v = dice(VMS);

	if (!w.wakes.started[v])
		return;
	if (dice(3) == 0)
		w.vm[v].full = !w.vm[v].full;
	else
		w.vm[v].to_send += 1 + dice(BURST);
	serve(v);
}

static void make(unsigned history)
{
	struct wakes *k = &w.wakes;

	memset(&w, 0, sizeof(w));
	wakes_init(k, history);
	k->death_in = DEATH_IN;
	k->steps_max = STEPS_MAX;
	for (unsigned i = 0; i < CLIENTS; i++) {
		sock_link_init(&w.link[i]);
		mortal_keep(w.link[i].header, sizeof(w.link[i].header));
	}
	for (unsigned v = 0; v < VMS; v++)
		(void)wakes_add(k, (struct wakes_actor){
					   .start = start_vm,
					   .run = serve,
					   .own = &w.vm[v].queue,
					   .size = sizeof(w.vm[v].queue),
					   .neighbours = 1u << ROUTER,
				   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_program,
				   .run = run_program,
				   .own = &w.end,
				   .size = sizeof(w.end),
				   .neighbours = 1u << ROUTER,
			   });
	(void)wakes_add(k, (struct wakes_actor){
				   .start = start_router,
				   .run = run_router,
				   .own = &w.router,
				   .size = sizeof(w.router),
				   .neighbours = (1u << CLIENTS) - 1,
			   });
}

static void guest_sends(unsigned v, struct vsock_packet p)
{
	w.vm[v].pending = p;
	w.vm[v].to_send = 1;
	serve(v);
	wakes_settle(&w.wakes);
}

static void check(unsigned history)
{
	for (unsigned v = 0; v < VMS; v++) {
		for (unsigned to = 0; to < CLIENTS; to++) {
			const uint32_t port = PORTS + 10 + to,
				       to_port = to == PROGRAM ? ECHO_PORT : 99;
			struct vm *heard = &w.vm[to == PROGRAM ? v : to];

			if (to == v)
				continue;
			w.vm[v].responses = heard->bytes = 0;
			guest_sends(v, packet(VSOCK_OP_REQUEST, v, port, to, to_port, 0));
			guest_sends(v, packet(VSOCK_OP_RW, v, port, to, to_port, SMALL));
			if (w.vm[v].responses != 1 || heard->bytes != SMALL)
				fail_msg("history %u: %u responses and %u bytes from %u to %u",
					 history, w.vm[v].responses, heard->bytes, v, to);
			guest_sends(v, packet(VSOCK_OP_RST, v, port, to, to_port, 0));
		}
	}
}

static void nobody_waits_for_ever(void **state)
{
	unsigned deaths = 0;

	(void)state;
	for (unsigned history = 0; history < HISTORIES; history++) {
		make(history);
		for (unsigned turns = 0; turns < TURNS; turns++) {
			(void)wakes_next(&w.wakes, true);
			if (dice(3) == 0)
				traffic();
		}
		wakes_settle(&w.wakes);
		for (unsigned v = 0; v < VMS; v++) {
			w.vm[v].full = false;
			serve(v);
		}
		wakes_settle(&w.wakes);
		for (unsigned i = 0; i < CLIENTS; i++) {
			const struct sockq_sender *to =
				i == PROGRAM ? &w.end.to : &w.vm[i].queue.to;

			if (!serialq_drained(&to->queue) || (i < VMS && w.vm[i].to_send > 0))
				fail_msg("history %u: %u waits for ever", history, i);
		}
		check(history);
		deaths += w.wakes.deaths;
	}
	assert_true(deaths > HISTORIES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
