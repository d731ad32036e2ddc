/* SPDX-License-Identifier: Apache-2.0 */
/* "descendant of [..]" over connections: single shapes, the tree of the same scene, and random
 * fleets against a plain model. */
#include "tests/collector/scene.h"

/* Entity ids of the processes whose events are found, each once, in order. */
static void expect_found(struct served *s, const char *more, const char *query, const char *wanted)
{
	AUTO_BUF struct buf path = { 0 }, found = { 0 };
	json_t *doc, *row;
	size_t i;

	buf_printf(&path, "/api/v1/search?%sq=", more);
	for (const char *c = query; *c; c++)
		buf_printf(&path, "%%%02x", (unsigned char)*c);
	for (const char *c = " | stats count by process.entity_id | sort process.entity_id"; *c;
	     c++)
		buf_printf(&path, "%%%02x", (unsigned char)*c);
	buf_byte(&path, 0);
	doc = served_json(s, (const char *)path.data, 200);
	json_array_foreach(json_object_get(doc, "rows"), i, row)
	{
		for (size_t k = 0; k < json_array_size(row); k++)
			if (json_is_string(json_array_get(row, k)))
				buf_printf(&found, "%s%s", found.n ? " " : "",
					   json_string_value(json_array_get(row, k)) + 14);
	}
	buf_byte(&found, 0);
	json_decref(doc);
	if (strcmp((char *)found.data, wanted) != 0)
		fail_msg("%s: %s, not %s", query, (char *)found.data, wanted);
}

static void test_descendants_given_two_clients_when_asked_then_each_has_its_own(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_all(c);
	expect_found(*state, "", "descendant of [process where process.name == \"curl\"]",
		     "b1 b2 c1");
	expect_found(*state, "", "descendant of [process where process.name == \"wget\"]",
		     "b1 b3 c2");
	expect_found(*state, "", "descendant of [process where process.name == \"bash\"]",
		     "a1 a2 b1 b2 b3 c1 c2");
	expect_found(*state, "",
		     "process where descendant of [process where process.name == \"curl\"]",
		     "b1 b2");
	expect_found(*state, "",
		     "descendant of [process where process.name == \"curl\"] and host.id == \"c\"",
		     "c1");
	expect_found(*state, "", "child of [process where process.name == \"curl\"]", "");
	expect_found(*state, "", "descendant of [process where process.name == \"handler\"]",
		     "c1 c2");
	/* of one node only what is of it */
	expect_found(*state, "node=b&", "descendant of [process where process.name == \"curl\"]",
		     "");
	free(c);
}

static void test_descendants_given_a_server_when_asked_then_only_what_it_does_meanwhile(
	void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	struct fleet_process one;
	json_t *doc;

	assert_non_null(c);
	scene_begin(c, *state);
	one = spawn(c, 0, shell, 0xa1, "curl", 0);
	connect_to(c, 0, one, 1, server, 100, 500);
	for (uint64_t at_ms = 50; at_ms <= 650; at_ms += 200) /* 50 250 450 650 */
		add(c, 1,
		    (struct fleet_event){
			    .kind = KIND_OPEN, .time_ns = at(c, at_ms), .actor = server });
	send_all(c);
	doc = served_json(*state,
			  "/api/v1/count?explain=true&q=file%20where%20descendant%20of%20"
			  "%5bprocess%20where%20process.name%20==%20%22curl%22%5d",
			  200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 2);
	assert_int_equal(json_integer_value(json_at(doc, "plan.edges_followed")), 1);
	json_decref(doc);
	doc = served_json(*state,
			  "/api/v1/count?explain=true&node=b&q=file%20where%20descendant%20of%20"
			  "%5bprocess%20where%20process.name%20==%20%22curl%22%5d",
			  200);
	assert_int_equal(json_integer_value(json_at(doc, "count")), 0);
	assert_true(json_is_null(json_at(doc, "plan.edges_followed")));
	json_decref(doc);
	free(c);
}

