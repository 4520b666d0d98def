// SPDX-License-Identifier: BSD-2-Clause
/*
 * How the two ends of a network link come together again after either of them died, for SPIN: what
 * vmm/backend/net/link.c does (begin_life, come_together, set_up_again, netlink_flush), with one buffer a
 * direction, queues of two entries, and every access to shared memory a step of its own, in the order of
 * the code. An end dies anywhere, DEATHS times in all; what it had in its variables is gone, what it
 * shared is not. Frames are signalled if their consumer has asked for it, as netq_publish() does.
 *
 * The owner is a VMM, which may also notice that its peer died when its guest sends (vmm/backend/net/sddf.c),
 * and then does not look for frames; the peer is a switch, which looks at everything until nothing is left.
 *
 * What must hold: no buffer is in two places, the owner sets the queues up only while its peer has
 * stopped, and when nobody dies any more both ends have agreed and a frame arrives in each direction: the
 * monitor looks when nobody has anything left to do, so a signal that got lost is found, too.
 *
 * FAULT=n takes one step out, and SPIN must find what that breaks (ci/protocol).
 */
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef FAULT
#define FAULT 0
#endif

#define O 0 /* the end that owns the buffers */
#define P 1 /* its peer */

/* The queues. Indices run freely, in two bits. */
#define IN_FREE    0 /* O to P: buffers that O receives into */
#define IN_ACTIVE  1 /* P to O */
#define OUT_ACTIVE 2 /* O to P: frames that O sends */
#define OUT_FREE   3 /* P to O */
#define CAPACITY   2
#define AT(i)      ((i) & 3)
#define LENGTH(q)  AT(tail[q] - head[q])
byte tail[4], head[4];

/* The notes, and the signals. */
byte life[2], answer[2], set;
bool up[2], signal[2];
bool asked[2] = true; /* by this end as a consumer of frames: consumer_signalled is 0 */

/* What only the reader of this model knows. */
bool dies[2];
byte deaths;
bool together[2];    /* this end uses the queues */
byte held[4];        /* buffers in variables: of the direction in, out by O; in, out by P */
bool arrived[2];     /* a frame at this end, since the last death */

#define HELD(who, direction) held[2 * (who) + (direction)]

#define CONSERVED \
	assert(LENGTH(IN_FREE) + LENGTH(IN_ACTIVE) + HELD(O, 0) + HELD(P, 0) <= 1); \
	assert(LENGTH(OUT_FREE) + LENGTH(OUT_ACTIVE) + HELD(O, 1) + HELD(P, 1) <= 1)

/* Takes an entry of `from`, whose own index is `mine`, into the variables, and gives it on to `to`. */
#define PASS_ON(who, direction, from, mine, to, next) \
	atomic { mine = AT(mine + 1); head[from] = mine; HELD(who, direction) = 1 }; \
	next = AT(next + 1); \
	atomic { tail[to] = next; HELD(who, direction) = 0; CONSERVED }

/* What is left of an end that died, and what it begins with: its own indices, as they are shared. */
#define DIES(who) \
	dies[who] = false; together[who] = false; HELD(who, 0) = 0; HELD(who, 1) = 0

/* netq_publish(), as far as it concerns who takes the frames. */
#define PUBLISH(to, announce) \
	if \
	:: atomic { asked[to] -> asked[to] = false }; announce = true \
	:: else \
	fi

