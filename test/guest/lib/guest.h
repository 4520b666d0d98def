/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What test guests share: the machine as its device tree describes it, a console, the GIC, PSCI and
 * exceptions. One file for all, since a guest is one small program with the MMU off.
 *
 * With the MMU off every access is to Device memory: aligned, and no exclusives. CPUs therefore talk
 * through plain volatile words and barriers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GUEST_CPUS = 8, GUEST_VIRTIO_MAX = 32 };

struct machine {
	uint64_t dtb;
	uint64_t uart;
	uint64_t rtc;
	uint64_t virtio; /* lowest virtio-mmio, 0: none */
	uint64_t virtio_at[GUEST_VIRTIO_MAX];
	uint32_t virtio_intid[GUEST_VIRTIO_MAX];
	uint32_t virtio_count;
	uint64_t ecam; /* of the PCI host bridge, 0: none; and its memory windows */
	uint64_t pci32_base, pci32_size, pci64_base, pci64_size;
	uint64_t v2m; /* GICv2m frame, 0: none */
	uint64_t gicd, gicr, gicc;
	uint32_t gic_version;
	int hvc; /* PSCI conduit: 1 hvc, 0 smc, -1 none */
	uint64_t ram_base, ram_size;
	uint32_t cpu_count;
	uint64_t mpidr[GUEST_CPUS];
	uint32_t uart_intid, rtc_intid;
	char bootargs[256];
};

/* Hidden, so that position-independent code finds it without a table. */
extern struct machine machine __attribute__((visibility("hidden")));

/* Each guest has these. */
void guest_main(void);
void irq_handler(void);
void secondary_main(uint64_t index);

/* start.S */
void guest_start(const void *dtb);
void secondary_start(void);
uint64_t psci_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
uint64_t psci_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
void smc_call(uint64_t regs[18]);
void hvc_call(uint64_t regs[18]);

/* print.c: %s %c %d %u %x, with l for 64 bits and 0N widths for %x. */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);
/** True if there was a key, which is gone then. */
bool typed(void);
bool text_equal(const char *a, const char *b);
/** True if `bootargs` has the word `name`, or `name`=value with `value` copied (at most 63 bytes). */
bool bootarg(const char *name, char value[64]);

/* noise.c: numbers as if random, the same in every run; others behind noise_begin(), of seed 0 the same. */
uint64_t noise(void);
void noise_begin(uint64_t seed);

/* machine.c */
void machine_read(const unsigned char *dtb);

/* PSCI (DEN0022), by the conduit the device tree names. */
#define PSCI_VERSION           UINT64_C(0x84000000)
#define PSCI_CPU_OFF           UINT64_C(0x84000002)
#define PSCI_MIGRATE_INFO_TYPE UINT64_C(0x84000006)
#define PSCI_SYSTEM_OFF        UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET      UINT64_C(0x84000009)
#define PSCI_FEATURES          UINT64_C(0x8400000a)
#define PSCI_CPU_SUSPEND       UINT64_C(0xc4000001)
#define PSCI_CPU_ON            UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO     UINT64_C(0xc4000004)
#define PSCI_SYSTEM_RESET2     UINT64_C(0xc4000012)
#define SMCCC_VERSION          UINT64_C(0x80000000)
#define SMCCC_ARCH_FEATURES    UINT64_C(0x80000001)

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
_Noreturn void power_off(void);

/* Exceptions. */
struct exception_frame {
	uint64_t x[31];
	uint64_t elr, esr, far, spsr;
};
_Static_assert(sizeof(struct exception_frame) <= 288, "start.S");

struct caught {
	uint32_t count;
	uint64_t esr, elr, far;
};
/*
 * While armed, a synchronous exception is recorded and the instruction skipped (an instruction abort
 * returns to x30 instead: the caller's); otherwise it is printed and the guest powers off.
 */
extern volatile struct caught caught __attribute__((visibility("hidden")));
void catch_begin(void);
uint32_t catch_end(void); /* how many were caught */
void exception(struct exception_frame *frame);
void exception_other(uint64_t esr, uint64_t elr);

static inline unsigned esr_class(uint64_t esr)
{
	return (unsigned)(esr >> 26) & 0x3f;
}

