// SPDX-License-Identifier: BSD-2-Clause
/*
 * A driver that faulted runs again, from its first instruction. Its code and constants cannot have changed,
 * being read-only; its variables are put back to what its file says, in the same frames, which admin keeps
 * mapped; what it shares with others and its capabilities stay as they are. So nothing is made anew and the
 * system stays sealed: admin can stop, write and start that thread, and no more.
 *
 * What the driver finds in the device, in its queues and in its DMA memory is its predecessor's; it copes
 * with that itself (vmm/driver/).
 */
#include <string.h>

#include "app/admin/admin.h"

enum { RESTARTS_MAX = 1000, SPSR_EL0 = 0 };

void restart_prepare(struct admin *a, struct program *p)
{
	if (p->restart)
		p->kept_tcb = object_keep(a, p->tcbs[0], seL4_AllRights, 0);
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

bool restart(struct admin *a, struct program *p)
{
	seL4_UserContext regs = {
		.pc = p->entry, .sp = p->stack_top, .spsr = SPSR_EL0, .x0 = p->start_vaddr
	};
	enum { RESUME = 1 };

	if (!p->restart || p->restarts == RESTARTS_MAX)
		return false;
	p->restarts++;
	for (uint32_t i = 0; i < p->data_count; i++)
		put_back(&p->data[i]);
	if (seL4_TCB_WriteRegisters(p->kept_tcb, RESUME, 0, sizeof(regs) / sizeof(seL4_Word),
				    &regs) != seL4_NoError)
		return false;
	admin_say(a, "%s starts again (%u)", p->name, p->restarts);
	return true;
}
