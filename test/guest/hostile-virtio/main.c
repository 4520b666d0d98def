// SPDX-License-Identifier: BSD-2-Clause
/* Every cruelty on every device, and whether the device still does what it is for. */
#include "test/guest/hostile-virtio/hostile_virtio.h"

enum {
	ROUNDS = 200,
	SECTOR = 512,
	NET_HEADER = 12,
	NET_FRAME = 60,
	NET_TX = 1,
	CONSOLE_TX = 1,
};

static uint8_t rings[RINGS][QUEUE_BYTES] __attribute__((aligned(4096)));
static uint8_t prey_memory[PREY_BYTES] __attribute__((aligned(4096)));
static uint8_t own[4096] __attribute__((aligned(4096)));
static struct virtio devices[VIRTIO_DEVICES_MAX];
static unsigned survived, lost;

static volatile uint32_t second_alive, racing, race_idle = 1;
static struct virtq race_queue;

void irq_handler(void)
{
	gic_eoi(gic_ack());
}

void secondary_main(uint64_t index)
{
	(void)index;
	irq_off();
	second_alive = 1;
	for (;;) {
		if (racing == 0) {
			race_idle = 1;
			continue;
		}
		race_idle = 0;
		barrier();
		if (racing != 0)
			race(&race_queue);
	}
}

void race_begin(const struct virtq *queue)
{
	race_queue = *queue;
	barrier();
	racing = 1;
}

void race_end(void)
{
	racing = 0;
	barrier();
	while (race_idle == 0)
		;
}

unsigned rounds(void)
{
	char text[64];
	unsigned n = 0;

	if (!bootarg("rounds", text))
		return ROUNDS;
	for (const char *p = text; *p >= '0' && *p <= '9'; p++)
		n = 10 * n + (unsigned)(*p - '0');
	return n;
}

uint64_t ring_memory(unsigned index)
{
	return (uint64_t)(uintptr_t)rings[index];
}

uint64_t prey(void)
{
	return (uint64_t)(uintptr_t)prey_memory;
}

bool wake(struct virtio *vd, bool packed)
{
	uint64_t wanted = F_INDIRECT_DESC | F_EVENT_IDX | F_RING_RESET;

	return virtio_negotiate(vd, packed ? wanted | F_RING_PACKED : wanted);
}

unsigned open_all(struct virtio *vd, struct virtq queues[RINGS])
{
	unsigned count = 0;

	while (count < RINGS &&
	       virtq_open(&queues[count], vd, (uint16_t)count, 0, ring_memory(count)))
		count++;
	return count;
}

/* One piece of honest work; the pieces of a request by the device's kind. */
static const char *works(struct virtio *vd)
{
	uint64_t at = (uint64_t)(uintptr_t)own;
	struct piece pieces[3] = { { at, NET_HEADER + NET_FRAME, false } };
	uint16_t queue = 0;
	unsigned count = 1;
	struct virtq queues[RINGS];

	if (!virtio_reset(vd))
		return "does not reset";
	if (!virtio_negotiate(vd, 0))
		return "refuses its features";
	if (open_all(vd, queues) == 0)
		return "has no queues";
	virtio_driver_ok(vd);
	for (uint64_t i = 0; i < sizeof(own); i += 8)
		write64(at + i, 0);
	switch (vd->kind) {
	case VIRTIO_RNG:
		pieces[0] = (struct piece){ at, 64, true };
		break;
	case VIRTIO_BLK:
		pieces[0] = (struct piece){ at, 16, false };
		pieces[1] = (struct piece){ at + SECTOR, SECTOR, true };
		pieces[2] = (struct piece){ at + 16, 1, true };
		write8(at + 16, 0xff);
		count = 3;
		break;
	case VIRTIO_NET:
		queue = NET_TX;
		break;
	case VIRTIO_CONSOLE:
		queue = CONSOLE_TX;
		pieces[0].length = 1;
		write8(at, '.');
		break;
	default:
		return virtio_broken(vd) ? "needs a reset" : NULL;
	}
	if (virtq_do(&queues[queue], pieces, count) < 0)
		return "does not answer";
	if (vd->kind == VIRTIO_BLK && read8(at + 16) != 0)
		return "cannot read its first sector";
	return virtio_broken(vd) ? "needs a reset" : NULL;
}

static void run(const struct cruelty *cruelty)
{
	for (unsigned i = 0; i < VIRTIO_DEVICES_MAX && devices[i].kind != 0; i++) {
		struct virtio *vd = &devices[i];
		const char *transport = vd->pci ? "pci" : "mmio", *what;

		if ((cruelty->need == NEEDS_PCI && !vd->pci) ||
		    (cruelty->need == NEEDS_CPU && second_alive == 0))
			continue;
		cruelty->run(vd);
		what = works(vd);
		virtio_reset(vd);
		if (what == NULL) {
			survived++;
			print("CRUEL %s %u %s survived\n", cruelty->name, vd->kind, transport);
		} else {
			lost++;
			print("CRUEL %s %u %s LOST %s\n", cruelty->name, vd->kind, transport, what);
		}
	}
}

static void run_table(const struct cruelty *table, const char *only)
{
	for (; table->name != NULL; table++) {
		if (only[0] == '\0' || text_equal(only, table->name))
			run(table);
	}
}

/* Asleep until a key is typed, so that the neighbour comes up in peace. */
static void wait_for_key(void)
{
	gic_init_dist();
	gic_init_cpu(0);
	gic_enable(0, VTIMER_INTID);
	print("HOSTILE-VIRTIO waits for a key\n");
	while (!typed()) {
		vtimer_set(counter() + counter_hz() / 16);
		wfi();
		gic_eoi(gic_ack());
	}
	vtimer_off();
	gic_disable(0, VTIMER_INTID);
}

void guest_main(void)
{
	char only[64] = "";
	unsigned count;

	bootarg("do", only);
	irq_off();
	if (bootarg("wait", (char[64]){ 0 }))
		wait_for_key();
	count = virtio_scan(devices);
	if (machine.cpu_count > 1) {
		psci(PSCI_CPU_ON, machine.mpidr[1], (uintptr_t)secondary_start, 1);
		while (second_alive == 0)
			;
	}
	print("HOSTILE-VIRTIO %u devices, %u CPUs\n", count, machine.cpu_count);
	for (unsigned i = 0; i < count; i++) {
		const char *what = works(&devices[i]);

		if (what != NULL)
			print("HOSTILE-VIRTIO device %u %s to begin with\n", devices[i].kind, what);
	}
	run_table(register_cruelties, only);
	run_table(ring_cruelties, only);
	print("HOSTILE-VIRTIO %u survived, %u lost\n", survived, lost);
}
