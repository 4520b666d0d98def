// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every form of load and store on an emulated register.
 *
 * The registers used keep what is written: GICD_IPRIORITYR of SPIs without a device (by byte and by
 * word, upper five bits at least), and the PL011's IBRD (16 bits) and FBRD (6 bits), which lie side
 * by side. The forms without a valid syndrome (writeback, pairs) run three times: MMU off, MMU on
 * with the device as Normal memory, and with the code itself at an alias, where the VMM must find the
 * instruction through the guest's own tables (DDI 0487, D17.2.37, ISS encoding of a Data Abort).
 */
#include "test/guest/selftest/selftest.h"

enum {
	PRIORITY = 0x400 + SPARE_SPI, /* two words */
	UART_IBRD = 0x24,
	UART_FBRD = 0x28,
};

static uint64_t priority(void)
{
	return machine.gicd + PRIORITY;
}

static void bytes(void)
{
	for (unsigned i = 0; i < 8; i++)
		write8(priority() + i, (uint8_t)(0x80 + 8 * i));
	EXPECT_EQ(read32(priority()), 0x98908880);
	EXPECT_EQ(read32(priority() + 4), 0xb8b0a8a0);
	write32(priority(), 0x10f848a0);
	EXPECT_EQ(read8(priority()), 0xa0);
	EXPECT_EQ(read8(priority() + 1), 0x48);
	EXPECT_EQ(read8(priority() + 2), 0xf8);
	EXPECT_EQ(read8(priority() + 3), 0x10);
}

static void halfwords(void)
{
	write16(machine.uart + UART_IBRD, 0xf00d);
	EXPECT_EQ(read16(machine.uart + UART_IBRD), 0xf00d);
	EXPECT_EQ(read32(machine.uart + UART_IBRD), 0xf00d);
}

static void doublewords(void)
{
	uint64_t router = machine.gicd + 0x6000 + 8 * SPARE_SPI;

	SKIP_IF(machine.gic_version != 3, "needs GICv3's 64-bit registers");
	write64(router, machine.mpidr[0]);
	EXPECT_EQ(read64(router), machine.mpidr[0]);
	write64(router, UINT64_C(1) << 31);
	EXPECT_EQ(read64(router), UINT64_C(1) << 31);
	write64(router, machine.mpidr[0]);
}

/* One load by `insn` of register form `reg`, from [at]; the register is all ones before. */
#define LOAD(insn, reg, at)                              \
	__extension__({                                  \
		uint64_t value_ = ~UINT64_C(0);          \
		__asm__ volatile(insn " %" reg "0, [%1]" \
				 : "+r"(value_)          \
				 : "r"((uint64_t)(at))   \
				 : "memory");            \
		value_;                                  \
	})

static void extension(void)
{
	write32(priority(), 0x08f8f8f8);
	EXPECT_EQ(LOAD("ldrb", "w", priority()), 0xf8);
	EXPECT_EQ(LOAD("ldrsb", "w", priority()), 0xfffffff8);
	EXPECT_EQ(LOAD("ldrsb", "x", priority()), -UINT64_C(8));
	EXPECT_EQ(LOAD("ldrsb", "x", priority() + 3), 8);
	EXPECT_EQ(LOAD("ldr", "w", priority()), 0x08f8f8f8);
	EXPECT_EQ(LOAD("ldrsw", "x", priority()), 0x08f8f8f8);
	write32(priority(), 0xf8f8f8f8);
	EXPECT_EQ(LOAD("ldr", "w", priority()), 0xf8f8f8f8);
	EXPECT_EQ(LOAD("ldrsw", "x", priority()), 0xfffffffff8f8f8f8);
	write16(machine.uart + UART_IBRD, 0x8001);
	EXPECT_EQ(LOAD("ldrh", "w", machine.uart + UART_IBRD), 0x8001);
	EXPECT_EQ(LOAD("ldrsh", "w", machine.uart + UART_IBRD), 0xffff8001);
	EXPECT_EQ(LOAD("ldrsh", "x", machine.uart + UART_IBRD), 0xffffffffffff8001);
}