active proctype owner()
{
	byte mine, theirs, free_tail, active_head, out_tail, out_head;
	bool apart, announce, moved, fresh, just, kicked;

begin:	{
		d_step {
			free_tail = tail[IN_FREE]; active_head = head[IN_ACTIVE];
			out_tail = tail[OUT_ACTIVE]; out_head = head[OUT_FREE];
			fresh = false; moved = false; kicked = false; just = false
		}
		/* begin_life() */
		mine = (up[O] || (free_tail != 0 && FAULT != 1) -> life[O] + 1 : 0);
		theirs = life[P];
		apart = (mine != 0 || theirs != 0);
		life[O] = mine;
		if
		:: mine == 0 -> /* set_up(), hand_over() */
			d_step { fresh = true; HELD(O, 1) = 1 };
			if
			:: AT(free_tail - head[IN_FREE]) < CAPACITY -> free_tail = AT(free_tail + 1)
			:: else
			fi;
			atomic { tail[IN_FREE] = free_tail; CONSERVED };
			apart = false;
			answer[O] = theirs
		:: else
		fi;
		up[O] = true;
		signal[P] = true;
		announce = false;
again:
		if
		:: !kicked && !apart && tail[IN_ACTIVE] != active_head
		:: else ->
			/* netlink_in_wait(): come_together() */
			if
			:: life[P] != theirs ->
				theirs = life[P];
				together[O] = false;
				apart = true;
				announce = true
			:: else
			fi;
			if
			:: apart && (answer[P] == mine || FAULT == 2) ->
				just = (FAULT == 6);
				/* set_up_again() */
				active_head = tail[IN_ACTIVE]; head[IN_ACTIVE] = active_head;
				out_head = tail[OUT_FREE]; head[OUT_FREE] = out_head;
				free_tail = head[IN_FREE]; tail[IN_FREE] = free_tail;
				out_tail = head[OUT_ACTIVE]; tail[OUT_ACTIVE] = out_tail;
				atomic {
					assert(!together[P] && HELD(P, 0) == 0 && HELD(P, 1) == 0);
					fresh = true; HELD(O, 1) = 1; HELD(O, 0) = 0
				};
				free_tail = AT(free_tail + 1);
				atomic { tail[IN_FREE] = free_tail; CONSERVED };
				answer[O] = theirs;
				set = mine;
				announce = true;
				apart = false
			:: else
			fi;
			together[O] = !apart;
			if
			:: !apart && !just && tail[IN_ACTIVE] == active_head -> asked[O] = true
			:: else
			fi;
			just = false
		fi;
		if
		:: !kicked && !apart && tail[IN_ACTIVE] != active_head ->
			arrived[O] = true;
			PASS_ON(O, 0, IN_ACTIVE, active_head, IN_FREE, free_tail);
			moved = true
		:: else
		fi;
		if
		:: !apart && !arrived[P] && fresh ->
			fresh = false;
			out_tail = AT(out_tail + 1);
			atomic { tail[OUT_ACTIVE] = out_tail; HELD(O, 1) = 0; CONSERVED };
			PUBLISH(P, announce)
		:: !apart && !arrived[P] && !fresh && tail[OUT_FREE] != out_head ->
			PASS_ON(O, 1, OUT_FREE, out_head, OUT_ACTIVE, out_tail);
			PUBLISH(P, announce)
		:: else
		fi;
		/* netlink_flush() */
		if
		:: announce && FAULT != 3 -> signal[P] = true
		:: else
		fi;
		if
		:: moved -> d_step { moved = false; announce = false }
		:: else -> announce = false;
end:			if
			:: atomic { signal[O] -> signal[O] = false; kicked = false }
			:: atomic { life[P] != theirs -> kicked = true }
			fi
		fi;
		goto again
	} unless {
		atomic { dies[O] -> DIES(O) };
		goto begin
	}
}

active proctype peer()
{
	byte mine, theirs, free_head, active_tail, out_head, out_tail;
	bool apart, announce, moved;

begin:	{
		d_step {
			free_head = head[IN_FREE]; active_tail = tail[IN_ACTIVE];
			out_head = head[OUT_ACTIVE]; out_tail = tail[OUT_FREE];
			moved = false
		}
		/* begin_life() */
		mine = (up[P] -> life[P] + 1 : 0);
		theirs = life[O];
		apart = (mine != 0 || theirs != 0);
		life[P] = mine;
		answer[P] = theirs;
		up[P] = true;
		signal[O] = true;
		announce = false;
again:
		/* switch_poll() */
		if
		:: !apart && tail[OUT_ACTIVE] != out_head ->
			arrived[P] = true;
			PASS_ON(P, 1, OUT_ACTIVE, out_head, OUT_FREE, out_tail);
			moved = true
		:: else
		fi;
		if
		:: !apart && !arrived[O] && tail[IN_FREE] != free_head ->
			PASS_ON(P, 0, IN_FREE, free_head, IN_ACTIVE, active_tail);
			PUBLISH(O, announce);
			moved = true
		:: else
		fi;
		if
		:: moved
		:: else ->
			/* netlink_in_wait(): come_together() */
			if
			:: life[O] != theirs ->
				theirs = life[O];
				together[P] = false;
				apart = true;
				announce = true;
				answer[P] = theirs
			:: else
			fi;
			if
			:: apart && answer[O] == mine && (set == theirs || FAULT == 4) ->
				apart = false;
				moved = true
			:: else
			fi;
			together[P] = !apart;
			if
			:: !apart && tail[OUT_ACTIVE] == out_head ->
				asked[P] = true;
				moved = moved || tail[OUT_ACTIVE] != out_head
			:: !apart && tail[OUT_ACTIVE] != out_head -> moved = true
			:: else
			fi
		fi;
		/* netlink_flush() */
		if
		:: announce && FAULT != 5 -> signal[O] = true
		:: else
		fi;
		if
		:: moved -> d_step { moved = false; announce = false }
		:: else -> announce = false;
end:			atomic { signal[P] -> signal[P] = false }
		fi;
		goto again
	} unless {
		atomic { dies[P] -> DIES(P) };
		goto begin
	}
}

active proctype fate()
{
	do
	:: atomic {
		deaths < DEATHS ->
		deaths++;
		arrived[O] = false;
		arrived[P] = false;
		if
		:: dies[O] = true
		:: dies[P] = true
		fi
	}
	:: break
	od
}

active proctype monitor()
{
	timeout -> assert(together[O] && together[P] && arrived[O] && arrived[P])
}