static void test_descendants_given_a_circle_when_asked_then_it_ends(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	struct fleet_process one;

	assert_non_null(c);
	scene_begin(c, *state);
	one = spawn(c, 0, shell, 0xa1, "peer", 0);
	connect_to(c, 0, one, 1, server, 100, 900);
	connect_to(c, 1, server, 2, far, 200, 800);
	connect_to(c, 2, far, 0, one, 300, 700);
	send_all(c);
	expect_found(*state, "", "descendant of [process where process.name == \"peer\"]",
		     "a1 b1 c1");
	free(c);
}

static void test_descendants_given_late_batches_when_asked_again_then_whole(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_node(c, 2);
	send_node(c, 0);
	assert_int_equal(follow_wait(c->s->follow, store_arrived(c->s->store), 30000), 0);
	expect_found(*state, "", "descendant of [process where process.name == \"curl\"]", "");
	send_all(c);
	expect_found(*state, "", "descendant of [process where process.name == \"curl\"]",
		     "b1 b2 c1");
	free(c);
}

/* ---- random fleets ---- */

enum { PROCESSES = 24, CONNECTIONS = 24, ROUNDS = 12 };

struct actor {
	struct fleet_process p;
	int node;
	uint64_t start_ms;
	bool whole; /* of the condition */
};

struct connection {
	uint32_t from, to;
	uint64_t at_ms, end_ms;
	bool ours;
};

struct world {
	struct scene scene;
	struct actor actors[PROCESSES];
	struct connection connections[CONNECTIONS];
	uint32_t n_connections;
	bool forks_lost;
};

static uint32_t dice(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % n;
}

static void make_processes(struct world *w, uint64_t *seed)
{
	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct actor *a = &w->actors[i];
		uint32_t up = i < 6 ? i : dice(seed, i);

		a->node = i < 6 ? (int)(i % 3) : w->actors[up].node;
		a->start_ms = i < 6 ? 0 : MAX(w->actors[up].start_ms, 0u) + 1 + dice(seed, 900);
		a->p = (struct fleet_process){ .entity = i + 1,
					       .parent = i < 6 ? 0 : up + 1,
					       .name = "p",
					       .pid = i + 1,
					       .start_ns = at(&w->scene, a->start_ms),
					       .up = i < 6 ? NULL : &w->actors[up].p };
		if (i >= 6 && !w->forks_lost)
			add(&w->scene, a->node,
			    (struct fleet_event){ .kind = KIND_FORK,
						  .time_ns = at(&w->scene, a->start_ms),
						  .actor = w->actors[up].p,
						  .child = a->p.entity });
		add(&w->scene, a->node,
		    (struct fleet_event){ .kind = KIND_EXEC,
					  .time_ns = at(&w->scene, a->start_ms + 1),
					  .actor = a->p });
	}
}

/* Two accepted at the same time have no order. */
static bool is_taken(const struct world *w, uint64_t at_ms)
{
	for (uint32_t i = 0; i < w->n_connections; i++)
		if (w->connections[i].at_ms == at_ms)
			return true;
	return false;
}

static void make_connections(struct world *w, uint64_t *seed)
{
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		uint32_t from = dice(seed, PROCESSES), to = dice(seed, PROCESSES);
		struct actor *a = &w->actors[from], *b = &w->actors[to];
		uint64_t at_ms = MAX(a->start_ms, b->start_ms) + 2 + dice(seed, 900);

		if (a->node == b->node || is_taken(w, at_ms))
			continue;
		w->connections[w->n_connections++] =
			(struct connection){ from, to, at_ms, at_ms + 5 + dice(seed, 600), false };
		connect_to(&w->scene, a->node, a->p, b->node, b->p, at_ms,
			   w->connections[w->n_connections - 1].end_ms);
	}
}

