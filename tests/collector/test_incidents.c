/* SPDX-License-Identifier: Apache-2.0 */
/* Which alerts belong together, and why: by lineage, over connections between nodes, by file and
 * user; and what must not join. */
#include "tests/collector/fixture.h"

#include "collector/incidents.h"
#include "collector/joiner.h"
#include "collector/maindb.h"

#define BASE UINT64_C(1790000000000000000)
#define S    UINT64_C(1000000000)

struct fix {
	char dir[128];
	struct maindb *maindb;
	struct alertbook *alerts;
	struct flowdb *flows;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct diag d = { 0 };

	assert_non_null(f);
	fixture_folder(f->dir);
	assert_int_equal(maindb_open(&f->maindb, f->dir, &d), 0);
	assert_int_equal(alertbook_open(&f->alerts, f->dir, &d), 0);
	assert_int_equal(flowdb_open(&f->flows, f->dir, &d), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	flowdb_free(f->flows);
	alertbook_free(f->alerts);
	maindb_free(f->maindb);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

struct made {
	const char *node, *rule, *mark, *value;
	uint64_t at_s;
	uint64_t chain[6]; /* process, parent and so on; 0 ends it; below 0x10: general ones */
};

static void write_process(struct buf *out, uint64_t entity)
{
	buf_printf(out, "{\"entity_id\":\"%016llx\",\"pid\":%llu,\"name\":\"p%llx\"}",
		   (unsigned long long)entity, (unsigned long long)(entity < 0x10 ? 1 : entity),
		   (unsigned long long)entity);
}

static void add(struct fix *f, const struct made *m)
{
	AUTO_BUF struct buf body = { 0 };
	struct alert a = { .rule_id = m->rule,
			   .title = m->rule,
			   .techniques = "[\"T1000\"]",
			   .node_id = m->node,
			   .node = m->node,
			   .level = RULE_MEDIUM,
			   .n_events = 1,
			   .first_ns = BASE + m->at_s * S,
			   .last_ns = BASE + m->at_s * S };

	buf_str(&body, "{\"process\":");
	write_process(&body, m->chain[0]);
	buf_str(&body, ",\"ancestry\":[");
	for (size_t i = 1; i < ARRAY_SIZE(m->chain) && m->chain[i]; i++) {
		buf_str(&body, i > 1 ? "," : "");
		write_process(&body, m->chain[i]);
	}
	buf_str(&body, "]}");
	buf_byte(&body, 0);
	a.body = (const char *)body.data;
	assert_int_equal(alertbook_begin(f->alerts), 0);
	assert_int_equal(alertbook_add(f->alerts, &a), 0);
	if (m->mark)
		assert_int_equal(alertbook_mark(f->alerts, a.id, m->mark, m->value, a.first_ns), 0);
	assert_int_equal(alertbook_commit(f->alerts, 1), 0);
}

/* A connection that process @from of @a made and process @to of @b accepted. */
static void connect_them(struct fix *f, const char *a, uint64_t from, const char *b, uint64_t to,
			 uint64_t at_s)
{
	struct flow flow = { .at_ns = BASE + at_s * S,
			     .transport = "tcp",
			     .tuple = { .key = from ^ to,
					.source_ip = "10.0.0.1",
					.dest_ip = "10.0.0.2",
					.source_port = 40000,
					.dest_port = 22,
					.community_id = "1:x" } };
	struct flow_end *c = &flow.ends.end[FLOW_CONNECTED], *s = &flow.ends.end[FLOW_ACCEPTED];
	uint32_t source;

	assert_int_equal(flowdb_source(f->flows, a, a, "boot-a", &source, &c->node), 0);
	c->source = source;
	assert_int_equal(flowdb_source(f->flows, b, b, "boot-b", &source, &s->node), 0);
	s->source = source;
	c->entity = from;
	s->entity = to;
	c->open_ns = c->established_ns = s->open_ns = s->established_ns = flow.at_ns;
	c->side = FLOW_CONNECTED;
	s->side = FLOW_ACCEPTED;
	snprintf(c->process, sizeof(c->process), "ssh");
	flow.ends.confidence = 100;
	assert_int_equal(flowdb_put(f->flows, &flow), 0);
	assert_int_equal(flowdb_commit(f->flows, 1), 0);
}

/* Incidents as "1 2; 3; " of ids, each ended by why. */
static void check(struct fix *f, const char *expected)
{
	struct incidents all;
	char told[1024] = "";
	size_t n = 0;

	assert_int_equal(incidents_find(&all, f->alerts, f->flows, NULL, 0, UINT64_MAX), 0);
	for (uint32_t i = all.n; i-- > 0;) { /* oldest first */
		if (all.root[i] != i)
			continue;
		for (uint32_t k = all.n; k-- > 0;)
			if (all.root[k] == i)
				n += (size_t)snprintf(told + n, sizeof(told) - n, "%d ",
						      (int)all.alerts[k].id);
		n += (size_t)snprintf(told + n, sizeof(told) - n, "; ");
	}
	incidents_done(&all);
	assert_string_equal(told, expected);
}

static void test_incidents_given_lineage_when_joined_then_one_story(void **state)
{
	struct fix *f = *state;

	add(f, &(struct made){ "a", "r1", NULL, NULL, 0, { 0x20, 0x10, 1 } });
	add(f,
	    &(struct made){ "a", "r2", NULL, NULL, 5, { 0x30, 0x20, 0x10, 1 } }); /* below r1's */
	add(f, &(struct made){ "a", "r3", NULL, NULL, 9, { 0x40, 0x10, 1 } });	  /* beside it */
	add(f, &(struct made){ "a", "r4", NULL, NULL, 9, { 0x50, 0x60, 1 } }); /* only init above */
	check(f, "1 2 3 ; 4 ; ");
}

static void test_incidents_given_hours_between_when_joined_then_two_stories(void **state)
{
	struct fix *f = *state;

	add(f, &(struct made){ "a", "r1", NULL, NULL, 0, { 0x20, 0x10, 1 } });
	add(f, &(struct made){ "a", "r2", NULL, NULL, 7200, { 0x30, 0x20, 0x10, 1 } });
	check(f, "1 ; 2 ; ");
}

static void test_incidents_given_three_nodes_when_connected_then_one_story_of_all(void **state)
{
	struct fix *f = *state;
	struct incidents all;
	size_t flows = 0;

	add(f, &(struct made){ "a", "r1", NULL, NULL, 0, { 0xa2, 0xa1, 1 } });
	connect_them(f, "a", 0xa2, "b", 0xb1, 10);
	add(f, &(struct made){ "b", "r2", NULL, NULL, 20, { 0xb2, 0xb1, 1 } });
	connect_them(f, "b", 0xb2, "c", 0xc1, 30);
	add(f, &(struct made){ "c", "r3", NULL, NULL, 40, { 0xc2, 0xc1, 1 } });
	add(f, &(struct made){ "c", "r4", NULL, NULL, 41, { 0xd2, 0xd1, 1 } }); /* another's */
	check(f, "1 2 3 ; 4 ; ");
	assert_int_equal(incidents_find(&all, f->alerts, f->flows, NULL, 0, UINT64_MAX), 0);
	for (uint32_t i = 0; i < all.n_links; i++)
		flows += all.links[i].kind == INCIDENT_FLOW &&
			 strstr(all.links[i].text, "nodes") != NULL;
	assert_int_equal(flows, 2);
	assert_int_equal(incidents_score(&all, all.root[1]), 25 + 4 * 2 + 10 * 2 + 3);
	incidents_done(&all);
}

static void test_incidents_given_middle_node_without_alert_when_asked_then_nothing_is_invented(
	void **state)
{
	struct fix *f = *state;

	add(f, &(struct made){ "a", "r1", NULL, NULL, 0, { 0xa2, 0xa1, 1 } });
	add(f, &(struct made){ "c", "r3", NULL, NULL, 40, { 0xc2, 0xc1, 1 } });
	check(f, "1 ; 2 ; ");
	connect_them(f, "a", 0xa2, "b", 0xb1, 10); /* leads to b, not to c */
	check(f, "1 ; 2 ; ");
}

static void test_incidents_given_same_file_user_or_flow_when_joined_then_one_story(void **state)
{
	struct fix *f = *state;

	add(f, &(struct made){ "a", "r1", "sha256", "ab", 0, { 0x20, 1 } });
	add(f, &(struct made){ "b", "r2", "sha256", "ab", 1, { 0x21, 1 } });
	add(f, &(struct made){ "a", "r3", "user", "eve", 2, { 0x22, 1 } });
	add(f, &(struct made){ "a", "r4", "user", "eve", 3, { 0x23, 1 } });
	add(f, &(struct made){ "b", "r5", "user", "eve", 4, { 0x24, 1 } }); /* another node's eve */
	add(f, &(struct made){ "a", "r6", "flow", "1:y", 5, { 0x25, 1 } });
	add(f, &(struct made){ "b", "r7", "flow", "1:y", 6, { 0x26, 1 } });
	add(f, &(struct made){ "a", "r8", "user", "root", 7, { 0x27, 1 } });
	add(f, &(struct made){ "a", "r9", "user", "root", 8, { 0x28, 1 } });
	check(f, "1 2 ; 3 4 ; 5 ; 6 7 ; 8 ; 9 ; ");
}

/* ---- kept with the alerts ---- */

static void test_incidents_given_more_alerts_than_room_at_first_when_joined_then_each_is_there(
	void **state)
{
	enum { ALERTS = 150 };
	struct fix *f = *state;
	struct incidents all;

	for (uint64_t i = 0; i < ALERTS; i++) /* two stories, by turns */
		add(f, &(struct made){
			       "a", "r", NULL, NULL, i, { 0x1000 + i, i % 2 ? 0x20U : 0x30U, 1 } });
	assert_int_equal(incidents_find(&all, f->alerts, NULL, NULL, 0, UINT64_MAX), 0);
	assert_int_equal(all.n, ALERTS);
	assert_false(all.cut);
	for (uint32_t i = 0; i < all.n; i++) {
		assert_int_equal(all.alerts[i].id, ALERTS - i); /* the newest first */
		assert_int_equal(all.alerts[all.root[i]].id, all.alerts[i].id % 2 ? 1 : 2);
	}
	incidents_done(&all);
}

static int take_incident(const struct alert *a, void *arg)
{
	*(uint64_t *)arg = a->incident;
	return 0;
}

static uint64_t incident_of(struct fix *f, uint64_t id)
{
	uint64_t incident = 99;

	assert_int_equal(alertbook_get(f->alerts, id, take_incident, &incident), 0);
	return incident;
}

static void test_joiner_given_alerts_when_joined_then_each_tells_its_incident(void **state)
{
	struct fix *f = *state;
	uint64_t now_s = timestamp_now() / S, at = now_s > BASE / S ? now_s - BASE / S : 0;
	struct joiner *j = NULL;
	struct store *store = NULL;
	struct diag d = { 0 };

	assert_int_equal(store_open(&store, f->dir, &d), 0);
	add(f, &(struct made){ "a", "r1", NULL, NULL, at, { 0x20, 0x10, 1 } });
	add(f, &(struct made){ "b", "r2", NULL, NULL, at, { 0x90, 1 } }); /* alone */
	assert_int_equal(joiner_start(&j, f->alerts, NULL, store), 0);
	add(f, &(struct made){ "a", "r3", NULL, NULL, at + 1, { 0x30, 0x20, 0x10, 1 } });
	for (int i = 0; i < 600 && incident_of(f, 3) == 0; i++)
		usleep(50000);
	assert_int_equal(incident_of(f, 1), 1);
	assert_int_equal(incident_of(f, 2), 0);
	assert_int_equal(incident_of(f, 3), 1);
	joiner_stop(j);
	store_free(store);
}

#define INCIDENTS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INCIDENTS(test_incidents_given_lineage_when_joined_then_one_story),
		INCIDENTS(test_incidents_given_hours_between_when_joined_then_two_stories),
		INCIDENTS(test_incidents_given_three_nodes_when_connected_then_one_story_of_all),
		INCIDENTS(
			test_incidents_given_middle_node_without_alert_when_asked_then_nothing_is_invented),
		INCIDENTS(test_incidents_given_same_file_user_or_flow_when_joined_then_one_story),
		INCIDENTS(
			test_incidents_given_more_alerts_than_room_at_first_when_joined_then_each_is_there),
		cmocka_unit_test_setup_teardown(
			test_joiner_given_alerts_when_joined_then_each_tells_its_incident, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
