/* SPDX-License-Identifier: BSD-2-Clause */
/* What the console shows and where typed bytes go. Expectations are whole screens, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "vmm/backend/console/mux.h"

static struct mux mux;

static void say(unsigned client, const char *text)
{
	for (; *text != '\0'; text++) {
		assert_true(mux_ready(&mux));
		mux_output(&mux, client, (uint8_t)*text);
	}
}

static void type(const char *text)
{
	for (; *text != '\0'; text++)
		(void)mux_typed(&mux, (uint8_t)*text);
}

/* Compares and clears the screen. */
#define expect_screen(text)                                       \
	do {                                                      \
		uint8_t screen_[MUX_OUT + 1];                     \
		screen_[mux_take(&mux, screen_, MUX_OUT)] = '\0'; \
		assert_string_equal((const char *)screen_, text); \
	} while (0)

static void ticks(void)
{
	while (mux_tick(&mux))
		;
}

static unsigned add(const char *name, enum mux_kind kind)
{
	return mux_add(&mux, name, strlen(name), kind);
}

/* "vessel" log, then VMs named a, b, ... */
static int with_vms(unsigned count)
{
	char name[2] = "a";

	mux_init(&mux);
	add("vmm", MUX_LOG);
	for (unsigned i = 0; i < count; i++, name[0]++)
		add(name, MUX_VM);
	return 0;
}

enum { LOG = 0, A = 1, B = 2, C = 3 };

static void the_only_vm_passes_unchanged(void **state)
{
	(void)state;
	with_vms(1);
	say(A, "boot\r\n\x1b[1mbold\x1b[0m\n~ # ls\b \b\a");
	expect_screen("boot\r\n\x1b[1mbold\x1b[0m\n~ # ls\b \b\a");
}

static void a_log_line_goes_above_the_prompt(void **state)
{
	(void)state;
	with_vms(1);
	say(A, "x\r\n~ # ls");
	say(LOG, "guest of a: odd\n");
	say(A, "\r\nfile\r\n");
	say(LOG, "one\n");
	expect_screen("x\r\n~ # ls\r\nvmm: guest of a: odd\r\n~ # ls\r\nfile\r\nvmm: one\r\n");
}

static void log_text_cannot_move_the_cursor(void **state)
{
	(void)state;
	with_vms(0);
	say(LOG, "a\x1b[2Jb\x1b]0;title\ac\x1bP1\x1b\\d\re\bf\x7f\tg\x9bh\xc3\x9fi\x1b(0j\n");
	expect_screen("vmm: abcdef\tgh\xc3\x9fij\r\n");
}

/* U+0080 to U+009F are c2 80 to c2 9f in UTF-8, and c2 9b begins a control sequence as ESC [ does. */
static void log_text_has_no_control_characters_in_utf8(void **state)
{
	(void)state;
	with_vms(0);
	say(LOG, "a\xc2\x9b"
		 "2Jb\xc3\x9b\xc2\xa0\xe2\x82\x9b"
		 "c\xc2\x1b[m\x9b\xc2\x80\x9b"
		 "d\n");
	expect_screen("vmm: a\xc2"
		      "2Jb\xc3\x9b\xc2\xa0\xe2\x82\x9b"
		      "c\xc2\xc2"
		      "d\r\n");
}

static void each_of_several_vms_is_marked(void **state)
{
	(void)state;
	with_vms(2);
	say(A, "one\r\ntwo\n");
	say(B, "uno\r\ndos\n");
	expect_screen("[a] one\r\n[a] two\r\n[b] uno\r\n[b] dos\r\n");
}

static void background_lines_go_above_the_live_one(void **state)
{
	(void)state;
	with_vms(2);
	say(A, "~ # l");
	say(B, "ti");
	say(B, "ck\n");
	say(A, "s");
	expect_screen("[a] ~ # l\r\n[b] tick\r\n[a] ~ # ls");
	say(A, "\n");
	expect_screen("\r\n");
}

static void a_lone_carriage_return_keeps_the_mark(void **state)
{
	(void)state;
	with_vms(2);
	say(A, "10%\r20%\r\r\n");
	expect_screen("[a] 10%\r[a] 20%\r\n");
}

static void no_client_can_pose_as_another(void **state)
{
	(void)state;
	with_vms(2);
	say(B, "x\rvessel: all VMs are off\n\x1b[1A[a] root\n");
	say(A, "x\rvessel: all VMs are off\n");
	expect_screen("[b] xvessel: all VMs are off\r\n[b] [a] root\r\n"
		      "[a] x\r[a] vessel: all VMs are off\r\n");
}

