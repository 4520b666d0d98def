/* SPDX-License-Identifier: BSD-2-Clause */
/* What an invocation returns as the label of its reply, and why a lookup failed. */
#pragma once

typedef enum {
	seL4_NoError = 0,
	seL4_InvalidArgument = 1,   /* MR0 = number of the argument */
	seL4_InvalidCapability = 2, /* MR0 = number of the capability, 0 the invoked one */
	seL4_IllegalOperation = 3,
	seL4_RangeError = 4, /* MR0 = least, MR1 = greatest value allowed */
	seL4_AlignmentError = 5,
	seL4_FailedLookup =
		6, /* MR0 = 1 if the source failed; MR1 = seL4_LookupFailureType, MR2.. */
	seL4_TruncatedMessage = 7,
	seL4_DeleteFirst = 8,
	seL4_RevokeFirst = 9,
	seL4_NotEnoughMemory = 10, /* MR0 = bytes still free */
	seL4_NumErrors = 11,
} seL4_Error;

typedef enum {
	seL4_NoFailure = 0,
	seL4_InvalidRoot = 1,
	seL4_MissingCapability = 2, /* then: bits left */
	seL4_DepthMismatch = 3,     /* then: bits left, bits found */
	seL4_GuardMismatch = 4,     /* then: bits left, guard found, bits found */
} seL4_LookupFailureType;
