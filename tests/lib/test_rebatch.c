/* SPDX-License-Identifier: Apache-2.0 */
/* Events written again: merged and cut out, every value is as it was. */
#include "tests/test.h"

#include "lib/expr.h"
#include "lib/rebatch.h"
#include "tests/lib/expr_random.h"

enum { ROUNDS = 60, PARTS = 5 };

/* All that an event says, field by field, as text. */
struct telling {
	struct block *b;
	uint32_t table, row;
	struct buf *out;
};

static int tell(struct field_ref ref, void *arg)
{
	struct telling *t = arg;
	struct block_value v = block_value(t->b, t->table, t->row, ref);
	char name[64];

	if (v.type == VALUE_NULL)
		return 0;
	buf_printf(t->out, "%s=%d:%llu:", field_name(ref, name, sizeof(name)), v.type,
		   v.type == VALUE_STRING || v.type == VALUE_STRINGS
			   ? 0ULL
			   : (unsigned long long)v.number);
	if (v.type == VALUE_STRING)
		buf_add(t->out, v.string.s, v.string.n);
	for (uint32_t i = 0; v.type == VALUE_STRINGS && i < v.n_strings; i++) {
		struct block_string s = block_string(t->b, v.strings[i]);

		buf_add(t->out, s.s, s.n);
		buf_byte(t->out, ',');
	}
	buf_byte(t->out, '\n');
	return 0;
}

/* Every event of @b in [first, last], by tables and rows. */
static void tell_all(struct block *b, uint64_t first, uint64_t last, struct buf *out)
{
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		const uint64_t *seq = block_column(b, t, FIELD_SEQ);

		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			struct telling one = { b, t, row, out };

			if (seq[row] - 1 >= first && seq[row] - 1 <= last)
				field_each(tell, &one);
		}
	}
}

struct pieces {
	struct frame_codec *codec;
	struct rebatch *rebatch;
	struct block *blocks[PARTS], *merged, *part;
	uint64_t first[PARTS], last[PARTS];
};

static int setup(void **state)
{
	struct pieces *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(frame_codec_new(&p->codec), 0);
	assert_int_equal(rebatch_new(&p->rebatch), 0);
	for (int i = 0; i < PARTS; i++)
		assert_int_equal(block_new(&p->blocks[i]), 0);
	assert_int_equal(block_new(&p->merged), 0);
	assert_int_equal(block_new(&p->part), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pieces *p = *state;

	for (int i = 0; i < PARTS; i++)
		block_free(p->blocks[i]);
	block_free(p->merged);
	block_free(p->part);
	rebatch_free(p->rebatch);
	frame_codec_free(p->codec);
	free(p);
	return 0;
}

static void range_of(struct block *b, uint64_t *first, uint64_t *last)
{
	*first = UINT64_MAX;
	*last = 0;
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		const uint64_t *seq = block_column(b, t, FIELD_SEQ);

		for (uint32_t row = 0; row < block_rows(b, t); row++) {
			*first = MIN(*first, seq[row] - 1);
			*last = MAX(*last, seq[row] - 1);
		}
	}
}

static void load(struct block *b, const struct buf *frame)
{
	struct diag d = { 0 };

	if (block_load(b, frame->data, frame->n, &d) < 0)
		fail_msg("%s", d.text);
}

/* Seals what was begun into @to. */
static void seal(struct pieces *p, struct block *to)
{
	AUTO_BUF struct buf frame = { 0 };

	assert_int_equal(rebatch_seal(p->rebatch, 7, &frame), 0);
	load(to, &frame);
}

static void same(const struct buf *a, const struct buf *b)
{
	if (a->n != b->n || memcmp(a->data, b->data, a->n) != 0)
		fail_msg("%.*s\n--- is not ---\n%.*s", (int)MIN(a->n, (size_t)3000), a->data,
			 (int)MIN(b->n, (size_t)3000), b->data);
}

