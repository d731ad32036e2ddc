/* SPDX-License-Identifier: Apache-2.0 */
/* batch and block are two ends of one format: each is the other's test. */
#include "tests/test.h"

#include "lib/batch.h"
#include "lib/block.h"
#include "lib/limits.h"

struct ends {
	struct batch *batch;
	struct block *block;
	struct frame_codec *codec;
	struct buf frame;
};

static const struct batch_origin origin = {
	.node_id = "n1",
	.node_name = "alpha",
	.boot_id = { 0xde, 0xad },
	.architecture = "x86_64",
	.os_kernel = "6.18",
	.agent_version = "0.1",
	.labels = (const struct batch_label[]){ { "env", "prod" }, { "role", "db" } },
	.n_labels = 2,
};

static int setup(void **state)
{
	struct ends *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	assert_int_equal(batch_new(&e->batch, &origin), 0);
	assert_int_equal(block_new(&e->block), 0);
	assert_int_equal(frame_codec_new(&e->codec), 0);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	batch_free(e->batch);
	block_free(e->block);
	frame_codec_free(e->codec);
	buf_done(&e->frame);
	free(e);
	return 0;
}

static void pass_over(struct ends *e)
{
	struct diag d = { 0 };

	buf_clear(&e->frame);
	assert_int_equal(batch_seal(e->batch, e->codec, NULL, 7, 99, &e->frame), 0);
	if (block_load(e->block, e->frame.data, e->frame.n, &d) < 0)
		fail_msg("%s", d.text);
}

static struct block_value value(struct ends *e, uint32_t table, uint32_t row, const char *name)
{
	struct field_ref ref;

	assert_true(field_find(name, strlen(name), &ref));
	return block_value(e->block, table, row, ref);
}

static void assert_text(struct ends *e, uint32_t table, uint32_t row, const char *name,
			const char *expected)
{
	struct block_value v = value(e, table, row, name);

	if (!expected) {
		assert_int_equal(v.type, VALUE_NULL);
		return;
	}
	assert_int_equal(v.type, VALUE_STRING);
	assert_int_equal(v.string.n, strlen(expected));
	assert_memory_equal(v.string.s, expected, v.string.n);
}

static void add_shell(struct batch *b)
{
	uint32_t args[3];
	uint32_t parent = batch_process_add(b, 11, 0), child;

	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("sshd"));
	child = batch_process_add(b, 22, 1);
	batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("bash"));
	args[0] = batch_string(b, TEXT("bash"));
	args[1] = batch_string(b, TEXT("-c"));
	args[2] = batch_string(b, TEXT(""));
	batch_set_list(b, KIND_NONE, FIELD_ARGS, args, 3);
	batch_event(b, KIND_OPEN, 41, 1000);
	batch_set_row(b, KIND_OPEN, FIELD_PROCESS, child);
	batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, TEXT("/etc/ssl/cert.pem"));
	batch_event(b, KIND_EXEC, 40, 1005);
	batch_set_row(b, KIND_EXEC, FIELD_PROCESS, parent);
	batch_event(b, KIND_OPEN, 42, 990);
}

static void test_batch_given_events_when_sealed_then_block_reads_them_back(void **state)
{
	struct ends *e = *state;
	const struct block_info *i;

	add_shell(e->batch);
	pass_over(e);
	i = block_info(e->block);
	assert_int_equal(i->n_events, 3);
	assert_int_equal(i->first_seq, 40);
	assert_int_equal(i->min_time_ns, 990);
	assert_int_equal(i->max_time_ns, 1005);
	assert_int_equal(i->kinds, 1 << KIND_EXEC | 1 << KIND_OPEN);
	assert_string_equal(i->boot_text, "dead0000-0000-0000-0000-000000000000");
	assert_int_equal(i->n_labels, 2);
	assert_memory_equal(i->labels[1].value.s, "db", 2);
	assert_int_equal(block_kind(e->block, 0), KIND_EXEC);
	assert_int_equal(block_kind(e->block, 1), KIND_OPEN);
	assert_int_equal(value(e, 1, 1, "event.sequence").number, 42);
	assert_int_equal(value(e, 1, 1, "@timestamp").number, 990);
	assert_text(e, 1, 0, "host.name", "alpha");
	assert_text(e, 1, 0, "event.action", "open");
	assert_text(e, 1, 0, "file.path", "/etc/ssl/cert.pem");
	assert_text(e, 1, 0, "file.name", "cert.pem");
	assert_text(e, 1, 0, "file.directory", "/etc/ssl");
	assert_text(e, 1, 0, "file.extension", "pem");
	assert_text(e, 1, 0, "process.name", "bash");
	assert_text(e, 1, 0, "process.parent.name", "sshd");
	assert_text(e, 1, 0, "process.command_line", "bash -c ");
	assert_int_equal(value(e, 1, 0, "process.args_count").number, 3);
	assert_int_equal(value(e, 1, 0, "process.parent.entity_id").number, 11);
	assert_text(e, 0, 0, "process.name", "sshd");
	assert_text(e, 0, 0, "process.command_line", NULL);
	assert_text(e, 0, 0, "process.parent.name", NULL);
	assert_text(e, 1, 1, "process.name", NULL);
	assert_text(e, 1, 1, "file.path", NULL);
}

