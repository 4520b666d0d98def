// SPDX-License-Identifier: BSD-2-Clause
/* Objects, capabilities and slots, and how a CSpace is walked (seL4 reference manual, chapter 3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/kernel/kernel.h"

struct fk_object *fk_object(struct fk *k, uint32_t kind, uint8_t bits, uint64_t paddr)
{
	struct fk_object *o = calloc(1, sizeof(*o));

	if (o == NULL || k->object_count == FK_OBJECTS)
		abort();
	o->kind = kind;
	o->bits = bits;
	o->paddr = paddr;
	k->objects[k->object_count++] = o;
	return o;
}

struct fk_cap fk_cap_new(struct fk_object *object)
{
	return (struct fk_cap){ .object = object, .rights = seL4_AllRights.words[0] };
}

void fk_cap_put(struct fk_cap *slot, const struct fk_cap *cap)
{
	*slot = *cap;
	slot->object->caps++;
}

static bool is_frame(const struct fk_object *o)
{
	return o->kind == seL4_ARM_SmallPageObject || o->kind == seL4_ARM_LargePageObject;
}

bool fk_cap_derive(const struct fk_cap *cap, struct fk_cap *out)
{
	struct fk_object *o = cap->object;

	if (o == NULL || o->kind == FK_IRQ_CONTROL ||
	    (o->kind == seL4_UntypedObject && o->used > 0) ||
	    (o->kind == seL4_ARM_VSpaceObject && !o->asid) ||
	    (o->kind == seL4_ARM_PageTableObject && cap->space == NULL))
		return false;
	*out = *cap;
	if (is_frame(o)) /* a copy is mapped nowhere */
		out->space = NULL;
	return true;
}

/* The last capability is gone. */
static void object_die(struct fk *k, struct fk_object *o)
{
	o->dead = true;
	o->running = false;
	for (uint64_t i = 0; o->slots != NULL && i < UINT64_C(1) << o->radix; i++)
		fk_cap_delete(k, &o->slots[i]);
	o->map_count = 0;
	fk_cap_delete(k, &o->cspace);
	fk_cap_delete(k, &o->vspace);
	fk_cap_delete(k, &o->fault);
	fk_cap_delete(k, &o->buffer_frame);
	if (o->kind == seL4_ARM_VCPUObject && o->thread != NULL)
		o->thread->vcpu = NULL;
	if (o->kind == seL4_SchedContextObject && o->thread != NULL)
		o->thread->sc = NULL;
	if (o->kind == seL4_SchedContextObject && o->notification != NULL)
		o->notification->sc = NULL;
	if (o->kind == seL4_NotificationObject && o->thread != NULL)
		o->thread->notification = NULL;
	if (o->kind == seL4_TCBObject && o->sc != NULL)
		o->sc->thread = NULL;
}

void fk_cap_delete(struct fk *k, struct fk_cap *slot)
{
	struct fk_object *o = slot->object;

	if (o == NULL)
		return;
	if (is_frame(o))
		fk_unmap(k, slot);
	memset(slot, 0, sizeof(*slot));
	if (--o->caps == 0 && !o->dead)
		object_die(k, o);
}

/* Walks until `left` bits are used up or something else than a CNode is met. */
static struct fk_cap *walk(const struct fk_cap *root, uint64_t index, unsigned *left)
{
	const struct fk_cap *cap = root;

	while (cap->object != NULL && cap->object->kind == seL4_CapTableObject) {
		unsigned radix = cap->object->radix, guard = cap->guard_bits;
		struct fk_cap *slot;

		if (guard + radix > *left)
			return NULL;
		if (guard > 0 &&
		    (index >> (*left - guard) & ((UINT64_C(1) << guard) - 1)) != cap->guard)
			return NULL;
		*left -= guard + radix;
		slot = &cap->object->slots[index >> *left & ((UINT64_C(1) << radix) - 1)];
		if (*left == 0 || slot->object == NULL)
			return slot;
		cap = slot;
		if (cap->object->kind != seL4_CapTableObject)
			return slot;
	}
	return NULL;
}

struct fk_cap *fk_slot(const struct fk_cap *root, uint64_t index, unsigned depth)
{
	unsigned left = depth;
	struct fk_cap *slot;

	if (depth == 0 || depth > 64)
		return NULL;
	slot = walk(root, index, &left);
	return left == 0 ? slot : NULL;
}

struct fk_cap *fk_cap(struct fk *k, seL4_CPtr cptr)
{
	unsigned left = 64;
	struct fk_cap *slot = walk(&k->root_thread->cspace, cptr, &left);

	return slot != NULL && slot->object != NULL ? slot : NULL;
}
