/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <jansson.h>

#include "collector/document.h"
#include "lib/batch.h"

struct world {
	struct batch *batch;
	struct block *block;
	struct frame_codec *codec;
};

static const struct batch_origin origin = {
	.node_id = "n\"1",
	.node_name = "alpha",
	.boot_id = { 0xde, 0xad },
	.architecture = "x86_64",
	.os_kernel = "6.18",
	.agent_version = "0.1",
};

/* /bin/true run with three arguments by bash, and a failed open by a process without a parent. */
static void add_events(struct batch *b)
{
	uint32_t args[4], parent = batch_process_add(b, 0xab, 0), child;

	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("bash"));
	batch_set_str(b, KIND_NONE, FIELD_EXECUTABLE, TEXT("/usr/bin/bash"));
	batch_set_str(b, KIND_NONE, FIELD_CONTAINER_NAME, TEXT("app"));
	batch_set_str(b, KIND_NONE, FIELD_ORCHESTRATOR, TEXT("kubernetes"));
	child = batch_process_add(b, 0x22, 1);
	batch_set_row(b, KIND_NONE, FIELD_PARENT, parent);
	batch_set_str(b, KIND_NONE, FIELD_NAME, TEXT("true"));
	batch_set_str(b, KIND_NONE, FIELD_CONTAINER_NAME, TEXT("alone"));
	batch_set(b, KIND_NONE, FIELD_PID, 77);
	batch_set(b, KIND_NONE, FIELD_USER_ID, 0);
	batch_set_str(b, KIND_NONE, FIELD_USER_NAME, TEXT("root"));
	batch_set(b, KIND_NONE, FIELD_START, UINT64_C(1795383859123456789));
	args[0] = batch_string(b, TEXT("true"));
	args[1] = batch_string(b, TEXT("a b"));
	args[2] = batch_string(b, TEXT(""));
	args[3] = batch_string(b, TEXT("\xff\n"));
	batch_set_list(b, KIND_NONE, FIELD_ARGS, args, 4);
	batch_event(b, KIND_EXEC, 40, UINT64_C(1795383859123456789));
	batch_set_row(b, KIND_EXEC, FIELD_PROCESS, child);
	batch_event(b, KIND_OPEN, 41, UINT64_C(1795383860000000000));
	batch_set_row(b, KIND_OPEN, FIELD_PROCESS, parent);
	batch_set_str(b, KIND_OPEN, FIELD_FILE_PATH, TEXT("/etc/shadow"));
	batch_set_str(b, KIND_OPEN, FIELD_ERROR_CODE, TEXT("EACCES"));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	AUTO_BUF struct buf frame = { 0 };
	struct diag d = { 0 };

	assert_non_null(w);
	assert_int_equal(batch_new(&w->batch, &origin), 0);
	assert_int_equal(block_new(&w->block), 0);
	assert_int_equal(frame_codec_new(&w->codec), 0);
	add_events(w->batch);
	assert_int_equal(batch_seal(w->batch, w->codec, NULL, 42, 99, &frame), 0);
	assert_int_equal(block_load(w->block, frame.data, frame.n, &d), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	batch_free(w->batch);
	block_free(w->block);
	frame_codec_free(w->codec);
	free(w);
	return 0;
}

static void render(struct world *w, const char *fields, uint32_t table, struct buf *out)
{
	AUTO(document) *d = NULL;
	struct diag diag = { 0 };
	struct json j = json_to(out);

	if (document_new(&d, fields, strlen(fields), &diag) < 0)
		fail_msg("%s", diag.text);
	document_begin(d, w->block, table);
	document_write(d, 0, &j);
	buf_byte(out, 0);
}

static json_t *parse(struct world *w, const char *fields, uint32_t table)
{
	AUTO_BUF struct buf out = { 0 };
	json_error_t e;
	json_t *doc;

	render(w, fields, table, &out);
	doc = json_loads((const char *)out.data, JSON_REJECT_DUPLICATES, &e);
	if (!doc)
		fail_msg("%s in %s", e.text, (const char *)out.data);
	return doc;
}

/* Follows @path, such as "process.args", into @doc; NULL where there is none. */
static json_t *at(json_t *doc, const char *path)
{
	while (doc && *path) {
		size_t n = strcspn(path, ".");
		char part[64];

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		doc = json_object_get(doc, part);
		path += n + (path[n] == '.');
	}
	return doc;
}