static void test_batch_given_sealed_when_used_again_then_nothing_stays(void **state)
{
	struct ends *e = *state;

	add_shell(e->batch);
	pass_over(e);
	batch_event(e->batch, KIND_OPEN, 50, 2000);
	pass_over(e);
	assert_int_equal(block_info(e->block)->n_events, 1);
	assert_int_equal(block_info(e->block)->n_processes, 0);
	assert_int_equal(block_info(e->block)->n_strings, 0);
	assert_text(e, 0, 0, "file.path", NULL);
}

static void test_batch_given_nothing_when_sealed_then_heartbeat(void **state)
{
	struct ends *e = *state;

	pass_over(e);
	assert_int_equal(block_info(e->block)->n_events, 0);
	assert_int_equal(block_info(e->block)->first_seq, 7);
	assert_int_equal(block_info(e->block)->sent_time_ns, 99);
}

static void test_batch_given_empty_string_first_when_entered_again_then_same_number(void **state)
{
	struct ends *e = *state;
	uint32_t number = batch_string(e->batch, TEXT(""));

	assert_int_equal(batch_string(e->batch, TEXT("")), number);
	assert_int_not_equal(batch_string(e->batch, TEXT("x")), number);
}

static void test_batch_given_same_process_when_found_then_one_row(void **state)
{
	struct ends *e = *state;
	uint32_t row = batch_process_add(e->batch, 5, 2);

	assert_int_equal(batch_process_find(e->batch, 5, 2), row);
	assert_int_equal(batch_process_find(e->batch, 5, 3), 0);
	assert_int_equal(batch_string(e->batch, TEXT("a")), batch_string(e->batch, TEXT("a\0b")));
	assert_int_equal(batch_string(e->batch, NULL, 0), 0);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Numbers of every size, in runs, constant, falling: each encoding is met. */
static void test_batch_given_random_columns_when_sealed_then_same_values(void **state)
{
	struct ends *e = *state;
	uint64_t x = 88172645463325252ull, made[500];

	for (unsigned round = 0; round < 200; round++) {
		uint64_t base = next_random(&x) >> (next_random(&x) % 60);
		unsigned shape = round % 4;

		for (uint32_t i = 0; i < 500; i++) {
			uint64_t noise = next_random(&x) >> (next_random(&x) % 64);

			made[i] = shape == 0 ? base : shape == 1 ? base + i : noise;
			if (made[i] == UINT64_MAX)
				made[i] = 1;
			batch_event(e->batch, KIND_OPEN, i + 1, base);
			if (shape != 3 || noise % 3)
				batch_set(e->batch, KIND_OPEN, FIELD_FILE_INODE, made[i]);
			else
				made[i] = UINT64_MAX;
			batch_set_id(e->batch, KIND_OPEN, FIELD_CHILD_ENTITY, noise | 1);
		}
		pass_over(e);
		for (uint32_t i = 0; i < 500; i++) {
			struct block_value v = value(e, 0, i, "file.inode");

			assert_int_equal(v.type, made[i] == UINT64_MAX ? VALUE_NULL : VALUE_LONG);
			assert_true(v.type == VALUE_NULL || v.number == made[i]);
		}
	}
}

/* Whatever is flipped or cut: refused or read safely (ASan watches), never loaded wrong. */
static void test_block_given_damage_when_loaded_then_refused(void **state)
{
	struct ends *e = *state;
	AUTO_MEM uint8_t *copy = NULL;
	struct diag d = { 0 };

	for (unsigned i = 0; i < 20; i++)
		add_shell(e->batch);
	buf_clear(&e->frame);
	assert_int_equal(batch_seal(e->batch, e->codec, NULL, 0, 1, &e->frame), 0);
	copy = malloc(e->frame.n);
	assert_non_null(copy);
	for (size_t i = 0; i < e->frame.n; i++) {
		memcpy(copy, e->frame.data, e->frame.n);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_equal(block_load(e->block, copy, e->frame.n, &d), -EBADMSG);
		assert_int_equal(block_load(e->block, e->frame.data, i, &d), -EBADMSG);
	}
}

static void test_block_given_sequence_twice_when_loaded_then_refused(void **state)
{
	struct ends *e = *state;
	struct diag d = { 0 };

	batch_event(e->batch, KIND_OPEN, 5, 1);
	batch_event(e->batch, KIND_OPEN, 5, 1);
	assert_int_equal(batch_seal(e->batch, e->codec, NULL, 0, 1, &e->frame), 0);
	assert_int_equal(block_load(e->block, e->frame.data, e->frame.n, &d), -EBADMSG);
	assert_non_null(strstr(d.text, "sequence"));
}

/* Without events it is so small that it is not packed. */
static void test_block_given_nul_in_a_name_of_the_node_when_loaded_then_refused(void **state)
{
	const struct batch_origin named = { .node_id = "n~",
					    .node_name = "a",
					    .agent_version = "~" };
	struct ends *e = *state;
	AUTO(batch) *b = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct diag d = { 0 };
	uint8_t *at;

	assert_int_equal(batch_new(&b, &named), 0);
	assert_int_equal(batch_seal(b, e->codec, NULL, 1, 1, &frame), 0);
	assert_int_equal(block_load(e->block, frame.data, frame.n, &d), 0);
	for (int i = 0; i < 2; i++) {
		at = memchr(frame.data, '~', frame.n);
		assert_non_null(at);
		*at = '\0';
		assert_int_equal(block_load(e->block, frame.data, frame.n, &d), -EBADMSG);
		assert_non_null(strstr(d.text, "NUL"));
		*at = '-';
	}
}

static void test_block_given_row_reference_outside_when_loaded_then_refused_or_null(void **state)
{
	struct ends *e = *state;
	struct diag d = { 0 };

	batch_process_add(e->batch, 1, 0);
	batch_event(e->batch, KIND_OPEN, 1, 1);
	batch_set_row(e->batch, KIND_OPEN, FIELD_PROCESS, 2);
	assert_int_equal(batch_seal(e->batch, e->codec, NULL, 0, 1, &e->frame), 0);
	assert_int_equal(block_load(e->block, e->frame.data, e->frame.n, &d), -EBADMSG);
	assert_int_equal(block_load_stored(e->block, e->frame.data, e->frame.n, &d), 0);
	assert_text(e, 0, 0, "process.name", NULL);
}

static void test_frame_given_bomb_when_decoded_then_refused_before_memory(void **state)
{
	struct ends *e = *state;
	static uint8_t zeros[4096];
	struct diag d = { 0 };

	assert_int_equal(frame_encode(e->codec, FRAME_BATCH, zeros, sizeof(zeros), &e->frame), 0);
	e->frame.data[8] = e->frame.data[9] = e->frame.data[10] = e->frame.data[11] = 0xff;
	assert_int_equal(block_load(e->block, e->frame.data, e->frame.n, &d), -EBADMSG);
	assert_non_null(strstr(d.text, "limit"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_batch_given_events_when_sealed_then_block_reads_them_back),
		T(test_batch_given_sealed_when_used_again_then_nothing_stays),
		T(test_batch_given_nothing_when_sealed_then_heartbeat),
		T(test_batch_given_empty_string_first_when_entered_again_then_same_number),
		T(test_batch_given_same_process_when_found_then_one_row),
		T(test_batch_given_random_columns_when_sealed_then_same_values),
		T(test_block_given_damage_when_loaded_then_refused),
		T(test_block_given_sequence_twice_when_loaded_then_refused),
		T(test_block_given_nul_in_a_name_of_the_node_when_loaded_then_refused),
		T(test_block_given_row_reference_outside_when_loaded_then_refused_or_null),
		T(test_frame_given_bomb_when_decoded_then_refused_before_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
