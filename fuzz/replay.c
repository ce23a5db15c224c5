/*
 * replay.c: runs a fuzz target on every file of the folders named, without libFuzzer.
 *
 * Linked to a target where the build has no libFuzzer, so that any compiler's sanitizers check the
 * corpora with each run of the tests. Prints how many inputs there were; none at all is a failure,
 * since it means that the corpus was not found.
 *
 *	fuzz_ip4 FOLDER...
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20) /* bytes; libFuzzer's default is 4,096 */

/* The file's bytes, or NULL with a message. An empty file gives memory that must not be read. */
static uint8_t *read_file(const char *path, size_t *len)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return NULL;
	}
	*len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return fuzz_copy(bytes, *len);
}

static int replay_file(const char *path)
{
	size_t len;
	uint8_t *bytes = read_file(path, &len);

	if (!bytes)
		return -1;
	LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
	return 0;
}

/* The number of files replayed, or -1 with a message. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir) {
		perror(folder);
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir))) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) || !S_ISREG(st.st_mode))
			continue;
		count = replay_file(path) ? -1 : count + 1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count < 0)
			return 1;
		total += count;
	}
	printf("%d inputs\n", total);
	return total ? 0 : 1;
}
