// SPDX-License-Identifier: BSD-2-Clause
/*
 * A console in memory: one byte ring a direction, of the owner's storage. The owner, who fills and
 * empties the rings, knows when more is possible, so no event is needed: it polls its device.
 */
#include "vmm/backend/console/console.h"

#include "vmm/base/util.h"

static size_t ring_put(struct console_ring *ring, const uint8_t *bytes, size_t len)
{
	size_t count = 0;

	while (count < len && ring->used < ring->size) {
		ring->bytes[(ring->head + ring->used) % ring->size] = bytes[count++];
		ring->used++;
	}
	return count;
}

static size_t ring_get(struct console_ring *ring, uint8_t *bytes, size_t len)
{
	size_t count = 0;

	while (count < len && ring->used > 0) {
		bytes[count++] = ring->bytes[ring->head];
		ring->head = (ring->head + 1) % ring->size;
		ring->used--;
	}
	return count;
}

static size_t memory_write(struct console_backend *backend, const uint8_t *bytes, size_t len)
{
	return ring_put(&container_of(backend, struct console_memory, backend)->out, bytes, len);
}

static size_t memory_read(struct console_backend *backend, uint8_t *bytes, size_t len)
{
	return ring_get(&container_of(backend, struct console_memory, backend)->in, bytes, len);
}

static const struct console_ops memory_ops = { .write = memory_write, .read = memory_read };

void console_memory_init(struct console_memory *memory, uint8_t *out, size_t out_size, uint8_t *in,
			 size_t in_size)
{
	*memory = (struct console_memory){
		.backend = { .ops = &memory_ops },
		.out = { .bytes = out, .size = out_size },
		.in = { .bytes = in, .size = in_size },
	};
}

size_t console_memory_feed(struct console_memory *memory, const uint8_t *bytes, size_t len)
{
	return ring_put(&memory->in, bytes, len);
}

size_t console_memory_drain(struct console_memory *memory, uint8_t *bytes, size_t len)
{
	return ring_get(&memory->out, bytes, len);
}