/* mmu.c: everything below 4 GiB, and once more as Normal memory at + MMU_ALIAS. */
#define MMU_ALIAS (UINT64_C(64) << 30)
void mmu_on(void);
void mmu_off(void);

/* gic.c */
void gic_init_dist(void);
void gic_init_cpu(uint32_t index);
void gic_set_mask(uint8_t priority);
void gic_enable(uint32_t index, uint32_t intid);
void gic_disable(uint32_t index, uint32_t intid);
void gic_set_pending(uint32_t index, uint32_t intid);
void gic_clear_pending(uint32_t index, uint32_t intid);
bool gic_is_pending(uint32_t index, uint32_t intid);
void gic_set_priority(uint32_t index, uint32_t intid, uint8_t priority);
void gic_set_edge(uint32_t intid, bool edge);
void gic_route(uint32_t intid, uint32_t cpu);
void gic_send(uint32_t cpu, uint32_t sgi);
/** Base of the frame where SGIs and PPIs of `index` have their GICD-like registers. */
uint64_t gic_private(uint32_t index);

enum {
	GIC_SPURIOUS = 1020, /* and up */
	VTIMER_INTID = 27,
};

#define ICC_IAR1    "S3_0_C12_C12_0"
#define ICC_EOIR1   "S3_0_C12_C12_1"
#define ICC_BPR1    "S3_0_C12_C12_3"
#define ICC_PMR     "S3_0_C4_C6_0"
#define ICC_IGRPEN1 "S3_0_C12_C12_7"
#define ICC_SRE     "S3_0_C12_C12_5"
#define ICC_SGI1R   "S3_0_C12_C11_5"

#define READ_SYSREG(name)                                                      \
	__extension__({                                                        \
		uint64_t value_;                                               \
		__asm__ volatile("mrs %0, " name : "=r"(value_) : : "memory"); \
		value_;                                                        \
	})
#define WRITE_SYSREG(name, value) \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

/* Plain loads and stores, so that what traps has a valid syndrome. */
#define IO_ACCESSORS(bits, reg, suffix)                                   \
	static inline uint##bits##_t read##bits(uint64_t at)              \
	{                                                                 \
		uint##bits##_t value;                                     \
		__asm__ volatile("ldr" suffix " %" reg "0, [%1]"          \
				 : "=r"(value)                            \
				 : "r"(at)                                \
				 : "memory");                             \
		return value;                                             \
	}                                                                 \
	static inline void write##bits(uint64_t at, uint##bits##_t value) \
	{                                                                 \
		__asm__ volatile("str" suffix " %" reg "0, [%1]"          \
				 :                                        \
				 : "r"(value), "r"(at)                    \
				 : "memory");                             \
	}
IO_ACCESSORS(8, "w", "b")
IO_ACCESSORS(16, "w", "h")
IO_ACCESSORS(32, "w", "")
IO_ACCESSORS(64, "x", "")

static inline uint32_t cpu_index(void)
{
	return (uint32_t)READ_SYSREG("tpidr_el1");
}

static inline uint64_t counter(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

static inline uint64_t counter_hz(void)
{
	return READ_SYSREG("cntfrq_el0");
}

/* When to give up on what must happen: a busy host may take its time, only a hang takes this long. */
static inline uint64_t patience(void)
{
	return counter() + 60 * counter_hz();
}

static inline void irq_on(void)
{
	__asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("msr daifset, #2\n\tisb" : : : "memory");
}

static inline void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void wfi(void)
{
	__asm__ volatile("wfi" : : : "memory");
}

/** Acknowledges the most urgent interrupt; GIC_SPURIOUS and up: none. */
static inline uint32_t gic_ack(void)
{
	return machine.gic_version == 3 ? (uint32_t)READ_SYSREG(ICC_IAR1)
					: read32(machine.gicc + 0xc);
}

static inline void gic_eoi(uint32_t iar)
{
	if (machine.gic_version == 3)
		WRITE_SYSREG(ICC_EOIR1, iar);
	else
		write32(machine.gicc + 0x10, iar);
}

static inline void vtimer_set(uint64_t deadline)
{
	__asm__ volatile("msr cntv_cval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb"
			 :
			 : "r"(deadline), "r"(UINT64_C(1))
			 : "memory");
}

static inline void vtimer_off(void)
{
	WRITE_SYSREG("cntv_ctl_el0", 0);
}
