/* SPDX-License-Identifier: Apache-2.0 */
/* tree, timeline and flow against a collector of canned answers. */
#include "tests/ctl/fake.h"

#include "ctl/lookup.h"

#define P(id, parent, depth, name, pid, more)                                                 \
	"{\"entity_id\":\"" id "\",\"parent_entity_id\":" parent ",\"depth\":" depth          \
	",\"process\":{\"pid\":" pid ",\"name\":\"" name "\",\"args\":[\"" name "\",\"-x\"]," \
	"\"user\":{\"id\":0,\"name\":\"eve\"}}" more "}"
#define ROWS                                                                                      \
	P("a1", "null", "-1", "init", "1", "")                                                    \
	"," P("a2", "\"a1\"", "0", "bash", "2", ",\"events\":{\"file\":3,\"network\":0}") "," P(  \
		"a3", "\"a2\"", "1", "ls", "3",                                                   \
		",\"end\":\"x\",\"exit_code\":4") "," P("a4", "\"a3\"", "2", "deep", "4",         \
							",\"events\":{\"file\":2,"                \
							"\"network\":1}") "," P("a5", "\"a2\"",   \
										"1", "n\\u001bc", \
										"5",              \
										",\"exit_"        \
										"signal\":"       \
										"\"SIGKILL"       \
										"\"")
#define TREE(truncated) \
	"{\"entity_id\":\"a2\",\"processes\":[" ROWS "],\"truncated\":" truncated "}\n"

