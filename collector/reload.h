/* SPDX-License-Identifier: Apache-2.0 */
/* reload - SIGHUP: has the settings read again, and what can be changed without a restart changed.
 *
 * That is log-level, keep-days, keep-bytes, min-free-bytes, silent-after, lagging-after,
 * skewed-after, calm-after, the files behind http-cert and http-key, and outputs.yaml.  Others are
 * told by name, and wait for a restart.  Settings that are wrong change nothing; an outputs.yaml or
 * a certificate that is wrong leaves the one in force. Thread: the loop. */
#pragma once
#include "collector/ingest.h"
#include "collector/options.h"
#include "collector/output.h"

struct http;

struct reload {
	int argc; /* of main(): the command line still goes over the file */
	char *const *argv;
	const struct options *started; /* what the collector was started with */
	struct ingest *ingest;
	struct http *http;
	struct alertbook *book;
	struct outputs **outputs; /* those in force: replaced */
};

void reload(const struct reload *r);

/* Files of --http-cert and --http-key. */
struct http_files {
	char cert[64 << 10], key[16 << 10];
};
/* Returns 0 or an errno of file_read() with @d. */
NODISCARD int http_files_read(struct http_files *ret, const struct options *o, struct diag *d);
