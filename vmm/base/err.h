/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of the environment: no memory, a refused kernel call, a bad description. Returned, never
 * ignored. A guest's mistake is not an error in this sense (it becomes guest-visible state), and
 * neither is ours (VMM_BUG).
 */
#pragma once

enum vmm_err {
	VMM_OK = 0,
	VMM_ERR_INVALID,     /* an argument or input is malformed */
	VMM_ERR_RANGE,       /* an address, index or size is outside what is allowed */
	VMM_ERR_NOMEM,       /* a pool or table is full */
	VMM_ERR_EXISTS,      /* overlaps or duplicates something already there */
	VMM_ERR_ABSENT,      /* what was asked for is not there */
	VMM_ERR_UNSUPPORTED, /* well formed, but not something this build can do */
	VMM_ERR_KERNEL,      /* the kernel refused; the port logged the call and its error */
	VMM_ERR_AGAIN,       /* not now: full, empty or busy */
};

/* Every function that returns enum vmm_err is marked with it. */
#define VMM_MUST_CHECK __attribute__((warn_unused_result))

/** A constant name such as "VMM_ERR_RANGE" for logs; never NULL. */
const char *vmm_err_name(enum vmm_err err);
