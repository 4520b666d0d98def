/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A serial queue whose peer writes anything anywhere. Our end must stay inside the data area (the
 * sanitizer watches), never count beyond the capacity, and publish only its own index.
 *
 * Input: groups of six bytes: operation, length, a 32-bit value for the peer to write.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/backend/queue/serialq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAPACITY = 64, GROUP = 6 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct serialq in = { 0 }, out = { 0 };
	uint8_t *in_data = calloc(1, CAPACITY), *out_data = calloc(1, CAPACITY);
	struct serialq_producer p;
	struct serialq_consumer c;
	uint32_t sent = 0, seen = 0;

	if (in_data == NULL || out_data == NULL)
		abort();
	require(serialq_producer_init(&p, &out, out_data, CAPACITY) == VMM_OK);
	require(serialq_consumer_init(&c, &in, in_data, CAPACITY) == VMM_OK);
	for (size_t i = 0; i + GROUP <= size; i += GROUP) {
		uint8_t bytes[256] = { 0 };
		uint32_t value, room, n;

		memcpy(&value, data + i + 2, sizeof(value));
		switch (data[i] % 8) {
		case 0: /* the peer */
			in.tail = value;
			break;
		case 1:
			out.head = value;
			break;
		case 2:
			in = (struct serialq){ value, value, value };
			out = in;
			break;
		case 3:
			in_data[value % CAPACITY] = (uint8_t)value;
			break;
		case 4: /* we */
			room = serialq_room(&p);
			n = (uint32_t)serialq_write(&p, bytes, data[i + 1]);
			require(room <= CAPACITY && n <= room && n <= data[i + 1]);
			sent += n;
			require(out.tail == sent);
			break;
		case 5:
			n = (uint32_t)serialq_read(&c, bytes, data[i + 1]);
			require(n <= CAPACITY && n <= data[i + 1]);
			seen += n;
			break;
		case 6:
			(void)serialq_release(&c);
			require(in.head == seen);
			break;
		default:
			serialq_want_signal(&p);
			require(serialq_length(&c) <= CAPACITY);
			break;
		}
	}
	free(in_data);
	free(out_data);
	return 0;
}
