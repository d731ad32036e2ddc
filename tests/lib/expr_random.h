/* SPDX-License-Identifier: Apache-2.0 */
/* expr_random - random blocks for the tests of lib/expr: mostly null, lists, broken UTF-8, empty
 * strings, odd addresses.  The same seed gives the same block. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/batch.h"
#include "lib/block.h"

static uint64_t random_state;

static inline uint64_t random_next(void)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t random_below(uint32_t n)
{
	return (uint32_t)(random_next() % n);
}

static const char *const random_words[] = {
	"bash",
	"BASH",
	"Bash",
	"sh",
	"",
	"/usr/bin/bash",
	"/etc/passwd",
	"/etc/shadow",
	"/",
	"/a/b/",
	"a b",
	"\xc3\xa4",
	"\xc3\x84",
	"x\xc3\xa4y",
	"\xff\xfe",
	"a\xff",
	"/tmp/caf\xc3\xa9.TXT",
	"/tmp/x.sh",
	".hidden",
	"/home/u/.profile",
	"a.",
	"curl",
	"-c",
	"*",
	"x*y",
	"?",
	"foo bar-baz_qux",
	"FOO",
	"foo",
	"\xf0\x9f\x98\x80",
	"/opt/\xe2\x82",
	"0",
	"12",
	"100",
	"10.0.0.1",
	"success",
	"aXXXb",
	"ab\nc",
	"process",
	"exec",
	"node-1",
	"deadbeef",
};

static const char *const random_ips[] = {
	"10.0.0.1",
	"10.0.0.2",
	"192.168.1.255",
	"127.0.0.1",
	"::1",
	"::",
	"fe80::1",
	"FE80:0::1",
	"::ffff:10.0.0.1",
	"::ffff:a00:1",
	"::ffff:0a00:0001",
	"2001:db8::ff",
	"2001:0db8:0::00ff",
	"64:ff9b::192.168.1.255",
	"8.8.8.8",
	"not an address",
	"10.0.0",
	"",
};

static inline const char *random_word(void)
{
	return random_words[random_below(ARRAY_SIZE(random_words))];
}

static inline const char *random_ip(void)
{
	return random_ips[random_below(ARRAY_SIZE(random_ips))];
}

static inline uint64_t random_number(void)
{
	static const uint64_t odd[] = { 0,
					1,
					2,
					22,
					443,
					1000,
					UINT64_C(1) << 53,
					INT64_MAX,
					UINT64_C(1) << 63,
					UINT64_MAX - 1 };

	return random_below(4) ? random_below(8) : odd[random_below(ARRAY_SIZE(odd))];
}

static const uint64_t random_epoch = UINT64_C(1764000000000000000);

static inline uint64_t random_time(void)
{
	return random_epoch + random_below(5) * UINT64_C(1000000000);
}

static inline uint64_t random_id(void)
{
	return random_below(3) ? random_below(6) + 1
			       : UINT64_C(0xdeadbeef00000000) + random_below(4);
}

static inline void random_list(struct batch *b, enum kind kind, enum field f)
{
	uint32_t values[6];
	size_t n = random_below(6);

	for (size_t i = 0; i < n; i++) {
		const char *s = random_word();

		values[i] = batch_string(b, s, strlen(s));
	}
	batch_set_list(b, kind, f, values, n);
}

static inline void random_value(struct batch *b, enum kind kind, const struct field_info *f)
{
	const char *s;

	switch (f->type) {
	case TYPE_LONG:
		batch_set(b, kind, f->field, random_number());
		break;
	case TYPE_BOOL:
		batch_set(b, kind, f->field, random_below(2));
		break;
	case TYPE_DATE:
		batch_set(b, kind, f->field, random_time());
		break;
	case TYPE_ID:
		batch_set_id(b, kind, f->field, random_id());
		break;
	case TYPE_KEYWORDS:
		random_list(b, kind, f->field);
		break;
	default:
		s = f->type == TYPE_IP ? random_ip() : random_word();
		batch_set_str(b, kind, f->field, s, strlen(s));
	}
}

static inline bool is_row_reference(enum field f)
{
	return f == FIELD_PROCESS || f == FIELD_TARGET || f == FIELD_PARENT ||
	       f == FIELD_SESSION_LEADER || f == FIELD_ENTRY_LEADER;
}

/* How often of four each field is set in a table. */
static inline void random_row(struct batch *b, enum kind kind, const uint8_t density[256],
			      uint32_t n_processes)
{
	enum field_home home = kind == KIND_NONE ? HOME_PROCESS : HOME_EVENT;

	for (uint32_t i = 1; i < FIELD_MAX; i++) {
		const struct field_info *f = field_info(i);

		if (!f || f->home != home || f->rule != RULE_STORED || i == FIELD_TIMESTAMP ||
		    i == FIELD_SEQ || i == FIELD_ENTITY_ID || i == FIELD_GENERATION)
			continue;
		if (random_below(4) >= density[i])
			continue;
		if (!is_row_reference(f->field))
			random_value(b, kind, f);
		else if (n_processes)
			batch_set_row(b, kind, f->field, random_below(n_processes) + 1);
	}
}

static inline void random_density(uint8_t density[256])
{
	for (int i = 0; i < 256; i++)
		density[i] = (uint8_t)(random_below(2) ? random_below(5) : random_below(2) * 3);
}

static inline uint32_t random_processes(struct batch *b)
{
	uint32_t n = random_below(4) ? random_below(90) : 0, rows = 0;
	uint8_t density[256];

	random_density(density);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = random_id();

		if (batch_process_find(b, id, i))
			continue;
		assert_int_equal(batch_process_add(b, id, i), rows + 1);
		random_row(b, KIND_NONE, density, rows);
		rows++;
	}
	return rows;
}

/* Appends a random block, whose events have numbers from *seq on, as a frame. */
static inline void random_frame(struct frame_codec *codec, uint64_t *seq, struct buf *frame)
{
	static const enum kind kinds[] = { KIND_EXEC, KIND_FORK, KIND_OPEN, KIND_CONNECT,
					   KIND_GAP };
	const struct batch_origin origin = { .node_id = "id-1",
					     .node_name = "node-1",
					     .architecture = "x86_64",
					     .os_kernel = "6.1.0",
					     .agent_version = random_below(2) ? "0.1" : "" };
	AUTO(batch) *batch = NULL;
	uint32_t processes;

	assert_int_equal(batch_new(&batch, &origin), 0);
	processes = random_processes(batch);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint32_t rows = random_below(3) ? random_below(200) : random_below(3);
		uint8_t density[256];

		random_density(density);
		for (uint32_t i = 0; i < rows; i++) {
			batch_event(batch, kinds[k], (*seq)++, random_time());
			random_row(batch, kinds[k], density, processes);
		}
	}
	assert_int_equal(batch_seal(batch, codec, NULL, *seq, random_epoch, frame), 0);
}

/* Makes @b hold a random block. */
static inline void random_block(struct block *b, struct frame_codec *codec)
{
	AUTO_BUF struct buf frame = { 0 };
	uint64_t seq = 1;
	struct diag d;

	random_frame(codec, &seq, &frame);
	assert_int_equal(block_load(b, frame.data, frame.n, &d), 0);
	if (random_below(2))
		block_set_ingested(b, random_time());
}
