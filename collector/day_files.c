/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a day: their names, how they are removed. */
#include "collector/day.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* In the order in which they are removed. */
static const char *const index_endings[] = { "db", "db-wal", "db-shm", "merged" };

const char *day_path(const char *dir, uint32_t number, const char *ending, char buf[DAY_PATH_BYTES])
{
	time_t t = (time_t)number * 86400;
	struct tm tm;
	char date[32];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	snprintf(buf, DAY_PATH_BYTES, "%s/events-%s.%s", dir, date, ending);
	return buf;
}

/* Reads the date of @name, which must end with ".@ending" behind it. */
static bool parse_name(const char *name, const char *ending, uint32_t *ret_number)
{
	char again[DAY_PATH_BYTES];
	struct tm tm = { 0 };
	time_t t;

	if (strncmp(name, "events-", 7) != 0 || !strptime(name + 7, "%Y-%m-%d", &tm))
		return false;
	t = timegm(&tm);
	if (t < 0 || t / 86400 > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)(t / 86400);
	return strcmp(day_path("", *ret_number, ending, again) + 1, name) == 0;
}

bool day_parse_name(const char *name, uint32_t *ret_number)
{
	return parse_name(name, "db", ret_number) || parse_name(name, "frames", ret_number);
}

int day_sync_folder(const char *dir)
{
	AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? err_origin(-errno) : 0;
}

uint64_t day_file_bytes(const char *dir, uint32_t number)
{
	char path[DAY_PATH_BYTES];
	uint64_t sum = 0;
	struct stat st;

	if (stat(day_path(dir, number, "frames", path), &st) == 0)
		sum += (uint64_t)st.st_size;
	for (size_t i = 0; i < ARRAY_SIZE(index_endings); i++)
		if (stat(day_path(dir, number, index_endings[i], path), &st) == 0)
			sum += (uint64_t)st.st_size;
	return sum;
}

static bool is_missing(const char *dir, uint32_t number, const char *ending)
{
	char path[DAY_PATH_BYTES];

	return access(day_path(dir, number, ending, path), F_OK) < 0 && errno == ENOENT;
}

enum day_files day_look(const char *dir, const struct day_summary *day)
{
	char path[DAY_PATH_BYTES];
	struct stat st;

	if (stat(day_path(dir, day->number, "frames", path), &st) < 0)
		return errno == ENOENT ? DAY_GONE : DAY_WHOLE;
	if (st.st_ino != day->inode || is_missing(dir, day->number, "db") ||
	    is_missing(dir, day->number, "merged"))
		return DAY_NO_INDEX;
	return DAY_WHOLE;
}

/* ---- removing ---- */

static int remove_file(const char *dir, uint32_t number, const char *ending)
{
	char path[DAY_PATH_BYTES];

	if (unlink(day_path(dir, number, ending, path)) < 0 && errno != ENOENT)
		return err_origin(-errno);
	return 0;
}

int day_drop_index(const char *dir, uint32_t number)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(index_endings) && r == 0; i++)
		r = remove_file(dir, number, index_endings[i]);
	return r;
}

int day_finish_removal(const char *dir, uint32_t number)
{
	char gone[DAY_PATH_BYTES];
	int r;

	if (access(day_path(dir, number, "gone", gone), F_OK) < 0)
		return errno == ENOENT ? 0 : err_origin(-errno);
	r = day_drop_index(dir, number);
	if (r == 0) /* the mark goes when all else is gone for good */
		r = day_sync_folder(dir);
	if (r == 0)
		r = remove_file(dir, number, "gone");
	return r;
}

int day_finish_removals(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint32_t number;
	int r = 0;

	if (!d)
		return err_origin(-errno);
	while (r == 0 && (e = readdir(d)))
		if (parse_name(e->d_name, "gone", &number))
			r = day_finish_removal(dir, number);
	closedir(d);
	return r;
}

/* A day whose frames file was lost has to get its mark some other way. */
static int mark(const char *gone)
{
	AUTO_FD int fd = open(gone, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? err_origin(-errno) : 0;
}

int day_remove(const char *dir, uint32_t number, bool *ret_begun)
{
	char frames[DAY_PATH_BYTES], gone[DAY_PATH_BYTES];
	int r = 0;

	*ret_begun = false;
	day_path(dir, number, "frames", frames);
	day_path(dir, number, "gone", gone);
	if (rename(frames, gone) < 0)
		r = errno == ENOENT ? mark(gone) : err_origin(-errno);
	if (r < 0)
		return r;
	*ret_begun = true;
	r = day_sync_folder(dir);
	return r < 0 ? r : day_finish_removal(dir, number);
}