static void unfinished_background_lines_wait_for_a_tick(void **state)
{
	(void)state;
	with_vms(3);
	say(B, "login: ");
	expect_screen("");
	assert_true(mux_wants_tick(&mux));
	ticks(); /* it grew since the tick before */
	expect_screen("");
	ticks();
	expect_screen("[b] login: ");
	assert_false(mux_wants_tick(&mux));
	/* It is on the screen: it goes on there. */
	say(B, "ok\n");
	expect_screen("ok\r\n");
	say(A, "$ ");
	say(C, "half");
	ticks();
	ticks();
	expect_screen("[a] $ \r\n[c] half\r\n[a] $ ");
	ticks();
	expect_screen("");
	/* Nothing new in it: not shown again. */
	say(C, "\n");
	expect_screen("");
	say(C, "quarter");
	ticks();
	ticks();
	say(C, "s\n");
	expect_screen("\r\n[c] quarter\r\n[a] $ \r\n[c] quarters\r\n[a] $ ");
}

static void long_background_lines_are_cut_not_lost(void **state)
{
	char text[MUX_LINE + 11], want[MUX_LINE + 64];

	(void)state;
	with_vms(2);
	memset(text, 'x', sizeof(text));
	text[MUX_LINE + 10] = '\0';
	say(B, text);
	say(B, "\n");
	memcpy(want, "[b] ", 4);
	memset(want + 4, 'x', MUX_LINE);
	strcpy(want + 4 + MUX_LINE, "\r\n[b] xxxxxxxxxx\r\n");
	expect_screen(want);
	/* A line of exactly the length leaves no empty line behind; an empty line is one. */
	text[MUX_LINE] = '\0';
	say(B, text);
	say(B, "\n\n");
	strcpy(want + 4 + MUX_LINE, "\r\n[b] \r\n");
	expect_screen(want);
}

static void focus_changes_by_key(void **state)
{
	(void)state;
	with_vms(3);
	mux_announce(&mux);
	expect_screen("vessel: input goes to a; press Ctrl-] then ? for help\r\n");
	assert_int_equal(mux_typed(&mux, 'n'), MUX_INPUT_TYPED);
	assert_true(mux_is_command(&mux, MUX_ESCAPE));
	assert_int_equal(mux_typed(&mux, MUX_ESCAPE), MUX_INPUT_COMMAND);
	assert_true(mux_is_command(&mux, 'n'));
	assert_int_equal(mux_typed(&mux, 'n'), MUX_INPUT_COMMAND);
	assert_int_equal(mux.focus, B);
	type("\x1dn\x1dn");
	assert_int_equal(mux.focus, A);
	type("\x1dp");
	assert_int_equal(mux.focus, C);
	type("\x1d"
	     "2");
	assert_int_equal(mux.focus, B);
	type("\x1d"
	     "9");
	assert_int_equal(mux.focus, B);
	assert_int_equal(mux_typed(&mux, 'x'), MUX_INPUT_TYPED);
	expect_screen("vessel: input goes to b\r\nvessel: input goes to c\r\n"
		      "vessel: input goes to a\r\nvessel: input goes to c\r\n"
		      "vessel: input goes to b\r\nvessel: there is no such VM\r\n");
}

static void the_escape_key_can_be_typed(void **state)
{
	(void)state;
	with_vms(2);
	assert_int_equal(mux_typed(&mux, MUX_ESCAPE), MUX_INPUT_COMMAND);
	assert_false(mux_is_command(&mux, MUX_ESCAPE));
	assert_int_equal(mux_typed(&mux, MUX_ESCAPE), MUX_INPUT_TYPED);
	assert_int_equal(mux_typed(&mux, 'n'), MUX_INPUT_TYPED);
	expect_screen("");
}

static void more_than_nine_vms_take_a_number_and_enter(void **state)
{
	(void)state;
	with_vms(12);
	type("\x1d"
	     "11");
	assert_int_equal(mux.focus, A);
	assert_true(mux_is_command(&mux, '\r'));
	type("\r");
	assert_int_equal(mux.focus, 11);
	assert_int_equal(mux_typed(&mux, '1'), MUX_INPUT_TYPED);
	type("\x1d"
	     "99999999999\r\x1d"
	     "0\r");
	assert_int_equal(mux.focus, 11);
	expect_screen("vessel: input goes to k\r\nvessel: there is no such VM\r\n"
		      "vessel: there is no such VM\r\n");
}

static void the_new_live_vm_shows_its_unfinished_line(void **state)
{
	(void)state;
	with_vms(2);
	say(B, "b login: ");
	say(A, "\x1b[1ma$ \x1b[0m");
	type("\x1d"
	     "2");
	say(B, "root");
	expect_screen("[a] \x1b[1ma$ \x1b[0m\r\nvessel: input goes to b\r\n[b] b login: root");
	/* What a left behind is text now and not shown again of itself. */
	ticks();
	ticks();
	expect_screen("");
	type("\x1d"
	     "1");
	expect_screen("\r\nvessel: input goes to a\r\n[a] a$ ");
}

/* Showing a line again must not ask the terminal again, nor bring back what was rubbed out. */
static void a_line_shown_again_is_text(void **state)
{
	(void)state;
	with_vms(1);
	say(A, "\x1b[1m# \x1b[0m\x1b[6nlsx\b \b -l\x1b[J");
	say(LOG, "l\n");
	expect_screen("\x1b[1m# \x1b[0m\x1b[6nlsx\b \b -l\x1b[J\r\nvmm: l\r\n# ls -l");
}