static void zero_register(void)
{
	write32(priority(), 0x88888888);
	__asm__ volatile("ldr wzr, [%0]" : : "r"(priority()) : "memory");
	EXPECT_EQ(read32(priority()), 0x88888888);
	__asm__ volatile("str wzr, [%0]" : : "r"(priority()) : "memory");
	EXPECT_EQ(read32(priority()), 0);
	__asm__ volatile("strb wzr, [%0]" : : "r"(priority()) : "memory");
	EXPECT_EQ(read32(priority()), 0);
}

/* The register that is read into is the base itself; and each register in turn. */
static void every_register(void)
{
	uint64_t value = priority();

	write32(priority(), 0xa8a8a8a8);
	__asm__ volatile("ldr %w0, [%0]" : "+r"(value) : : "memory");
	EXPECT_EQ(value, 0xa8a8a8a8);
#define WITH(n)                                                               \
	do {                                                                  \
		__asm__ volatile("ldr w" #n ", [%1]\n\tmov %w0, w" #n         \
				 : "=r"(value)                                \
				 : "r"(priority())                            \
				 : "x" #n, "memory");                         \
		EXPECT_EQ(value, 0xa8a8a8a8);                                 \
		__asm__ volatile("mov w" #n ", %w0\n\tstr w" #n ", [%1]"      \
				 :                                            \
				 : "r"(0x08080800 + 8 * (n)), "r"(priority()) \
				 : "x" #n, "memory");                         \
		EXPECT_EQ(read32(priority()), 0x08080800 + 8 * (n));          \
		write32(priority(), 0xa8a8a8a8);                              \
	} while (0)
	WITH(0);
	WITH(1);
	WITH(2);
	WITH(3);
	WITH(4);
	WITH(5);
	WITH(6);
	WITH(7);
	WITH(8);
	WITH(9);
	WITH(10);
	WITH(11);
	WITH(12);
	WITH(13);
	WITH(14);
	WITH(15);
	WITH(16);
	WITH(17);
	WITH(20);
	WITH(21);
	WITH(22);
	WITH(23);
	WITH(24);
	WITH(25);
	WITH(26);
	WITH(27);
	WITH(28);
	WITH(30);
#undef WITH
}

static void indexed(void)
{
	uint64_t value, offset = 4;

	write32(priority(), 0x10101010);
	write32(priority() + 4, 0x20202020);
	__asm__ volatile("ldr %w0, [%1, %2]" : "=r"(value) : "r"(priority()), "r"(offset));
	EXPECT_EQ(value, 0x20202020);
	__asm__ volatile("ldr %w0, [%1, %w2, uxtw #2]" : "=r"(value) : "r"(priority()), "r"(1));
	EXPECT_EQ(value, 0x20202020);
	__asm__ volatile("ldur %w0, [%1, #-4]" : "=r"(value) : "r"(priority() + 4));
	EXPECT_EQ(value, 0x10101010);
}

/* The forms whose syndrome says nothing: the VMM must decode the instruction. `at` is two words. */
static void writeback_at(uint64_t at)
{
	uint64_t base = at, value;

	write32(at, 0x30303030);
	write32(at + 4, 0x40404040);
	__asm__ volatile("ldr %w0, [%1], #4" : "=&r"(value), "+r"(base) : : "memory");
	EXPECT_EQ(value, 0x30303030);
	EXPECT_EQ(base, at + 4);
	__asm__ volatile("ldr %w0, [%1, #-4]!" : "=&r"(value), "+r"(base) : : "memory");
	EXPECT_EQ(value, 0x30303030);
	EXPECT_EQ(base, at);
	__asm__ volatile("ldrsb %x0, [%1, #4]!" : "=&r"(value), "+r"(base) : : "memory");
	EXPECT_EQ(value, 0x40);
	EXPECT_EQ(base, at + 4);
	__asm__ volatile("str %w1, [%0], #-4" : "+r"(base) : "r"(0x50505050) : "memory");
	EXPECT_EQ(base, at);
	__asm__ volatile("strb %w1, [%0, #1]!" : "+r"(base) : "r"(0x60) : "memory");
	EXPECT_EQ(base, at + 1);
	EXPECT_EQ(read32(at + 4), 0x50505050);
	EXPECT_EQ(read32(at), 0x30306030);
}

/*
 * Two accesses of 32 bits each (DDI 0487, B2.2.1). QEMU 10 makes one of 64 of them, which its own
 * GICv3 refuses for these registers.
 */
static bool pairs_work(void)
{
	return !test_bare() || machine.gic_version != 3;
}

static void pairs_at(uint64_t at)
{
	uint64_t a, b, base = at;

	if (!pairs_work())
		return;

	__asm__ volatile("stp %w1, %w2, [%0]"
			 :
			 : "r"(at), "r"(0x18181818), "r"(0x28282828)
			 : "memory");
	EXPECT_EQ(read32(at), 0x18181818);
	EXPECT_EQ(read32(at + 4), 0x28282828);
	__asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(at) : "memory");
	EXPECT_EQ(a, 0x18181818);
	EXPECT_EQ(b, 0x28282828);
	write32(at, 0xf0f0f0f0);
	__asm__ volatile("ldpsw %x0, %x1, [%2]" : "=&r"(a), "=&r"(b) : "r"(at) : "memory");
	EXPECT_EQ(a, 0xfffffffff0f0f0f0);
	EXPECT_EQ(b, 0x28282828);
	__asm__ volatile("ldp %w0, %w1, [%2], #8" : "=&r"(a), "=&r"(b), "+r"(base) : : "memory");
	EXPECT_EQ(a, 0xf0f0f0f0);
	EXPECT_EQ(base, at + 8);
	__asm__ volatile("stp %w1, wzr, [%0, #-8]!" : "+r"(base) : "r"(0x38383838) : "memory");
	EXPECT_EQ(base, at);
	EXPECT_EQ(read32(at), 0x38383838);
	EXPECT_EQ(read32(at + 4), 0);
}

/* With sp as the base; interrupts are masked, and an exit does not use the guest's stack. */
static void stack_pointer_at(uint64_t at)
{
	uint64_t value, base, keep;

	write32(at, 0x48484848);
	__asm__ volatile(
		"mov %2, sp\n\tmov sp, %3\n\tldr %w0, [sp], #16\n\tmov %1, sp\n\tmov sp, %2"
		: "=&r"(value), "=&r"(base), "=&r"(keep)
		: "r"(at)
		: "memory");
	EXPECT_EQ(value, 0x48484848);
	EXPECT_EQ(base, at + 16);
}

static void writeback(void)
{
	writeback_at(priority());
}

static void pairs(void)
{
	SKIP_IF(!pairs_work(), "QEMU makes one access of two");
	pairs_at(priority());
}

static void stack_pointer(void)
{
	stack_pointer_at(machine.gicd + 0x400 + 48);
}

static void pairs_of_uart(void)
{
	uint64_t a, b;

	__asm__ volatile("stp %w1, %w2, [%0]"
			 :
			 : "r"(machine.uart + UART_IBRD), "r"(0x1234), "r"(0x15)
			 : "memory");
	__asm__ volatile("ldp %w0, %w1, [%2]"
			 : "=&r"(a), "=&r"(b)
			 : "r"(machine.uart + UART_IBRD)
			 : "memory");
	EXPECT_EQ(a, 0x1234);
	EXPECT_EQ(b, 0x15);
}

static void with_mmu(void)
{
	mmu_on();
	writeback_at(MMU_ALIAS + priority());
	pairs_at(MMU_ALIAS + priority());
	stack_pointer_at(MMU_ALIAS + machine.gicd + 0x400 + 48);
	mmu_off();
}

/* `run` as it is seen in the alias: its pc is not its physical address. */
static void alias_call(void (*run)(uint64_t), uint64_t argument)
{
	void (*alias)(uint64_t) = (void (*)(uint64_t))((uintptr_t)run + MMU_ALIAS);

	alias(argument);
}

static void with_mmu_code_elsewhere(void)
{
	mmu_on();
	alias_call(writeback_at, MMU_ALIAS + priority());
	alias_call(pairs_at, MMU_ALIAS + priority());
	mmu_off();
}

/*
 * What no sane driver does, on a device mapped as Normal: unaligned, across the end of the page,
 * exclusive, by SIMD register, cache maintenance. An abort of the guest's own or any value will do,
 * as long as the guest goes on.
 */
static void odd_accesses(void)
{
	uint64_t at = MMU_ALIAS + priority(), end = MMU_ALIAS + machine.uart + 0x1000 - 2;
	uint64_t value, other;

	mmu_on();
	catch_begin();
	__asm__ volatile("ldr %w0, [%1, #1]" : "=r"(value) : "r"(at) : "memory");
	__asm__ volatile("str %w0, [%1, #3]" : : "r"(0), "r"(at) : "memory");
	__asm__ volatile("ldr %0, [%1, #5]" : "=r"(value) : "r"(at) : "memory");
	__asm__ volatile("ldrh %w0, [%1, #3]" : "=r"(value) : "r"(at) : "memory");
	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(end) : "memory");
	__asm__ volatile("str %w0, [%1]" : : "r"(0), "r"(end) : "memory");
	__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(value), "=&r"(other) : "r"(end) : "memory");
	mmu_off();
	catch_end();
}

