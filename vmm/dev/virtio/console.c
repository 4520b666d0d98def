/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues 0 and 1 are port 0's, 2 and 3 the control queues, then two a port. A driver without MULTIPORT
 * has port 0 only, always open, and no control queues (VIRTIO 1.2, 5.3.2).
 *
 *   driver: DEVICE_READY            -> PORT_ADD for each port
 *   driver: PORT_READY of a port    -> CONSOLE_PORT, PORT_NAME, RESIZE, PORT_OPEN, as far as they apply
 *   driver: PORT_OPEN 1 or 0        -> input flows, or waits
 *
 * What the device has to say is a set of bits a port, sent in a fixed order as the driver gives
 * buffers: so there is no queue of messages that could overflow.
 */
#include "vmm/dev/virtio/console.h"

#include <string.h>

#include "vmm/base/util.h"

#define F_SIZE      (UINT64_C(1) << 0)
#define F_MULTIPORT (UINT64_C(1) << 1)
#define F_EMERGENCY (UINT64_C(1) << 2)

enum {
	CONTROL_RX = 2,
	CONTROL_TX = 3,
	/* Events (5.3.6.2). */
	DEVICE_READY = 0,
	PORT_ADD = 1,
	PORT_READY = 3,
	CONSOLE_PORT = 4,
	RESIZE = 5,
	PORT_OPEN = 6,
	PORT_NAME = 7,
};

/* 5.3.6.2 */
struct control {
	uint32_t id;
	uint16_t event;
	uint16_t value;
};

_Static_assert(sizeof(struct control) == 8, "VIRTIO 1.2, 5.3.6.2");

/*
 * A control message and what may follow it. Sizes are in the order of the specification; Linux (seen:
 * 6.1) reads rows first in this message, and columns first in the configuration.
 */
struct message {
	struct control head;
	union {
		uint16_t size[2]; /* columns, rows */
		char name[VIRTIO_CONSOLE_NAME];
	} more;
};

static struct virtio_console *console_of(struct virtio_dev *vd)
{
	return container_of(vd, struct virtio_console, vd);
}

static bool multiport(const struct virtio_console *con)
{
	return virtio_has(&con->vd, F_MULTIPORT);
}

static unsigned rx_queue(unsigned port)
{
	return port == 0 ? 0 : 2 + 2 * port;
}

static unsigned tx_queue(unsigned port)
{
	return rx_queue(port) + 1;
}

static unsigned port_of(unsigned queue)
{
	return queue < CONTROL_RX ? 0 : queue / 2 - 1;
}

/* ---- input: backend to driver ---- */

static uint32_t fill(struct virtio_console_port *port, const struct virtq_chain *chain)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->writable_count; i++) {
		const struct virtq_segment *s = &chain->segment[chain->readable_count + i];
		size_t n = port->backend->ops->read(port->backend, s->host, s->len);

		done += (uint32_t)n;
		if (n < s->len)
			break;
	}
	return done;
}

static void receive(struct virtio_console *con, unsigned index)
{
	struct virtio_console_port *port = &con->port[index];
	unsigned queue = rx_queue(index);
	struct virtio_dev *vd = &con->vd;
	struct virtq_chain chain;

	if (multiport(con) && !port->open)
		return;
	do {
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			uint32_t n;

			if (chain.writable_len == 0) {
				virtio_needs_reset(vd, "console: a buffer that cannot be written");
				return;
			}
			n = fill(port, &chain);
			if (n == 0) {
				/* No input: the backend's event goes on, and nothing else is needed. */
				virtq_unpop(vd, queue, &chain);
				virtq_kicks_off(vd, queue);
				virtq_notify(vd, queue);
				return;
			}
			virtq_push(vd, queue, chain.token, n);
		}
	} while (virtq_kicks_on(vd, queue));
	virtq_notify(vd, queue);
}

/* ---- output: driver to backend ---- */

