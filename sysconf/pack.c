/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the files named on the command line, calls image_build, writes the result. */
#include "sysconf/pack.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmm/image.h>

#include "sysconf/file.h"
#include "sysconf/image.h"

static const char usage[] =
	"usage: sysconf pack --loader L --kernel K --root R [--description DTB]\n"
	"                    [--entry NAME=FILE]... -o OUT\n"
	"Packs a system image from its parts; see include/vmm/image.h for the format.\n";

struct pack {
	struct image_input in;
	struct image_file entries[VMM_BLOB_ENTRIES];
	const char *output;
};

/* False, after a message, if it cannot be read. */
static bool read_file(const char *name, struct image_file *file)
{
	struct buffer bytes = { 0 };

	if (!file_read(name, &bytes)) {
		perror(name);
		buffer_fini(&bytes);
		return false;
	}
	*file = (struct image_file){ .name = name, .data = bytes.data, .size = bytes.size };
	return true;
}

static bool write_file(const char *name, const struct image_output *image)
{
	if (file_write(name, image->data, image->size))
		return true;
	perror(name);
	return false;
}

static bool add_entry(struct pack *pack, char *argument)
{
	char *file = strchr(argument, '=');
	struct image_file *entry = &pack->entries[pack->in.entry_count];

	if (file == NULL || pack->in.entry_count == VMM_BLOB_ENTRIES) {
		fprintf(stderr, "sysconf: --entry %s: expected NAME=FILE, at most %d times\n",
			argument, VMM_BLOB_ENTRIES);
		return false;
	}
	*file++ = '\0';
	if (!read_file(file, entry))
		return false;
	entry->name = argument;
	pack->in.entry_count++;
	return true;
}

static bool parse(struct pack *pack, int argc, char **argv)
{
	static const struct option options[] = {
		{ "loader", required_argument, NULL, 'l' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "root", required_argument, NULL, 'r' },
		{ "description", required_argument, NULL, 'd' },
		{ "entry", required_argument, NULL, 'e' },
		{ "output", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	struct image_input *in = &pack->in;
	bool ok = true;
	int c;

	optind = 1;
	while (ok && (c = getopt_long(argc, argv, "l:k:r:d:e:o:", options, NULL)) != -1) {
		if (c == 'l')
			ok = read_file(optarg, &in->loader);
		else if (c == 'k')
			ok = read_file(optarg, &in->kernel);
		else if (c == 'r')
			ok = read_file(optarg, &in->root);
		else if (c == 'd')
			ok = read_file(optarg, &in->description);
		else if (c == 'e')
			ok = add_entry(pack, optarg);
		else if (c == 'o')
			pack->output = optarg;
		else
			ok = false;
	}
	if (ok && optind == argc && in->loader.name != NULL && in->kernel.name != NULL &&
	    in->root.name != NULL && pack->output != NULL)
		return true;
	fputs(usage, stderr);
	return false;
}

int pack_main(int argc, char **argv)
{
	struct pack pack = { .in = { .entry_count = 0 } };
	struct image_output image = { .data = NULL };
	char why[IMAGE_WHY];
	bool ok;

	pack.in.entries = pack.entries;
	ok = parse(&pack, argc, argv);
	if (ok && image_build(&pack.in, &image, why) != VMM_OK) {
		fprintf(stderr, "sysconf: %s\n", why);
		ok = false;
	}
	ok = ok && write_file(pack.output, &image);

	free(image.data);
	free((void *)(uintptr_t)pack.in.loader.data);
	free((void *)(uintptr_t)pack.in.kernel.data);
	free((void *)(uintptr_t)pack.in.root.data);
	free((void *)(uintptr_t)pack.in.description.data);
	for (size_t i = 0; i < pack.in.entry_count; i++)
		free((void *)(uintptr_t)pack.entries[i].data);
	return ok ? 0 : 1;
}
