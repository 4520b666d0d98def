/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio console (VIRTIO 1.2, 5.3): up to VIRTIO_CONSOLE_PORTS ports, each with a backend and a name.
 *
 * Nothing is lost: output for which the backend has no room stays in the queue, input waits in the
 * backend until the port is open and the driver has buffers, and control messages are owed until there
 * is a buffer for them.
 */
#pragma once

#include "vmm/backend/console/console.h"
#include "vmm/dev/virtio/virtio.h"

enum {
	VIRTIO_CONSOLE_PORTS = 4,
	VIRTIO_CONSOLE_QUEUES = 2 + 2 * VIRTIO_CONSOLE_PORTS,
	VIRTIO_CONSOLE_QUEUE_SIZE = 64,
	VIRTIO_CONSOLE_NAME = 32, /* bytes of a name with its NUL */
};

struct virtio_console_port {
	struct console_backend *backend; /* borrowed */
	const char *name;                /* borrowed; NULL: none */
	bool console;                    /* a console rather than a serial port */
	uint16_t columns, rows;          /* 0: not known */
	/* From here on the device's own. */
	bool open;     /* by the guest */
	uint32_t owed; /* control messages for the driver, a bit each */
	uint32_t sent; /* bytes of the queue's first chain that the backend has already */
};

/* 5.3.4, as the driver reads it. */
struct virtio_console_config {
	uint16_t columns, rows; /* of port 0 */
	uint32_t ports;
	uint32_t emergency;
};

_Static_assert(sizeof(struct virtio_console_config) == 12, "VIRTIO 1.2, 5.3.4");

struct virtio_console {
	struct virtio_dev vd;
	struct virtq queues[VIRTIO_CONSOLE_QUEUES];
	struct virtio_console_config config;
	unsigned port_count;
	struct virtio_console_port port[VIRTIO_CONSOLE_PORTS];
};

/**
 * `common`: name, gmem, packed and owner are taken from it. `ports` is copied, 1 to VIRTIO_CONSOLE_PORTS
 * of them.
 */
void virtio_console_init(struct virtio_console *con, const struct virtio_setup *common,
			 const struct virtio_console_port *ports, unsigned port_count);

/** The terminal behind a port has another size. With the lock held. */
void virtio_console_resize(struct virtio_console *con, unsigned port, uint16_t columns,
			   uint16_t rows);
