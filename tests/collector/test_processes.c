/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/processes and /api/v1/flows, from a real store over a real socket. */
#include "tests/collector/served.h"

#include "collector/lineage.h"

enum { STEP_NS = 1000000 };
enum { INIT = 0xa1, SSHD, BASH, LS, CURL, GONE };

/* A batch of a test, being written. */
struct writing {
	struct served *s;
	struct batch *b;
	uint64_t seq, base_ns;
};

static void begin(struct writing *w, struct served *s, const char *node, uint64_t first_seq)
{
	struct batch_origin origin = { .node_id = node,
				       .node_name = node,
				       .boot_id = { 7 },
				       .architecture = "x86_64",
				       .os_kernel = "6",
				       .agent_version = "0" };

	*w = (struct writing){ .s = s, .seq = first_seq, .base_ns = s->base_ns };
	assert_int_equal(batch_new(&w->b, &origin), 0);
}

static uint32_t process(struct writing *w, uint64_t entity, uint32_t generation, const char *name,
			uint32_t parent)
{
	uint32_t row = batch_process_add(w->b, entity, generation), arg;

	arg = batch_string(w->b, name, strlen(name));
	batch_set(w->b, KIND_NONE, FIELD_PID, entity);
	batch_set(w->b, KIND_NONE, FIELD_START, w->base_ns + entity * STEP_NS);
	batch_set_str(w->b, KIND_NONE, FIELD_NAME, name, strlen(name));
	batch_set_list(w->b, KIND_NONE, FIELD_ARGS, &arg, 1);
	batch_set_str(w->b, KIND_NONE, FIELD_USER_NAME, "eve", 3);
	if (parent)
		batch_set_row(w->b, KIND_NONE, FIELD_PARENT, parent);
	return row;
}

static void event(struct writing *w, enum kind kind, uint32_t actor)
{
	batch_event(w->b, kind, w->seq, w->base_ns + w->seq * STEP_NS);
	batch_set_row(w->b, kind, FIELD_PROCESS, actor);
	w->seq++;
}

static void fork_of(struct writing *w, uint32_t actor, uint64_t child)
{
	event(w, KIND_FORK, actor);
	batch_set_id(w->b, KIND_FORK, FIELD_CHILD_ENTITY, child);
	batch_set(w->b, KIND_FORK, FIELD_CHILD_PID, child);
}

static void flow_of(struct writing *w, enum kind kind, uint32_t actor)
{
	event(w, kind, actor);
	batch_set_str(w->b, kind, FIELD_COMMUNITY_ID, "1:a/b+c=", 8);
}

