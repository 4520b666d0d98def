// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/queue/blkq.h"

#include <string.h>

#define MEDIUM_MAGIC  UINT32_C(0x314c5356) /* "VSL1" */
#define SECTORS_LIMIT (UINT64_C(1) << 48)

/* Wire: the format's own part, then ours. */
struct medium_page {
	char serial[64];
	uint8_t read_only;
	uint8_t ready;
	uint16_t sector_size;
	uint16_t block_size; /* in units of 4096 */
	uint16_t queue_depth;
	uint16_t cylinders, heads, blocks;
	uint64_t capacity; /* in units of 4096 */
	uint32_t magic;
	uint32_t features;
	uint64_t sectors;
	uint32_t generation;
	uint32_t block_bytes;
};

_Static_assert(offsetof(struct medium_page, capacity) == 80, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct medium_page, magic) == 88, "sDDF 0.7 storage info");

/* Wire: head, tail and, in a request queue, `plugged`, padded to 16. */
struct header {
	uint32_t head, tail;
};

enum { REQUEST_HEADER = 16, PLUGGED_AT = 8 };

/* Ours, behind the entries of requests; the client writes it. */
struct trailer {
	uint32_t life, quiet;
};

_Static_assert((BLKQ_CAPACITY & (BLKQ_CAPACITY - 1)) == 0, "indices run through all of 2^32");

static size_t header_bytes(enum blkq_kind kind)
{
	return kind == BLKQ_REQUESTS ? REQUEST_HEADER : sizeof(struct header);
}

static uint32_t entry_bytes(enum blkq_kind kind)
{
	return kind == BLKQ_REQUESTS ? sizeof(struct blkq_request) : sizeof(struct blkq_response);
}

size_t blkq_bytes(enum blkq_kind kind)
{
	return header_bytes(kind) + BLKQ_CAPACITY * (size_t)entry_bytes(kind) +
	       (kind == BLKQ_REQUESTS ? sizeof(struct trailer) : 0);
}

static struct trailer *trailer_of(const struct blkq *requests)
{
	return (struct trailer *)(void *)(requests->entries +
					  BLKQ_CAPACITY * (size_t)requests->entry_size);
}

uint32_t blkq_life(const struct blkq *requests)
{
	struct trailer *t = trailer_of(requests);
	uint32_t life = __atomic_load_n(&t->life, __ATOMIC_RELAXED) + 1;

	__atomic_store_n(&t->quiet, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&t->life, life, __ATOMIC_RELAXED);
	return life;
}

/* Either side writes, and then reads what the other one writes: so that not both miss it. */
void blkq_quiet(const struct blkq *requests, bool quiet)
{
	__atomic_store_n(&trailer_of(requests)->quiet, quiet, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool blkq_is_quiet(const struct blkq *requests)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&trailer_of(requests)->quiet, __ATOMIC_RELAXED) == 1;
}

enum vmm_err blkq_init(struct blkq *q, enum blkq_kind kind, bool producer, void *memory,
		       size_t bytes)
{
	struct header *header = memory;
	uint8_t *at = memory;

	if (memory == NULL || ((uintptr_t)memory & 7u) != 0 || bytes < blkq_bytes(kind))
		return VMM_ERR_INVALID;
	*q = (struct blkq){
		.entries = at + header_bytes(kind),
		.mine = producer ? &header->tail : &header->head,
		.theirs = producer ? &header->head : &header->tail,
		.plugged = kind == BLKQ_REQUESTS ? at + PLUGGED_AT : NULL,
		.entry_size = entry_bytes(kind),
		.producer = producer,
	};
	q->index = q->shown = __atomic_load_n(q->mine, __ATOMIC_RELAXED);
	return VMM_OK;
}

uint32_t blkq_room(const struct blkq *q)
{
	uint32_t used = q->index - __atomic_load_n(q->theirs, __ATOMIC_ACQUIRE);

	return used <= BLKQ_CAPACITY ? BLKQ_CAPACITY - used : 0;
}

uint32_t blkq_length(const struct blkq *q)
{
	uint32_t length;

	if (q->plugged != NULL && __atomic_load_n(q->plugged, __ATOMIC_ACQUIRE) != 0)
		return 0;
	length = __atomic_load_n(q->theirs, __ATOMIC_ACQUIRE) - q->index;
	return length <= BLKQ_CAPACITY ? length : 0;
}

bool blkq_is_sane(const struct blkq *q)
{
	uint32_t theirs = __atomic_load_n(q->theirs, __ATOMIC_ACQUIRE);

	return (q->producer ? q->index - theirs : theirs - q->index) <= BLKQ_CAPACITY;
}

static uint8_t *entry_at(const struct blkq *q)
{
	return q->entries + (size_t)(q->index & (BLKQ_CAPACITY - 1)) * q->entry_size;
}

