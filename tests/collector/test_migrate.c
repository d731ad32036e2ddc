/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/collector/fixture.h"

#include <dirent.h>
#include <mbedtls/md.h>

#include "collector/migrate.h"

/* Released files are never edited: a changed sum here means write the next number instead. */
static const struct {
	const char *name, *sha256;
} released[] = {
	{ "events/0001_blocks.sql",
	  "0e3a1fc389bee7d44f1423f940cf228e35a1e1b29338588a15bf88ba324d629b" },
	{ "events/0002_merged.sql",
	  "e14ae34af44f73f03b7df2d7e98e47ae760cc70c52da1b64e5d5b78f9f914fa8" },
	{ "events/0003_quarantine.sql",
	  "1d72cd9ba1b30abb1fb8508f644f33e04284543b90475031a15cb3fb1f0ef755" },
	{ "facts/0001_facts.sql",
	  "9cb34fe93a945b96a81b031a915e72de0d69e992f920a51d0a233ebc9ac0b34b" },
	{ "flows/0001_flows.sql",
	  "1d275795f7ac33b6b5ee9aa5a899597db8e26b5a784bda98eb265f68813d4859" },
	{ "flows/0002_clock.sql",
	  "e4984170a1ea4d532e13d3e33d76206d10c00119299d6194d1f0983ca0fd1e93" },
	{ "flows/0003_nat.sql",
	  "26fbd71823205bdc9d66dc9636d54bd2b8f8cb7898d084446d134df10c888fbd" },
	{ "main/0001_nodes.sql",
	  "f462111e94a093bc27c41ec679b75e8e14e00f58b2220c5e19d9e4ccde7f73e5" },
	{ "main/0002_days.sql",
	  "9078b1c22a1ca4a5f6f6f3ebd4dc499c4876d6b5290dbded9f8018f34bdcc068" },
	{ "main/0003_access.sql",
	  "ea2c8f584a10857f759a9e1c11687655a2302154e9287b7d807560815ff6d629" },
	{ "main/0004_rules.sql",
	  "06a50102633fb538770c7178817345a4b2b070f9877fd06c4feb70c396e5f058" },
	{ "main/0005_alerts.sql",
	  "88c25742845ae567e0c5604ade11de28ef5997f4c6e5ecaa0e1ca35a4647143c" },
	{ "main/0006_outputs.sql",
	  "e3fffcb583d5f5f9a4f8ba5a03f19c29a478e777ebc31bfaf9a4c0135a331f82" },
	{ "main/0007_rules.sql",
	  "29e9015228a1b0b064ec4ca540a1636ad4e98f43bb4b41d8019f3f045de95d6a" },
	{ "main/0008_retention.sql",
	  "b4d12a4d554f4fcd07d67005de6bc25dcc8e334ed5b22cef0f2f6c868b176a27" },
	{ "main/0009_audit.sql",
	  "c1596074841e5f7097065834ea346b9a2539e7f5e7f33ab47a2a38642e7c16f3" },
	{ "main/0010_alarms.sql",
	  "31651d53e236806a7cef8bcc86640c82e4a6df5afc861c3972b9fd1512984c94" },
};

