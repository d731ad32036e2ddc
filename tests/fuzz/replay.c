/* SPDX-License-Identifier: Apache-2.0 */
/* replay - runs every file of a folder through a fuzz target, so that old findings and seeds are an
 * ordinary test.  Fails when the folder is missing or empty. */
#include <dirent.h>

#include "lib/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay(const char *path)
{
	uint8_t *data = malloc(4 << 20);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!data || !f) {
		perror(path);
		free(data);
		return -1;
	}
	n = fread(data, 1, 4 << 20, f);
	fclose(f);
	data = realloc(data, n ? n : 1); /* so that ASan sees a read past the end */
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	int n = 0;

	if (!d) {
		fprintf(stderr, "usage: replay FOLDER (%s)\n", argc == 2 ? argv[1] : "none given");
		return 2;
	}
	while ((e = readdir(d))) {
		char path[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		if (replay(path) < 0)
			return 1;
		n++;
	}
	closedir(d);
	printf("%d seeds replayed\n", n);
	return n ? 0 : 1;
}
