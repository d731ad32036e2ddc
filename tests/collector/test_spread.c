/* SPDX-License-Identifier: Apache-2.0 */
/* docs/examples/spread.yml on a collector: what is new to a fleet that is known for some time, and comes to
 * several nodes. */
#include "tests/collector/fixture.h"

#include "tests/collector/fleet.h"

#include "collector/detect.h"
#include "collector/facts_beside.h"
#include "collector/maindb.h"

static const uint64_t minute = 60000000000, day = 86400000000000;

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct rulebook *rules;
	struct alertbook *alerts;
	struct store *store;
	struct detect *detect;
	struct facts *facts;
	struct facts_beside *beside;
	struct block *block;
	uint64_t now, seq;
};

static void apply_rules(struct fix *f)
{
	AUTO_BUF struct buf text = { 0 };
	FILE *file = fopen(TEST_SOURCE_DIR "/docs/examples/spread.yml", "rbe");
	struct rulebook_change c = { 0 };
	struct diag d = { 0 };
	int byte;

	assert_non_null(file);
	while ((byte = fgetc(file)) != EOF)
		buf_byte(&text, (uint8_t)byte);
	fclose(file);
	c.text = (const char *)text.data;
	c.n = text.n;
	if (rulebook_apply(f->rules, &c, NULL, &d) < 0)
		fail_msg("%u:%u %s", d.line, d.column, d.text);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	f->now = timestamp_now();
	assert_int_equal(block_new(&f->block), 0);
	assert_int_equal(maindb_open(&f->maindb, f->dir, NULL), 0);
	assert_int_equal(rulebook_open(&f->rules, f->dir, NULL), 0);
	assert_int_equal(alertbook_open(&f->alerts, f->dir, NULL), 0);
	assert_int_equal(store_open(&f->store, f->dir, NULL), 0);
	assert_int_equal(facts_new(&f->facts, f->dir, 0, NULL), 0);
	assert_int_equal(facts_beside_new(&f->beside, f->facts), 0);
	assert_int_equal(detect_new(&f->detect, f->rules, f->alerts, f->store), 0);
	block_set_beside(f->block, facts_beside_columns(f->beside));
	apply_rules(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	detect_free(f->detect);
	facts_beside_free(f->beside);
	facts_free(f->facts);
	store_free(f->store);
	alertbook_free(f->alerts);
	rulebook_free(f->rules);
	maindb_free(f->maindb);
	block_free(f->block);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

/* Both observers get the batch: the rules first, or what is known. */
static void take(struct fix *f, const struct buf *frame, bool rules_first)
{
	struct follow_observer o[] = { detect_observer(f->detect), facts_observer(f->facts) };
	const struct store_block meta = { .id = ++f->seq, .ingested_ns = f->seq };

	for (int i = 0; i < 2; i++) {
		struct follow_observer *one = &o[rules_first ? i : 1 - i];

		assert_int_equal(block_load(f->block, frame->data, frame->n, NULL), 0);
		assert_int_equal(one->batch(&meta, f->block, one->arg), 0);
		assert_int_equal(one->commit(f->seq, one->arg), 0);
	}
}

/* @node executes a program of this hash and connects to @ip, each once. */
static void does(struct fix *f, const char *node, const char *sha256, const char *ip,
		 uint64_t at_ns)
{
	struct batch_origin origin = { .node_id = node,
				       .node_name = node,
				       .boot_id = { 1 },
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };
	struct batch_stats stats = { .clock_error_ns = 1 };
	AUTO_BUF struct buf frame = { 0 };
	AUTO(frame_codec) *codec = NULL;
	AUTO(batch) *b = NULL;
	uint32_t row;

	assert_int_equal(batch_new(&b, &origin), 0);
	assert_int_equal(frame_codec_new(&codec), 0);
	row = batch_process_add(b, 0xf01, 0);
	fleet_set(b, KIND_NONE, FIELD_EXECUTABLE, "/usr/bin/tool");
	fleet_set(b, KIND_NONE, FIELD_SHA256, sha256);
	batch_event(b, KIND_EXEC, f->seq * 2 + 1, at_ns);
	batch_set_row(b, KIND_EXEC, FIELD_PROCESS, row);
	batch_event(b, KIND_CONNECT, f->seq * 2 + 2, at_ns);
	batch_set_row(b, KIND_CONNECT, FIELD_PROCESS, row);
	fleet_set(b, KIND_CONNECT, FIELD_DEST_IP, ip);
	fleet_set(b, KIND_CONNECT, FIELD_OUTCOME, "success");
	assert_int_equal(batch_seal(b, codec, &stats, f->seq * 2 + 1, 1, &frame), 0);
	take(f, &frame, f->seq % 2);
}

static int show(const struct alert *a, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 4096 - n, "%s %s; ", a->rule_id, a->object ? a->object : "-");
	return 0;
}

/* All alerts, in any order: each begins with one of the two. */
static void check(struct fix *f, const char *one, const char *other)
{
	const struct alert_filter all = { .status = -1, .until_ns = UINT64_MAX, .limit = 100 };
	char shown[4096] = "";

	assert_int_equal(alertbook_list(f->alerts, &all, show, shown), 0);
	if (!strstr(shown, one) || !strstr(shown, other) ||
	    strlen(shown) != strlen(one) + strlen(other))
		fail_msg("%s", shown);
}

static void three_nodes(struct fix *f, const char *sha256, const char *ip, uint64_t apart_ns)
{
	does(f, "a", sha256, ip, f->now - 3 * apart_ns);
	does(f, "b", sha256, ip, f->now - 2 * apart_ns);
	does(f, "c", sha256, ip, f->now - apart_ns);
}

static void test_spread_given_a_known_fleet_when_new_things_come_to_three_nodes_then_alerts(
	void **state)
{
	struct fix *f = *state;

	does(f, "z", "old", "192.0.2.1", f->now - 2 * day);
	three_nodes(f, "new", "192.0.2.2", minute);
	check(f, "new-destination-spreads destination.ip=192.0.2.2; ",
	      "new-program-spreads process.hash.sha256=new; ");
}

static void test_spread_given_what_was_known_when_it_comes_to_three_nodes_then_none(void **state)
{
	struct fix *f = *state;

	does(f, "z", "old", "192.0.2.1", f->now - 2 * day);
	three_nodes(f, "old", "192.0.2.1", minute);
	check(f, "", "");
}

static void test_spread_given_two_nodes_or_much_time_when_new_things_come_then_none(void **state)
{
	struct fix *f = *state;

	does(f, "z", "old", "192.0.2.1", f->now - 2 * day);
	does(f, "a", "new", "192.0.2.2", f->now - 2 * minute);
	does(f, "b", "new", "192.0.2.2", f->now - minute);
	three_nodes(f, "slow", "192.0.2.3", 9 * minute);
	check(f, "", "");
}

static void test_spread_given_the_first_day_when_all_is_new_then_none(void **state)
{
	struct fix *f = *state;

	does(f, "z", "old", "192.0.2.1", f->now - 600 * minute);
	three_nodes(f, "new", "192.0.2.2", minute);
	check(f, "", "");
}

#define F(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_spread_given_a_known_fleet_when_new_things_come_to_three_nodes_then_alerts),
		F(test_spread_given_what_was_known_when_it_comes_to_three_nodes_then_none),
		F(test_spread_given_two_nodes_or_much_time_when_new_things_come_then_none),
		F(test_spread_given_the_first_day_when_all_is_new_then_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