struct fix {
	char dir[128], path[160];
	sqlite3 *db;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_folder(f->dir);
	snprintf(f->path, sizeof(f->path), "%s/x.db", f->dir);
	assert_int_equal(sql_open(&f->db, f->path, SQL_WRITE, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	sql_close(f->db);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static int64_t ask(struct fix *f, const char *text)
{
	sqlite3_stmt *s = NULL;
	int64_t v;

	assert_int_equal(sql_prepare(f->db, &text, 1, &s), 0);
	assert_int_equal(sql_step(s), SQL_E_ROW);
	v = sqlite3_column_int64(s, 0);
	sql_finalize(&s, 1);
	return v;
}

static void sum_file(const char *name, char ret[65])
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	char path[512];
	uint8_t sum[32];

	snprintf(path, sizeof(path), "%s/migrations/%s", TEST_SOURCE_DIR, name);
	assert_int_equal(mbedtls_md_file(info, path, sum), 0);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

static void test_migrate_given_released_files_when_summed_then_none_was_edited(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(released); i++) {
		char sum[65];

		sum_file(released[i].name, sum);
		assert_string_equal(sum, released[i].sha256);
	}
}

static size_t count_files(const char *sub)
{
	char path[512];
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/migrations/%s", TEST_SOURCE_DIR, sub);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_migrate_given_folder_when_counted_then_each_file_is_embedded_and_summed(
	void **state)
{
	(void)state;
	assert_int_equal(count_files("events"), migrations_events.n);
	assert_int_equal(count_files("main"), migrations_main.n);
	assert_int_equal(count_files("flows"), migrations_flows.n);
	assert_int_equal(count_files("facts"), migrations_facts.n);
	assert_int_equal(migrations_events.n + migrations_main.n + migrations_flows.n +
				 migrations_facts.n,
			 ARRAY_SIZE(released));
}

static void test_migrate_given_empty_file_when_applied_then_version_counts_up_once(void **state)
{
	struct fix *f = *state;
	struct diag d = { 0 };

	assert_int_equal(migrate_apply(f->db, &migrations_events, f->path, &d), 0);
	assert_int_equal(ask(f, "PRAGMA user_version"), migrations_events.n);
	assert_int_equal(migrate_apply(f->db, &migrations_events, f->path, &d), 0);
	assert_int_equal(ask(f, "SELECT count(*) FROM day"), 1);
}

static void test_migrate_given_newer_file_when_applied_then_refused_and_untouched(void **state)
{
	struct fix *f = *state;
	struct diag d = { 0 };

	assert_int_equal(sql_exec(f->db, "PRAGMA user_version = 1000"), 0);
	assert_int_equal(migrate_apply(f->db, &migrations_main, f->path, &d), -EEXIST);
	assert_string_equal(d.file, f->path);
	assert_non_null(strstr(d.text, "newer"));
	assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_master"), 0);
}

static void test_migrate_given_version_below_zero_when_applied_then_refused_as_damaged(void **state)
{
	struct fix *f = *state;
	struct diag d = { 0 };

	assert_int_equal(sql_exec(f->db, "PRAGMA user_version = -7"), 0);
	assert_int_equal(migrate_apply(f->db, &migrations_main, f->path, &d), -EBADMSG);
	assert_non_null(strstr(d.text, "damaged"));
	assert_string_equal(d.file, f->path);
}

static void test_migrate_given_failing_step_when_applied_then_earlier_ones_stay(void **state)
{
	static const struct migration list[] = {
		{ "x/0001_good.sql", (const unsigned char *)"CREATE TABLE a (x);" },
		{ "x/0002_bad.sql",
		  (const unsigned char *)"CREATE TABLE b (x); CREATE TABLE a (x);" },
	};
	static const struct migrations bad = { list, ARRAY_SIZE(list) };
	struct fix *f = *state;
	struct diag d = { 0 };

	assert_true(migrate_apply(f->db, &bad, f->path, &d) < 0);
	assert_non_null(strstr(d.text, "x/0002_bad.sql"));
	assert_int_equal(ask(f, "PRAGMA user_version"), 1);
	assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_master"), 1);
	assert_int_equal(sqlite3_get_autocommit(f->db), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_migrate_given_released_files_when_summed_then_none_was_edited),
		T(test_migrate_given_folder_when_counted_then_each_file_is_embedded_and_summed),
		T(test_migrate_given_empty_file_when_applied_then_version_counts_up_once),
		T(test_migrate_given_newer_file_when_applied_then_refused_and_untouched),
		T(test_migrate_given_version_below_zero_when_applied_then_refused_as_damaged),
		T(test_migrate_given_failing_step_when_applied_then_earlier_ones_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
