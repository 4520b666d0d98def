/* SPDX-License-Identifier: BSD-2-Clause */
/* Deleting and revoking capabilities. Both can be broken off by an interrupt and are then repeated. */
#pragma once

#include "standin/object/cap.h"

/** False: broken off, an interrupt waits; call it again for the rest. */
bool cap_delete(struct slot *s);

/** Deletes all descendants of the capability in `s`, not itself. False as above. */
bool cap_revoke(struct slot *s);