static void test_rebatch_given_random_block_when_copied_then_every_value_is_the_same(void **state)
{
	struct pieces *p = *state;

	for (int i = 0; i < ROUNDS; i++) {
		AUTO_BUF struct buf before = { 0 }, after = { 0 };
		struct block *b = p->blocks[0];

		random_block(b, p->codec);
		block_set_ingested(b, 0); /* of the store, not of the batch */
		assert_int_equal(rebatch_begin(p->rebatch, b), 0);
		assert_true(rebatch_fits(p->rebatch, b));
		assert_int_equal(rebatch_add(p->rebatch, b, 0, UINT64_MAX), 0);
		seal(p, p->merged);
		assert_int_equal(block_info(p->merged)->n_events, block_info(b)->n_events);
		tell_all(b, 0, UINT64_MAX, &before);
		tell_all(p->merged, 0, UINT64_MAX, &after);
		same(&before, &after);
	}
}

static void test_rebatch_given_random_block_when_cut_then_the_window_is_what_it_was(void **state)
{
	struct pieces *p = *state;

	for (int i = 0; i < ROUNDS; i++) {
		AUTO_BUF struct buf before = { 0 }, after = { 0 };
		struct block *b = p->blocks[0];
		uint64_t first, last, from, to;

		random_block(b, p->codec);
		block_set_ingested(b, 0); /* of the store, not of the batch */
		range_of(b, &first, &last);
		if (first > last)
			continue;
		from = first + random_below((uint32_t)(last - first + 1));
		to = from + random_below((uint32_t)(last - from + 1));
		assert_int_equal(rebatch_begin(p->rebatch, b), 0);
		assert_int_equal(rebatch_add(p->rebatch, b, from, to), 0);
		seal(p, p->part);
		tell_all(b, from, to, &before);
		tell_all(p->part, 0, UINT64_MAX, &after);
		same(&before, &after);
	}
}

/* ---- several of one boot ---- */

static void put_small(struct pieces *p, int i, const char *hash)
{
	struct batch_origin origin = { .node_id = "n1",
				       .node_name = "web",
				       .boot_id = { 3 },
				       .architecture = "x",
				       .os_kernel = "6",
				       .agent_version = "0" };
	AUTO(batch) *b = NULL;
	AUTO_BUF struct buf frame = { 0 };
	uint32_t parent, child;

	assert_int_equal(batch_new(&b, &origin), 0);
	parent = batch_process_add(b, 11, 0);
	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("sshd"));
	batch_set_row(b, KIND_NONE, FIELD_SESSION_LEADER, parent);
	child = batch_process_add(b, 12, 0);
	batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("bash"));
	if (hash)
		batch_set_str(b, KIND_NONE, FIELD_EXECUTABLE, hash, strlen(hash));
	for (uint64_t k = 0; k < 3; k++) {
		batch_event(b, KIND_OPEN, (uint64_t)i * 10 + k, 1000 + (uint64_t)i);
		batch_set_row(b, KIND_OPEN, FIELD_PROCESS, child);
	}
	assert_int_equal(batch_seal(b, p->codec, NULL, 0, 5, &frame), 0);
	load(p->blocks[i], &frame);
	p->first[i] = (uint64_t)i * 10;
	p->last[i] = (uint64_t)i * 10 + 2;
}

static void merge(struct pieces *p)
{
	assert_int_equal(rebatch_begin(p->rebatch, p->blocks[0]), 0);
	for (int i = 0; i < PARTS; i++) {
		assert_true(rebatch_fits(p->rebatch, p->blocks[i]));
		assert_int_equal(rebatch_add(p->rebatch, p->blocks[i], 0, UINT64_MAX), 0);
	}
	seal(p, p->merged);
}

static void test_rebatch_given_parts_when_merged_then_each_can_be_cut_out_again(void **state)
{
	struct pieces *p = *state;
	AUTO_BUF struct buf before = { 0 }, after = { 0 };

	for (int i = 0; i < PARTS; i++)
		put_small(p, i, i < 2 ? NULL : "/bin/bash");
	merge(p);
	assert_int_equal(block_info(p->merged)->n_events, PARTS * 3);
	assert_int_equal(block_info(p->merged)->first_seq, 0);
	/* sshd once; bash without and with its executable; the child of each */
	assert_int_equal(block_info(p->merged)->n_processes, 3);
	for (int i = 0; i < PARTS; i++)
		tell_all(p->blocks[i], 0, UINT64_MAX, &before);
	tell_all(p->merged, 0, UINT64_MAX, &after);
	same(&before, &after);
	for (int i = 0; i < PARTS; i++) {
		buf_clear(&before);
		buf_clear(&after);
		assert_int_equal(rebatch_begin(p->rebatch, p->merged), 0);
		assert_int_equal(rebatch_add(p->rebatch, p->merged, p->first[i], p->last[i]), 0);
		seal(p, p->part);
		assert_int_equal(block_info(p->part)->n_processes, 2);
		tell_all(p->blocks[i], 0, UINT64_MAX, &before);
		tell_all(p->part, 0, UINT64_MAX, &after);
		same(&before, &after);
	}
}

