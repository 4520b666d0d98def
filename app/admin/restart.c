// SPDX-License-Identifier: BSD-2-Clause
/*
 * A native program that faulted runs again, from its first instruction. Its code and constants cannot have
 * changed, being read-only; its variables are put back to what its file says, in the same frames, which
 * admin keeps mapped; what it shares with others and its capabilities stay as they are. So nothing is made
 * anew and the system stays sealed: admin can stop, write and start that thread, and no more.
 *
 * What the program finds in its device and its queues is its predecessor's. It copes with that itself, and
 * so do those at the other ends: each kind of channel says how (vmm/backend/queue/).
 *
 * It may have died between noting in shared memory that a neighbour is signalled, and signalling it: so all
 * are. What it was signalled itself may have died with it: it looks at everything when it starts.
 *
 * A program that dies again and again, without being alive in between, is given up: a page that the other
 * ends read says so, and they are signalled. Its devices fail then, and nothing waits for it.
 */
#include <string.h>

#include "app/admin/admin.h"

enum {
	IN_A_ROW_MAX = 8, /* starts that came to nothing */
	SPSR_EL0 = 0,
};

void restart_prepare(struct admin *a, struct program *p)
{
	uint64_t at;

	if (!p->restart)
		return;
	p->kept_tcb = object_keep(a, p->tcbs[0], seL4_AllRights, 0);
	at = space_new_pages(a, &a->self, 1, &p->fate_frame);
	p->fate = (struct vmm_fate *)at;
	program_name_cap(a, p, "alive", a->notification, seL4_CanWrite,
			 BADGE_ALIVE | UINT64_C(1) << p->id);
}

void restart_peer(struct admin *a, struct program *p, seL4_CPtr wake, uint64_t badge)
{
	if (!p->restart)
		return;
	if (p->peer_count == PEERS_MAX)
		admin_die(a, "program %s: more than %u neighbours", p->name, PEERS_MAX);
	p->peers[p->peer_count++] = object_keep(a, wake, seL4_CanWrite, badge);
}

uint64_t restart_connect(struct admin *a, struct program *p, struct program *other, seL4_CPtr wake,
			 uint64_t badge)
{
	uint64_t at;

	if (!p->restart)
		return 0;
	restart_peer(a, p, wake, badge);
	at = space_reserve(&other->space, PAGE_BYTES, PAGE_BYTES);
	space_map(a, &other->space, object_copy(a, p->fate_frame), at, seL4_CanRead,
		  seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
	return at;
}

uint64_t restart_map(struct admin *a, struct program *p, const unsigned char *from,
		     uint64_t from_size, uint64_t size)
{
	struct program_data *data = &p->data[p->data_count++];

	if (p->data_count > PROGRAM_DATA)
		admin_die(a, "program %s: more than %u writable segments", p->name, PROGRAM_DATA);
	*data = (struct program_data){
		.at = space_reserve(&a->self, size, PAGE_BYTES),
		.size = size,
		.from = from,
		.from_size = from_size,
	};
	return data->at;
}

static void put_back(const struct program_data *data)
{
	memcpy((void *)data->at, data->from, data->from_size);
	memset((char *)data->at + data->from_size, 0, data->size - data->from_size);
}

static void signal_peers(const struct program *p)
{
	for (uint32_t i = 0; i < p->peer_count; i++)
		seL4_Signal(p->peers[i]);
}

static void give_up(struct admin *a, struct program *p)
{
	if (!p->restart)
		return;
	p->restart = false;
	admin_say(a, "%s died %u times, the last %u of them in a row, and is given up", p->name,
		  p->restarts + 1, p->in_a_row + 1);
	__atomic_store_n(&p->fate->over, 1, __ATOMIC_RELEASE);
	signal_peers(p);
}

bool restart(struct admin *a, struct program *p)
{
	seL4_UserContext regs = {
		.pc = p->entry, .sp = p->stack_top, .spsr = SPSR_EL0, .x0 = p->start_vaddr
	};
	enum { RESUME = 1 };

	if (!p->restart || p->in_a_row == IN_A_ROW_MAX) {
		give_up(a, p);
		return false;
	}
	p->restarts++;
	p->in_a_row++;
	for (uint32_t i = 0; i < p->data_count; i++)
		put_back(&p->data[i]);
	if (seL4_TCB_WriteRegisters(p->kept_tcb, RESUME, 0, sizeof(regs) / sizeof(seL4_Word),
				    &regs) != seL4_NoError) {
		give_up(a, p);
		return false;
	}
	signal_peers(p);
	admin_say(a, "%s starts again (%u)", p->name, p->restarts);
	return true;
}

void restart_alive(struct admin *a, uint64_t programs)
{
	for (uint32_t i = 0; i < a->program_count; i++) {
		if ((programs >> i & 1) != 0)
			a->programs[i].in_a_row = 0;
	}
}
