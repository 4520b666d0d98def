// SPDX-License-Identifier: BSD-2-Clause
/*
 * PL011 (DDI 0183G, chapter 3). Registers are 16 bits wide or less, 4 bytes apart; an access of
 * 1, 2 or 4 bytes at a register's own offset reaches it.
 *
 * Every entrance ends with settle(), which derives the interrupts that are conditions rather than
 * events and tells the line; nothing else touches it.
 */
#include "vmm/dev/uart/pl011.h"

#include "vmm/base/util.h"

enum {
	DR = 0x00,
	FR = 0x18,
	FR_CTS = 1U << 0,
	FR_DSR = 1U << 1,
	FR_DCD = 1U << 2,
	FR_BUSY = 1U << 3,
	FR_RXFE = 1U << 4,
	FR_TXFF = 1U << 5,
	FR_RXFF = 1U << 6,
	FR_TXFE = 1U << 7,
	LCR_H_FEN = 1U << 4,
	CR_UARTEN = 1U << 0,
	CR_LBE = 1U << 7,
	CR_TXE = 1U << 8,
	CR_RXE = 1U << 9,
	CR_MASK = 0xff87, /* bits 6:3 are reserved */
	INT_RX = 1U << 4,
	INT_TX = 1U << 5,
	INT_RT = 1U << 6,
	INT_OE = 1U << 10,
	INT_MASK = 0x7ff,
	DR_OE = 1U << 11,
	RSR_OE = 1U << 3,
	IFLS_RESET = 0x12, /* both at half full */
};

static void fifo_put(struct pl011_fifo *fifo, uint8_t byte)
{
	fifo->bytes[(fifo->head + fifo->used) % PL011_FIFO] = byte;
	fifo->used++;
}

static uint8_t fifo_get(struct pl011_fifo *fifo)
{
	uint8_t byte = fifo->bytes[fifo->head];

	fifo->head = (uint8_t)((fifo->head + 1U) % PL011_FIFO);
	fifo->used--;
	return byte;
}

/* With the FIFOs off they are holding registers of one byte. */
static unsigned depth(const struct pl011 *uart)
{
	return (uart->lcr_h & LCR_H_FEN) != 0 ? PL011_FIFO : 1;
}

/* Bytes at trigger level `select` of IFLS: 1/8, 1/4, 1/2, 3/4, 7/8; reserved ones as 1/2. */
static unsigned trigger(unsigned select)
{
	static const uint8_t bytes[8] = { 4, 8, 16, 24, 28, 16, 16, 16 };

	return bytes[select & 7];
}

static unsigned rx_trigger(const struct pl011 *uart)
{
	return depth(uart) == 1 ? 1 : trigger(uart->ifls >> 3);
}

static unsigned tx_trigger(const struct pl011 *uart)
{
	return depth(uart) == 1 ? 0 : trigger(uart->ifls);
}

static bool on(const struct pl011 *uart, unsigned direction)
{
	return (uart->cr & (CR_UARTEN | direction)) == (CR_UARTEN | direction);
}

static bool listening(const struct pl011 *uart)
{
	return on(uart, CR_RXE) && (uart->cr & CR_LBE) == 0 &&
	       ((uart->imsc & (INT_RX | INT_RT)) != 0 || uart->polls == PL011_POLLS);
}

/* The guest has neither begun to handle an interrupt nor looked often: see pl011.h. */
static bool hidden(const struct pl011 *uart)
{
	return !uart->asked && uart->polls < PL011_POLLS && (uart->cr & CR_LBE) == 0;
}

static void settle(struct pl011 *uart)
{
	bool level;

	if (uart->rx.used < rx_trigger(uart))
		uart->ris &= (uint16_t)~INT_RX;
	if (uart->tx.used > tx_trigger(uart))
		uart->ris &= (uint16_t)~INT_TX;
	if (uart->rx.used > 0)
		uart->ris |= INT_RT;
	else
		uart->ris &= (uint16_t)~INT_RT;

	level = (uart->ris & uart->imsc) != 0;
	if (level == uart->level)
		return;
	uart->level = level;
	if (uart->irq != NULL)
		uart->irq(uart->ctx, level);
}

/* Takes what the backend has, as far as there is room and the guest listens. */
static void receive(struct pl011 *uart)
{
	uint8_t bytes[PL011_FIFO];
	size_t room, count;

	if (!listening(uart) || uart->rx.used >= depth(uart))
		return;
	room = depth(uart) - uart->rx.used;
	count = uart->backend->ops->read(uart->backend, bytes, room);
	for (size_t i = 0; i < count && i < room; i++)
		fifo_put(&uart->rx, bytes[i]);
	if (uart->rx.used >= rx_trigger(uart))
		uart->ris |= INT_RX;
}

