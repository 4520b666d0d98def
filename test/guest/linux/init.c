// SPDX-License-Identifier: BSD-2-Clause
/*
 * An /init for Linux guests that measures: it prints the virtual counter as soon as it runs, idles
 * for idle=SECONDS (from the kernel's command line, which Linux hands on as environment), prints it
 * again and powers off.
 *
 *   INIT cntvct=N freq=N
 *   IDLE cntvct=N freq=N
 */
#include "test/guest/linux/linux.h"

enum {
	REBOOT_MAGIC1 = (int)0xfee1dead,
	REBOOT_MAGIC2 = 672274793,
	REBOOT_POWER_OFF = 0x4321fedc,
};

int linux_main(int argc, char **argv, char **env)
{
	uint64_t start = counter(), time[2] = { 0 };
	const char *idle = environment(env, "idle");

	(void)argc;
	(void)argv;
	SAY(TEXT("INIT cntvct="), NUMBER(start), TEXT(" freq="), NUMBER(counter_hz()));
	if (idle != NULL) {
		time[0] = to_number(idle);
		SYSTEM_CALL(SYS_NANOSLEEP, (uintptr_t)time, 0, 0);
		SAY(TEXT("IDLE cntvct="), NUMBER(counter()), TEXT(" freq="), NUMBER(counter_hz()));
	}
	SYSTEM_CALL(SYS_SYNC, 0, 0, 0);
	SYSTEM_CALL(SYS_REBOOT, (uint32_t)REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF);
	return 1;
}
