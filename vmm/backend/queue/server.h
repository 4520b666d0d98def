/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program at the other end of a backend's queues, as far as it can fail its client: it was given up by
 * admin, or says what cannot be. Nothing that it says is trusted, so none of this is needed to be safe;
 * but whoever reads the log must learn which server made a device useless, and why. Each is said once.
 *
 * With the lock of the backend's device held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum server_wrong {
	SERVER_OVER = 0, /* given up: all that it had is lost */
	SERVER_INDEX, /* a queue's index is beyond the queue: no more of it is seen until it is not */
	SERVER_ANSWER, /* an answer to what nobody asked: dropped */
	SERVER_COUNT,  /* it did less than was asked for, and says that all is well: an error */
	SERVER_MEDIUM, /* a disk has another one's size, or is none any more: what was asked fails */
	SERVER_FRAME,  /* a frame that is none, or a buffer: dropped */
	SERVER_RECORD, /* a packet that is too long: nothing behind it can be told from another */
	SERVER_WRONGS,
};

struct server {
	const uint32_t *over; /* not 0: it will not run again; NULL: that is never known */
	void (*say)(void *ctx, const char *what); /* NULL: nobody wants to know */
	void *ctx;
	uint32_t said; /* bits: enum server_wrong */
};

/** True, and said, if it will not run again. */
bool server_is_over(struct server *server);

/** Says it, once. */
void server_did(struct server *server, enum server_wrong what);
