// SPDX-License-Identifier: BSD-2-Clause
/*
 * PSCI decisions. The calls are a table indexed by the function number; a function that is not in
 * it, or not under the calling convention used, is NOT_SUPPORTED, both when called and when asked
 * about by PSCI_FEATURES, so the two cannot disagree.
 *
 * Left out, all optional in DEN 0022D: MIGRATE and MIGRATE_INFO_UP_CPU (there is no Trusted OS:
 * MIGRATE_INFO_TYPE says so), CPU_FREEZE, CPU_DEFAULT_SUSPEND, NODE_HW_STATE, OS-initiated mode,
 * statistics, MEM_PROTECT. SMCCC services other than the architecture's own, TRNG among them, are
 * not offered.
 */
#include "vmm/dev/psci/psci.h"

#include "vmm/base/util.h"

#include <stddef.h>

/* Function identifiers (DEN 0028E, chapter 2): fast call, 64-bit convention, owner, number. */
#define FAST          UINT32_C(0x80000000)
#define CONVENTION_64 UINT32_C(0x40000000)
#define PSCI_BASE     UINT32_C(0x84000000) /* owner 4, standard secure service: numbers 0..0x1f */

enum {
	FUNCTION_COUNT = 0x20,
	SMCCC_VERSION = 0,       /* of FAST, owner 0: the Arm Architecture */
	SMCCC_ARCH_FEATURES = 1, /* the same */
	SMCCC_VERSION_1_1 = 0x10001,
	PSCI_VERSION_1_1 = 0x10001,
	MIGRATE_NOT_NEEDED = 2,
	SYSTEM_WARM_RESET = 0,
	AFFINITY_LEVELS = 4,
};

/* CPU_SUSPEND's power_state in the original format (DEN 0022D, chapter 5, CPU_SUSPEND). */
#define POWER_STATE_DOWN     (UINT32_C(1) << 16)
#define POWER_STATE_LEVEL    (UINT32_C(3) << 24)
#define POWER_STATE_RESERVED UINT32_C(0xfcfe0000)

/* Affinity fields of MPIDR_EL1 and of a target_affinity; a 32-bit one has no Aff3. */
#define AFFINITY_MASK UINT64_C(0xff00ffffff)

struct call {
	unsigned vcpu;    /* who calls */
	uint64_t args[3]; /* x1..x3, 32-bit ones zero-extended */
};

struct function {
	void (*handle)(struct psci *psci, const struct call *call, struct psci_action *out);
	bool smc64; /* under the 64-bit convention as well */
};

static void give(struct psci_action *out, int64_t result)
{
	out->result = (uint64_t)result;
}

static bool entry_ok(const struct psci *psci, uint64_t entry)
{
	return entry % 4 == 0 && psci->config.is_ram(psci->config.ctx, entry);
}

static void version(struct psci *psci, const struct call *call, struct psci_action *out)
{
	(void)psci;
	(void)call;
	give(out, PSCI_VERSION_1_1);
}

/*
 * There is one power level, a vCPU's own; StateID is the platform's and we give it no meaning.
 * Standby keeps all state, so where it would wake is not asked for.
 */
static void cpu_suspend(struct psci *psci, const struct call *call, struct psci_action *out)
{
	uint32_t state = (uint32_t)call->args[0];

	if ((state & (POWER_STATE_RESERVED | POWER_STATE_LEVEL)) != 0) {
		give(out, PSCI_INVALID_PARAMETERS);
	} else if ((state & POWER_STATE_DOWN) == 0) {
		out->kind = PSCI_ACTION_STANDBY;
	} else if (!entry_ok(psci, call->args[1])) {
		give(out, PSCI_INVALID_ADDRESS);
	} else {
		out->kind = PSCI_ACTION_SUSPEND;
		out->entry = call->args[1];
		out->context = call->args[2];
	}
}

