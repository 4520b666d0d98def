/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two halves of the run loop share: vcpu.c (waiting, signals, life cycle) and exits.c (what
 * the guest did). Called by the vCPU's own handler only. Each returns what is owed to the guest.
 */
#pragma once

#include "vmm/core/vm.h"

/** Acts on one exit of the guest. */
enum port_answer vcpu_exit(struct vcpu *v, const struct port_event *event);

/** Blocks the guest, whose pc is already past its wait, unless an interrupt is due. */
enum port_answer vcpu_wait(struct vcpu *v);

/** Parks the vCPU for the VM's pending request; vCPU 0 carries it out when all are. */
enum port_answer vcpu_attend(struct vcpu *v);

/** Turns the vCPU off; its guest thread does not run. */
void vcpu_off(struct vcpu *v);

/** An OFF vCPU looks whether it has been told to start. */
enum port_answer vcpu_mail(struct vcpu *v);

/** An exit of the program that runs in the guest's place (VCPU_SCRUBBING). */
enum port_answer vcpu_scrub_exit(struct vcpu *v, enum exit_kind kind);

/** A kernel call failed: ends the VM. */
enum port_answer vcpu_failed(struct vcpu *v, enum vmm_err err);

/** One turn of vcpu_run(): pays `*answer`, waits, acts, and leaves the next answer there. */
void vcpu_step(struct vcpu *v, enum port_answer *answer);