/* CR.LBE: the transmitter feeds the receiver, which can overrun: nobody holds the sender back. */
static void loop_back(struct pl011 *uart, uint8_t byte)
{
	if (uart->rx.used >= depth(uart)) {
		uart->overrun = true;
		uart->ris |= INT_OE;
		return;
	}
	fifo_put(&uart->rx, byte);
	if (uart->rx.used >= rx_trigger(uart))
		uart->ris |= INT_RX;
}

/* Sends up to `count` bytes; returns how many went. */
static size_t send(struct pl011 *uart, const uint8_t *bytes, size_t count)
{
	if (!on(uart, CR_TXE))
		return 0;
	if ((uart->cr & CR_LBE) == 0)
		return uart->backend->ops->write(uart->backend, bytes, count);
	for (size_t i = 0; i < count; i++)
		loop_back(uart, bytes[i]);
	return count;
}

/* Empties the transmit FIFO as far as the backend takes it. */
static void transmit(struct pl011 *uart)
{
	while (uart->tx.used > 0) {
		size_t run = PL011_FIFO - uart->tx.head; /* up to the ring's end */
		size_t sent;

		if (run > uart->tx.used)
			run = uart->tx.used;
		sent = send(uart, &uart->tx.bytes[uart->tx.head], run);
		if (sent == 0 || sent > run) /* more than given is a fault of the backend */
			return;
		uart->tx.head = (uint8_t)((uart->tx.head + sent) % PL011_FIFO);
		uart->tx.used = (uint8_t)(uart->tx.used - sent);
		if (uart->tx.used <= tx_trigger(uart))
			uart->ris |= INT_TX;
	}
}

static uint64_t dr_read(void *device, const struct mmio_access *access)
{
	struct pl011 *uart = device;
	uint64_t value = 0;

	(void)access;
	if (uart->rx.used > 0)
		value = fifo_get(&uart->rx) | (uart->overrun ? DR_OE : 0U);
	uart->overrun = false;
	if (uart->rx.used == 0) /* in batches: a call of the backend is not free */
		receive(uart);
	settle(uart);
	return value;
}

/* A byte written while TXFF says "full" is lost, as in the hardware. */
static void dr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;
	uint8_t byte = (uint8_t)value;

	(void)access;
	uart->polls = 0;
	if (uart->tx.used == 0 && send(uart, &byte, 1) == 1)
		uart->ris |= INT_TX;
	else if (uart->tx.used < depth(uart))
		fifo_put(&uart->tx, byte);
	settle(uart);
}

static uint64_t fr_read(void *device, const struct mmio_access *access)
{
	struct pl011 *uart = device;
	unsigned full = depth(uart);
	uint64_t value = FR_CTS | FR_DSR | FR_DCD;
	bool empty = uart->rx.used == 0 || hidden(uart);

	(void)access;
	if (empty && uart->tx.used == 0 && uart->polls < PL011_POLLS &&
	    ++uart->polls == PL011_POLLS) {
		receive(uart);
		settle(uart);
		empty = uart->rx.used == 0;
	}
	if (empty)
		value |= FR_RXFE;
	else if (uart->rx.used >= full)
		value |= FR_RXFF;
	if (uart->tx.used == 0)
		return value | FR_TXFE;
	return value | (uart->tx.used < full ? FR_BUSY : FR_BUSY | FR_TXFF);
}

static uint64_t rsr_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	(void)access;
	return uart->overrun ? RSR_OE : 0;
}

/* ECR: any write clears. */
static void ecr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	(void)value;
	uart->overrun = false;
}

/* The registers that only hold a value. */
static uint64_t plain_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	switch (access->offset) {
	case 0x20:
		return uart->ilpr;
	case 0x24:
		return uart->ibrd;
	case 0x28:
		return uart->fbrd;
	default:
		return uart->dmacr;
	}
}

static void plain_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	switch (access->offset) {
	case 0x20:
		uart->ilpr = (uint8_t)value;
		break;
	case 0x24:
		uart->ibrd = (uint16_t)value;
		break;
	case 0x28:
		uart->fbrd = value & 0x3f;
		break;
	default:
		uart->dmacr = value & 7;
		break;
	}
}

static uint64_t lcr_h_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	(void)access;
	return uart->lcr_h;
}

static void lcr_h_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	uart->lcr_h = (uint8_t)value;
	pl011_poll(uart);
}

static uint64_t cr_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	(void)access;
	return uart->cr;
}

static void cr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	uart->cr = (uint16_t)(value & CR_MASK);
	pl011_poll(uart);
}