/* Writes what is left of the chain; false if the backend has not taken all of it. */
static bool drain(struct virtio_console_port *port, const struct virtq_chain *chain)
{
	uint64_t skip = port->sent;

	for (unsigned i = 0; i < chain->readable_count; i++) {
		const struct virtq_segment *s = &chain->segment[i];
		size_t n;

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		n = port->backend->ops->write(port->backend, s->host + skip, s->len - (size_t)skip);
		port->sent += (uint32_t)n;
		if (n < s->len - skip)
			return false;
		skip = 0;
	}
	port->sent = 0;
	return true;
}

static void transmit(struct virtio_console *con, unsigned index)
{
	struct virtio_console_port *port = &con->port[index];
	unsigned queue = tx_queue(index);
	struct virtio_dev *vd = &con->vd;
	struct virtq_chain chain;

	do {
		virtq_kicks_off(vd, queue);
		while (virtq_pop(vd, queue, &chain) == VIRTQ_GOT) {
			if (!drain(port, &chain)) {
				/* The backend's event goes on. */
				virtq_unpop(vd, queue, &chain);
				virtq_notify(vd, queue);
				return;
			}
			virtq_push(vd, queue, chain.token, 0);
		}
	} while (virtq_kicks_on(vd, queue));
	virtq_notify(vd, queue);
}

/* ---- control ---- */

/* The next message that is owed to the driver; its length, or 0 if there is none. */
static size_t next_message(struct virtio_console *con, struct message *m)
{
	static const uint8_t order[] = { PORT_ADD, CONSOLE_PORT, PORT_NAME, RESIZE, PORT_OPEN };

	for (unsigned i = 0; i < con->port_count; i++) {
		struct virtio_console_port *port = &con->port[i];

		for (unsigned k = 0; k < ARRAY_SIZE(order); k++) {
			size_t length = sizeof(m->head);

			if ((port->owed & 1U << order[k]) == 0)
				continue;
			*m = (struct message){
				.head = { .id = i, .event = order[k], .value = 1 },
			};
			if (order[k] == RESIZE) {
				m->more.size[0] = port->columns;
				m->more.size[1] = port->rows;
				length += sizeof(m->more.size);
			} else if (order[k] == PORT_NAME) {
				size_t name = strlen(port->name);

				name = name < sizeof(m->more.name) ? name : sizeof(m->more.name);
				memcpy(m->more.name, port->name, name);
				length += name;
			}
			return length;
		}
	}
	return 0;
}

static void control_send(struct virtio_console *con)
{
	struct virtio_dev *vd = &con->vd;
	struct virtq_chain chain;
	struct message m;
	size_t length;

	do {
		while ((length = next_message(con, &m)) != 0 &&
		       virtq_pop(vd, CONTROL_RX, &chain) == VIRTQ_GOT) {
			if (chain.writable_len < length) {
				virtio_needs_reset(vd, "console: control buffer too small");
				return;
			}
			virtq_push(vd, CONTROL_RX, chain.token,
				   (uint32_t)virtq_write(&chain, 0, &m, length));
			con->port[m.head.id].owed &= ~(1U << m.head.event);
		}
	} while (length != 0 && virtq_kicks_on(vd, CONTROL_RX));
	virtq_notify(vd, CONTROL_RX);
}

static void port_ready(struct virtio_console_port *port)
{
	port->owed |= 1U << PORT_OPEN; /* our end: the backend is always there */
	if (port->console)
		port->owed |= 1U << CONSOLE_PORT;
	if (port->name != NULL)
		port->owed |= 1U << PORT_NAME;
	if (port->console && port->columns != 0)
		port->owed |= 1U << RESIZE;
}

static void control_handle(struct virtio_console *con, const struct control *c)
{
	if (c->event == DEVICE_READY && c->value == 1) {
		for (unsigned i = 0; i < con->port_count; i++)
			con->port[i].owed |= 1U << PORT_ADD;
		return;
	}
	if (c->id >= con->port_count)
		return; /* a port that is not there: nothing to say about it */
	if (c->event == PORT_READY && c->value == 1)
		port_ready(&con->port[c->id]);
	if (c->event == PORT_OPEN) {
		con->port[c->id].open = c->value == 1;
		receive(con, c->id);
	}
}

