/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/command.h"

#include <pwd.h>

#include "collector/day.h"
#include "collector/folder.h"
#include "collector/import.h"
#include "collector/maindb.h"
#include "lib/log.h"
#include "lib/timestamp.h"

int command_failed(const struct diag *d, int r)
{
	char text[1024], quoted[1200];

	if (d->text[0])
		diag_format(d, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", strerror(-r));
	log_error("collector.failed", "reason=%s",
		  log_value(text, strlen(text), quoted, sizeof(quoted)));
	return d->line ? EXIT_USAGE : EXIT_FAILURE;
}

int command_usage(const char *text)
{
	fprintf(stderr, "rtsec-collector: %s\n", text);
	return EXIT_USAGE;
}

/* What is changed here, past the API, stands in the audit log, too. */
static int note(struct maindb *m, const char *command, const char *detail)
{
	const struct passwd *user = getpwuid(getuid());
	char actor[MAINDB_NAME_BYTES + 1];
	const struct audit a = { .time_ns = timestamp_now(),
				 .actor = actor,
				 .address = "local",
				 .action = command,
				 .detail = detail,
				 .status = 200,
				 .class = AUDIT_CHANGE };

	if (user)
		snprintf(actor, sizeof(actor), "%s", user->pw_name);
	else
		snprintf(actor, sizeof(actor), "uid %u", (unsigned)getuid());
	return maindb_audit_add(m, &a);
}

static int open_main(struct maindb **ret, const struct options *o, struct diag *d)
{
	int r = folder_as_owner(o->dir, d);

	return r == 0 ? maindb_open(ret, o->dir, d) : r;
}

int command_token_create(const struct options *o)
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	enum role role;
	char token[MAINDB_TOKEN_CHARS + 1], detail[MAINDB_NAME_BYTES + 64];
	int r;

	if (!o->name || !o->role || !role_parse(o->role, &role)) {
		fprintf(stderr, "rtsec-collector: token create needs --name NAME and --role "
				"viewer|analyst|operator|admin\n");
		return EXIT_USAGE;
	}
	r = open_main(&m, o, &d);
	if (r == 0)
		r = maindb_token_create(m, o->name, role, token);
	snprintf(detail, sizeof(detail), "name=%s role=%s", o->name, o->role);
	if (r == 0)
		r = note(m, "token create", detail);
	if (r < 0)
		return command_failed(&d, r);
	return puts(token) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* hold DAY and release DAY. */
static int change_hold(const struct options *o, int (*change)(struct maindb *m, uint32_t day))
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	char name[DAY_PATH_BYTES];
	uint32_t day;
	int r;

	snprintf(name, sizeof(name), "events-%s.db", o->words[1]);
	if (!day_parse_name(name, &day))
		return command_usage("a day is written as 2026-11-22");
	r = open_main(&m, o, &d);
	if (r == 0)
		r = change(m, day);
	if (r == 0)
		r = note(m, o->words[0], o->words[1]);
	if (r == MAINDB_E_NOT_HELD)
		fprintf(stderr, "rtsec-collector: %s is not on hold\n", o->words[1]);
	return r < 0 ? command_failed(&d, r) : r;
}

int command_hold(const struct options *o)
{
	return change_hold(o, maindb_hold);
}

int command_release(const struct options *o)
{
	return change_hold(o, maindb_release);
}

static int print_hold(uint32_t day, void *arg)
{
	char path[DAY_PATH_BYTES];

	(void)arg;
	day_path("", day, "", path);
	return printf("%.10s\n", path + strlen("/events-")) < 0 ? -EIO : 0;
}

int command_holds(const struct options *o)
{
	AUTO(maindb) *m = NULL;
	struct diag d = { 0 };
	int r = open_main(&m, o, &d);

	if (r == 0)
		r = maindb_holds(m, print_hold, NULL);
	return r < 0 || fflush(stdout) != 0 ? command_failed(&d, r) : EXIT_SUCCESS;
}

/* import FILE: while no collector runs on the folder. */
int command_import(const struct options *o)
{
	AUTO(store) *store = NULL;
	AUTO(maindb) *m = NULL;
	struct import_result got = { 0 };
	struct diag d = { 0 };
	FILE *f = strcmp(o->words[1], "-") == 0 ? stdin : fopen(o->words[1], "re");
	int r;

	if (!f) {
		fprintf(stderr, "rtsec-collector: cannot read %s: %s\n", o->words[1],
			strerror(errno));
		return EXIT_FAILURE;
	}
	r = folder_as_owner(o->dir, &d);
	if (r == 0)
		r = folder_take(o->dir, &d);
	if (r == 0)
		r = maindb_open(&m, o->dir, &d);
	if (r == 0)
		r = store_open(&store, o->dir, &d);
	if (r == 0)
		r = note(m, "import", o->words[1]); /* first: it may be killed in the middle */
	if (r == 0)
		r = import_file(store, f, &got, &d);
	if (f != stdin)
		fclose(f);
	printf("%llu batches with %llu events stored, %llu events were there, %llu batches "
	       "refused\n",
	       (unsigned long long)got.batches, (unsigned long long)got.events,
	       (unsigned long long)got.there, (unsigned long long)got.refused);
	if (r < 0 || fflush(stdout) != 0)
		return command_failed(&d, r);
	return got.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
