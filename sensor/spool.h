/* SPDX-License-Identifier: Apache-2.0 */
/* spool - sealed frames on disk, in order, until they are done: over an outage of the collector, a
 * death of the sensor, a reboot.
 *
 * A folder of segment files of a few MiB, b-NUMBER.seg for frames with nothing but bulk events and
 * p-NUMBER.seg for all others, so that bulk can go first when room is short.  Each holds records
 * (spool_record.h), written once at its end; only the mark that a record is done is written later.
 * A file whose records are all done is deleted, so an idle spool is an empty folder.  A segment of
 * an earlier run is never written to again.
 *
 * What the disk did to a record shows when it is read: a bad body is a loss with exact numbers, a
 * bad head a loss whose count is not known and whose range is what its neighbours leave; the rest
 * of the file is used.
 *
 * It never logs and knows nothing of who sends.
 * Thread: one owner at a time. Memory: 16 to 32 bytes a record, one record's bytes. */
#pragma once
#include "lib/diag.h"
#include "sensor/outbox.h"

struct spool;

enum spool_sync { SPOOL_SYNC_NEVER, SPOOL_SYNC_BATCH, SPOOL_SYNC_INTERVAL };

/* The system as the spool sees it; for tests that let it fail.  Each as its namesake, failures by
 * -1 and errno. */
struct spool_io {
	int (*open)(const char *path, int flags, mode_t mode);
	ssize_t (*pread)(int fd, void *buf, size_t n, off_t at);
	ssize_t (*pwrite)(int fd, const void *buf, size_t n, off_t at);
	int (*ftruncate)(int fd, off_t n);
	int (*fdatasync)(int fd);
	int (*unlink)(const char *path);
	uint64_t (*now_ns)(clockid_t clock);
};
extern const struct spool_io spool_io_system;

struct spool_config {
	const char *dir;	/* made when missing */
	uint64_t max_bytes;	/* of all files */
	uint64_t max_age_ns;	/* since a segment was begun; 0: no bound */
	uint64_t segment_bytes; /* 0: 4 MiB, or less in a small spool */
	enum spool_sync sync;
	uint8_t boot_id[16];
	const struct spool_io *io; /* NULL: the system */
};

/* Opens @config->dir with what is in it.  *ret is freed with spool_free(), files stay.
 * Returns 0, -EINVAL (max_bytes is 0), -ENOMEM or another negative errno, with @d. */
NODISCARD int spool_new(struct spool **ret, const struct spool_config *config, struct diag *d);
struct spool *spool_free(struct spool *s);
DEFINE_FREEP(spool)

/* Writes @f, which stays the caller's, at the end.  @is_sent: it is under way, spool_next() will
 * not give it.  Older segments are dropped when room is short, bulk first; a bulk frame never
 * pushes out others.  *ret_ref names the record for spool_done().  Returns 0, SPOOL_E_NO_ROOM, or
 * a negative errno: nothing was written. */
enum { SPOOL_E_NO_ROOM = OUTBOX_E_NO_ROOM };
NODISCARD int spool_append(struct spool *s, const struct outbox_frame *f, bool is_sent,
			   struct spool_ref *ret_ref);

/* Reads the oldest record not yet given.  *ret is the caller's, with its spool_ref.  Records that
 * cannot be read are passed over and told as losses.
 * Returns 0, SPOOL_E_EMPTY or -ENOMEM. */
enum { SPOOL_E_EMPTY = 1 };
NODISCARD int spool_next(struct spool *s, struct outbox_frame **ret);

/* The collector has it.  A reference to what was dropped meanwhile does nothing. */
void spool_done(struct spool *s, const struct spool_ref *ref);

/* Drops what is too old, and syncs what the policy says is due: SPOOL_SYNC_INTERVAL a second after
 * it was written, or when @now.  Returns 0 or a negative errno of fdatasync(2). */
NODISCARD int spool_tick(struct spool *s, bool now);

/* Moves what was lost since the last call to @into.  Returns the number of events that were. */
uint64_t spool_losses(struct spool *s, struct losses *into);

/* The first number from @seq on that is not known to be in the spool: what was read at the start of
 * this boot's records, those without holes. */
uint64_t spool_reaches(const struct spool *s, uint64_t seq);

struct spool_totals {
	uint64_t unread;  /* records that spool_next() still has */
	uint64_t records; /* not done */
	uint64_t bytes;	  /* of all files */
	uint64_t files;
	bool unsynced;	  /* something waits for spool_tick() to sync it */
};
void spool_totals(const struct spool *s, struct spool_totals *ret);