static void end(struct writing *w)
{
	AUTO(frame_codec) *codec = NULL;
	AUTO_BUF struct buf frame = { 0 };
	struct served *s = w->s;
	struct diag d = { 0 };

	assert_int_equal(frame_codec_new(&codec), 0);
	assert_int_equal(batch_seal(w->b, codec, NULL, w->seq, w->base_ns, &frame), 0);
	if (block_load(s->block, frame.data, frame.n, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(store_append(s->store, s->block, frame.data, frame.n,
				      store_arrival(s->store, timestamp_now())),
			 0);
	assert_int_equal(store_commit(s->store), 0);
	w->b = batch_free(w->b);
}

/* init > sshd > bash (was sshd) > ls, curl, one that is gone; in two batches, and others beside. */
static void put_family(struct served *s)
{
	struct writing w;
	uint32_t init, sshd, before, bash, child;

	served_put(s, &(struct fixture_batch){ .node = "other",
					       .boot = 1,
					       .first_seq = 1,
					       .n = 5,
					       .time_ns = s->base_ns,
					       .step_ns = 1 });
	begin(&w, s, "n1", 1);
	init = process(&w, INIT, 0, "init", 0);
	sshd = process(&w, SSHD, 1, "sshd", init);
	before = process(&w, BASH, 0, "sshd", sshd);
	bash = process(&w, BASH, 1, "bash", sshd);
	fork_of(&w, sshd, BASH);
	event(&w, KIND_OPEN, before);
	event(&w, KIND_EXEC, bash);
	fork_of(&w, bash, LS);
	fork_of(&w, bash, GONE);
	end(&w);
	begin(&w, s, "n1", 100);
	init = process(&w, INIT, 0, "init", 0);
	sshd = process(&w, SSHD, 1, "sshd", init);
	bash = process(&w, BASH, 1, "bash", sshd);
	child = process(&w, LS, 1, "ls", bash);
	event(&w, KIND_EXEC, child);
	event(&w, KIND_OPEN, child);
	event(&w, KIND_OPEN, child);
	event(&w, KIND_END, child);
	batch_set(w.b, KIND_END, FIELD_EXIT_CODE, 3);
	child = process(&w, CURL, 1, "curl", bash);
	flow_of(&w, KIND_CONNECT, child);
	event(&w, KIND_END, child);
	batch_set_str(w.b, KIND_END, FIELD_EXIT_SIGNAL, "SIGKILL", 7);
	event(&w, KIND_OPEN, sshd);
	end(&w);
	begin(&w, s, "n2", 200);
	flow_of(&w, KIND_ACCEPT, process(&w, 0xbb, 0, "nginx", 0));
	end(&w);
}

static json_int_t number_at(const json_t *doc, const char *path)
{
	return json_integer_value(json_at(doc, path));
}

/* "depth name;depth name;" of the processes of a tree. */
static void outline(const json_t *doc, char *ret, size_t size)
{
	json_t *p;
	size_t i, n = 0;

	json_array_foreach(json_at(doc, "processes"), i, p)
	{
		const char *name = text_at(p, "process.name");

		n += (size_t)snprintf(ret + n, size - n, "%d %s;", (int)number_at(p, "depth"),
				      name ? name : "?");
	}
}

static void test_tree_given_family_when_asked_then_all_of_it_in_order(void **state)
{
	struct served *s = *state;
	json_t *doc, *processes;
	char text[300] = "";

	put_family(s);
	doc = served_json(s, "/api/v1/processes/00000000000000a3/tree", 200);
	outline(doc, text, sizeof(text));
	assert_string_equal(text, "-2 init;-1 sshd;0 bash;1 ?;1 ls;1 curl;");
	assert_true(json_is_false(json_at(doc, "truncated")));
	assert_string_equal(text_at(doc, "host.name"), "n1");
	processes = json_at(doc, "processes");
	assert_true(json_is_null(json_at(json_array_get(processes, 0), "parent_entity_id")));
	assert_null(json_at(json_array_get(processes, 1), "events"));
	assert_string_equal(text_at(json_array_get(processes, 2), "parent_entity_id"),
			    "00000000000000a2");
	assert_int_equal(number_at(json_array_get(processes, 2), "children"), 3);
	assert_int_equal(number_at(json_array_get(processes, 2), "events.process"), 3);
	assert_int_equal(number_at(json_array_get(processes, 2), "events.file"), 1);
	assert_int_equal(number_at(json_array_get(processes, 3), "process.pid"), GONE);
	assert_int_equal(number_at(json_array_get(processes, 4), "exit_code"), 3);
	assert_int_equal(number_at(json_array_get(processes, 4), "events.file"), 2);
	assert_string_equal(text_at(json_array_get(processes, 5), "exit_signal"), "SIGKILL");
	assert_int_equal(number_at(json_array_get(processes, 5), "events.network"), 1);
	assert_string_equal(text_at(json_array_get(processes, 5), "process.user.name"), "eve");
	/* the blocks of others were not opened */
	assert_int_equal(number_at(doc, "scanned.blocks_skipped"), 2);
	json_decref(doc);
}

static void test_tree_given_bounds_when_asked_then_nearest_and_told(void **state)
{
	struct served *s = *state;
	json_t *doc;
	char text[300] = "";

	put_family(s);
	doc = served_json(s, "/api/v1/processes/00000000000000A3/tree?depth=1", 200);
	outline(doc, text, sizeof(text));
	assert_string_equal(text, "-1 sshd;0 bash;1 ?;1 ls;1 curl;");
	assert_true(json_is_false(json_at(doc, "truncated")));
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/00000000000000a2/tree?depth=1", 200);
	outline(doc, text, sizeof(text));
	assert_string_equal(text, "-1 init;0 sshd;1 bash;");
	assert_int_equal(number_at(json_array_get(json_at(doc, "processes"), 2), "children"), 3);
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/00000000000000a3/tree?limit=5", 200);
	outline(doc, text, sizeof(text));
	assert_string_equal(text, "-2 init;-1 sshd;0 bash;1 ?;1 ls;");
	assert_true(json_is_true(json_at(doc, "truncated")));
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/00000000000000a6/tree", 200);
	outline(doc, text, sizeof(text));
	assert_string_equal(text, "-3 init;-2 sshd;-1 bash;0 ?;");
	json_decref(doc);
}

static void test_process_given_execs_when_asked_then_all_that_is_known(void **state)
{
	struct served *s = *state;
	json_t *doc, *programs;

	put_family(s);
	doc = served_json(s, "/api/v1/processes/00000000000000a3", 200);
	assert_string_equal(text_at(doc, "entity_id"), "00000000000000a3");
	assert_string_equal(text_at(doc, "process.name"), "bash");
	assert_string_equal(text_at(doc, "parent.process.name"), "sshd");
	assert_int_equal(number_at(doc, "actions.exec"), 1);
	assert_int_equal(number_at(doc, "actions.fork"), 2);
	assert_int_equal(number_at(doc, "actions.open"), 1);
	programs = json_at(doc, "programs");
	assert_int_equal(json_array_size(programs), 2);
	assert_string_equal(text_at(json_array_get(programs, 0), "process.name"), "sshd");
	assert_null(json_at(json_array_get(programs, 0), "exec"));
	assert_string_equal(text_at(json_array_get(programs, 1), "process.name"), "bash");
	assert_non_null(text_at(json_array_get(programs, 1), "exec"));
	assert_null(json_at(doc, "end"));
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/00000000000000a1", 200);
	assert_true(json_is_null(json_at(doc, "parent")));
	json_decref(doc);
}

static void test_process_given_unknown_or_wrong_id_when_asked_then_404_or_400(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *path;
		int status;
	} asked[] = {
		{ "/api/v1/processes/00000000000000ff", 404 },
		{ "/api/v1/processes/00000000000000a3?since=-20m&until=-19m", 404 },
		{ "/api/v1/processes/00000000000000ff/tree", 404 },
		{ "/api/v1/processes/zz", 400 },
		{ "/api/v1/processes/0000000000000000/tree", 400 },
		{ "/api/v1/processes/%zz/timeline", 400 },
		{ "/api/v1/processes/00000000000000a3/tree?depth=65", 400 },
		{ "/api/v1/processes/00000000000000a3/tree?limit=10001", 400 },
		{ "/api/v1/processes/00000000000000a3/timeline?descendants=maybe", 400 },
		{ "/api/v1/processes/00000000000000a3/nope", 404 },
		{ "/api/v1/processes/", 404 },
	};

	put_family(s);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		json_decref(served_json(s, asked[i].path, asked[i].status));
}

/* Actions of the hits, blanks between. */
static void actions(const json_t *doc, char *ret, size_t size)
{
	json_t *hit;
	size_t i, n = 0;

	json_array_foreach(json_at(doc, "hits"), i, hit) n +=
		(size_t)snprintf(ret + n, size - n, "%s ", text_at(hit, "event.action"));
}

static void test_timeline_given_process_when_asked_then_its_birth_and_deeds_oldest_first(
	void **state)
{
	struct served *s = *state;
	char text[300] = "", path[1000];
	json_t *doc;

	put_family(s);
	doc = served_json(s, "/api/v1/processes/00000000000000a3/timeline", 200);
	actions(doc, text, sizeof(text));
	assert_string_equal(text, "fork open exec fork fork ");
	assert_int_equal(number_at(doc, "scanned.blocks_skipped"), 2);
	json_decref(doc);
	doc = served_json(s,
			  "/api/v1/processes/00000000000000a3/timeline?descendants=true"
			  "&q=file+where+true",
			  200);
	actions(doc, text, sizeof(text));
	assert_string_equal(text, "open open open ");
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/00000000000000a3/timeline?limit=3", 200);
	snprintf(path, sizeof(path), "/api/v1/processes/00000000000000a3/timeline?cursor=%s",
		 text_at(doc, "cursor"));
	json_decref(doc);
	doc = served_json(s, path, 200);
	actions(doc, text, sizeof(text));
	assert_string_equal(text, "fork fork ");
	assert_true(json_is_null(json_at(doc, "cursor")));
	json_decref(doc);
}

static void test_flow_given_both_sides_when_asked_then_both_nodes_oldest_first(void **state)
{
	struct served *s = *state;
	json_t *doc, *hits;

	put_family(s);
	doc = served_json(s, "/api/v1/flows/1%3Aa%2Fb+c%3D", 200);
	hits = json_at(doc, "hits");
	assert_int_equal(json_array_size(hits), 2);
	assert_string_equal(text_at(json_array_get(hits, 0), "host.name"), "n1");
	assert_string_equal(text_at(json_array_get(hits, 1), "host.name"), "n2");
	json_decref(doc);
	doc = served_json(s, "/api/v1/flows/1:nothing=", 200);
	assert_int_equal(json_array_size(json_at(doc, "hits")), 0);
	json_decref(doc);
}

/* A chain that is deeper than is followed, and a fan. */
static void test_tree_given_many_when_asked_then_bounded(void **state)
{
	struct served *s = *state;
	struct writing w;
	uint32_t row = 0;
	json_t *doc;

	begin(&w, s, "n1", 1);
	for (uint32_t i = 0; i < 200; i++) {
		row = process(&w, 0x1000 + i, 0, "link", row);
		event(&w, KIND_OPEN, row);
	}
	row = process(&w, 0x9000, 0, "fan", 0);
	for (uint32_t i = 0; i < LINEAGE_NODES + 10; i++)
		event(&w, KIND_OPEN, process(&w, 0x10000 + i, 0, "leaf", row));
	end(&w);
	doc = served_json(s, "/api/v1/processes/0000000000001064/tree", 200);
	assert_int_equal(json_array_size(json_at(doc, "processes")), 64 + 1 + 64);
	json_decref(doc);
	doc = served_json(s, "/api/v1/processes/0000000000009000/tree", 200);
	assert_int_equal(json_array_size(json_at(doc, "processes")), 1000);
	assert_true(json_is_true(json_at(doc, "truncated")));
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_tree_given_family_when_asked_then_all_of_it_in_order),
		SERVED(test_tree_given_bounds_when_asked_then_nearest_and_told),
		SERVED(test_process_given_execs_when_asked_then_all_that_is_known),
		SERVED(test_process_given_unknown_or_wrong_id_when_asked_then_404_or_400),
		SERVED(test_timeline_given_process_when_asked_then_its_birth_and_deeds_oldest_first),
		SERVED(test_flow_given_both_sides_when_asked_then_both_nodes_oldest_first),
		SERVED(test_tree_given_many_when_asked_then_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