/* Each in a few loads and stores. */
static void copy_entry(const struct blkq *q, void *to, const void *from)
{
	if (q->plugged != NULL)
		*(struct blkq_request *)to = *(const struct blkq_request *)from;
	else
		*(struct blkq_response *)to = *(const struct blkq_response *)from;
}

bool blkq_put(struct blkq *q, const void *entry)
{
	if (blkq_room(q) == 0)
		return false;
	copy_entry(q, entry_at(q), entry);
	q->index++;
	return true;
}

bool blkq_take(struct blkq *q, void *entry)
{
	if (blkq_length(q) == 0)
		return false;
	copy_entry(q, entry, entry_at(q));
	q->index++;
	return true;
}

bool blkq_show(struct blkq *q)
{
	if (q->shown == q->index)
		return false;
	q->shown = q->index;
	__atomic_store_n(q->mine, q->index, __ATOMIC_RELEASE);
	return true;
}

size_t blkq_medium_bytes(void)
{
	return sizeof(struct medium_page);
}

/* What is stored behind it is not seen before it; no store alone, however strong, sees to that. */
static void unready(struct medium_page *p)
{
	__atomic_store_n(&p->ready, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void blkq_medium_show(void *page, const struct blkq_medium *medium)
{
	struct medium_page *p = page;

	unready(p);
	memcpy(p->serial, medium->serial, sizeof(p->serial));
	p->read_only = medium->read_only;
	p->sector_size = BLKQ_SECTOR;
	p->block_size = 1;
	p->queue_depth = medium->queue_depth;
	p->capacity = medium->sectors / (BLKQ_BLOCK / BLKQ_SECTOR);
	p->magic = MEDIUM_MAGIC;
	p->features = medium->features;
	p->sectors = medium->sectors;
	p->block_bytes = medium->block_size;
	__atomic_store_n(&p->generation, medium->generation, __ATOMIC_RELAXED);
	__atomic_store_n(&p->ready, 1, __ATOMIC_RELEASE);
}

void blkq_medium_end(void *page, uint32_t generation)
{
	struct medium_page *p = page;

	unready(p);
	p->magic = MEDIUM_MAGIC;
	p->sectors = 0;
	__atomic_store_n(&p->generation, generation, __ATOMIC_RELAXED);
	__atomic_store_n(&p->ready, 1, __ATOMIC_RELEASE);
}

void blkq_medium_hide(void *page)
{
	struct medium_page *p = page;

	unready(p);
	p->magic = 0;
}

uint32_t blkq_medium_generation(const void *page)
{
	const struct medium_page *p = page;

	return __atomic_load_n(&p->generation, __ATOMIC_RELAXED);
}

bool blkq_medium_is_changing(const void *page)
{
	const struct medium_page *p = page;

	return __atomic_load_n(&p->ready, __ATOMIC_ACQUIRE) != 1 && p->magic == MEDIUM_MAGIC;
}

static bool is_block_size(uint32_t bytes)
{
	enum { SMALLEST = BLKQ_SECTOR, LARGEST = 65536 };

	return bytes >= SMALLEST && bytes <= LARGEST && (bytes & (bytes - 1)) == 0;
}

/* Whatever the server writes there at any time, what we work with is one checked copy. */
bool blkq_medium_read(const void *page, struct blkq_medium *medium)
{
	const struct medium_page *p = page;
	struct medium_page copy;
	uint32_t generation;

	memset(medium, 0, sizeof(*medium));
	if (__atomic_load_n(&p->ready, __ATOMIC_ACQUIRE) != 1)
		return false;
	generation = blkq_medium_generation(p);
	memcpy(&copy, p, sizeof(copy));
	/* A server that was just changing it, or has changed it, will say so when it is done. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&p->ready, __ATOMIC_ACQUIRE) != 1 ||
	    blkq_medium_generation(p) != generation)
		return false;
	medium->read_only = copy.read_only != 0;
	medium->queue_depth = copy.queue_depth;
	if (copy.magic == MEDIUM_MAGIC) {
		medium->features = copy.features;
		medium->sectors = copy.sectors;
		medium->generation = copy.generation;
		medium->block_size =
			is_block_size(copy.block_bytes) ? copy.block_bytes : BLKQ_BLOCK;
	} else if (copy.capacity < SECTORS_LIMIT) {
		medium->sectors = copy.capacity * (BLKQ_BLOCK / BLKQ_SECTOR);
		medium->block_size = BLKQ_BLOCK;
	}
	for (size_t i = 0;
	     i + 1 < sizeof(copy.serial) && copy.serial[i] >= ' ' && copy.serial[i] <= '~'; i++)
		medium->serial[i] = copy.serial[i];
	if (medium->sectors == 0 || medium->sectors >= SECTORS_LIMIT) {
		*medium = (struct blkq_medium){ .generation = medium->generation };
		return false;
	}
	return true;
}