static uint64_t ifls_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	(void)access;
	return uart->ifls;
}

static void ifls_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	uart->ifls = value & 0x3f;
	settle(uart);
}

static uint64_t imsc_read(void *device, const struct mmio_access *access)
{
	const struct pl011 *uart = device;

	(void)access;
	return uart->imsc;
}

static void imsc_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	uart->imsc = value & INT_MASK;
	if ((uart->imsc & (INT_RX | INT_RT)) == 0)
		uart->asked = false;
	pl011_poll(uart);
}

static uint64_t ris_read(void *device, const struct mmio_access *access)
{
	struct pl011 *uart = device;

	(void)access;
	uart->asked |= (uart->imsc & (INT_RX | INT_RT)) != 0;
	return uart->ris;
}

static uint64_t mis_read(void *device, const struct mmio_access *access)
{
	struct pl011 *uart = device;

	(void)access;
	uart->asked |= (uart->imsc & (INT_RX | INT_RT)) != 0;
	return uart->ris & uart->imsc;
}

static void icr_write(void *device, const struct mmio_access *access, uint64_t value)
{
	struct pl011 *uart = device;

	(void)access;
	uart->ris &= (uint16_t)~value;
	settle(uart);
}

/* PeriphID0..3 (revision 3: r1p5), PCellID0..3. */
static uint64_t id_read(void *device, const struct mmio_access *access)
{
	static const uint8_t id[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	(void)device;
	return id[(access->offset - 0xfe0) / 4];
}

enum { ANY = 1 | 2 | 4 };

static const struct reg_range regs[] = {
	REG_RANGE(0x000, 0x003, ANY, .read = dr_read, .write = dr_write),
	REG_RANGE(0x004, 0x007, ANY, .read = rsr_read, .write = ecr_write),
	REG_RANGE(0x018, 0x01b, ANY, .read = fr_read),
	REG_RANGE(0x020, 0x02b, ANY, .read = plain_read, .write = plain_write),
	REG_RANGE(0x02c, 0x02f, ANY, .read = lcr_h_read, .write = lcr_h_write),
	REG_RANGE(0x030, 0x033, ANY, .read = cr_read, .write = cr_write),
	REG_RANGE(0x034, 0x037, ANY, .read = ifls_read, .write = ifls_write),
	REG_RANGE(0x038, 0x03b, ANY, .read = imsc_read, .write = imsc_write),
	REG_RANGE(0x03c, 0x03f, ANY, .read = ris_read),
	REG_RANGE(0x040, 0x043, ANY, .read = mis_read),
	REG_RANGE(0x044, 0x047, ANY, .write = icr_write),
	REG_RANGE(0x048, 0x04b, ANY, .read = plain_read, .write = plain_write),
	REG_RANGE(0xfe0, 0xfff, ANY, .read = id_read),
};

void pl011_access(void *device, struct mmio_access *access)
{
	uint64_t mask;

	/*
	 * What a console does all day: looks at FR, moves a byte through DR. The table has both
	 * too.
	 */
	if (access->offset == FR && access->width == 4 && !access->write) {
		access->value = fr_read(device, access);
		return;
	}
	if (access->offset == DR && access->width <= 4 && access->write) {
		dr_write(device, access, access->value);
		return;
	}
	if (access->offset % 4 != 0) { /* the middle of a register */
		access->value = 0;
		return;
	}
	mask = access->width < 8 ? (UINT64_C(1) << 8 * access->width) - 1 : UINT64_MAX;
	if (access->write)
		access->value &= mask;
	(void)regs_dispatch(regs, ARRAY_SIZE(regs), device, access);
	access->value &= mask;
}

void pl011_poll(struct pl011 *uart)
{
	transmit(uart);
	receive(uart);
	settle(uart);
}

void pl011_reset(struct pl011 *uart)
{
	uart->tx = (struct pl011_fifo){ 0 };
	uart->rx = (struct pl011_fifo){ 0 };
	uart->ris = 0;
	uart->imsc = 0;
	uart->ibrd = 0;
	uart->fbrd = 0;
	uart->ilpr = 0;
	uart->lcr_h = 0;
	uart->dmacr = 0;
	uart->cr = CR_UARTEN | CR_TXE | CR_RXE;
	uart->ifls = IFLS_RESET;
	uart->polls = 0;
	uart->asked = false;
	uart->overrun = false;
	settle(uart);
}

void pl011_init(struct pl011 *uart, struct console_backend *backend,
		void (*irq)(void *ctx, bool level), void *ctx)
{
	*uart = (struct pl011){ .backend = backend, .irq = irq, .ctx = ctx };
	pl011_reset(uart);
}