static void exclusive_and_simd(void)
{
	uint64_t at = MMU_ALIAS + priority(), value, status;

	mmu_on();
	catch_begin();
	__asm__ volatile("ldxr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
	__asm__ volatile("stxr %w0, wzr, [%1]" : "=&r"(status) : "r"(at) : "memory");
	__asm__ volatile("ldar %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
	__asm__ volatile("stlr wzr, [%0]" : : "r"(at) : "memory");
	__asm__ volatile(".arch_extension fp\n\tldr s0, [%0]\n\tldr d0, [%0]"
			 :
			 : "r"(at)
			 : "memory");
	__asm__ volatile(".arch_extension simd\n\tstr q0, [%0]\n\tldp q0, q1, [%0]"
			 :
			 : "r"(at)
			 : "memory");
	__asm__ volatile(".arch_extension simd\n\tld1 {v0.4s}, [%0], #16" : "+r"(at) : : "memory");
	mmu_off();
	catch_end();
}

static void cache_maintenance(void)
{
	uint64_t at = MMU_ALIAS + machine.gicd;

	mmu_on();
	catch_begin();
	__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dc ivac, %0" : : "r"(at) : "memory");
	__asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
	__asm__ volatile("prfm pldl1keep, [%0]" : : "r"(at) : "memory");
	mmu_off();
	catch_end();
}

/* Registers that do not exist read as zero and ignore writes; nothing aborts. */
static void gaps_are_raz_wi(void)
{
	EXPECT_EQ(read32(machine.gicd + 0x00c), 0);
	write32(machine.gicd + 0x00c, ~0u);
	EXPECT_EQ(read32(machine.gicd + 0x00c), 0);
	/* CIDR3, the last register of the distributor */
	EXPECT_EQ(read32(machine.gicd + (machine.gic_version == 3 ? 0xfffc : 0xffc)) & 0xff, 0xb1);
}

const struct test mmio_tests[] = {
	{ "mmio-bytes", bytes },
	{ "mmio-halfwords", halfwords },
	{ "mmio-doublewords", doublewords },
	{ "mmio-extension", extension },
	{ "mmio-zero-register", zero_register },
	{ "mmio-every-register", every_register },
	{ "mmio-indexed", indexed },
	{ "mmio-writeback", writeback },
	{ "mmio-pairs", pairs },
	{ "mmio-stack-pointer", stack_pointer },
	{ "mmio-pairs-of-uart", pairs_of_uart },
	{ "mmio-mmu", with_mmu },
	{ "mmio-mmu-code-elsewhere", with_mmu_code_elsewhere },
	{ "mmio-odd-accesses", odd_accesses },
	{ "mmio-exclusive-and-simd", exclusive_and_simd },
	{ "mmio-cache-maintenance", cache_maintenance },
	{ "mmio-gaps", gaps_are_raz_wi },
	{ NULL, NULL },
};
