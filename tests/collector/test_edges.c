/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between processes as the API tells them: edges, trees over hosts, hops. */
#include "tests/collector/scene.h"

static json_t *get_tree(struct served *s, uint64_t entity, const char *more)
{
	char path[200];

	snprintf(path, sizeof(path), "/api/v1/processes/%016llx/tree?hosts=all%s",
		 (unsigned long long)entity, more);
	return served_json(s, path, 200);
}

/* The process of a tree; NULL: it is not in it. */
static json_t *in_tree(const json_t *tree, uint64_t entity)
{
	char id[20];
	json_t *p;
	size_t i;

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)entity);
	json_array_foreach(json_object_get(tree, "processes"), i,
			   p) if (strcmp(text_at(p, "entity_id"), id) == 0) return p;
	return NULL;
}

static int64_t number_at(const json_t *doc, const char *path)
{
	return json_integer_value(json_at(doc, path));
}

static void assert_above(const json_t *tree, uint64_t entity, uint64_t above, int depth)
{
	json_t *p = in_tree(tree, entity);
	char id[20];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)above);
	assert_non_null(p);
	assert_string_equal(text_at(p, "above"), id);
	assert_int_equal(number_at(p, "depth"), depth);
}

static void test_tree_given_two_clients_at_once_when_over_hosts_then_each_has_its_own(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	json_t *tree, *edge;

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_all(c);
	tree = get_tree(*state, 0xa1, "");
	assert_above(tree, 0xa1, 0xa0, 0);
	assert_above(tree, 0xb1, 0xa1, 1);
	assert_above(tree, 0xb2, 0xb1, 2);
	assert_above(tree, 0xc1, 0xb2, 3);
	assert_null(in_tree(tree, 0xa2));
	assert_null(in_tree(tree, 0xb3));
	assert_null(in_tree(tree, 0xc2));
	assert_string_equal(text_at(in_tree(tree, 0xb2), "host.id"), "b");
	assert_string_equal(text_at(in_tree(tree, 0xc1), "process.name"), "postgres");
	assert_int_equal(number_at(in_tree(tree, 0xc1), "hop"), 2);
	assert_int_equal(number_at(in_tree(tree, 0xb2), "confidence"), 100); /* the only one then */
	edge = json_array_get(json_object_get(in_tree(tree, 0xc1), "via"), 0);
	assert_string_equal(text_at(edge, "connected.entity_id"), "00000000000000b2");
	assert_string_equal(text_at(edge, "state"), "joined");
	assert_int_equal(number_at(edge, "skew_ns"), 0);
	assert_int_equal(number_at(edge, "connected.source_bytes"), 7);
	json_decref(tree);
	tree = get_tree(*state, 0xa2, "");
	assert_above(tree, 0xb3, 0xb1, 2);
	assert_above(tree, 0xc2, 0xb3, 3);
	assert_int_equal(number_at(in_tree(tree, 0xb3), "confidence"),
			 80); /* of two, same thread */
	assert_null(in_tree(tree, 0xb2));
	json_decref(tree);
	free(c);
}

static void test_tree_given_a_far_process_when_over_hosts_then_its_ancestors_are(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	json_t *tree;

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_all(c);
	tree = get_tree(*state, 0xb3, "");
	assert_above(tree, 0xb3, 0xb1, 0);
	assert_above(tree, 0xb1, 0xa2, -1);
	assert_above(tree, 0xa2, 0xa0, -2);
	assert_int_equal(number_at(in_tree(tree, 0xa0), "depth"), -3);
	assert_string_equal(text_at(in_tree(tree, 0xa2), "host.id"), "a");
	assert_null(in_tree(tree, 0xa1));
	assert_above(tree, 0xc2, 0xb3, 1);
	json_decref(tree);
	free(c);
}

static void test_tree_given_a_proxy_when_over_hosts_then_its_way_on_is_followed(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	struct fleet_process one, two;
	json_t *tree;

	assert_non_null(c);
	scene_begin(c, *state);
	one = spawn(c, 0, shell, 0xa1, "curl", 0);
	two = spawn(c, 0, shell, 0xa2, "wget", 0);
	connect_to(c, 0, one, 1, server, 100, 500); /* one after the other */
	connect_to(c, 1, server, 2, far, 110, 490);
	connect_to(c, 0, two, 1, server, 600, 900);
	connect_to(c, 1, server, 2, other_far, 610, 890);
	send_all(c);
	tree = get_tree(*state, 0xa1, "");
	assert_above(tree, 0xc1, 0xb1, 2);
	assert_null(in_tree(tree, 0xc2));
	json_decref(tree);
	tree = get_tree(*state, 0xa2, "&hops=1");
	assert_above(tree, 0xb1, 0xa2, 1);
	assert_null(in_tree(tree, 0xc2));
	assert_true(json_is_true(json_at(tree, "truncated")));
	json_decref(tree);
	free(c);
}

