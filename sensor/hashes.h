/* SPDX-License-Identifier: Apache-2.0 */
/* hashes - SHA-256 of executables, off the hot path: a cache that answers at once or not at all,
 * and a helper thread that reads files at a bounded rate.
 *
 * Who asks first gets nothing; when the hash is known, hashes_take() tells it together with who
 * asked first, and from then on the cache has it.  A file that could not be read is tried again
 * when it is asked for 10 s later.
 * Thread: sensor consumer; the helper is inside.  Memory: a fixed cache, HELPER_JOBS files under
 * way. */
#pragma once
#include "sensor/hash_file.h"

struct hashes;

struct hashes_config {
	const char *proc_root;	   /* NULL: /proc */
	uint64_t bytes_per_second; /* not 0 */
	uint64_t max_bytes;	   /* longer files are left alone */
};

struct hashes_counters {
	uint64_t done;	  /* files hashed */
	uint64_t failed;  /* gone, changed, unreadable */
	uint64_t skipped; /* too long, or on a remote filesystem */
	uint64_t refused; /* too many under way */
	uint64_t evicted; /* known hashes that made room for others */
};

/* Starts the helper.  Returns 0, -ENOMEM, or a negative errno of opening /proc or of the thread.
 * *ret is freed with hashes_free(). */
NODISCARD int hashes_new(struct hashes **ret, const struct hashes_config *config);

/* Ends the helper; waits for a file that it reads at most 2 s, then leaves it and its memory
 * behind: a filesystem may hang. */
struct hashes *hashes_free(struct hashes *h);
DEFINE_FREEP(hashes)

/* Where a file is asked from. */
struct hash_ask {
	const struct hash_key *key; /* its inode not 0 */
	uint32_t fs_magic, tgid, parent;
	uint64_t start_ns; /* of tgid */
	const char *path;
	uint32_t n_path;
};

/* Fills @ret and returns true when the hash is known; else has it worked out. */
bool hashes_get(struct hashes *h, const struct hash_ask *ask, uint8_t ret[HASH_BYTES]);

struct hash_found {
	struct hash_key key;
	uint8_t digest[HASH_BYTES];
	uint32_t tgid; /* who asked first */
	uint64_t start_ns;
};

/* Takes a hash that has become known.  Returns false when there is none. */
bool hashes_take(struct hashes *h, struct hash_found *ret);

/* True while files are being hashed, or are not taken yet. */
bool hashes_busy(const struct hashes *h);

void hashes_counters(const struct hashes *h, struct hashes_counters *ret);
