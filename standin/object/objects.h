/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's objects and capabilities.
 *
 * A capability is two words. `word` holds what every kind has: type, rights, size, the object's
 * physical address; `data` holds what the kind needs: a badge, a guard, a free index, a mapping. It
 * lives in a slot, which adds the links of the derivation list (see cap.h). Objects have the sizes
 * that the API promises; user programs see none of the layouts.
 */
#pragma once

#include "standin/lib/types.h"

#include "standin/arch/types.h"
#include <sel4/constants.h>
#include <sel4/types.h>

enum cap_type {
	CAP_NULL = 0,
	CAP_UNTYPED,      /* device; data: free index and clearing progress */
	CAP_ENDPOINT,     /* rights; data: badge */
	CAP_NOTIFICATION, /* rights; data: badge */
	CAP_REPLY,        /* rights: grant */
	CAP_CNODE,        /* size: radix; extra: guard size; data: guard */
	CAP_TCB,
	CAP_SC,
	CAP_SCHED_CONTROL, /* data: core */
	CAP_IRQ_CONTROL,
	CAP_IRQ_HANDLER, /* data: interrupt */
	CAP_DOMAIN,
	CAP_ZOMBIE,     /* a container being emptied: see object/destroy.c */
	CAP_ARCH_FIRST, /* from here on: the machine-dependent kinds, arch_types.h */
};

/* Rights, as in the API's rights word. */
enum {
	RIGHT_WRITE = 1,
	RIGHT_READ = 2,
	RIGHT_GRANT = 4,
	RIGHT_GRANT_REPLY = 8,
	RIGHT_ALL = 15,
};

/* word: 4:0 type, 8:5 rights, 14:9 log2 of the object's size, 15 device, 55:16 physical address, 63:56 extra */
struct cap {
	u64 word;
	u64 data;
};

/* prev and next are addresses of slots; the low bits of next are the flags. */
struct slot {
	struct cap cap;
	u64 prev;
	u64 next;
};

enum {
	SLOT_ORIGINAL = 1,     /* capabilities derived from this one are its children */
	SLOT_FIRST_BADGED = 2, /* the badge was given when this one was made */
	SLOT_FLAGS = 3,
};

struct tcb;
struct sched_context;

/* A doubly linked list of TCBs, through tcb.next and tcb.prev. A TCB is on one list at most. */
struct tcb_list {
	struct tcb *head;
	struct tcb *tail;
};

/* What waits: nobody, senders or receivers. Kept in the low bits of the tail pointer. */
enum { EP_IDLE, EP_SEND, EP_RECV, EP_STATE = 3 };

struct endpoint {
	struct tcb *head;
	u64 tail_state;
};

enum { NTFN_IDLE, NTFN_WAITING, NTFN_ACTIVE };

struct notification {
	u64 state;
	u64 badge; /* the notification word, while active */
	struct tcb_list waiting;
	struct tcb *bound_tcb;
	struct sched_context *sc;
};

/*
 * A reply object tracks who waits for the answer (or, before that, which receiver offered it). Those
 * through which a scheduling context was lent form a stack, newest first, that hangs off it.
 */
struct reply {
	struct tcb *tcb;
	struct reply *older;
	u64 newer; /* reply address, or scheduling context address | REPLY_NEWER_SC */
	u64 reserved;
};

enum { REPLY_NEWER_SC = 1 };

struct refill {
	u64 time;
	u64 amount;
};

struct sched_context {
	u64 period;          /* ticks; 0 if round robin */
	u64 budget;          /* ticks; 0 if never configured */
	u64 consumed;        /* ticks since last reported */
	u64 badge;           /* first word of timeout faults */
	struct tcb *tcb;     /* who runs on it */
	struct reply *reply; /* newest reply object through which it was lent */
	struct notification *ntfn;
	struct tcb *yield_from; /* who called YieldTo and waits for it to run */
	u16 head, count, max;   /* of the ring of refills */
	u8 core;
	u8 sporadic;
	struct refill refills[2]; /* and more, as the object's size allows */
};

enum thread_state {
	THREAD_INACTIVE,
	THREAD_RUNNING,
	THREAD_ON_RECEIVE,
	THREAD_ON_SEND,
	THREAD_ON_REPLY,
	THREAD_ON_NOTIFICATION,
};

enum queue_kind { QUEUE_NONE, QUEUE_READY, QUEUE_RELEASE, QUEUE_ENDPOINT, QUEUE_NOTIFICATION };

enum tcb_slot { TCB_CSPACE, TCB_VSPACE, TCB_BUFFER, TCB_FAULT, TCB_TIMEOUT, TCB_SLOTS };

/* A fault on its way to a handler: label and words as far as they are not the thread's registers. */
struct fault {
	u64 label; /* 0: none */
	u64 w[7];
};

struct tcb {
	struct context ctx; /* must be first: the trap entry stores there */
	struct slot slots[TCB_SLOTS];
	struct arch_tcb arch;

	struct tcb *next, *prev;
	u8 state;
	u8 queue;
	u8 prio;
	u8 mcp;
	u8 flags; /* seL4_TCBFlag */

	/* While blocked on an endpoint or waiting for a reply. */
	u8 is_call;
	u8 can_grant;
	u8 may_reply;
	u8 rewind; /* while blocked: by a system call, whose address the pc is just behind */
	u64 badge;
	union {
		struct endpoint *ep;
		struct notification *waits_on;
	};
	struct reply *reply;

	struct sched_context *sc;
	struct sched_context *yield_to; /* whose yield_from is this thread */
	struct notification *bound;
	u64 buffer_address; /* as the user gave it */
	struct fault fault;
};

/* What Retype makes of a type, from zeroed memory (device memory: as it is). */
struct object_type {
	u8 cap;         /* type of the capability */
	u8 bits;        /* log2 of the size; if the user has a say, what is added to that */
	u8 least, most; /* what the user may say; 0: it does not matter */
	u8 rights;
	bool of_device;             /* can be made of device memory */
	void (*init)(void *object); /* or NULL */
};

_Static_assert(sizeof(struct slot) == 1 << seL4_SlotBits, "slot");
_Static_assert(sizeof(struct tcb) <= 1 << seL4_TCBBits, "TCB");
_Static_assert(sizeof(struct endpoint) == 1 << seL4_EndpointBits, "endpoint");
_Static_assert(sizeof(struct notification) <= 1 << seL4_NotificationBits, "notification");
_Static_assert(sizeof(struct reply) == 1 << seL4_ReplyBits, "reply");
_Static_assert(offsetof(struct sched_context, refills) + 2 * sizeof(struct refill) <=
		       seL4_CoreSchedContextBytes,
	       "scheduling context");
