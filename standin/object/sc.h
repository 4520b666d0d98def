/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling contexts: who runs on them. Their time is sched/refill.h's matter. */
#pragma once

#include "standin/object/objects.h"

/** The context moves to `to`; who had it has none. */
void sc_donate(struct sched_context *sc, struct tcb *to);
void sc_bind_tcb(struct sched_context *sc, struct tcb *t);
/** The thread that has it stays blocked or runnable, but passive. */
void sc_unbind_tcb(struct sched_context *sc);
void sc_bind_notification(struct sched_context *sc, struct notification *n);
void sc_unbind_notification(struct sched_context *sc);
void sc_destroy(struct sched_context *sc);
bool sc_exhausted(struct sched_context *sc);
/** Whoever called YieldTo on it, or waits having done so, is answered. */
void sc_cancel_yield(struct sched_context *sc);
