/* SPDX-License-Identifier: Apache-2.0 */
/* assets - the bundled web UI, gzipped at build and linked into the collector.
 * Thread: any.  Memory: constant. */
#pragma once
#include "lib/util.h"

struct web_asset {
	const char *path;	  /* such as "/" or "/app.js" */
	const char *content_type;
	const char *etag;	  /* quoted, changes with the content */
	const uint8_t *gzip;	  /* served with Content-Encoding: gzip */
	size_t n_gzip;
};

/* All assets; *ret_n of them.  None when rtsec was built with RTSEC_WEB=OFF. */
const struct web_asset *web_assets(size_t *ret_n);
