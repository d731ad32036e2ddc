/* SPDX-License-Identifier: Apache-2.0 */
/* seq - event numbers that never repeat within a boot, over any number of sensor restarts.
 *
 * A small file in the state folder holds the boot id, a number, and how the sensor ended.  After a
 * clean stop the numbers go on where they ended.  After a kill the numbers go on at the
 * microseconds since boot, which no sensor reaches by counting (it would need a million events a
 * second since boot), and what was between is told as a gap.  The file is synced once, when it is
 * opened: an older number only makes the gap wider, and that it says "running" is what tells the
 * next boot that the power went.
 * Thread: one owner at a time.  Memory: fixed. */
#pragma once
#include "lib/diag.h"

struct seq {
	int fd, folder; /* of the state file, and of its folder, for its lock; -1: none */
	uint64_t next;	/* number of the next event */
	char boot_text[37];
};

/* What seq_open() found. */
struct seq_past {
	bool clean;	 /* numbers go on without a hole */
	bool unreadable; /* the file was not what we write: all numbers may be lost */
	uint64_t lost_first, lost_last; /* numbers that may be missing; 0: nothing is known */
	bool cut;			/* another boot ended with a sensor at work */
	char cut_boot[37];		/* which, */
	uint64_t cut_first, cut_ns; /* its first number that may be missing, and when that was */
};

/* Opens @dir/seq and takes its lock.  Returns 0, -EBUSY (another sensor uses the folder) or another
 * negative errno, with @d.  Done with seq_close(). */
NODISCARD int seq_open(struct seq *s, const char *dir, const char *boot_text, uint64_t boot_us,
		       struct seq_past *past, struct diag *d);

/* Notes that all numbers below @settled are acknowledged or told as lost. */
void seq_note(struct seq *s, uint64_t settled);

/* Closes the file; @clean: everything below s->next is acknowledged. */
void seq_close(struct seq *s, bool clean);
