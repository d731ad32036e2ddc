/* SPDX-License-Identifier: Apache-2.0 */
/* limits - every bound on bytes from outside, in one place.  Each is checked before anything of
 * that size is allocated; what breaks one is refused whole, with a reason.
 * Thread: any. */
#pragma once

enum {
	LIMIT_FRAME_BYTES = 8 << 20,	 /* a frame as it travels, header included */
	LIMIT_BATCH_BYTES = 32 << 20,	 /* an EventBatch after decompression */
	LIMIT_BATCH_EVENTS = 65536,	 /* events in one batch */
	LIMIT_BATCH_PROCESSES = 65536,	 /* process rows in one batch */
	LIMIT_BATCH_STRINGS = 262144,	 /* distinct strings in one batch */
	LIMIT_BATCH_TABLES = 64,	 /* event tables (kinds) in one batch */
	LIMIT_TABLE_COLUMNS = 128,	 /* columns in one table */
	LIMIT_LIST_VALUES = 1 << 20,	 /* values of one list column, all rows */
	LIMIT_STRING_BYTES = 1 << 20,	 /* one string of the dictionary */
	LIMIT_LABELS = 64,		 /* node labels */
	LIMIT_NODE_ID_BYTES = 128,	 /* node id and host name */
	LIMIT_QUERY_BYTES = 64 << 10,	 /* text of one query */
	LIMIT_QUERY_NODES = 10000,	 /* nodes of one expression tree */
	LIMIT_QUERY_DEPTH = 128,	 /* nesting of one expression */
	LIMIT_YAML_BYTES = 256 << 10,	 /* text of a YAML file: rules */
	LIMIT_YAML_NODES = 20000,	 /* scalars, lists and maps in it */
	LIMIT_YAML_DEPTH = 32,		 /* nesting of lists and maps */
	LIMIT_HTTP_URL_BYTES = 96 << 10, /* path and query string of a request */
	LIMIT_HTTP_BODY_BYTES = 1 << 20, /* body of a request */
	LIMIT_IMPORT_BYTES = 16 << 20,	 /* the same of an import: a piece of the file */
	LIMIT_SEARCH_HITS = 10000,	 /* hits of one page of /search */
	LIMIT_HISTOGRAM_BUCKETS = 2000,	 /* buckets of one answer of /hits */
};
