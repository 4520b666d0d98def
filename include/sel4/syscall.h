/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System call numbers (x7 at the svc). Anything else raises an UnknownSyscall fault; so do the debug
 * calls on a kernel that was built without them. Usable from assembly.
 */
#pragma once

#define seL4_SysCall       (-1)
#define seL4_SysReplyRecv  (-2)
#define seL4_SysNBSendRecv (-3)
#define seL4_SysNBSendWait (-4)
#define seL4_SysSend       (-5)
#define seL4_SysNBSend     (-6)
#define seL4_SysRecv       (-7)
#define seL4_SysNBRecv     (-8)
#define seL4_SysWait       (-9)
#define seL4_SysNBWait     (-10)
#define seL4_SysYield      (-11)

/* Kernels with printing. */
#define seL4_SysDebugPutChar       (-12)
#define seL4_SysDebugDumpScheduler (-13)
/* Debug kernels. */
#define seL4_SysDebugHalt        (-14)
#define seL4_SysDebugCapIdentify (-15)
#define seL4_SysDebugSnapshot    (-16)
#define seL4_SysDebugNameThread  (-17)
/* Debug kernels with SMP. */
#define seL4_SysDebugSendIPI           (-18)
#define seL4_SysDebugGetThreadAffinity (-19)
