/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/seq.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "lib/file.h"

/* A sensor that was killed holds its lock until the kernel has detached its programs: a second or
 * two.  Whoever starts the next one at once should not have to know. */
enum { LINE_BYTES = 96, LOCK_TENTHS = 50 };

/* One line of fixed length, so that writing it again in place leaves nothing of the old. */
static int write_line(struct seq *s, uint64_t number, const char *how)
{
	char line[LINE_BYTES + 1];
	int n = snprintf(line, sizeof(line), "rtsec-seq 1 %s %020" PRIu64 " %s", s->boot_text,
			 number, how);

	memset(line + n, ' ', (size_t)(LINE_BYTES - n));
	line[LINE_BYTES - 1] = '\n';
	return pwrite(s->fd, line, LINE_BYTES, 0) == LINE_BYTES ? 0 : err_origin(-errno);
}

/* A sensor of the boot @boot did not stop: what it had in memory went with the power. */
static void note_cut(const struct seq *s, const char *boot, uint64_t number, struct seq_past *past)
{
	struct stat st;

	past->cut = true;
	snprintf(past->cut_boot, sizeof(past->cut_boot), "%s", boot);
	past->cut_first = number;
	if (fstat(s->fd, &st) == 0)
		past->cut_ns =
			(uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
}

/* Reads the line of this boot.  Returns false when there is none; of another boot the past is told.
 */
static bool read_line(const struct seq *s, uint64_t *ret_number, struct seq_past *past)
{
	char line[LINE_BYTES + 1] = "", boot[37] = "", how[16] = "";
	ssize_t n = pread(s->fd, line, LINE_BYTES, 0);

	if (n != LINE_BYTES ||
	    sscanf(line, "rtsec-seq 1 %36s %" SCNu64 " %15s", boot, ret_number, how) != 3) {
		past->unreadable = n != 0;
		return false;
	}
	past->clean = strcmp(how, "clean") == 0;
	if (strcmp(boot, s->boot_text) == 0)
		return true;
	if (!past->clean)
		note_cut(s, boot, *ret_number, past);
	past->clean = false;
	return false;
}

/* Once: that a sensor runs has to outlive the power.  A disk that cannot do that must not blind us.
 */
static int write_first(struct seq *s, const char *dir)
{
	char path[4096];
	int r = write_line(s, s->next, "running");

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/seq", dir);
	if (fdatasync(s->fd) == 0)
		(void)!file_sync_folder_of(path);
	return 0;
}

static int open_file(struct seq *s, const char *dir, struct diag *d)
{
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%s/seq", dir);
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot open %s: %s", path,
				strerror(errno));
	r = file_lock(s->fd, LOCK_TENTHS);
	if (r == 0)
		r = s->folder = file_lock_folder(dir, LOCK_TENTHS);
	if (r != -EBUSY)
		return 0;
	seq_close(s, false);
	return diag_set(d, r, 0, 0,
			"another sensor runs with the state folder %s (it holds the lock of %s)",
			dir, path);
}

int seq_open(struct seq *s, const char *dir, const char *boot_text, uint64_t boot_us,
	     struct seq_past *past, struct diag *d)
{
	uint64_t number = 0;
	int r;

	*past = (struct seq_past){ 0 };
	*s = (struct seq){ .fd = -1, .folder = -1 };
	snprintf(s->boot_text, sizeof(s->boot_text), "%s", boot_text);
	r = open_file(s, dir, d);
	if (r < 0)
		return r;
	s->next = MAX(boot_us, 1u);
	if (read_line(s, &number, past)) {
		if (past->clean) {
			s->next = number;
		} else {
			s->next = MAX(s->next, number + 1);
			past->lost_first = number;
			past->lost_last = s->next - 1;
		}
	}
	if (past->unreadable) {
		past->lost_first = 1;
		past->lost_last = s->next - 1;
	}
	r = write_first(s, dir);
	if (r < 0) {
		seq_close(s, false);
		return diag_set(d, r, 0, 0, "cannot write %s/seq: %s", dir, strerror(-r));
	}
	return 0;
}

void seq_note(struct seq *s, uint64_t settled)
{
	(void)!write_line(s, settled, "running"); /* an older number is only less exact */
}

void seq_close(struct seq *s, bool clean)
{
	if (s->fd < 0)
		return;
	if (clean)
		(void)!write_line(s, s->next, "clean");
	close(s->fd);
	if (s->folder >= 0)
		close(s->folder);
	s->fd = s->folder = -1;
}
