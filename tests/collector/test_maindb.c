/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collector/fixture.h"

#include <sys/stat.h>

#include "collector/maindb.h"
#include "collector/sql.h"

struct fix {
	char dir[128];
	struct maindb *db;
	struct block *block;
	struct batch *batch;
	struct frame_codec *codec;
	struct buf frame;
};

static void open_db(struct fix *f)
{
	struct diag d = { 0 };

	if (maindb_open(&f->db, f->dir, &d) < 0)
		fail_msg("%s: %s", d.file, d.text);
}

static void reopen(struct fix *f)
{
	f->db = maindb_free(f->db);
	open_db(f);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	strncat(f->dir, "/data", 6);
	assert_int_equal(block_new(&f->block), 0);
	assert_int_equal(frame_codec_new(&f->codec), 0);
	open_db(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	maindb_free(f->db);
	block_free(f->block);
	frame_codec_free(f->codec);
	buf_done(&f->frame);
	f->dir[strlen(f->dir) - strlen("/data")] = '\0';
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static uint64_t clock_error_ns; /* what the sensor measured; 0: nothing */

static uint32_t see(struct fix *f, const char *node, uint8_t boot, uint64_t sent_ns,
		    uint64_t now_ns)
{
	static const char *const tiers[] = { "open=tp/syscalls", "exec=fentry" };
	static const char *const counters[] = { "filter quiet=7" };
	struct batch_origin o = { .node_id = node,
				  .node_name = node,
				  .boot_id = { boot },
				  .architecture = "aarch64",
				  .os_kernel = "6.1",
				  .agent_version = "0.2" };
	struct batch_stats stats = { .events = 100,
				     .lost_bulk = 3,
				     .rss_bytes = 7,
				     .processes = 5,
				     .tiers = tiers,
				     .n_tiers = 2,
				     .left_out = 11,
				     .undecided = 12,
				     .counters = counters,
				     .n_counters = 1,
				     .clock_offset_ns = -7,
				     .clock_error_ns = clock_error_ns };
	AUTO(batch) *b = NULL;
	uint32_t number = 0;

	buf_clear(&f->frame);
	assert_int_equal(batch_new(&b, &o), 0);
	assert_int_equal(batch_seal(b, f->codec, &stats, 1, sent_ns, &f->frame), 0);
	assert_int_equal(block_load(f->block, f->frame.data, f->frame.n, NULL), 0);
	assert_int_equal(maindb_node_seen(f->db, f->block, now_ns, &number), 0);
	return number;
}

struct list {
	struct node nodes[8];
	char tier[64];
	size_t n;
};

static int keep(const struct node *n, void *arg)
{
	struct list *l = arg;

	if (n->stats.n_tiers)
		snprintf(l->tier, sizeof(l->tier), "%.*s",
			 (int)n->stats.tiers[n->stats.n_tiers - 1].n,
			 n->stats.tiers[n->stats.n_tiers - 1].s);
	l->nodes[l->n++] = *n;
	return l->n == ARRAY_SIZE(l->nodes) ? 5 : 0;
}

static struct list nodes(struct fix *f)
{
	struct list l = { 0 };

	assert_int_equal(maindb_nodes(f->db, keep, &l), 0);
	return l;
}

static void check_node(const struct list *l)
{
	const struct node *n = &l->nodes[0];

	assert_string_equal(n->id, "n1");
	assert_string_equal(n->architecture, "aarch64");
	assert_string_equal(n->boot_id, "01000000-0000-0000-0000-000000000000");
	assert_int_equal(n->first_seen_ns, 1000);
	assert_int_equal(n->last_seen_ns, 2000);
	assert_int_equal(n->events, 60);
	assert_int_equal(n->batches, 2);
	assert_int_equal(n->last_seq, 90);
	assert_int_equal(n->clock_offset_ns, -50);
	assert_int_equal(n->stats.lost_bulk, 3);
	assert_int_equal(n->stats.processes, 5);
	assert_int_equal(n->stats.left_out, 11);
	assert_int_equal(n->stats.undecided, 12);
	assert_int_equal(n->stats.n_tiers, 2);
	assert_string_equal(l->tier, "exec=fentry");
}

static void test_maindb_given_node_seen_when_asked_and_reopened_then_facts_are_the_same(
	void **state)
{
	struct fix *f = *state;
	uint32_t number = see(f, "n1", 1, 900, 1000);
	struct list l;

	assert_int_equal(see(f, "n1", 1, 1950, 2000), number);
	maindb_node_stored(f->db, number, 40, 90);
	maindb_node_stored(f->db, number, 20, 70);
	l = nodes(f);
	check_node(&l);
	assert_int_equal(maindb_flush(f->db), 0);
	reopen(f);
	l = nodes(f);
	assert_int_equal(l.n, 1);
	check_node(&l);
}

static void test_maindb_given_new_boot_when_seen_then_seq_and_clock_begin_anew(void **state)
{
	struct fix *f = *state;
	uint32_t number = see(f, "n1", 1, 900, 1000);
	struct list l;

	maindb_node_stored(f->db, number, 1, 90);
	see(f, "n1", 2, 5000, 5010);
	l = nodes(f);
	assert_int_equal(l.nodes[0].last_seq, 0);
	assert_int_equal(l.nodes[0].clock_offset_ns, -10);
	assert_int_equal(l.nodes[0].events, 1);
}

static void test_maindb_given_measured_clock_when_seen_then_that_is_the_offset(void **state)
{
	struct fix *f = *state;
	struct list l;

	see(f, "n1", 1, 900, 1000);
	clock_error_ns = 3;
	see(f, "n1", 1, 900, 5000); /* from the spool: nothing to measure by */
	clock_error_ns = 0;
	l = nodes(f);
	assert_int_equal(l.nodes[0].clock_offset_ns, -7);
}

static void test_maindb_given_nodes_when_listed_then_sorted_by_name_and_stoppable(void **state)
{
	struct fix *f = *state;
	struct list l;

	see(f, "charlie", 1, 1, 1);
	see(f, "alpha", 1, 1, 1);
	see(f, "bravo", 1, 1, 1);
	l = nodes(f);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.nodes[0].id, "alpha");
	assert_string_equal(l.nodes[1].id, "bravo");
	assert_string_equal(l.nodes[2].id, "charlie");
	l.n = 7;
	assert_int_equal(maindb_nodes(f->db, keep, &l), 5);
	assert_int_equal(l.n, 8);
}

static enum role role_of(struct maindb *m, const char *token, size_t n)
{
	struct token t;

	return maindb_token_find(m, token, n, 1000, &t) ? t.role : ROLE_NONE;
}

static void test_maindb_given_token_when_presented_then_role_is_told_and_others_have_none(
	void **state)
{
	struct fix *f = *state;
	char admin[65], viewer[65];

	assert_int_equal(maindb_token_create(f->db, "a", ROLE_ADMIN, admin), 0);
	assert_int_equal(maindb_token_create(f->db, "a", ROLE_VIEWER, viewer), 0);
	assert_int_equal(strlen(admin), 64);
	assert_string_not_equal(admin, viewer);
	assert_int_equal(role_of(f->db, admin, 64), ROLE_ADMIN);
	assert_int_equal(role_of(f->db, viewer, 64), ROLE_VIEWER);
	assert_int_equal(role_of(f->db, admin, 63), ROLE_NONE);
	assert_int_equal(role_of(f->db, "", 0), ROLE_NONE);
	admin[63] = admin[63] == '0' ? '1' : '0';
	assert_int_equal(role_of(f->db, admin, 64), ROLE_NONE);
	assert_int_equal(maindb_token_create(f->db, "a", ROLE_NONE, admin), -EINVAL);
}

static void test_maindb_given_second_process_when_it_makes_a_token_then_first_knows_it(void **state)
{
	struct fix *f = *state;
	AUTO(maindb) *other = NULL;
	char token[65];

	assert_int_equal(maindb_open(&other, f->dir, NULL), 0);
	assert_int_equal(maindb_token_create(other, "cli", ROLE_ANALYST, token), 0);
	assert_int_equal(role_of(f->db, token, 64), ROLE_ANALYST);
}

static void test_maindb_given_token_that_ends_when_asked_later_then_unknown(void **state)
{
	struct fix *f = *state;
	struct token t = { .name = "soon",
			   .role = ROLE_VIEWER,
			   .expires_ns = 5000,
			   .scope = "node:a",
			   .created_by = "root" },
		     got;
	char text[65];

	assert_int_equal(maindb_token_add(f->db, &t, text), 0);
	assert_true(maindb_token_find(f->db, text, 64, 4999, &got));
	assert_string_equal(got.name, "soon");
	assert_string_equal(got.scope, "node:a");
	assert_string_equal(got.created_by, "root");
	assert_int_equal(got.expires_ns, 5000);
	assert_false(maindb_token_find(f->db, text, 64, 5000, &got));
	assert_int_equal(maindb_token_stands(f->db, got.id, 4999), 1);
	assert_int_equal(maindb_token_stands(f->db, got.id, 5000), 0);
}

static int keep_token(const struct token *t, void *arg)
{
	*(struct token *)arg = *t;
	return 0;
}

static void test_maindb_given_token_when_revoked_then_unknown_at_once(void **state)
{
	struct fix *f = *state;
	struct token got = { 0 };
	char text[65];

	assert_int_equal(maindb_token_create(f->db, "x", ROLE_ADMIN, text), 0);
	assert_int_equal(maindb_tokens(f->db, keep_token, &got), 0);
	assert_string_equal(got.name, "x");
	assert_int_equal(maindb_token_stands(f->db, got.id, 76), 1);
	assert_int_equal(maindb_token_revoke(f->db, got.id, 77), 0);
	assert_int_equal(maindb_token_stands(f->db, got.id, 78), 0);
	assert_int_equal(maindb_token_stands(f->db, got.id + 1, 78), 0);
	assert_int_equal(role_of(f->db, text, 64), ROLE_NONE);
	assert_int_equal(maindb_token_revoke(f->db, got.id, 78), MAINDB_E_UNKNOWN);
	assert_int_equal(maindb_token_revoke(f->db, got.id + 1, 78), MAINDB_E_UNKNOWN);
	assert_int_equal(maindb_tokens(f->db, keep_token, &got), 0);
	assert_int_equal(got.revoked_ns, 77);
}

static struct cert certificate(const char *serial, const char *node)
{
	struct cert c = { .kind = CERT_NODE, .until_ns = 9000 };

	snprintf(c.serial, sizeof(c.serial), "%s", serial);
	snprintf(c.node_id, sizeof(c.node_id), "%s", node);
	return c;
}

static void test_maindb_given_join_token_when_used_then_once_in_time_and_by_its_node(void **state)
{
	struct fix *f = *state;
	struct cert a = certificate("01", "a"), b = certificate("02", "b");
	char any[65], for_b[65], late[65];

	assert_int_equal(maindb_join_add(f->db, "", 500, "root", any), 0);
	assert_int_equal(maindb_join_add(f->db, "b", 500, "root", for_b), 0);
	assert_int_equal(maindb_join_add(f->db, "", 100, "root", late), 0);
	assert_int_equal(maindb_join_use(f->db, "no such", &a, 99), MAINDB_E_UNKNOWN);
	assert_int_equal(maindb_join_use(f->db, late, &a, 100), MAINDB_E_EXPIRED);
	assert_int_equal(maindb_join_use(f->db, for_b, &a, 99), MAINDB_E_OTHER_NODE);
	assert_int_equal(maindb_certificate_standing(f->db, "01"), STANDING_UNKNOWN);
	assert_int_equal(maindb_join_use(f->db, any, &a, 99), 0);
	assert_int_equal(maindb_certificate_standing(f->db, "01"), STANDING_GOOD);
	assert_int_equal(maindb_join_use(f->db, any, &b, 99), MAINDB_E_USED);
	assert_int_equal(maindb_join_use(f->db, for_b, &b, 99), 0);
}

static void test_maindb_given_enrolled_node_when_joined_again_then_only_by_its_own_token(
	void **state)
{
	struct fix *f = *state;
	struct cert a = certificate("01", "a"), again = certificate("02", "a");
	char first[65], any[65], own[65];
	uint32_t n;

	assert_int_equal(maindb_join_add(f->db, "", 500, "", first), 0);
	assert_int_equal(maindb_join_add(f->db, "", 500, "", any), 0);
	assert_int_equal(maindb_join_add(f->db, "a", 500, "", own), 0);
	assert_int_equal(maindb_join_use(f->db, first, &a, 99), 0);
	assert_int_equal(maindb_join_use(f->db, any, &again, 99), MAINDB_E_ENROLLED);
	assert_int_equal(maindb_join_use(f->db, own, &again, 99), 0);
	assert_int_equal(maindb_node_revoke(f->db, "a", 200, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(maindb_certificate_standing(f->db, "01"), STANDING_REVOKED);
	assert_int_equal(maindb_certificate_standing(f->db, "02"), STANDING_REVOKED);
	again = certificate("03", "a");
	assert_int_equal(maindb_join_use(f->db, any, &again, 201), 0);
	assert_int_equal(maindb_certificate_standing(f->db, "03"), STANDING_GOOD);
}

struct audited {
	uint32_t n;
	int64_t last_id;
	char actions[200];
};

static int keep_audit(const struct audit *a, void *arg)
{
	struct audited *k = arg;
	size_t at = strlen(k->actions);

	k->n++;
	k->last_id = a->id;
	snprintf(k->actions + at, sizeof(k->actions) - at, "%s:%s:%u ", a->actor, a->detail,
		 a->status);
	return 0;
}

static void test_maindb_given_audit_rows_when_listed_then_newest_first_and_kept_over_reopening(
	void **state)
{
	struct fix *f = *state;
	struct audited k = { 0 };
	struct audit a = { .time_ns = 1,
			   .actor = "ann",
			   .address = "::1",
			   .action = "GET /x",
			   .detail = "q=1",
			   .status = 200 };

	a.class = AUDIT_QUESTION;
	assert_int_equal(maindb_audit_add(f->db, &a), 0);
	a.class = AUDIT_CHANGE;
	a.actor = "bob";
	a.status = 403;
	assert_int_equal(maindb_audit_add(f->db, &a), 0);
	a.detail = "q=2";
	assert_int_equal(maindb_audit_add(f->db, &a), 0);
	assert_int_equal(maindb_audit_list(f->db, 0, 2, keep_audit, &k), 0);
	assert_string_equal(k.actions, "bob:q=2:403 bob:q=1:403 ");
	f->db = maindb_free(f->db);
	assert_int_equal(maindb_open(&f->db, f->dir, NULL), 0);
	assert_int_equal(maindb_audit_list(f->db, k.last_id, 10, keep_audit, &k), 0);
	assert_int_equal(k.n, 3);
	assert_non_null(strstr(k.actions, "ann:q=1:200"));
}

static int count_audit(const struct audit *a, void *arg)
{
	size_t *n = arg;

	n[strcmp(a->actor, "ann") == 0]++;
	return 0;
}

static void test_maindb_given_many_strangers_when_they_are_refused_then_what_others_did_stays(
	void **state)
{
	enum { MANY = MAINDB_AUDIT_STRANGERS + 5 * MAINDB_AUDIT_SLACK };
	struct fix *f = *state;
	size_t n[2] = { 0 };
	struct audit a = { .time_ns = 1,
			   .actor = "ann",
			   .address = "::1",
			   .action = "POST /x",
			   .detail = "",
			   .token_id = 1,
			   .class = AUDIT_CHANGE };

	assert_int_equal(maindb_audit_add(f->db, &a), 0);
	a = (struct audit){ .actor = "", .address = "::2", .action = "GET /x", .detail = "" };
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(maindb_audit_add(f->db, &a), 0);
	assert_int_equal(maindb_audit_list(f->db, 0, 2 * MANY, count_audit, n), 0);
	assert_int_equal(n[1], 1);
	assert_true(n[0] >= MAINDB_AUDIT_STRANGERS);
	/* as many as wait are written together, before any is counted */
	assert_true(n[0] <= MAINDB_AUDIT_STRANGERS + MAINDB_AUDIT_SLACK + MAINDB_AUDIT_WAITING);
}

static void test_maindb_given_token_when_files_are_read_then_it_is_not_in_them(void **state)
{
	struct fix *f = *state;
	static char bytes[1 << 20];
	char token[65], path[200];
	struct stat st;
	size_t n;
	FILE *file;

	assert_int_equal(maindb_token_create(f->db, "x", ROLE_ADMIN, token), 0);
	snprintf(path, sizeof(path), "%s/main.db-wal", f->dir);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(n > 0);
	assert_non_null(memmem(bytes, n, "admin", 5)); /* the row is there, */
	assert_null(memmem(bytes, n, token, 64));      /* the token is not */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_maindb_given_newer_schema_when_opened_then_refused(void **state)
{
	struct fix *f = *state;
	struct maindb *again = NULL;
	struct diag d = { 0 };
	char path[200];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/main.db", f->dir);
	assert_int_equal(sql_open(&db, path, SQL_WRITE, NULL), 0);
	assert_int_equal(sql_exec(db, "PRAGMA user_version = 50"), 0);
	sql_close(db);
	assert_int_equal(maindb_open(&again, f->dir, &d), -EEXIST);
	assert_null(again);
	assert_string_equal(d.file, path);
}

static void test_role_given_names_when_parsed_then_each_is_its_own(void **state)
{
	enum role role = ROLE_NONE;

	(void)state;
	for (int r = ROLE_VIEWER; r <= ROLE_ADMIN; r++) {
		assert_true(role_parse(role_name((enum role)r), &role));
		assert_int_equal(role, r);
	}
	assert_false(role_parse("root", &role));
	assert_false(role_parse("", &role));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_maindb_given_node_seen_when_asked_and_reopened_then_facts_are_the_same),
		T(test_maindb_given_new_boot_when_seen_then_seq_and_clock_begin_anew),
		T(test_maindb_given_measured_clock_when_seen_then_that_is_the_offset),
		T(test_maindb_given_nodes_when_listed_then_sorted_by_name_and_stoppable),
		T(test_maindb_given_token_when_presented_then_role_is_told_and_others_have_none),
		T(test_maindb_given_token_that_ends_when_asked_later_then_unknown),
		T(test_maindb_given_token_when_revoked_then_unknown_at_once),
		T(test_maindb_given_join_token_when_used_then_once_in_time_and_by_its_node),
		T(test_maindb_given_enrolled_node_when_joined_again_then_only_by_its_own_token),
		T(test_maindb_given_many_strangers_when_they_are_refused_then_what_others_did_stays),
		T(test_maindb_given_audit_rows_when_listed_then_newest_first_and_kept_over_reopening),
		T(test_maindb_given_second_process_when_it_makes_a_token_then_first_knows_it),
		T(test_maindb_given_token_when_files_are_read_then_it_is_not_in_them),
		T(test_maindb_given_newer_schema_when_opened_then_refused),
		cmocka_unit_test(test_role_given_names_when_parsed_then_each_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