static void control_receive(struct virtio_console *con)
{
	struct virtio_dev *vd = &con->vd;
	struct virtq_chain chain;
	struct control c;

	do {
		while (virtq_pop(vd, CONTROL_TX, &chain) == VIRTQ_GOT) {
			struct virtq_token token = chain.token;

			if (virtq_read(&chain, 0, &c, sizeof(c)) == sizeof(c))
				control_handle(con, &c);
			virtq_push(vd, CONTROL_TX, token, 0);
		}
	} while (virtq_kicks_on(vd, CONTROL_TX));
	virtq_notify(vd, CONTROL_TX);
	control_send(con);
}

/* ---- the device ---- */

static void notify(struct virtio_dev *vd, unsigned queue)
{
	struct virtio_console *con = console_of(vd);

	if (!multiport(con) && queue > 1)
		return;
	if (queue == CONTROL_RX)
		control_send(con);
	else if (queue == CONTROL_TX)
		control_receive(con);
	else if (queue % 2 == 0)
		receive(con, port_of(queue));
	else
		transmit(con, port_of(queue));
}

static void event(struct virtio_dev *vd)
{
	struct virtio_console *con = console_of(vd);

	for (unsigned i = 0; i < (multiport(con) ? con->port_count : 1); i++) {
		transmit(con, i);
		receive(con, i);
	}
}

static void reset(struct virtio_dev *vd)
{
	struct virtio_console *con = console_of(vd);

	for (unsigned i = 0; i < con->port_count; i++) {
		con->port[i].open = false;
		con->port[i].owed = 0;
		con->port[i].sent = 0;
	}
}

static void queue_reset(struct virtio_dev *vd, unsigned queue)
{
	if (queue % 2 != 0 && queue != CONTROL_TX)
		console_of(vd)->port[port_of(queue)].sent = 0;
}

/* Emergency write (5.3.4): a byte for port 0 at any time. There is nobody to ask to wait. */
static void config_write(struct virtio_dev *vd, unsigned offset, unsigned len, uint32_t value)
{
	struct virtio_console *con = console_of(vd);
	uint8_t byte = (uint8_t)value;

	(void)len;
	if (offset == offsetof(struct virtio_console_config, emergency))
		(void)con->port[0].backend->ops->write(con->port[0].backend, &byte, 1);
}

static const struct virtio_ops console_ops = {
	.device_id = VIRTIO_ID_CONSOLE,
	.notify = notify,
	.event = event,
	.start = event,
	.reset = reset,
	.queue_reset = queue_reset,
	.config_write = config_write,
};

void virtio_console_init(struct virtio_console *con, const struct virtio_setup *common,
			 const struct virtio_console_port *ports, unsigned port_count)
{
	struct virtio_setup setup = *common;

	con->port_count = port_count;
	memcpy(con->port, ports, port_count * sizeof(ports[0]));
	con->config = (struct virtio_console_config){
		.columns = ports[0].columns,
		.rows = ports[0].rows,
		.ports = port_count,
	};
	setup.ops = &console_ops;
	setup.queues = con->queues;
	setup.queue_count = rx_queue(port_count);
	setup.queue_size_max = VIRTIO_CONSOLE_QUEUE_SIZE;
	setup.features = F_MULTIPORT | F_EMERGENCY | (ports[0].columns != 0 ? F_SIZE : 0);
	setup.config = &con->config;
	setup.config_size = sizeof(con->config);
	virtio_init(&con->vd, &setup);
	reset(&con->vd);
}

void virtio_console_resize(struct virtio_console *con, unsigned port, uint16_t columns,
			   uint16_t rows)
{
	con->port[port].columns = columns;
	con->port[port].rows = rows;
	if (port == 0) {
		con->config.columns = columns;
		con->config.rows = rows;
		virtio_config_changed(&con->vd);
	}
	if (multiport(con) && con->port[port].console && con->port[port].open) {
		con->port[port].owed |= 1U << RESIZE;
		control_send(con);
	}
}