static void test_tree_given_a_circle_when_over_hosts_then_told_once(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	struct fleet_process one;
	json_t *tree;

	assert_non_null(c);
	scene_begin(c, *state);
	one = spawn(c, 0, shell, 0xa1, "peer", 0);
	connect_to(c, 0, one, 1, server, 100, 900);
	connect_to(c, 1, server, 2, far, 200, 800);
	connect_to(c, 2, far, 0, one, 300, 700);
	send_all(c);
	tree = get_tree(*state, 0xa1, "");
	assert_true(json_array_size(json_object_get(tree, "processes")) <= 6);
	assert_true(json_is_true(
		json_at(json_array_get(json_object_get(tree, "processes"),
				       json_array_size(json_object_get(tree, "processes")) - 1),
			"again")));
	json_decref(tree);
	free(c);
}

static void test_tree_given_lost_evidence_when_over_hosts_then_the_break_says_why(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	struct fleet_process one;
	json_t *tree, *missing;

	assert_non_null(c);
	scene_begin(c, *state);
	one = spawn(c, 0, shell, 0xa1, "curl", 0);
	connect_to(c, 0, one, 1, server, 100, 200);
	connect_to(c, 0, one, 1, server, 5000, 5100);
	c->n[1] -= 2; /* the second one's events of b are lost with its sensor */
	add(c, 1,
	    (struct fleet_event){
		    .kind = KIND_SENSOR, .time_ns = at(c, 9000), .message = "start: version 0.1" });
	send_node(c, 0);
	c->n[1]--;
	send_node(c, 1);
	add(c, 1,
	    (struct fleet_event){
		    .kind = KIND_SENSOR, .time_ns = at(c, 9000), .message = "start: version 0.1" });
	send_all(c);
	tree = get_tree(*state, 0xa1, "");
	assert_above(tree, 0xb1, 0xa1, 1);
	assert_int_equal(json_array_size(json_object_get(tree, "breaks")), 1);
	missing = json_at(json_array_get(json_object_get(tree, "breaks"), 0), "missing");
	assert_string_equal(text_at(missing, "reason"), "evidence_lost");
	assert_string_equal(text_at(missing, "cause"), "stopped");
	assert_string_equal(text_at(missing, "node.id"), "b");
	json_decref(tree);
	free(c);
}

static void test_tree_given_wrong_hosts_when_asked_then_400(void **state)
{
	json_decref(served_json(*state, "/api/v1/processes/00000000000000a1/tree?hosts=some", 400));
	json_decref(served_json(*state, "/api/v1/processes/00000000000000a1/tree?hosts=all&hops=17",
				400));
	json_decref(served_json(*state, "/api/v1/processes/00000000000000a1/tree?hosts=all", 404));
}

static void test_edges_given_flows_when_listed_then_pages_and_filters(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	char path[200];
	json_t *doc;

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_all(c);
	doc = served_json(*state, "/api/v1/edges?limit=3&order=asc", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "edges")), 3);
	snprintf(path, sizeof(path), "/api/v1/edges?order=asc&cursor=%s", text_at(doc, "cursor"));
	json_decref(doc);
	doc = served_json(*state, path, 200);
	assert_int_equal(json_array_size(json_object_get(doc, "edges")), 1);
	assert_null(text_at(doc, "cursor"));
	json_decref(doc);
	doc = served_json(*state, "/api/v1/edges?node=c&state=joined", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "edges")), 2);
	json_decref(doc);
	doc = served_json(*state, "/api/v1/edges?node=nobody", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "edges")), 0);
	json_decref(doc);
	doc = served_json(*state, "/api/v1/edges?process=00000000000000b1", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "edges")), 2);
	json_decref(doc);
	json_decref(served_json(*state, "/api/v1/edges?state=some", 400));
	json_decref(served_json(*state, "/api/v1/edges?process=b1", 400));
	json_decref(served_json(*state, "/api/v1/edges?cursor=b1", 400));
	free(c);
}

static void test_hops_given_chains_when_asked_then_by_time_with_what_came_before(void **state)
{
	struct scene *c = calloc(1, sizeof(*c));
	json_t *doc, *hop;

	assert_non_null(c);
	scene_begin(c, *state);
	two_clients(c);
	send_all(c);
	doc = served_json(*state, "/api/v1/hops?from=00000000000000a1", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "hops")), 2);
	hop = json_array_get(json_object_get(doc, "hops"), 1);
	assert_int_equal(number_at(hop, "hop"), 2);
	assert_string_equal(text_at(hop, "after"), "00000000000000b2");
	assert_string_equal(text_at(hop, "edge.accepted.process"), "postgres");
	json_decref(doc);
	doc = served_json(*state, "/api/v1/hops?from=a", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "hops")), 4);
	json_decref(doc);
	json_decref(served_json(*state, "/api/v1/hops?from=nobody", 404));
	json_decref(served_json(*state, "/api/v1/hops", 400));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_tree_given_two_clients_at_once_when_over_hosts_then_each_has_its_own),
		SERVED(test_tree_given_a_far_process_when_over_hosts_then_its_ancestors_are),
		SERVED(test_tree_given_a_proxy_when_over_hosts_then_its_way_on_is_followed),
		SERVED(test_tree_given_a_circle_when_over_hosts_then_told_once),
		SERVED(test_tree_given_lost_evidence_when_over_hosts_then_the_break_says_why),
		SERVED(test_tree_given_wrong_hosts_when_asked_then_400),
		SERVED(test_edges_given_flows_when_listed_then_pages_and_filters),
		SERVED(test_hops_given_chains_when_asked_then_by_time_with_what_came_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