/* True if no vCPU but `except` is on or about to be. */
static bool others_off(const struct psci *psci, unsigned except)
{
	for (unsigned i = 0; i < psci->config.vcpu_count; i++)
		if (i != except && psci->state[i] != PSCI_STATE_OFF)
			return false;
	return true;
}

static void cpu_off(struct psci *psci, const struct call *call, struct psci_action *out)
{
	psci->state[call->vcpu] = PSCI_STATE_OFF;
	out->kind = PSCI_ACTION_PARK;
	out->last = others_off(psci, call->vcpu);
}

static void cpu_on(struct psci *psci, const struct call *call, struct psci_action *out)
{
	unsigned target;

	for (target = 0; target < psci->config.vcpu_count; target++)
		if (call->args[0] == (psci->config.mpidr[target] & AFFINITY_MASK))
			break;
	if (target == psci->config.vcpu_count) {
		give(out, PSCI_INVALID_PARAMETERS);
	} else if (!entry_ok(psci, call->args[1])) {
		give(out, PSCI_INVALID_ADDRESS);
	} else if (psci->state[target] == PSCI_STATE_ON) {
		give(out, PSCI_ALREADY_ON);
	} else if (psci->state[target] == PSCI_STATE_ON_PENDING) {
		give(out, PSCI_ON_PENDING);
	} else {
		psci->state[target] = PSCI_STATE_ON_PENDING;
		out->kind = PSCI_ACTION_START;
		out->vcpu = target;
		out->entry = call->args[1];
		out->context = call->args[2];
	}
}

/* An affinity instance above level 0 is on if any vCPU in it is. */
static void affinity_info(struct psci *psci, const struct call *call, struct psci_action *out)
{
	static const uint64_t level_mask[AFFINITY_LEVELS] = {
		AFFINITY_MASK,
		AFFINITY_MASK & ~UINT64_C(0xff),
		AFFINITY_MASK & ~UINT64_C(0xffff),
		AFFINITY_MASK & ~UINT64_C(0xffffff),
	};
	uint32_t level = (uint32_t)call->args[1];
	bool found = false, pending = false;

	if (level >= AFFINITY_LEVELS || (call->args[0] & ~AFFINITY_MASK) != 0) {
		give(out, PSCI_INVALID_PARAMETERS);
		return;
	}
	for (unsigned i = 0; i < psci->config.vcpu_count; i++) {
		if (((call->args[0] ^ psci->config.mpidr[i]) & level_mask[level]) != 0)
			continue;
		if (psci->state[i] == PSCI_STATE_ON) {
			give(out, PSCI_STATE_ON);
			return;
		}
		found = true;
		pending = pending || psci->state[i] == PSCI_STATE_ON_PENDING;
	}
	if (!found)
		give(out, PSCI_INVALID_PARAMETERS);
	else
		give(out, pending ? PSCI_STATE_ON_PENDING : PSCI_STATE_OFF);
}

static void migrate_info_type(struct psci *psci, const struct call *call, struct psci_action *out)
{
	(void)psci;
	(void)call;
	give(out, MIGRATE_NOT_NEEDED);
}

static void system_off(struct psci *psci, const struct call *call, struct psci_action *out)
{
	(void)psci;
	(void)call;
	out->kind = PSCI_ACTION_OFF;
}

static void system_reset(struct psci *psci, const struct call *call, struct psci_action *out)
{
	(void)psci;
	(void)call;
	out->kind = PSCI_ACTION_RESET;
}

/* Of the reset types only the architectural warm reset exists; it is the reset we have. */
static void system_reset2(struct psci *psci, const struct call *call, struct psci_action *out)
{
	(void)psci;
	if ((uint32_t)call->args[0] == SYSTEM_WARM_RESET)
		out->kind = PSCI_ACTION_RESET;
	else
		give(out, PSCI_INVALID_PARAMETERS);
}