/* What process @who does then, it does for a connection of ours. */
static bool does_for_us(const struct world *w, uint32_t who, uint64_t when_ms)
{
	const struct connection *last = NULL;

	for (uint32_t i = 0; i < w->n_connections; i++) {
		const struct connection *c = &w->connections[i];

		if (c->to == who && c->at_ms <= when_ms && when_ms <= c->end_ms &&
		    (!last || c->at_ms >= last->at_ms))
			last = c;
	}
	return last && last->ours;
}

static void work_out(struct world *w, uint32_t root)
{
	for (bool more = true; more;) {
		more = false;
		for (uint32_t i = 6; i < PROCESSES; i++) {
			uint32_t up = (uint32_t)w->actors[i].p.parent - 1;

			if (!w->actors[i].whole && (up == root || w->actors[up].whole ||
						    does_for_us(w, up, w->actors[i].start_ms)))
				w->actors[i].whole = more = true;
		}
		for (uint32_t i = 0; i < w->n_connections; i++) {
			struct connection *c = &w->connections[i];

			if (!c->ours && (c->from == root || w->actors[c->from].whole ||
					 does_for_us(w, c->from, c->at_ms - 1)))
				c->ours = more = true;
		}
	}
}

/* How many events of all are of descendants. */
static uint64_t count_right(const struct world *w)
{
	uint64_t n = 0;

	for (int node = 0; node < 3; node++)
		for (size_t i = 0; i < w->scene.n[node]; i++) {
			const struct fleet_event *e = &w->scene.events[node][i];
			uint32_t who = (uint32_t)e->actor.entity - 1;

			n += w->actors[who].whole ||
			     does_for_us(w, who, (e->time_ns - w->scene.s->base_ns) / ms);
		}
	return n;
}

static uint64_t ask_count(struct served *s, uint32_t root)
{
	char path[300];
	json_t *doc;
	uint64_t n;

	snprintf(path, sizeof(path),
		 "/api/v1/count?q=descendant%%20of%%20%%5bprocess.entity_id%%20==%%20"
		 "%%22%016x%%22%%5d",
		 root + 1);
	doc = served_json(s, path, 200);
	n = (uint64_t)json_integer_value(json_at(doc, "count"));
	json_decref(doc);
	return n;
}

static void one_world(struct served *s, uint64_t seed, uint64_t *ret_all)
{
	struct world *w = calloc(1, sizeof(*w));
	uint64_t right, dice_seed = seed, n;
	uint32_t root;

	assert_non_null(w);
	scene_begin(&w->scene, s);
	w->forks_lost = seed % 3 == 0;
	make_processes(w, &dice_seed);
	make_connections(w, &dice_seed);
	root = dice(&dice_seed, 8);
	work_out(w, root);
	right = count_right(w);
	*ret_all += right;
	for (int node = 2; node >= 0; node--)
		send_node(&w->scene, node);
	assert_int_equal(follow_wait(s->follow, store_arrived(s->store), 30000), 0);
	n = ask_count(s, root);
	if (n != right)
		fail_msg("seed %llu: %llu events, not %llu", (unsigned long long)seed,
			 (unsigned long long)n, (unsigned long long)right);
	free(w);
}

static void test_descendants_given_random_fleets_when_asked_then_as_the_model(void **state)
{
	const char *given = getenv("RTSEC_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 1, all = 0;

	served_teardown(state);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		served_setup(state);
		one_world(*state, seed * 1000 + i, &all);
		served_teardown(state);
	}
	served_setup(state);
	assert_true(all > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_descendants_given_two_clients_when_asked_then_each_has_its_own),
		SERVED(test_descendants_given_a_server_when_asked_then_only_what_it_does_meanwhile),
		SERVED(test_descendants_given_a_circle_when_asked_then_it_ends),
		SERVED(test_descendants_given_late_batches_when_asked_again_then_whole),
		SERVED(test_descendants_given_random_fleets_when_asked_then_as_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
