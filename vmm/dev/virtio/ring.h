/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two ring formats share. Internal to vmm/dev/virtio.
 *
 * Guest memory is loaded with atomic loads only, word by word, so that the compiler cannot load a
 * field again after it was checked, and stored likewise. Fields are little endian (VIRTIO 1.2, 2.6),
 * as is every machine we run on.
 */
#pragma once

#include "vmm/dev/virtio/virtio.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are little endian");

enum {
	RING_DESC_BYTES = 16,
	/* Descriptor flags (2.7.5, 2.8.1). */
	RING_NEXT = 1 << 0,
	RING_WRITE = 1 << 1,
	RING_INDIRECT = 1 << 2,
};

/* A copy of a descriptor. The last two fields change places between the formats. */
struct ring_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t low, high; /* split: flags, next; packed: id, flags */
};

static inline uint16_t ring_load16(const uint8_t *at)
{
	return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_RELAXED);
}

static inline uint16_t ring_load16_acquire(const uint8_t *at)
{
	return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static inline void ring_store16(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELAXED);
}

static inline void ring_store16_release(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELEASE);
}

static inline void ring_store32(uint8_t *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)at, value, __ATOMIC_RELAXED);
}

/*
 * Between telling the other side something and looking at what it tells us: one of both sees the
 * other's word (2.7.7, 2.7.10, 2.8.21).
 */
static inline void ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A descriptor of a ring, which is aligned. */
static inline struct ring_desc ring_load_desc(const uint8_t *at)
{
	const uint64_t *word = (const uint64_t *)(const void *)at;
	uint64_t rest = __atomic_load_n(&word[1], __ATOMIC_RELAXED);

	return (struct ring_desc){ .gpa = __atomic_load_n(&word[0], __ATOMIC_RELAXED),
				   .len = (uint32_t)rest,
				   .low = (uint16_t)(rest >> 32),
				   .high = (uint16_t)(rest >> 48) };
}

/* An indirect table (2.7.5.3, 2.8.7), checked as far as it can be before its entries are. */
struct ring_table {
	uint64_t gpa;
	unsigned count;
};

/* All return NULL, or what the driver did wrong. */

const char *ring_table(const struct ring_desc *desc, struct ring_table *table);

/** Copies entry `index` < table->count. */
const char *ring_table_entry(const struct virtio_dev *vd, const struct ring_table *table,
			     unsigned index, struct ring_desc *desc);

/** Adds a buffer to a chain whose segments go to the device's scratch array. */
const char *ring_add(struct virtio_dev *vd, struct virtq_chain *chain, const struct ring_desc *desc,
		     bool writable);

/* One format. `why` is set for VIRTQ_BAD. */
struct ring_ops {
	enum virtq_pop (*pop)(struct virtio_dev *vd, struct virtq *vq, struct virtq_chain *chain,
			      const char **why);
	void (*unpop)(struct virtq *vq, struct virtq_token token);
	void (*push)(struct virtq *vq, struct virtq_token token, uint32_t written);
	/*
	 * Writes and publishes an answer that a predecessor may have written already, or begun to, at our
	 * position, which is the same for avail and used.
	 */
	void (*repeat)(struct virtq *vq, struct virtq_token token, uint32_t written);
	/* Publishes; true if the driver wants an interrupt. */
	bool (*notify)(struct virtq *vq);
	void (*kicks_off)(struct virtq *vq);
	/* At the next chain, or with event indices only when `after` more are there: less than the size. */
	bool (*kicks_on)(struct virtq *vq, uint16_t after);
};

extern const struct ring_ops ring_split;
extern const struct ring_ops ring_packed;

static inline const struct ring_ops *ring_of(const struct virtq *vq)
{
	return vq->packed ? &ring_packed : &ring_split;
}