static void test_tree_given_family_when_shown_then_lines_of_ascii_or_unicode(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, TREE("false"), 0 },
						      { 200, NULL, TREE("true"), 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("tree", "a2", "-o", "table", "--depth", "3"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "init[1]  eve  init -x\n"
				   "`- bash[2]  eve  (3 file)  bash -x\n"
				   "   |- ls[3]  eve  exit 4  ls -x\n"
				   "   |  `- deep[4]  eve  (1 network, 2 file)  deep -x\n"
				   "   `- n\\x1bc[5]  eve  killed by SIGKILL  n\\x1bc -x\n");
	assert_has(f.requests[0], "GET /api/v1/processes/a2/tree?depth=3 HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port, .tty = true, .width = 20 },
		ARGS("tree", "a2"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out, "init[1]  eve  init -\n"
				   "└─ bash[2]  eve  (3 \n"
				   "   ├─ ls[3]  eve  ex\n"
				   "   │  └─ deep[4]  ev\n"
				   "   └─ n\\x1bc[5]  eve\n");
	assert_has(r.err, "there are more processes");
	end(&f, &r);
}

static void test_tree_given_other_forms_when_shown_then_as_sent(void **state)
{
	static const struct fake_answer answers[] = { { 200, NULL, TREE("false"), 0 },
						      { 200, NULL, TREE("false"), 0 },
						      { 200, NULL, TREE("false"), 0 } };
	struct fake f;
	struct run r = ask(&f, answers, 3, ARGS("tree", "a2", "-o", "json"));

	(void)state;
	assert_string_equal(r.out, TREE("false"));
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("tree", "a2"));
	assert_has(r.out, P("a1", "null", "-1", "init", "1", "") "\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("tree", "a2", "-o", "csv"));
	assert_has(r.out, "depth,entity_id,parent_entity_id,process.pid,");
	assert_has(r.out, "\n1,a3,a2,3,ls,");
	end(&f, &r);
}

static void test_tree_given_query_when_asked_then_of_the_newest_hit(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[{\"process\":{\"entity_id\":\"a2\"}}]}", 0 },
		{ 200, NULL, TREE("false"), 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 3, ARGS("tree", "--query", "nc", "--since", "-1h"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(f.requests[0], "/api/v1/search?q=nc&since=-1h&limit=1&fields=process.entity_id");
	assert_has(f.requests[1], "GET /api/v1/processes/a2/tree HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("tree", "--query", "nc"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(r.err, "no event matches");
	end(&f, &r);
}

static void test_tree_given_unknown_or_wrong_when_asked_then_exit_code_tells(void **state)
{
	static const struct fake_answer answers[] = {
		{ 404, NULL,
		  "{\"detail\":\"nothing is stored of this process\",\"parameter\":\"entity_id\"}",
		  0 },
		{ 404, NULL, "{\"detail\":\"there is nothing at this path\"}", 0 },
		{ 400, NULL, "{\"detail\":\"16 digits\",\"parameter\":\"entity_id\"}", 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	static const int codes[] = { EXIT_NONE, EXIT_SERVER, EXIT_USAGE, EXIT_SERVER };
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		r = run((struct run_setting){ .port = f.port }, ARGS("tree", "a2"));
		assert_int_equal(r.code, codes[i]);
		assert_true(strlen(r.err) > 0);
		assert_string_equal(r.out, "");
		run_done(&r);
	}
	r = run((struct run_setting){ .port = f.port }, ARGS("tree"));
	assert_int_equal(r.code, EXIT_USAGE);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("tree", "a2", "--query", "x"));
	assert_int_equal(r.code, EXIT_USAGE);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("timeline"));
	assert_int_equal(r.code, EXIT_USAGE);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("flow"));
	assert_int_equal(r.code, EXIT_USAGE);
	end(&f, &r);
}

static void test_timeline_given_pages_when_asked_then_all_and_in_order(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[{\"n\":1}],\"cursor\":\"c1\",\"truncated\":false}", 0 },
		{ 200, NULL, "{\"hits\":[{\"n\":2}],\"cursor\":null,\"truncated\":false}", 0 },
	};
	struct fake f;
	struct run r = ask(
		&f, answers, 2,
		ARGS("timeline", "a2", "--descendants", "-q", "file where true", "--limit", "5"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "{\"n\":1}\n{\"n\":2}\n");
	assert_has(f.requests[0], "GET /api/v1/processes/a2/timeline?q=file%20where%20true&limit=5&"
				  "descendants=true HTTP/1.1\r\n");
	assert_has(f.requests[1], "limit=4&cursor=c1&descendants=true");
	end(&f, &r);
}

static void test_flow_given_community_id_when_asked_then_it_is_encoded(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, "{\"hits\":[],\"cursor\":null,\"truncated\":false}", 0 },
		{ 200, NULL, "{\"hits\":[{}],\"cursor\":null,\"truncated\":true}", 0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2, ARGS("flow", "1:a/b+c="));

	(void)state;
	assert_int_equal(r.code, EXIT_NONE);
	assert_has(f.requests[0], "GET /api/v1/flows/1%3Aa%2Fb%2Bc%3D?limit=1000 HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("flow", "x", "--all"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	end(&f, &r);
}

#define HITS                                                                               \
	"{\"interval_ms\":1000,\"buckets\":[{\"from\":\"2026-11-22T21:44:19.000000000Z\"," \
	"\"count\":8},"                                                                    \
	"{\"from\":\"2026-11-22T21:44:20.000000000Z\",\"count\":0},"                       \
	"{\"from\":\"2026-11-22T21:44:21.000000000Z\",\"count\":1}],\"total\":9,\"gaps\":[]}"

static void test_histogram_given_buckets_when_shown_then_bars_or_rows(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL, HITS, 0 },
		{ 200, NULL, HITS, 0 },
		{ 200, NULL, "{\"interval_ms\":1,\"buckets\":[],\"total\":0}", 0 },
		{ 200, NULL, "{\"hits\":[]}", 0 },
	};
	struct fake f;
	struct run r;

	(void)state;
	fake_start(&f, answers, ARRAY_SIZE(answers));
	r = run((struct run_setting){ .port = f.port, .tty = true, .width = 52 },
		ARGS("query", "a", "--histogram", "--since", "-1h"));
	assert_int_equal(r.code, EXIT_HITS);
	assert_string_equal(r.out, "2026-11-22T21:44:19.000Z          8  ████████████\n"
				   "2026-11-22T21:44:20.000Z          0  \n"
				   "2026-11-22T21:44:21.000Z          1  █▌\n");
	assert_has(f.requests[0], "GET /api/v1/hits?q=a&since=-1h&buckets=40&progress=true HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "--histogram"));
	assert_has(r.out, "{\"from\":\"2026-11-22T21:44:20.000000000Z\",\"count\":0}\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "--histogram", "-o", "json"));
	assert_int_equal(r.code, EXIT_NONE);
	assert_string_equal(r.out, "{\"buckets\":[],\"total\":0,\"interval_ms\":1}\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "--histogram"));
	assert_int_equal(r.code, EXIT_SERVER);
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("query", "--histogram", "--count"));
	assert_int_equal(r.code, EXIT_USAGE);
	end(&f, &r);
}

/* ---- over hosts ---- */

#define EDGE(more)                                                                               \
	"{\"time\":\"2026-11-22T21:44:19Z\",\"skew_ns\":-41000000,\"confidence\":80,"            \
	"\"source\":{\"ip\":\"10.0.0.1\",\"port\":40000},"                                       \
	"\"destination\":{\"ip\":\"fd00::2\",\"port\":80},\"connected\":{\"node\":{\"id\":"      \
	"\"a\",\"name\":\"a\\u001b\"},\"entity_id\":\"a1\",\"process\":\"curl\",\"pid\":7}" more \
	"}"
#define ACCEPTED \
	",\"accepted\":{\"node\":{\"id\":\"b\",\"name\":\"b\"},\"process\":\"httpd\",\"pid\":9}"
#define MISSING                                                                                \
	",\"accepted\":null,\"missing\":{\"reason\":\"evidence_lost\",\"node\":{\"id\":\"b\"," \
	"\"name\":\"b\"},\"from\":\"F\",\"to\":\"T\",\"cause\":\"stopped\"}"

static void test_tree_given_across_when_shown_then_nodes_doubts_and_breaks(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"processes\":[" P("a1", "null", "0", "curl", "7", "") "," P(
			  "b1", "null", "1", "httpd", "9",
			  ",\"host\":{\"name\":\"b\"},\"confidence\":80,\"edges\":2,\"via\":[" EDGE(
				  ACCEPTED) "]") "," P("a1", "null", "2", "curl", "7",
						       ",\"again\":true") "],"
									  "\"breaks\":[" EDGE(
										  MISSING) "],"
											   "\"trunc"
											   "ated\":"
											   "false}",
		  0 },
	};
	struct fake f;
	struct run r =
		ask(&f, answers, 1, ARGS("tree", "a1", "--across", "--hops", "3", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_string_equal(r.out,
			    "curl[7]  eve  curl -x\n"
			    "`- => b :80 (2 connections)  httpd[9]  80 % sure  eve  httpd -x\n"
			    "   `- curl[7]  (told above)  eve  curl -x\n");
	assert_has(r.err, "broken off: curl: 10.0.0.1 -> fd00::2:80: evidence_lost of b, stopped, "
			  "from F to T");
	assert_has(f.requests[0], "GET /api/v1/processes/a1/tree?hosts=all&hops=3 HTTP/1.1\r\n");
	end(&f, &r);
}

static void test_edges_given_list_when_shown_then_ends_and_reasons(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"edges\":[" EDGE(ACCEPTED) "," EDGE(MISSING) "],\"truncated\":true}", 0 },
		{ 200, NULL, "{\"edges\":[],\"truncated\":false}", 0 },
	};
	struct fake f;
	struct run r =
		ask(&f, answers, 2,
		    ARGS("edges", "-o", "table", "--state", "all", "--limit", "2", "--node", "b"));

	(void)state;
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(r.out, "a\\x1b: curl[7]");
	assert_has(r.out, "b: httpd[9]");
	assert_has(r.out, "[fd00::2]:80");
	assert_has(r.out, "80 %");
	assert_has(r.out, "(fd00::2)");
	assert_has(r.out, "evidence_lost of b (stopped)");
	assert_has(f.requests[0], "GET /api/v1/edges?state=all&node=b&limit=2 HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("edges"));
	assert_int_equal(r.code, EXIT_NONE);
	end(&f, &r);
}

static void test_hops_given_chain_when_shown_then_steps_with_skew(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"hops\":[{\"hop\":1,\"after\":\"a1\",\"confidence\":80,\"edge\":" EDGE(
			  ACCEPTED) "}],\"truncated\":false}",
		  0 },
	};
	struct fake f;
	struct run r =
		ask(&f, answers, 1, ARGS("hops", "--from", "a", "-o", "table", "--hops", "2"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "-41.0 ms");
	assert_has(r.out, "b: httpd[9]");
	assert_has(f.requests[0], "GET /api/v1/hops?from=a&hops=2 HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port }, ARGS("hops"));
	assert_int_equal(r.code, EXIT_USAGE);
	assert_has(r.err, "--from");
	end(&f, &r);
}

static void test_rare_given_facts_when_shown_then_counts_and_nodes(void **state)
{
	static const struct fake_answer answers[] = {
		{ 200, NULL,
		  "{\"facts\":[{\"kind\":\"domain\",\"value\":\"evil\\u001b.example\",\"nodes\":2,"
		  "\"count\":7,\"seen_on\":[{\"name\":\"a\"},{\"name\":\"b\"}]}],\"truncated\":"
		  "false}",
		  0 },
		{ 200, NULL,
		  "{\"facts\":[{\"value\":\"abc\",\"nodes\":3,\"count\":3,\"window_ms\":1500}],"
		  "\"truncated\":true}",
		  0 },
	};
	struct fake f;
	struct run r = ask(&f, answers, 2,
			   ARGS("rare", "--kind", "domain", "--max-nodes", "2", "-o", "table"));

	(void)state;
	assert_int_equal(r.code, EXIT_HITS);
	assert_has(r.out, "evil\\x1b.example");
	assert_has(r.out, "a, b");
	assert_has(f.requests[0], "GET /api/v1/prevalence?kind=domain&max_nodes=2 HTTP/1.1\r\n");
	run_done(&r);
	r = run((struct run_setting){ .port = f.port },
		ARGS("spread", "--kind", "hash", "--nodes", "3", "--within", "10m", "-o", "table"));
	assert_int_equal(r.code, EXIT_PARTIAL);
	assert_has(r.out, "1.5 s");
	assert_has(f.requests[1], "GET /api/v1/spread?kind=hash&nodes=3&within=10m HTTP/1.1\r\n");
	end(&f, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_given_across_when_shown_then_nodes_doubts_and_breaks),
		cmocka_unit_test(test_edges_given_list_when_shown_then_ends_and_reasons),
		cmocka_unit_test(test_hops_given_chain_when_shown_then_steps_with_skew),
		cmocka_unit_test(test_rare_given_facts_when_shown_then_counts_and_nodes),
		cmocka_unit_test(test_tree_given_family_when_shown_then_lines_of_ascii_or_unicode),
		cmocka_unit_test(test_tree_given_other_forms_when_shown_then_as_sent),
		cmocka_unit_test(test_tree_given_query_when_asked_then_of_the_newest_hit),
		cmocka_unit_test(test_tree_given_unknown_or_wrong_when_asked_then_exit_code_tells),
		cmocka_unit_test(test_timeline_given_pages_when_asked_then_all_and_in_order),
		cmocka_unit_test(test_flow_given_community_id_when_asked_then_it_is_encoded),
		cmocka_unit_test(test_histogram_given_buckets_when_shown_then_bars_or_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
