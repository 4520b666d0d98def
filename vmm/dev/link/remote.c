/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's end of a link. What is read from shared memory is read once and shown to the guest; the only
 * thing of it that is acted upon is whether InterruptStatus is zero.
 */
#include "vmm/dev/link/link.h"

enum {
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	STATUS = 0x070,
	CONFIG = 0x100,
	WORD = 4,
};

uint64_t link_load(const struct link_remote *remote, uint64_t offset, unsigned width)
{
	const volatile uint8_t *at = remote->setup.registers + offset;
	uint64_t value = 0;

	if (width == WORD)
		return __atomic_load_n(
			(const uint32_t *)(const void *)(remote->setup.registers + offset),
			__ATOMIC_ACQUIRE);
	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static void give_up(struct link_remote *remote, const char *why)
{
	remote->dead = true;
	remote->setup.lost(remote->setup.ctx, why);
}

static bool is_over(const struct link_remote *remote)
{
	const uint32_t *over = remote->setup.over;

	return over != NULL && __atomic_load_n(over, __ATOMIC_ACQUIRE) != 0;
}

static bool waited(struct link_remote *remote, uint32_t pending_max)
{
	const struct link_setup *s = &remote->setup;

	for (unsigned attempt = 0; !remote->dead; attempt++) {
		uint32_t head = __atomic_load_n(&s->ring->head, __ATOMIC_ACQUIRE);

		if (remote->tail - head <= pending_max)
			return true;
		if (is_over(remote))
			give_up(remote, "was given up");
		else if (!s->wait(s->ctx, attempt))
			give_up(remote, "does not answer");
	}
	return false;
}

static void settle(struct link_remote *remote, unsigned caller)
{
	bool level = !remote->dead && link_load(remote, INTERRUPT_STATUS, WORD) != 0;

	if (level == remote->level)
		return;
	remote->level = level;
	remote->setup.irq(remote->setup.ctx, caller, level);
}

void link_store(struct link_remote *remote, uint64_t offset, unsigned width, uint64_t value)
{
	struct link_ring *ring = remote->setup.ring;

	if (!waited(remote, LINK_WRITES - 1))
		return;
	ring->write[remote->tail % LINK_WRITES] = (struct link_write){
		.value = value,
		.offset = (uint32_t)offset,
		.width = width,
	};
	remote->tail++;
	__atomic_store_n(&ring->tail, remote->tail, __ATOMIC_RELEASE);
	remote->setup.wake(remote->setup.ctx);
	/* A notification may take its time; everything else is seen by the guest's next access. */
	if (offset != QUEUE_NOTIFY)
		(void)waited(remote, 0);
}

void link_remote_access(void *device, struct mmio_access *access)
{
	struct link_remote *remote = device;
	bool legal = access->offset + access->width <= VIRTIO_MMIO_SIZE &&
		     access->offset % access->width == 0 &&
		     (access->width == WORD || access->offset >= CONFIG);

	if (access->write) {
		if (legal)
			link_store(remote, access->offset, access->width, access->value);
		settle(remote, access->vcpu);
		return;
	}
	access->value = legal ? link_load(remote, access->offset, access->width) : 0;
	if (remote->dead && access->offset == STATUS)
		access->value |= VIRTIO_STATUS_NEEDS_RESET;
}

void link_check(struct link_remote *remote)
{
	if (!remote->dead && is_over(remote))
		give_up(remote, "was given up");
}

void link_remote_event(struct link_remote *remote, unsigned caller)
{
	lock_take(&remote->lock);
	link_check(remote);
	settle(remote, caller);
	lock_give(&remote->lock);
}

void link_remote_power_on(struct link_remote *remote)
{
	lock_take(&remote->lock);
	link_store(remote, STATUS, WORD, 0);
	settle(remote, 0);
	lock_give(&remote->lock);
}

void link_remote_init(struct link_remote *remote, const struct link_setup *setup)
{
	__atomic_store_n(&setup->ring->each, 0, __ATOMIC_RELAXED);
	*remote = (struct link_remote){
		.setup = *setup,
		.tail = __atomic_load_n(&setup->ring->tail, __ATOMIC_RELAXED),
	};
}
