// SPDX-License-Identifier: BSD-2-Clause
/*
 * Streams through vsock and TCP. A HOST is a CID, or an address like 10.0.0.1.
 *
 *   sock send HOST PORT          its input goes to whoever listens there; tries again for a while. Ends
 *                                when the peer has: until then bytes may be on their way, and lost with us
 *   sock receive HOST PORT       what one caller of it, or of "any" or 0.0.0.0, sends goes to its output
 *   sock echo HOST PORT N        N rounds of a few thousand bytes that must come back:
 *                                ECHO ok BYTES | ECHO WRONG round N | ECHO ended in round N
 *   sock refused HOST PORT       nobody must be there: REFUSED ok | REFUSED WRONG
 */
#include "test/guest/linux/linux.h"

enum {
	SYS_LISTEN = 201,
	SYS_ACCEPT = 202,
	SYS_CONNECT = 203,
	SYS_SETSOCKOPT = 208,
	SYS_SHUTDOWN = 210,
	SHUT_WR = 1,
	SOL_SOCKET = 1,
	SO_REUSEADDR = 2,
	AF_INET = 2,
	AF_VSOCK = 40,
	SOCK_STREAM = 1,
	LINUX_ECONNRESET = 104,
	LINUX_ETIMEDOUT = 110,
	CHUNK = 1 << 16,
	TRIES = 600,
	ROUND_MOST = 9000,
};

struct sockaddr_vm { /* include/uapi/linux/vm_sockets.h */
	uint16_t family, reserved;
	uint32_t port, cid;
	uint8_t flags, zero[3];
};

struct sockaddr_in { /* include/uapi/linux/in.h */
	uint16_t family;
	uint8_t port[2], address[4]; /* big-endian */
	uint8_t zero[8];
};

union address {
	uint16_t family;
	struct sockaddr_vm vm;
	struct sockaddr_in in;
};

_Static_assert(sizeof(union address) == 16, "either is as long");

static uint8_t buffer[CHUNK], back[CHUNK];

static union address address(const char *host, const char *port_text)
{
	uint64_t port = to_number(port_text);
	union address a = { .vm = { .family = AF_VSOCK,
				    .port = (uint32_t)port,
				    .cid = (uint32_t)to_number(host) } };
	unsigned part = 0;

	if (same_text(host, "any"))
		a.vm.cid = UINT32_MAX;
	for (const char *p = host; *p != '\0'; p++)
		part += *p == '.';
	if (part != 3)
		return a;
	a.in = (struct sockaddr_in){ .family = AF_INET,
				     .port = { (uint8_t)(port >> 8), (uint8_t)port } };
	for (part = 0; part < 4; part++) {
		a.in.address[part] = (uint8_t)to_number(host);
		while (part < 3 && *host++ != '.')
			;
	}
	return a;
}

static int64_t connect_once(const union address *to)
{
	int64_t fd = SYSTEM_CALL(SYS_SOCKET, to->family, SOCK_STREAM, 0), error;

	if (fd < 0)
		return fd;
	error = SYSTEM_CALL(SYS_CONNECT, fd, (uintptr_t)to, sizeof(*to));
	if (error >= 0)
		return fd;
	SYSTEM_CALL(SYS_CLOSE, fd, 0, 0);
	return error;
}

/* Linux waits two seconds for an answer: on a busy host it may come later than that. */
static bool is_refused(const union address *to)
{
	int64_t error;

	do {
		error = connect_once(to);
	} while (error == -LINUX_ETIMEDOUT);
	return error == -LINUX_ECONNRESET;
}

/* The other VM may still be on its way up. */
static int64_t connect(const union address *to)
{
	uint64_t second[2] = { 1, 0 };
	int64_t fd = -1;

	for (unsigned i = 0; i < TRIES && fd < 0; i++) {
		fd = connect_once(to);
		if (fd < 0)
			SYSTEM_CALL(SYS_NANOSLEEP, (uintptr_t)second, 0, 0);
	}
	return fd;
}

static bool write_all(int64_t fd, const uint8_t *bytes, uint64_t length)
{
	for (uint64_t done = 0; done < length;) {
		int64_t n = SYSTEM_CALL(SYS_WRITE, fd, (uintptr_t)bytes + done, length - done);

		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

static bool read_all(int64_t fd, uint8_t *bytes, uint64_t length)
{
	for (uint64_t done = 0; done < length;) {
		int64_t n = SYSTEM_CALL(SYS_READ, fd, (uintptr_t)bytes + done, length - done);

		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

static int copy(int64_t from, int64_t to)
{
	int64_t n;

	while ((n = SYSTEM_CALL(SYS_READ, from, (uintptr_t)buffer, CHUNK)) > 0) {
		if (!write_all(to, buffer, (uint64_t)n))
			return 1;
	}
	return n < 0;
}

static int send(const union address *to)
{
	int64_t fd = connect(to);

	if (fd < 0 || copy(STDIN, fd) != 0 || SYSTEM_CALL(SYS_SHUTDOWN, fd, SHUT_WR, 0) != 0)
		return 1;
	return SYSTEM_CALL(SYS_READ, fd, (uintptr_t)buffer, CHUNK) != 0;
}

static int receive(const union address *at)
{
	int64_t fd = SYSTEM_CALL(SYS_SOCKET, at->family, SOCK_STREAM, 0);
	int32_t on = 1;

	/* The last one's end may still be on its way to the peer. */
	if (fd < 0 ||
	    SYSTEM_CALL6(SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_REUSEADDR, (uintptr_t)&on, sizeof(on),
			 0) != 0 ||
	    SYSTEM_CALL(SYS_BIND, fd, (uintptr_t)at, sizeof(*at)) != 0 ||
	    SYSTEM_CALL(SYS_LISTEN, fd, 1, 0) != 0)
		return 1;
	fd = SYSTEM_CALL(SYS_ACCEPT, fd, 0, 0);
	return fd < 0 ? 1 : copy(fd, STDOUT);
}

static int echo(const union address *to, uint64_t rounds)
{
	int64_t fd = connect(to);
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t length = 1 + i * 997 % ROUND_MOST;

		for (uint64_t k = 0; k < length; k++)
			buffer[k] = (uint8_t)(k * 31 + i);
		if (fd < 0 || !write_all(fd, buffer, length) || !read_all(fd, back, length)) {
			SAY(TEXT("ECHO ended in round "), NUMBER(i));
			return 1;
		}
		if (memcmp(buffer, back, length) != 0) {
			SAY(TEXT("ECHO WRONG round "), NUMBER(i));
			return 1;
		}
		bytes += length;
	}
	SAY(TEXT("ECHO ok "), NUMBER(bytes));
	return 0;
}

int linux_main(int argc, char **argv, char **env)
{
	union address host = { .family = 0 };

	(void)env;
	if (argc >= 4)
		host = address(argv[2], argv[3]);
	if (argc == 4 && same_text(argv[1], "send"))
		return send(&host);
	if (argc == 4 && same_text(argv[1], "receive"))
		return receive(&host);
	if (argc == 5 && same_text(argv[1], "echo"))
		return echo(&host, to_number(argv[4]));
	if (argc == 4 && same_text(argv[1], "refused")) {
		bool reset = is_refused(&host);

		SAY(TEXT("REFUSED "), TEXT(reset ? "ok" : "WRONG"));
		return !reset;
	}
	SAY(TEXT("sock send HOST PORT | receive HOST PORT | echo HOST PORT N | refused HOST PORT"));
	return 2;
}
