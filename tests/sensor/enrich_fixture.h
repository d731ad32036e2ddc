/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_fixture - feeds records made by make_record.h to enrich and looks at the rows, opened
 * again with the collector's reader. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "lib/block.h"
#include "sensor/conntrack.h"
#include "sensor/enrich.h"
#include "tests/sensor/make_record.h"
#include "tests/sensor/row_checks.h"

static const uint64_t second UNUSED = 1000000000;

struct world {
	struct hashes *hashes;
	struct conntrack *conntrack;
	int kernel; /* messages of connection tracking are written here */
	struct enrich *enrich;
	struct gather gather;
	struct frame_codec *codec;
	struct block *block;
	struct outbox_frame *frame;
	uint64_t seq;
	uint32_t table; /* found by find() */
};

enum { FIXTURE_OWN_ID = 4711 }; /* of a map, a program and a link of the sensor */

static struct world w;
static union made made;

static inline UNUSED int setup(void **state)
{
	static const uint8_t boot[16] = { 9 };
	static const struct guard_ids own = {
		.at = { { FIXTURE_OWN_ID }, { FIXTURE_OWN_ID }, { FIXTURE_OWN_ID } },
		.n = { 1, 1, 1 },
	};
	static const struct batch_origin origin = { .node_id = "node", .node_name = "name" };
	const struct hashes_config hashes = { .bytes_per_second = 1 << 30, .max_bytes = 1 << 20 };
	struct known_config config = { .node_id = "node",
				       .boot_id = boot,
				       .own = &own,
				       .max_processes = 64,
				       .proc_root = "/dev/fd",
				       .passwd = "/dev/null",
				       .group = "/dev/null" };
	int fds[2];

	(void)state;
	w = (struct world){ .seq = 1 };
	assert_int_equal(0, hashes_new(&w.hashes, &hashes));
	config.hashes = w.hashes;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	w.kernel = fds[1];
	assert_int_equal(0, conntrack_of(&w.conntrack, fds[0]));
	config.conntrack = w.conntrack;
	assert_int_equal(0, enrich_new(&w.enrich, &config));
	assert_int_equal(0, gather_init(&w.gather, 0, &origin));
	assert_int_equal(0, frame_codec_new(&w.codec));
	return block_new(&w.block);
}

static inline UNUSED int teardown(void **state)
{
	(void)state;
	outbox_frame_free(w.frame);
	block_free(w.block);
	frame_codec_free(w.codec);
	gather_done(&w.gather);
	enrich_free(w.enrich);
	hashes_free(w.hashes);
	conntrack_free(w.conntrack);
	close(w.kernel);
	return 0;
}

static inline UNUSED void feed(void)
{
	struct record r;

	assert_int_equal(0, record_open(&r, &made, made.head.size));
	enrich_record(w.enrich, &r, &w.gather, &w.seq);
}

static inline UNUSED void seal(void)
{
	const struct batch_stats stats = { 0 };
	struct diag d = { 0 };

	assert_int_equal(0, gather_seal(&w.gather, w.codec, &stats, w.seq, 1, &w.frame));
	if (block_load(w.block, w.frame->data, w.frame->n, &d) < 0)
		fail_msg("%s", d.text);
}

static inline UNUSED uint32_t rows(enum kind kind)
{
	for (w.table = 0; w.table < block_info(w.block)->n_tables; w.table++)
		if (block_kind(w.block, w.table) == kind)
			return block_rows(w.block, w.table);
	return 0;
}

static inline UNUSED struct block_value value(uint32_t row, const char *name)
{
	return row_value(w.block, w.table, row, name);
}

static inline UNUSED void check_text(uint32_t row, const char *name, const char *want)
{
	row_check_text(name, value(row, name), want);
}

static inline UNUSED void check_number(uint32_t row, const char *name, uint64_t want)
{
	struct block_value v = value(row, name);

	if (v.type != VALUE_LONG && v.type != VALUE_ID && v.type != VALUE_BOOL)
		fail_msg("%s is null", name);
	assert_int_equal(want, v.number);
}

/* @want: the list's words with blanks between. */
static inline UNUSED void check_list(uint32_t row, const char *name, const char *want)
{
	struct block_value v = value(row, name);
	char text[256] = "";
	size_t at = 0;

	for (uint32_t i = 0; v.type == VALUE_STRINGS && i < v.n_strings; i++) {
		struct block_string s = block_string(w.block, v.strings[i]);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", at ? " " : "",
				       (int)s.n, s.s);
	}
	assert_string_equal(want, text);
}
