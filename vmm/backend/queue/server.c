// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/backend/queue/server.h"

#include <stddef.h>

static const char *const texts[SERVER_WRONGS] = {
	[SERVER_OVER] = "was given up",
	[SERVER_INDEX] = "shows an index beyond its queue",
	[SERVER_ANSWER] = "answers what nobody asked",
	[SERVER_COUNT] = "did less than it was asked for",
	[SERVER_MEDIUM] = "has another disk than it had, or none",
	[SERVER_FRAME] = "sends frames or buffers that are none",
	[SERVER_RECORD] = "sends a packet that is too long",
};

void server_did(struct server *server, enum server_wrong what)
{
	uint32_t bit = UINT32_C(1) << what;

	if ((server->said & bit) != 0)
		return;
	server->said |= bit;
	if (server->say != NULL)
		server->say(server->ctx, texts[what]);
}

bool server_is_over(struct server *server)
{
	if (server->over == NULL || __atomic_load_n(server->over, __ATOMIC_ACQUIRE) == 0)
		return false;
	server_did(server, SERVER_OVER);
	return true;
}
