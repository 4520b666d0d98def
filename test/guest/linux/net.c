// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes and frames for networks.
 *
 *   net make SEED BYTES          writes so many bytes to its output, each from its place and the seed
 *   net take SEED BYTES          reads them, compares: STREAM ok BYTES hash=H | STREAM WRONG at PLACE
 *   net frames NAME BYTES N [TO] sends N Ethernet frames of so many bytes through the interface, to an
 *                                address like 02:00:00:00:00:01 or to nobody:
 *                                MG net-send-BYTES n=N ticks=T freq=F
 *   net arp NAME MAC IP TO-MAC TO-IP   asks who has TO-IP, as MAC and IP; the frame itself has the interface's
 *                                own address
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
	ETHERTYPE_ARP = 0x0806,
	ARP_SENDER = 14 + 8, /* RFC 826: behind types, lengths and operation */
	ARP_TARGET = ARP_SENDER + 10,
	ARP_FRAME = 60,
};

struct sockaddr_ll {               /* include/uapi/linux/if_packet.h */
	uint16_t family, protocol; /* protocol is big-endian */
	int32_t index;
	uint16_t hardware;
	uint8_t kind, length, address[8];
};

/* Where frames go out, and the one that does, with our address in it. */
struct outlet {
	int64_t fd;
	struct sockaddr_ll to;
	uint8_t frame[FRAME_MAX];
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

/* `address` NULL: to one that nobody has, since a broadcast would cost every neighbour. */
static bool open_outlet(struct outlet *out, const char *name, const char *address, unsigned type)
{
	static const uint8_t nobody[6] = { 2, 0, 0, 0, 0xee, 0xee };
	struct interface_request request = { .index = 0 };

	for (unsigned i = 0; i + 1 < NAME_MAX && name[i] != '\0'; i++)
		request.name[i] = name[i];
	out->fd = SYSTEM_CALL(SYS_SOCKET, AF_PACKET, SOCK_RAW, 0);
	if (out->fd < 0 || SYSTEM_CALL(SYS_IOCTL, out->fd, SIOCGIFINDEX, (uintptr_t)&request) != 0)
		return false;
	out->to = (struct sockaddr_ll){ .family = AF_PACKET,
					.protocol = (uint16_t)(type >> 8 | (type & 0xff) << 8),
					.index = request.index,
					.length = 6 };
	if (SYSTEM_CALL(SYS_IOCTL, out->fd, SIOCGIFHWADDR, (uintptr_t)&request) != 0)
		return false;
	memcpy(out->frame, nobody, sizeof(nobody));
	memcpy(out->frame + 6, request.hardware.address, 6); /* a switch may ask for the VM's own */
	out->frame[12] = (uint8_t)(type >> 8);
	out->frame[13] = (uint8_t)type;
	return address == NULL || read_address(address, out->frame);
}

static bool send_frame(const struct outlet *out, uint64_t bytes)
{
	int64_t sent;

	do {
		sent = SYSTEM_CALL6(SYS_SENDTO, out->fd, (uintptr_t)out->frame, bytes, 0,
				    (uintptr_t)&out->to, sizeof(out->to));
	} while (sent == -LINUX_ENOBUFS);
	return sent == (int64_t)bytes;
}

static int frames(const char *name, uint64_t bytes, uint64_t n, const char *address)
{
	static struct outlet out;
	uint64_t from, ticks;

	if (bytes < 14 || bytes > FRAME_MAX || !open_outlet(&out, name, address, ETHERTYPE_TEST))
		return 1;
	from = counter();
	for (uint64_t i = 0; i < n; i++) {
		if (!send_frame(&out, bytes))
			return 1;
	}
	ticks = counter() - from;
	SAY(TEXT("MG net-send-"), NUMBER(bytes), TEXT(" n="), NUMBER(n), TEXT(" ticks="),
	    NUMBER(ticks), TEXT(" freq="), NUMBER(counter_hz()));
	return 0;
}

static void read_ip(const char *text, uint8_t ip[4])
{
	for (unsigned i = 0; i < 4; i++) {
		ip[i] = (uint8_t)to_number(text);
		while (*text != '\0' && *text++ != '.')
			;
	}
}

/* `who`: sender's MAC and IP, target's MAC and IP. */
static int arp(const char *name, char **who)
{
	/* Ethernet, IPv4, the lengths of their addresses, a request */
	static const uint8_t begin[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	static struct outlet out;

	if (!open_outlet(&out, name, who[2], ETHERTYPE_ARP))
		return 1;
	memcpy(out.frame + 14, begin, sizeof(begin));
	if (!read_address(who[0], out.frame + ARP_SENDER))
		return 1;
	read_ip(who[1], out.frame + ARP_SENDER + 6);
	read_ip(who[3], out.frame + ARP_TARGET + 6);
	return !send_frame(&out, ARP_FRAME);
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
	if (argc == 7 && same_text(argv[1], "arp"))
		return arp(argv[2], argv + 3);
	SAY(TEXT("net make SEED BYTES | net take SEED BYTES | net frames NAME BYTES N [TO] | "
		 "net arp NAME MAC IP TO-MAC TO-IP"));
	return 2;
}
