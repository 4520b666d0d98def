/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop has one alarm (vm.alarm), and two want it: the RTC, and devices that put work off. The
 * earlier one is set; at the signal both are looked at, and who is not due yet asks again.
 *
 * Its lock comes after a device's, and nothing but the loop's alarm after it.
 */
#include "app/vmm/machine.h"

enum { POLLS_A_SECOND = 2000 };

/* The lock is held. True: it has passed already. */
static bool set(struct machine *m, unsigned caller)
{
	uint64_t due = m->rtc_due;

	if (m->poll_due != 0 && (due == 0 || m->poll_due < due))
		due = m->poll_due;
	return vm_set_alarm(&m->vm, caller, due);
}

bool machine_rtc_alarm(struct machine *m, unsigned caller, uint64_t ticks)
{
	bool passed;

	lock_take(&m->alarm_lock);
	m->rtc_due = ticks;
	passed = set(m, caller);
	lock_give(&m->alarm_lock);
	return passed;
}

bool machine_poll_later(struct machine *m, unsigned caller)
{
	bool passed = false, armed = true;
	uint64_t now, hz;

	if (caller != 0) /* another one's timer is not the alarm's */
		return false;
	lock_take(&m->alarm_lock);
	if (m->poll_due == 0) {
		armed = port_time(&m->vm.vcpu[0].port, &now, &hz) == VMM_OK;
		if (armed) {
			m->poll_due = now + hz / POLLS_A_SECOND;
			passed = set(m, caller);
		}
	}
	lock_give(&m->alarm_lock);
	if (passed)
		vm_again(&m->vm, caller);
	return armed;
}

void machine_poll_done(struct machine *m, unsigned caller)
{
	lock_take(&m->alarm_lock);
	if (m->poll_due != 0) {
		m->poll_due = 0;
		(void)set(m, caller); /* what has passed is signalled all the same */
	}
	lock_give(&m->alarm_lock);
}

void machine_alarm_signal(struct machine *m)
{
	bool poll;

	lock_take(&m->alarm_lock);
	poll = m->poll_due != 0;
	m->poll_due = 0;
	m->rtc_due = 0;
	(void)set(m, 0);
	lock_give(&m->alarm_lock);
	if (poll)
		machine_virtio_again(m, 0, VIRTIO_OVERDUE);
}
