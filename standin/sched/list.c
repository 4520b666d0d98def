/* SPDX-License-Identifier: BSD-2-Clause */
/* Doubly linked lists of TCBs. */
#include "standin/sched/sched.h"

void list_insert_before(struct tcb_list *l, struct tcb *t, struct tcb *after)
{
	struct tcb *before = after == NULL ? l->tail : after->prev;

	t->prev = before;
	t->next = after;
	if (before != NULL)
		before->next = t;
	else
		l->head = t;
	if (after != NULL)
		after->prev = t;
	else
		l->tail = t;
}

void list_insert_by_priority(struct tcb_list *l, struct tcb *t)
{
	struct tcb *before = l->tail;

	while (before != NULL && before->prio < t->prio)
		before = before->prev;
	list_insert_before(l, t, before == NULL ? l->head : before->next);
}

void list_remove(struct tcb_list *l, struct tcb *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		l->head = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		l->tail = t->prev;
	t->next = NULL;
	t->prev = NULL;
}
