// SPDX-License-Identifier: BSD-2-Clause
/*
 * The interface that compilers call for -fsanitize=thread, as far as our code needs it: what is missing
 * does not link. Plain accesses are announced; atomic ones are made here.
 */
#include "test/support/mortal.h"

#include <setjmp.h>
#include <stdint.h>
#include <string.h>

enum { RANGES = 8 };

static struct {
	struct {
		uintptr_t at;
		size_t size;
	} range[RANGES];
	unsigned ranges;
	unsigned steps, last; /* taken; the one that is not */
	bool alive;
	jmp_buf end;
	unsigned loads; /* until `other` runs */
	void (*other)(void);
} self;

void mortal_keep(const void *at, size_t size)
{
	if (self.ranges == RANGES)
		__builtin_trap();
	self.range[self.ranges].at = (uintptr_t)at;
	self.range[self.ranges++].size = size;
}

void mortal_forget(void)
{
	self.ranges = 0;
}

void mortal_step(void)
{
	if (!self.alive)
		return;
	if (self.steps + 1 == self.last)
		longjmp(self.end, 1);
	self.steps++;
}

void mortal_meanwhile(unsigned loads, void (*other)(void))
{
	self.loads = loads;
	self.other = other;
}

static void load(void)
{
	if (self.loads > 0 && --self.loads == 0)
		self.other();
}

static bool run(void (*life)(void), unsigned last)
{
	self.steps = 0;
	self.last = last;
	if (setjmp(self.end) == 0) {
		self.alive = true;
		life();
		self.alive = false;
		return true;
	}
	self.alive = false;
	return false;
}

bool mortal_survives(struct mortal_fate *fate, void (*life)(void), void *own, size_t size)
{
	if (run(life, fate->left)) {
		fate->left -= fate->left != 0 ? self.steps : 0;
		return true;
	}
	fate->left = fate->next;
	fate->next = 0;
	fate->deaths++;
	memset(own, 0xee, size);
	return false;
}

static void store(const volatile void *at)
{
	for (unsigned i = 0; i < self.ranges; i++) {
		if ((uintptr_t)at - self.range[i].at < self.range[i].size)
			mortal_step();
	}
}

/* ---- what the compiler calls ---- */

#define PLAIN(bytes)                                  \
	void __tsan_read##bytes(void *at);            \
	void __tsan_write##bytes(void *at);           \
	void __tsan_unaligned_read##bytes(void *at);  \
	void __tsan_unaligned_write##bytes(void *at); \
	void __tsan_read##bytes(void *at)             \
	{                                             \
		(void)at;                             \
	}                                             \
	void __tsan_write##bytes(void *at)            \
	{                                             \
		store(at);                            \
	}                                             \
	void __tsan_unaligned_read##bytes(void *at)   \
	{                                             \
		(void)at;                             \
	}                                             \
	void __tsan_unaligned_write##bytes(void *at)  \
	{                                             \
		store(at);                            \
	}

#define ATOMIC(bits)                                                                             \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *at, int order); \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *at, uint##bits##_t value,      \
					 int order);                                             \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *at, int order)  \
	{                                                                                        \
		(void)order;                                                                     \
		load();                                                                          \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                    \
	}                                                                                        \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *at, uint##bits##_t value,      \
					 int order)                                              \
	{                                                                                        \
		(void)order;                                                                     \
		store(at);                                                                       \
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                   \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *at, size_t size);
void __tsan_write_range(void *at, size_t size);
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t value, int order);
void *__tsan_memset(void *at, int value, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *at, size_t size)
{
	(void)at;
	(void)size;
}

void __tsan_write_range(void *at, size_t size)
{
	(void)size;
	store(at);
}

void __tsan_atomic_thread_fence(int order)
{
	(void)order;
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t value, int order)
{
	(void)order;
	store(at);
	return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}

void *__tsan_memset(void *at, int value, size_t size)
{
	store(at);
	return memset(at, value, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	store(to);
	return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
	store(to);
	return memmove(to, from, size);
}