static void test_document_given_exec_when_written_then_nested_ecs(void **state)
{
	json_t *doc = parse(*state, "", 0), *args = at(doc, "process.args");

	assert_string_equal(json_string_value(at(doc, "_id")),
			    "n\"1:dead0000-0000-0000-0000-000000000000:40");
	assert_string_equal(json_string_value(at(doc, "@timestamp")),
			    "2026-11-22T21:44:19.123456789Z");
	assert_string_equal(json_string_value(at(doc, "event.action")), "exec");
	assert_string_equal(json_string_value(at(doc, "event.category")), "process");
	assert_int_equal(json_integer_value(at(doc, "event.sequence")), 40);
	assert_string_equal(json_string_value(at(doc, "host.name")), "alpha");
	assert_string_equal(json_string_value(at(doc, "host.boot.id")),
			    "dead0000-0000-0000-0000-000000000000");
	assert_string_equal(json_string_value(at(doc, "process.name")), "true");
	assert_string_equal(json_string_value(at(doc, "process.entity_id")), "0000000000000022");
	assert_string_equal(json_string_value(at(doc, "process.parent.executable")),
			    "/usr/bin/bash");
	assert_string_equal(json_string_value(at(doc, "process.parent.entity_id")),
			    "00000000000000ab");
	assert_int_equal(json_array_size(args), 4);
	assert_string_equal(json_string_value(json_array_get(args, 1)), "a b");
	assert_string_equal(json_string_value(json_array_get(args, 3)), "\xef\xbf\xbd\n");
	assert_int_equal(json_integer_value(at(doc, "process.args_count")), 4);
	assert_string_equal(json_string_value(at(doc, "process.user.name")), "root");
	assert_string_equal(json_string_value(at(doc, "user.name")), "root");
	assert_true(json_is_integer(at(doc, "user.id")));
	assert_int_equal(json_integer_value(at(doc, "user.id")), 0);
	json_decref(doc);
}

static void test_document_given_nulls_when_written_then_left_out(void **state)
{
	json_t *doc = parse(*state, "", 1);

	assert_string_equal(json_string_value(at(doc, "file.name")), "shadow");
	assert_string_equal(json_string_value(at(doc, "error.code")), "EACCES");
	assert_null(at(doc, "process.parent"));
	assert_null(at(doc, "process.args"));
	assert_null(at(doc, "user"));
	assert_null(at(doc, "Target"));
	assert_null(at(doc, "rtsec"));
	assert_null(at(doc, "node"));
	assert_null(at(doc, "seq"));
	json_decref(doc);
}

static void test_document_given_containers_when_written_then_kubernetes_only_in_pods(void **state)
{
	json_t *alone = parse(*state, "", 0), *in_pod = parse(*state, "", 1);

	assert_string_equal(json_string_value(at(alone, "container.name")), "alone");
	assert_null(at(alone, "kubernetes"));
	assert_string_equal(json_string_value(at(in_pod, "container.name")), "app");
	assert_string_equal(json_string_value(at(in_pod, "kubernetes.container.name")), "app");
	json_decref(alone);
	json_decref(in_pod);
}

static void assert_rendered(struct world *w, const char *fields, const char *expected)
{
	AUTO_BUF struct buf out = { 0 };

	render(w, fields, 0, &out);
	assert_string_equal((const char *)out.data, expected);
}

#define ID "{\"_id\":\"n\\\"1:dead0000-0000-0000-0000-000000000000:40\""

static void test_document_given_fields_when_written_then_only_those(void **state)
{
	struct world *w = *state;

	assert_rendered(w, "process.name, host.name",
			ID ",\"host\":{\"name\":\"alpha\"},\"process\":{\"name\":\"true\"}}");
	assert_rendered(w, "process.parent.name,process.pid,process.parent",
			ID ",\"process\":{\"parent\":{\"entity_id\":\"00000000000000ab\","
			   "\"executable\":\"/usr/bin/bash\",\"name\":\"bash\"},\"pid\":77}}");
	assert_rendered(w, "user.*", ID ",\"user\":{\"id\":0,\"name\":\"root\"}}");
	assert_rendered(w, "node,seq,node", ID ",\"node\":\"alpha\",\"seq\":40}");
	assert_rendered(w, "file.path", ID "}");
}

static void test_document_given_unknown_field_when_made_then_column_told(void **state)
{
	static const struct {
		const char *fields;
		uint32_t column;
	} cases[] = {
		{ "process.name,nope", 14 }, { "process.row", 1 }, { ",", 1 },
		{ "process.name,", 14 },     { "process.", 1 },	   { "rtsec.process.row", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct document *made = NULL;
		struct diag d = { 0 };

		assert_int_equal(document_new(&made, cases[i].fields, strlen(cases[i].fields), &d),
				 -EINVAL);
		assert_null(made);
		assert_int_equal(d.column, cases[i].column);
	}
}

/* A name that is a value and an object at once could not be written. */
static int note_name(struct field_ref ref, void *arg)
{
	struct buf *names = arg;
	char name[64];

	buf_printf(names, "%s\n", field_name(ref, name, sizeof(name)));
	return 0;
}

static void test_document_given_registry_when_nested_then_no_name_is_value_and_object(void **state)
{
	AUTO_BUF struct buf names = { 0 };
	char needle[80];

	(void)state;
	buf_byte(&names, '\n');
	assert_int_equal(field_each(note_name, &names), 0);
	buf_byte(&names, 0);
	for (char *s = (char *)names.data + 1, *end; (end = strchr(s, '\n')); s = end + 1) {
		snprintf(needle, sizeof(needle), "\n%.*s.", (int)(end - s), s);
		if (strstr((char *)names.data, needle))
			fail_msg("%s is a value and an object", needle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_document_given_exec_when_written_then_nested_ecs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_document_given_nulls_when_written_then_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_document_given_containers_when_written_then_kubernetes_only_in_pods,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_document_given_fields_when_written_then_only_those, setup, teardown),
		cmocka_unit_test(test_document_given_unknown_field_when_made_then_column_told),
		cmocka_unit_test(
			test_document_given_registry_when_nested_then_no_name_is_value_and_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
