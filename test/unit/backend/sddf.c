/* SPDX-License-Identifier: BSD-2-Clause */
/* The console backend over serial queues, and the log writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "vmm/backend/console/sddf.h"

enum { CAPACITY = 32 };

struct channel {
	struct serialq tx_header, rx_header;
	uint8_t tx_data[CAPACITY], rx_data[CAPACITY];
	struct serialq_consumer server_in;
	struct serialq_producer server_out;
	struct console_sddf sddf;
	unsigned signals;
};

static void count_signal(void *ctx)
{
	++*(unsigned *)ctx;
}

static void channel_init(struct channel *ch)
{
	struct serialq_producer tx;
	struct serialq_consumer rx;

	memset(ch, 0, sizeof(*ch));
	ch->tx_header.producer_signalled = 1;
	ch->rx_header.producer_signalled = 1;
	assert_int_equal(serialq_producer_init(&tx, &ch->tx_header, ch->tx_data, CAPACITY), VMM_OK);
	assert_int_equal(serialq_consumer_init(&rx, &ch->rx_header, ch->rx_data, CAPACITY), VMM_OK);
	assert_int_equal(
		serialq_consumer_init(&ch->server_in, &ch->tx_header, ch->tx_data, CAPACITY),
		VMM_OK);
	assert_int_equal(
		serialq_producer_init(&ch->server_out, &ch->rx_header, ch->rx_data, CAPACITY),
		VMM_OK);
	console_sddf_init(&ch->sddf, &tx, &rx,
			  (struct console_signal){ .raise = count_signal, .ctx = &ch->signals });
}

static void output_reaches_the_server_with_one_signal(void **state)
{
	struct channel ch;
	struct console_backend *be = &ch.sddf.backend;
	uint8_t out[8];

	(void)state;
	channel_init(&ch);
	assert_int_equal(be->ops->write(be, (const uint8_t *)"hello", 5), 5);
	assert_int_equal(ch.signals, 1);
	assert_int_equal(serialq_read(&ch.server_in, out, sizeof(out)), 5);
	assert_memory_equal(out, "hello", 5);
}

static void a_short_write_is_told_of_room_later(void **state)
{
	struct channel ch;
	struct console_backend *be = &ch.sddf.backend;
	uint8_t buf[CAPACITY + 8] = { 0 };

	(void)state;
	channel_init(&ch);
	assert_int_equal(be->ops->write(be, buf, sizeof(buf)), CAPACITY);
	assert_int_equal(be->ops->write(be, buf, 1), 0);
	assert_int_equal(ch.signals, 1); /* nothing written, nothing to say */
	assert_int_equal(serialq_read(&ch.server_in, buf, 4), 4);
	assert_true(serialq_release(&ch.server_in));
	assert_int_equal(be->ops->write(be, buf, 8), 4);
}

static void input_is_handed_over_and_its_room_given_back(void **state)
{
	struct channel ch;
	struct console_backend *be = &ch.sddf.backend;
	uint8_t buf[CAPACITY] = "0123456789";

	(void)state;
	channel_init(&ch);
	assert_int_equal(be->ops->read(be, buf, sizeof(buf)), 0);
	assert_int_equal(serialq_write(&ch.server_out, buf, 10), 10);
	serialq_want_signal(&ch.server_out);
	assert_int_equal(be->ops->read(be, buf, 6), 6);
	assert_memory_equal(buf, "012345", 6);
	assert_int_equal(ch.signals, 1); /* the server asked to hear of room */
	assert_int_equal(be->ops->read(be, buf, sizeof(buf)), 4);
	assert_int_equal(ch.signals, 1);
	assert_true(serialq_drained(&ch.server_out));
}

static void log_lines_are_whole_or_counted(void **state)
{
	struct channel ch;
	struct console_log log;
	uint8_t out[CAPACITY];

	(void)state;
	channel_init(&ch);
	console_log_init(&log, &ch.sddf.tx, ch.sddf.signal);
	console_log_line(&log, "twenty-six characters here", 26);
	console_log_line(&log, "no room", 7);
	console_log_line(&log, "still none", 10);
	assert_int_equal(log.lost, 2);
	assert_int_equal(ch.signals, 1);
	assert_int_equal(serialq_read(&ch.server_in, out, sizeof(out)), 27);
	assert_memory_equal(out, "twenty-six characters here\n", 27);
	(void)serialq_release(&ch.server_in);
	console_log_line(&log, "again", 5);
	assert_int_equal(log.lost, 0);
	assert_int_equal(serialq_read(&ch.server_in, out, sizeof(out)), 21);
	assert_memory_equal(out, "(2 lines lost)\nagain\n", 21);
}

static void a_line_of_exactly_the_room_fits(void **state)
{
	struct channel ch;
	struct console_log log;
	char text[CAPACITY];

	(void)state;
	memset(text, 'x', sizeof(text));
	channel_init(&ch);
	console_log_init(&log, &ch.sddf.tx, ch.sddf.signal);
	console_log_line(&log, text, CAPACITY);
	assert_int_equal(log.lost, 1);
	log.lost = 0;
	console_log_line(&log, text, CAPACITY - 1);
	assert_int_equal(log.lost, 0);
	assert_int_equal(serialq_length(&ch.server_in), CAPACITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_reaches_the_server_with_one_signal),
		cmocka_unit_test(a_short_write_is_told_of_room_later),
		cmocka_unit_test(input_is_handed_over_and_its_room_given_back),
		cmocka_unit_test(log_lines_are_whole_or_counted),
		cmocka_unit_test(a_line_of_exactly_the_room_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