static void quiet_shows_the_focus_and_logs_only(void **state)
{
	(void)state;
	with_vms(3);
	say(A, "$ ");
	type("\x1dq");
	expect_screen("[a] $ \r\nvessel: only the VM with the input is shown\r\n[a] $ ");
	say(B, "one\ntwo\nthr");
	say(C, "x\n");
	ticks();
	ticks();
	assert_false(mux_wants_tick(&mux));
	expect_screen("");
	say(LOG, "seen\n");
	expect_screen("\r\nvmm: seen\r\n[a] $ ");
	type("\x1d"
	     "2");
	expect_screen("\r\nvessel: input goes to b\r\n[b] (2 lines not shown)\r\n[b] thr");
	type("\x1dq");
	expect_screen("\r\nvessel: all VMs are shown\r\n[c] (1 lines not shown)\r\n[b] thr");
}

static void list_and_help_leave_the_prompt(void **state)
{
	uint8_t screen[MUX_OUT];

	(void)state;
	with_vms(2);
	say(A, "$ ");
	type("\x1dl");
	expect_screen("[a] $ \r\nvessel: * 1 a\r\nvessel:   2 b\r\n[a] $ ");
	type("\x1d?");
	assert_true(mux_take(&mux, screen, sizeof(screen)) > 100);
	type("\x1d!");
	expect_screen("\r\nvessel: no such command; press Ctrl-] then ? for help\r\n[a] $ ");
}

static void no_vm_means_no_focus(void **state)
{
	(void)state;
	with_vms(0);
	mux_announce(&mux);
	type("\x1dn\x1dl\x1d"
	     "1");
	assert_int_equal(mux.focus, MUX_NONE);
	expect_screen("vessel: there is no such VM\r\n");
}

static void names_are_printable_and_cut(void **state)
{
	unsigned i;

	(void)state;
	mux_init(&mux);
	i = mux_add(&mux, "ev\x1bil vm", 8, MUX_LOG);
	assert_string_equal(mux.clients[i].name, "ev?il vm");
	i = add("0123456789012345678901234567890123456789", MUX_LOG);
	assert_int_equal(strlen(mux.clients[i].name), MUX_NAME - 1);
	while (mux.client_count < MUX_CLIENTS)
		assert_int_not_equal(add("x", MUX_VM), MUX_NONE);
	assert_int_equal(add("x", MUX_VM), MUX_NONE);
}

/* The most that any call shows fits into what mux_ready() promises. */
static void nothing_shows_more_than_a_step(void **state)
{
	char text[MUX_LINE + 1];

	(void)state;
	mux_init(&mux);
	for (unsigned i = 0; i < MUX_CLIENTS; i++)
		add("0123456789012345678901234567890", i == 0 ? MUX_LOG : MUX_VM);
	memset(text, 'x', MUX_LINE);
	text[MUX_LINE] = '\0';
	for (unsigned i = 1; i < MUX_CLIENTS; i++) {
		uint8_t screen[MUX_OUT];

		text[MUX_LINE - 1] = '\0';
		say(i, text);
		(void)mux_take(&mux, screen, MUX_OUT);
	}
	mux.out_length = 0;
	type("\x1dl");
	assert_in_range(mux.out_length, 1, MUX_STEP);
	mux.out_length = 0;
	type("\x1d?");
	assert_in_range(mux.out_length, 1, MUX_STEP);
	mux.out_length = 0;
	mux_output(&mux, 0, '\n');
	assert_in_range(mux.out_length, 1, MUX_STEP);
	ticks();
	mux.out_length = 0;
	assert_true(mux_tick(&mux));
	assert_in_range(mux.out_length, 1, MUX_STEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_vm_passes_unchanged),
		cmocka_unit_test(a_log_line_goes_above_the_prompt),
		cmocka_unit_test(log_text_cannot_move_the_cursor),
		cmocka_unit_test(log_text_has_no_control_characters_in_utf8),
		cmocka_unit_test(each_of_several_vms_is_marked),
		cmocka_unit_test(background_lines_go_above_the_live_one),
		cmocka_unit_test(a_lone_carriage_return_keeps_the_mark),
		cmocka_unit_test(no_client_can_pose_as_another),
		cmocka_unit_test(unfinished_background_lines_wait_for_a_tick),
		cmocka_unit_test(long_background_lines_are_cut_not_lost),
		cmocka_unit_test(focus_changes_by_key),
		cmocka_unit_test(the_escape_key_can_be_typed),
		cmocka_unit_test(more_than_nine_vms_take_a_number_and_enter),
		cmocka_unit_test(the_new_live_vm_shows_its_unfinished_line),
		cmocka_unit_test(a_line_shown_again_is_text),
		cmocka_unit_test(quiet_shows_the_focus_and_logs_only),
		cmocka_unit_test(list_and_help_leave_the_prompt),
		cmocka_unit_test(no_vm_means_no_focus),
		cmocka_unit_test(names_are_printable_and_cut),
		cmocka_unit_test(nothing_shows_more_than_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
