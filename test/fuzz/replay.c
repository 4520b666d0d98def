/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over every file of a folder, without libFuzzer: the corpus, and the inputs that
 * once crashed it, as an ordinary test under any compiler.
 *
 *   replay_NAME FOLDER
 *
 * An empty corpus is a failure: a target without one tests nothing here.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLAY_MAX = 1 << 20 };

static int replay(const char *path)
{
	uint8_t *data;
	size_t size;
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		perror(path);
		return 1;
	}
	/* From the heap and of the exact size, so that ASan sees a read past the end. */
	data = malloc(REPLAY_MAX);
	if (data == NULL)
		abort();
	size = fread(data, 1, REPLAY_MAX, file);
	fclose(file);
	data = realloc(data, size > 0 ? size : 1);
	if (data == NULL)
		abort();
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int failed = 0;
	int done = 0;
	int count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &names, NULL, alphasort);
	if (count < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			char path[4096];

			snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
			failed += replay(path);
			done++;
		}
		free(names[i]);
	}
	free(names);
	printf("# %d inputs\n", done);
	return done == 0 || failed > 0;
}
