// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes and frames for networks.
 *
 *   net make SEED BYTES          writes so many bytes to its output, each from its place and the seed
 *   net take SEED BYTES          reads them, compares: STREAM ok BYTES hash=H | STREAM WRONG at PLACE
 *   net frames NAME BYTES N [TO] sends N Ethernet frames of so many bytes through the interface, to an
 *                                address like 02:00:00:00:00:01 or to nobody:
 *                                MG net-send-BYTES n=N ticks=T freq=F
 */
#include "test/guest/linux/linux.h"

enum {
	CHUNK = 1 << 16,
	WORDS = CHUNK / 8,
	AF_PACKET = 17,
	SOCK_RAW = 3,
	SIOCGIFHWADDR = 0x8927,
	SIOCGIFINDEX = 0x8933,
	ETHERTYPE_TEST = 0x88b5, /* IEEE 802: local experimental */
	FRAME_MAX = 1514,
	NAME_MAX = 16,
	LINUX_ENOBUFS = 105,
};

struct sockaddr_ll {               /* include/uapi/linux/if_packet.h */
	uint16_t family, protocol; /* protocol is big-endian */
	int32_t index;
	uint16_t hardware;
	uint8_t kind, length, address[8];
};

struct interface_request { /* struct ifreq */
	char name[NAME_MAX];
	union {
		int32_t index;
		struct {
			uint16_t family;
			uint8_t address[22];
		} hardware;
	};
};

static uint64_t stream[WORDS], expected[WORDS];

/* The bytes of one chunk of the stream. */
static void make_chunk(uint64_t *words, uint64_t seed, uint64_t chunk)
{
	uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + chunk * WORDS;

	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t z = state + i;

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		words[i] = z ^ z >> 27;
	}
}

static int make(uint64_t seed, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t length = bytes - at < CHUNK ? bytes - at : CHUNK, sent = 0;

		make_chunk(stream, seed, at / CHUNK);
		while (sent < length) {
			int64_t n = SYSTEM_CALL(SYS_WRITE, STDOUT, (uintptr_t)stream + sent,
						length - sent);

			if (n <= 0)
				return 1;
			sent += (uint64_t)n;
		}
	}
	return 0;
}

/* Fills `stream` as far as there is input; how many bytes. */
static uint64_t read_chunk(uint64_t length)
{
	uint64_t have = 0;

	while (have < length) {
		int64_t n = SYSTEM_CALL(SYS_READ, STDIN, (uintptr_t)stream + have, length - have);

		if (n <= 0)
			break;
		have += (uint64_t)n;
	}
	return have;
}

static int take(uint64_t seed, uint64_t bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (uint64_t at = 0; at < bytes; at += CHUNK) {
		uint64_t length = bytes - at < CHUNK ? bytes - at : CHUNK,
			 have = read_chunk(length);

		make_chunk(expected, seed, at / CHUNK);
		for (unsigned i = 0; i < have / 8; i++) {
			hash = (hash ^ stream[i]) * UINT64_C(0x100000001b3);
			if (stream[i] != expected[i]) {
				SAY(TEXT("STREAM WRONG at "), NUMBER(at + 8 * i));
				return 1;
			}
		}
		if (have != length) {
			SAY(TEXT("STREAM WRONG: ends at "), NUMBER(at + have));
			return 1;
		}
	}
	if (read_chunk(1) != 0) {
		SAY(TEXT("STREAM WRONG: does not end at "), NUMBER(bytes));
		return 1;
	}
	SAY(TEXT("STREAM ok "), NUMBER(bytes), TEXT(" hash="), HEX(hash));
	return 0;
}

/* Six bytes in hexadecimal, with something between them. */
static bool read_address(const char *text, uint8_t address[6])
{
	for (unsigned i = 0; i < 6; i++) {
		address[i] = 0;
		for (unsigned digit = 0; digit < 2; digit++) {
			unsigned c = (uint8_t)*text++;

			if (c >= '0' && c <= '9')
				c -= '0';
			else if (c >= 'a' && c <= 'f')
				c -= 'a' - 10;
			else
				return false;
			address[i] = (uint8_t)((unsigned)address[i] << 4 | c);
		}
		if (i < 5 && *text++ == '\0')
			return false;
	}
	return true;
}

static int frames(const char *name, uint64_t bytes, uint64_t n, const char *address)
{
	/* To an address that nobody has: a broadcast would cost every neighbour. */
	static uint8_t frame[FRAME_MAX] = { 2, 0, 0, 0, 0xee, 0xee };
	struct interface_request request = { .index = 0 };
	uint16_t protocol = (uint16_t)(ETHERTYPE_TEST >> 8 | (ETHERTYPE_TEST & 0xff) << 8);
	int64_t fd = SYSTEM_CALL(SYS_SOCKET, AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = { .family = AF_PACKET, .protocol = protocol, .length = 6 };
	uint64_t from, ticks;

	for (unsigned i = 0; i + 1 < NAME_MAX && name[i] != '\0'; i++)
		request.name[i] = name[i];
	if (fd < 0 || bytes < 14 || bytes > FRAME_MAX ||
	    (address != NULL && !read_address(address, frame)) ||
	    SYSTEM_CALL(SYS_IOCTL, fd, SIOCGIFINDEX, (uintptr_t)&request) != 0)
		return 1;
	to.index = request.index;
	if (SYSTEM_CALL(SYS_IOCTL, fd, SIOCGIFHWADDR, (uintptr_t)&request) != 0)
		return 1;
	memcpy(frame + 6, request.hardware.address, 6); /* a switch may ask for the VM's own */
	frame[12] = ETHERTYPE_TEST >> 8;
	frame[13] = ETHERTYPE_TEST & 0xff;
	from = counter();
	for (uint64_t i = 0; i < n;) {
		int64_t sent = SYSTEM_CALL6(SYS_SENDTO, fd, (uintptr_t)frame, bytes, 0,
					    (uintptr_t)&to, sizeof(to));

		if (sent == (int64_t)bytes)
			i++;
		else if (sent != -LINUX_ENOBUFS)
			return 1;
	}
	ticks = counter() - from;
	SAY(TEXT("MG net-send-"), NUMBER(bytes), TEXT(" n="), NUMBER(n), TEXT(" ticks="),
	    NUMBER(ticks), TEXT(" freq="), NUMBER(counter_hz()));
	return 0;
}

int linux_main(int argc, char **argv, char **env)
{
	(void)env;
	if (argc == 4 && same_text(argv[1], "make"))
		return make(to_number(argv[2]), to_number(argv[3]));
	if (argc == 4 && same_text(argv[1], "take"))
		return take(to_number(argv[2]), to_number(argv[3]));
	if ((argc == 5 || argc == 6) && same_text(argv[1], "frames"))
		return frames(argv[2], to_number(argv[3]), to_number(argv[4]),
			      argc == 6 ? argv[5] : NULL);
	SAY(TEXT("net make SEED BYTES | net take SEED BYTES | net frames NAME BYTES N [TO]"));
	return 2;
}
