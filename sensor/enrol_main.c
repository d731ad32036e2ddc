/* SPDX-License-Identifier: Apache-2.0 */
/* The command rtsec-sensor enroll. */
#include <sys/stat.h>

#include "lib/config.h"
#include "lib/file.h"
#include "lib/timestamp.h"
#include "sensor/enrol.h"
#include "sensor/node.h"

enum { EXIT_USAGE = 2, EXIT_RUNTIME = 3, TOKEN_BYTES = 512 };

struct settings {
	struct config_common common;
	const char *collector, *token, *token_file, *state_dir, *node_id;
};

#define S(name_, value_, member_, fallback_, help_)                                    \
	{                                                                              \
		.name = (name_), .type = CONFIG_TEXT, .value = (value_),               \
		.offset = offsetof(struct settings, member_), .fallback = (fallback_), \
		.help = (help_)                                                        \
	}
static const struct config_setting rows[] = {
	S("collector", "URL", collector, NULL, "the collector's API, such as https://HOST:8443"),
	S("token", "TOKEN", token, NULL,
	  "join token; better by --token-file, or in RTSEC_JOIN_TOKEN: others see a command line"),
	S("token-file", "FILE", token_file, NULL, "file that holds it; - is standard input"),
	S("state", "DIR", state_dir, "/var/lib/rtsec/sensor", "the sensor's state folder"),
	S("node-id", "ID", node_id, NULL, "name of this node (from /etc/machine-id)"),
};
#undef S

static const struct config_table table = {
	.settings = rows,
	.n = ARRAY_SIZE(rows),
	.size = sizeof(struct settings),
	.common = offsetof(struct settings, common),
};

static void help(void)
{
	AUTO_BUF struct buf text = { 0 };

	config_help(&table, &text);
	printf("usage: rtsec-sensor enroll --collector URL --token-file FILE\n"
	       "Makes a key for this node and gets a certificate for it.  The token is made by\n"
	       "rtsecctl node token create; it is good once.\n\n%.*s",
	       (int)text.n, text.n ? (const char *)text.data : "");
}

static int complain(const struct diag *d, int code)
{
	fprintf(stderr, "rtsec-sensor: %s\n", d->text);
	return code;
}

/* Out of the argument vector, which every user of the machine may read. */
static void move_token(const char *token, char to[TOKEN_BYTES])
{
	union {
		const char *in;
		char *out;
	} argument = { .in = token };

	snprintf(to, TOKEN_BYTES, "%s", token);
	memset(argument.out, 'x', strlen(token));
}

static int find_token(const struct settings *s, char to[TOKEN_BYTES], struct diag *d)
{
	const char *env = getenv("RTSEC_JOIN_TOKEN");
	bool from_stdin = s->token_file && strcmp(s->token_file, "-") == 0;
	int r = 0;

	to[0] = '\0';
	if (s->token)
		move_token(s->token, to);
	else if (s->token_file)
		r = file_read(from_stdin ? "/dev/stdin" : s->token_file, to, TOKEN_BYTES, NULL, d);
	else if (env)
		snprintf(to, TOKEN_BYTES, "%s", env);
	to[strcspn(to, " \r\n")] = '\0';
	if (r == 0 && !to[0])
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"no join token: give --token-file FILE or set RTSEC_JOIN_TOKEN");
	return r;
}

static int enrol(const struct settings *s, struct diag *d)
{
	char text[TOKEN_BYTES];
	struct enrol_token token;
	struct node node;
	int r = find_token(s, text, d);

	if (r == 0)
		r = enrol_token_parse(&token, text, d);
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		return r;
	if (mkdir(s->state_dir, 0700) < 0 && errno != EEXIST)
		return diag_set(d, err_origin(-errno), 0, 0, "cannot make the folder %s: %s",
				s->state_dir, strerror(errno));
	r = node_read(&node, s->node_id, NULL, s->state_dir, d);
	if (r == 0)
		r = enrol_join(s->collector, &token, node.id, s->state_dir, d);
	explicit_bzero(&token, sizeof(token));
	return r;
}

static int tell(const struct settings *s)
{
	char until[TIMESTAMP_TEXT_BYTES];
	struct identity i;
	struct diag d = { 0 };

	if (identity_load(&i, s->state_dir, &d) < 0)
		return complain(&d, EXIT_RUNTIME);
	printf("enrolled: node %s, certificate %s good until %.10s, events go to %s\n",
	       i.cert.node_id, i.cert.serial, timestamp_format(i.cert.until_ns, until), i.events);
	identity_done(&i);
	return EXIT_SUCCESS;
}

int enrol_main(int argc, char *const *argv)
{
	AUTO(config) *config = NULL;
	struct settings s;
	struct diag d = { 0 };
	int r = config_read(&config, &table, &s, argc, argv, &d);

	if (r < 0)
		return complain(&d, EXIT_USAGE);
	if (s.common.help) {
		help();
		return EXIT_SUCCESS;
	}
	if (!s.collector) {
		diag_set(&d, 0, 0, 0, "enroll needs --collector URL; see --help");
		return complain(&d, EXIT_USAGE);
	}
	r = enrol(&s, &d);
	if (r == 0)
		return tell(&s);
	if (!d.text[0])
		diag_set(&d, r, 0, 0, "%s", strerror(-r));
	return complain(&d, r == -EINVAL ? EXIT_USAGE : EXIT_RUNTIME);
}