static void test_rebatch_given_block_of_other_node_when_compared_then_it_does_not_fit(void **state)
{
	struct pieces *p = *state;

	put_small(p, 0, NULL);
	random_block(p->blocks[1], p->codec);
	assert_int_equal(rebatch_begin(p->rebatch, p->blocks[0]), 0);
	assert_true(rebatch_fits(p->rebatch, p->blocks[0]));
	assert_false(rebatch_fits(p->rebatch, p->blocks[1]));
}

static void add_with_stats(struct pieces *p, struct block *to, uint64_t seq,
			   const struct batch_stats *stats)
{
	const struct batch_origin origin = { .node_id = "id-1", .node_name = "node-1" };
	AUTO_BUF struct buf frame = { 0 };
	AUTO(batch) *b = NULL;

	assert_int_equal(batch_new(&b, &origin), 0);
	batch_event(b, KIND_EXEC, seq, 1000 + seq);
	assert_int_equal(batch_seal(b, p->codec, stats, 0, 5, &frame), 0);
	load(to, &frame);
}

static void test_rebatch_given_stats_when_copied_then_the_last_ones_are_kept(void **state)
{
	const char *const tiers[] = { "exec:tracepoint", "open:fentry" };
	const struct batch_stats first = { .events = 5, .clock_offset_ns = 3 };
	const struct batch_stats last = { .clock_offset_ns = -77,
					  .clock_error_ns = 9,
					  .events = 1000,
					  .lost_priority = 1,
					  .lost_bulk = 2,
					  .lost_queue = 3,
					  .malformed = 4,
					  .batches_queued = 5,
					  .bytes_queued = 6,
					  .cpu_ns = 7,
					  .rss_bytes = 8,
					  .processes = 10,
					  .tiers = tiers,
					  .n_tiers = 2 };
	struct pieces *p = *state;
	struct block_stats s;

	add_with_stats(p, p->blocks[0], 1, &first);
	add_with_stats(p, p->blocks[1], 2, &last);
	assert_int_equal(rebatch_begin(p->rebatch, p->blocks[0]), 0);
	assert_int_equal(rebatch_add(p->rebatch, p->blocks[0], 0, UINT64_MAX), 0);
	assert_int_equal(rebatch_add(p->rebatch, p->blocks[1], 0, UINT64_MAX), 0);
	seal(p, p->merged);
	block_stats(p->merged, &s);
	assert_int_equal(s.clock_offset_ns, -77);
	assert_int_equal(s.clock_error_ns, 9);
	assert_int_equal(s.events, 1000);
	assert_int_equal(s.lost_priority + s.lost_bulk + s.lost_queue + s.malformed, 10);
	assert_int_equal(s.batches_queued + s.bytes_queued + s.cpu_ns + s.rss_bytes, 26);
	assert_int_equal(s.processes, 10);
	assert_int_equal(s.n_tiers, 2);
	assert_memory_equal(s.tiers[1].s, "open:fentry", s.tiers[1].n);
	add_with_stats(p, p->blocks[0], 1, NULL);
	assert_int_equal(rebatch_begin(p->rebatch, p->blocks[0]), 0);
	assert_int_equal(rebatch_add(p->rebatch, p->blocks[0], 0, UINT64_MAX), 0);
	seal(p, p->merged);
	block_stats(p->merged, &s);
	assert_int_equal(s.events + s.n_tiers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_rebatch_given_random_block_when_copied_then_every_value_is_the_same,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_rebatch_given_random_block_when_cut_then_the_window_is_what_it_was,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_rebatch_given_parts_when_merged_then_each_can_be_cut_out_again, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_rebatch_given_block_of_other_node_when_compared_then_it_does_not_fit,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_rebatch_given_stats_when_copied_then_the_last_ones_are_kept, setup,
			teardown),
	};

	random_state = 88172645463325252u;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
