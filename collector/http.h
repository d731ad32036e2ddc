/* SPDX-License-Identifier: Apache-2.0 */
/* http - the collector's web server: libmicrohttpd driven by the uv loop.
 *
 * Handlers run on the loop.  What reads the store runs in the uv thread pool, each job with a
 * store_reader of its own, while its connection is suspended; a connection that its client closed
 * cancels its job.  The routes are one table, collector/api.c.
 * Thread: the loop.  Only this file and request.c touch libmicrohttpd. */
#pragma once
#include <uv.h>

#include "collector/facts.h"
#include "collector/flows.h"
#include "collector/authority.h"
#include "collector/hub.h"
#include "collector/alertbook.h"
#include "collector/detect.h"
#include "collector/ingest.h"
#include "collector/output.h"
#include "collector/maindb.h"
#include "collector/retention.h"
#include "collector/rulebook.h"
#include "collector/store.h"

struct http;
struct import_result;

/* All pointers are borrowed and must outlive http_stop(); strings are borrowed for the call. */
struct http_config {
	const char *cert, *key; /* PEM texts: HTTPS; NULL: plain HTTP */
	const char *address;	/* IPv4 or IPv6 address in text, such as 127.0.0.1 or :: */
	uint16_t port;		/* 0: any free one, see http_port() */
	struct store *store;
	struct maindb *maindb;
	const struct authority *authority; /* NULL: nobody can enrol */
	const char *events_url;		   /* the sensors' port, which enrolling nodes are told */
	struct hub *hub;		   /* NULL: /api/v1/tail answers 503 */
	struct ingest *ingest;		   /* NULL: its counters read zero */
	struct follow *follow;		   /* NULL: none */
	struct flows *flows;		   /* NULL: its counters read zero */
	struct rulebook *rulebook;	   /* NULL: /api/v1/rules answers 503 */
	struct alertbook *alertbook;	   /* NULL: /api/v1/alerts answers 503 */
	struct outputs *outputs;	   /* NULL: there are none */
	struct detect *detect;		   /* NULL: rules have no counters */
	struct facts *facts;		   /* NULL: there are none */
	/* Stores records (collector/import.h), from any thread.  NULL: /api/v1/import answers 503.
	 */
	int (*import)(const struct buf *records, struct import_result *ret, void *arg);
	void *import_arg;
	struct retention_limits keep; /* of the options; those in main.db go before */
};

/* Starts to listen on @loop.  *ret is the caller's, given back with http_stop().
 * Returns 0, -EINVAL (@address), -EADDRINUSE or another negative errno with the reason in @d, or
 * -ENOMEM. */
NODISCARD int http_start(struct http **ret, uv_loop_t *loop, const struct http_config *config,
			 struct diag *d);

/* Changes that are in force at once.  On the loop.
 * http_set_certificate(): of a server that was started with one; returns what http_tls_set() does.
 * http_set_outputs(): those of before are not used any more when it returns, but by who has a
 * reference. */
NODISCARD int http_set_certificate(struct http *h, const char *cert, const char *key,
				   struct diag *d);
void http_set_outputs(struct http *h, struct outputs *o);
void http_set_keep(struct http *h, const struct retention_limits *keep);

/* Port it listens on. */
uint16_t http_port(const struct http *h);

/* Closes all connections, cancels searches, runs the loop until its own handles are closed, frees.
 * Call it when uv_run() has returned, not from a callback, and before the store, maindb, hub and
 * ingest are freed.  NULL: no-op.  Returns NULL. */
struct http *http_stop(struct http *h);

/* The hub's deliver function: @arg is a struct http ** that may still hold NULL.  So main says
 *   struct http *http = NULL;
 *   hub_new(&hub, loop, http_deliver, &http); ... http_start(&http, loop, &config, &d); */
void http_deliver(struct block *b, uint64_t block_id, uint64_t dropped, void *arg);
