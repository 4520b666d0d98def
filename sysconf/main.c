// SPDX-License-Identifier: BSD-2-Clause
/*
 * sysconf: checks a system description and builds the system image from it.
 *
 * Order of work: compile with dtc, parse and check (vmm/admin, the same code the target runs), read
 * and check every image, find every program, and only when nothing was wrong write the image.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysconf/build.h"
#include "sysconf/dts.h"
#include "sysconf/file.h"
#include "sysconf/pack.h"

enum { DIRS_MAX = DTS_DIRS_MAX };

static const char usage[] =
	"usage: sysconf check DESCRIPTION [options]\n"
	"       sysconf build DESCRIPTION --kernel FILE --programs DIR -o IMAGE [options]\n"
	"\n"
	"  -i, --include DIR     look for what the description includes here too, after its "
	"folder\n"
	"  -I, --images DIR      look for image files here too, after the description's folder\n"
	"  -p, --programs DIR    where the programs are (admin.elf, vmm.elf, serial.elf ...)\n"
	"  -k, --kernel FILE     the kernel's ELF file\n"
	"  -o, --output FILE     the system image to write\n"
	"  -s, --set PATH:PROPERTY=VALUE\n"
	"                        set a property on top of the description, for example\n"
	"                        --set '/board:cores=<4>' --set /images/linux:file=/boot/Image\n"
	"      --unchecked-images  do not look into image files (to test the target's own checks)\n"
	"\n"
	"Exit status: 0 all well, 1 errors in the description, 2 wrong usage.\n";

struct arguments {
	const char *command, *description;
	struct build_options options;
	const char *image_dirs[DIRS_MAX], *program_dirs[DIRS_MAX], *include_dirs[DIRS_MAX];
	size_t include_dir_count;
	struct buffer settings;
	char *folder; /* malloc'ed: the description's */
};

static void print_item(void *ctx, const struct report_item *item)
{
	(void)ctx;
	fprintf(stderr, "sysconf: %s%s%s: found %s; allowed: %s\n", item->path,
		item->property[0] != '\0' ? " property " : "", item->property, item->found,
		item->allowed);
}

static bool add_dir(const char **dirs, size_t *count, const char *dir)
{
	if (*count == DIRS_MAX)
		return false;
	dirs[(*count)++] = dir;
	return true;
}

static bool take_option(struct arguments *args, int option)
{
	switch (option) {
	case 'i':
		return add_dir(args->include_dirs, &args->include_dir_count, optarg);
	case 'I':
		return add_dir(args->image_dirs, &args->options.image_dir_count, optarg);
	case 'p':
		return add_dir(args->program_dirs, &args->options.program_dir_count, optarg);
	case 'k':
		args->options.kernel = optarg;
		return true;
	case 'o':
		args->options.output = optarg;
		return true;
	case 'u':
		args->options.unchecked_images = true;
		return true;
	case 's':
		if (dts_setting(optarg, &args->settings))
			return true;
		fprintf(stderr, "sysconf: --set %s: not of the form PATH:PROPERTY=VALUE\n", optarg);
		return false;
	default:
		return false;
	}
}

static bool parse_arguments(struct arguments *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "include", required_argument, NULL, 'i' },
		{ "images", required_argument, NULL, 'I' },
		{ "programs", required_argument, NULL, 'p' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ "set", required_argument, NULL, 's' },
		{ "unchecked-images", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	args->options.image_dirs = args->image_dirs;
	args->options.program_dirs = args->program_dirs;
	args->options.image_dir_count = 1; /* the description's own folder, below */
	while ((option = getopt_long(argc, argv, "i:I:p:k:o:s:", options, NULL)) != -1) {
		if (!take_option(args, option))
			return false;
	}
	if (argc - optind != 2)
		return false;
	args->command = argv[optind];
	args->description = argv[optind + 1];
	args->folder = strdup(args->description);
	args->image_dirs[0] = args->folder != NULL ? dirname(args->folder) : ".";
	if (strcmp(args->command, "check") == 0)
		return true;
	return strcmp(args->command, "build") == 0 && args->options.kernel != NULL &&
	       args->options.output != NULL && args->options.program_dir_count > 0;
}

int main(int argc, char **argv)
{
	struct arguments args = { 0 };
	struct report report = { .emit = print_item };
	struct buffer blob = { 0 };
	bool build;

	if (argc > 1 && strcmp(argv[1], "pack") == 0)
		return pack_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!parse_arguments(&args, argc, argv)) {
		fputs(usage, stderr);
		buffer_fini(&args.settings);
		free(args.folder);
		return 2;
	}
	build = strcmp(args.command, "build") == 0;
	if (!dts_compile(args.description, &args.settings, args.include_dirs,
			 args.include_dir_count, &blob))
		report_add(&report, args.description, NULL, "something dtc does not accept",
			   "devicetree source, see dtc's message; --include names "
			   "another folder for what it includes");
	else
		build_system(&blob, &args.options, build, &report);
	buffer_fini(&blob);
	buffer_fini(&args.settings);
	free(args.folder);
	if (report.count > 0) {
		fprintf(stderr, "sysconf: %s: %u error%s, nothing built\n", args.description,
			report.count, report.count == 1 ? "" : "s");
		return 1;
	}
	printf("sysconf: %s: no errors\n", args.description);
	return 0;
}