/* Like the deepest CPU_SUSPEND, of a system whose other vCPUs are off. */
static void system_suspend(struct psci *psci, const struct call *call, struct psci_action *out)
{
	if (!entry_ok(psci, call->args[0])) {
		give(out, PSCI_INVALID_ADDRESS);
	} else if (!others_off(psci, call->vcpu)) {
		give(out, PSCI_DENIED);
	} else {
		out->kind = PSCI_ACTION_SUSPEND;
		out->entry = call->args[0];
		out->context = call->args[1];
	}
}

static void features(struct psci *psci, const struct call *call, struct psci_action *out);

static const struct function functions[FUNCTION_COUNT] = {
	[0x00] = { .handle = version },
	[0x01] = { .handle = cpu_suspend, .smc64 = true },
	[0x02] = { .handle = cpu_off },
	[0x03] = { .handle = cpu_on, .smc64 = true },
	[0x04] = { .handle = affinity_info, .smc64 = true },
	[0x06] = { .handle = migrate_info_type },
	[0x08] = { .handle = system_off },
	[0x09] = { .handle = system_reset },
	[0x0a] = { .handle = features },
	[0x0e] = { .handle = system_suspend, .smc64 = true },
	[0x12] = { .handle = system_reset2, .smc64 = true },
};

/* NULL for everything that is not one of ours. */
static const struct function *find(uint32_t id)
{
	const struct function *f = &functions[id % FUNCTION_COUNT];

	if ((id & ~(CONVENTION_64 | (FUNCTION_COUNT - 1))) != PSCI_BASE || f->handle == NULL ||
	    ((id & CONVENTION_64) != 0 && !f->smc64))
		return NULL;
	return f;
}

/* No function has feature flags: CPU_SUSPEND is of the original format, platform-coordinated. */
static void features(struct psci *psci, const struct call *call, struct psci_action *out)
{
	uint32_t id = (uint32_t)call->args[0];

	(void)psci;
	if (find(id) == NULL && id != (FAST | SMCCC_VERSION))
		give(out, PSCI_NOT_SUPPORTED);
}

/* DEN 0028E, chapter 7. What a workaround would need depends on hardware we do not know. */
static void smccc(uint32_t id, uint32_t arg, struct psci_action *out)
{
	if (id == (FAST | SMCCC_VERSION))
		give(out, SMCCC_VERSION_1_1);
	else if (id != (FAST | SMCCC_ARCH_FEATURES) ||
		 (arg != (FAST | SMCCC_VERSION) && arg != (FAST | SMCCC_ARCH_FEATURES)))
		give(out, PSCI_NOT_SUPPORTED);
}

void psci_call(struct psci *psci, unsigned vcpu, const uint64_t regs[PSCI_REGS],
	       struct psci_action *out)
{
	uint32_t id = (uint32_t)regs[0];
	const struct function *f = find(id);
	uint64_t mask = (id & CONVENTION_64) != 0 ? UINT64_MAX : UINT32_MAX;
	const struct call call = {
		.vcpu = vcpu,
		.args = { regs[1] & mask, regs[2] & mask, regs[3] & mask },
	};

	out->kind = PSCI_ACTION_RETURN;
	out->result = PSCI_SUCCESS;
	if (f != NULL)
		f->handle(psci, &call, out);
	else
		smccc(id, (uint32_t)regs[1], out);
}

void psci_started(struct psci *psci, unsigned vcpu)
{
	psci->state[vcpu] = PSCI_STATE_ON;
}

enum psci_state psci_state(const struct psci *psci, unsigned vcpu)
{
	return (enum psci_state)psci->state[vcpu];
}

void psci_reset(struct psci *psci)
{
	for (unsigned i = 0; i < PSCI_VCPUS; i++)
		psci->state[i] = i == 0 ? PSCI_STATE_ON : PSCI_STATE_OFF;
}

enum vmm_err psci_init(struct psci *psci, const struct psci_config *config)
{
	if (config->vcpu_count < 1 || config->vcpu_count > PSCI_VCPUS)
		return VMM_ERR_RANGE;
	if (config->is_ram == NULL)
		return VMM_ERR_INVALID;
	psci->config = *config;
	psci_reset(psci);
	return VMM_OK;
}
