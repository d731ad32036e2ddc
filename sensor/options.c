/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/options.h"

struct option {
	const char *name;
	const char *value; /* what stands in the help; NULL: a switch */
	int (*parse)(struct options *o, const struct option *option, char *text, struct diag *d);
	size_t offset; /* of what parse_text, parse_size, parse_switch fill */
	const char *fallback; /* default, parsed as if given; NULL: none */
	const char *help;
};

static int bad(const struct option *option, const char *text, const char *expected, struct diag *d)
{
	return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s %s: expected %s", option->name, text,
			expected);
}

static void *field_of(struct options *o, const struct option *option)
{
	return (char *)o + option->offset;
}

static int parse_text(struct options *o, const struct option *option, char *text, struct diag *d)
{
	if (!*text)
		return bad(option, "''", "a value", d);
	*(const char **)field_of(o, option) = text;
	return 0;
}

static int parse_switch(struct options *o, const struct option *option, char *text, struct diag *d)
{
	(void)text;
	(void)d;
	*(bool *)field_of(o, option) = true;
	return 0;
}

int options_size(const char *s, uint64_t *ret)
{
	uint64_t v, unit = 1;
	char *end;

	if (*s < '0' || *s > '9')
		return err_origin(-EINVAL);
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end == 'K' || *end == 'k')
		unit = 1 << 10;
	else if (*end == 'M' || *end == 'm')
		unit = 1 << 20;
	else if (*end == 'G' || *end == 'g')
		unit = 1 << 30;
	if (errno || (unit > 1 ? end[1] : *end) || __builtin_mul_overflow(v, unit, ret))
		return err_origin(-EINVAL);
	return 0;
}

static int parse_size(struct options *o, const struct option *option, char *text, struct diag *d)
{
	if (options_size(text, field_of(o, option)) < 0)
		return bad(option, text, "a number, with K, M or G", d);
	return 0;
}

/* A time in seconds, or with s, m, h or d. */
static int parse_age(struct options *o, const struct option *option, char *text, struct diag *d)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = { 1, 60, 3600, 86400 };
	size_t n = strlen(text);
	const char *unit = n ? strchr(units, text[n - 1]) : NULL;
	uint64_t *ret = field_of(o, option), v;
	char digits[32];

	snprintf(digits, sizeof(digits), "%.*s", (int)MIN(unit ? n - 1 : n, sizeof(digits)), text);
	if (strspn(digits, "0123456789") != strlen(digits) || options_size(digits, &v) < 0 ||
	    v > UINT32_MAX || __builtin_mul_overflow(v, unit ? seconds[unit - units] : 1, ret) ||
	    *ret == 0)
		return bad(option, text, "a time, such as 30m, 12h or 7d", d);
	return 0;
}

static int parse_sync(struct options *o, const struct option *option, char *text, struct diag *d)
{
	static const char *const words[] = {
		[SPOOL_SYNC_NEVER] = "never",
		[SPOOL_SYNC_BATCH] = "batch",
		[SPOOL_SYNC_INTERVAL] = "interval",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			o->spool_sync = (enum spool_sync)i;
			return 0;
		}
	return bad(option, text, "never, batch or interval", d);
}

static int parse_label(struct options *o, const struct option *option, char *text, struct diag *d)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return bad(option, text, "key=value", d);
	if (o->n_labels == LIMIT_LABELS)
		return bad(option, text, "fewer labels", d);
	*equals = 0;
	o->labels[o->n_labels++] = (struct batch_label){ text, equals + 1 };
	return 0;
}

static int parse_pid(struct options *o, const struct option *option, char *text, struct diag *d)
{
	uint64_t pid;

	if (options_size(text, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return bad(option, text, "a process id", d);
	if (o->n_ignored == OPTIONS_IGNORED)
		return bad(option, text, "fewer processes to ignore", d);
	o->ignored[o->n_ignored++] = (uint32_t)pid;
	return 0;
}

static int parse_level(struct options *o, const struct option *option, char *text, struct diag *d)
{
	if (!log_level_parse(text, &o->log_level))
		return bad(option, text, "debug, info, warn or error", d);
	return 0;
}

#define AT(member) offsetof(struct options, member)
static const struct option table[] = {
	{ "collector", "URL", parse_text, AT(collector), "tcp://127.0.0.1:7443",
	  "where events go" },
	{ "state", "DIR", parse_text, AT(state_dir), "/var/lib/rtsec/sensor",
	  "folder of what outlives the sensor; one sensor each" },
	{ "node-id", "ID", parse_text, AT(node_id), NULL,
	  "name of this node, unique in the fleet (from /etc/machine-id)" },
	{ "node-name", "NAME", parse_text, AT(node_name), NULL,
	  "what people call this node (the host name)" },
	{ "label", "KEY=VALUE", parse_label, 0, NULL, "a label of this node; may be repeated" },
	{ "ring-bytes", "N", parse_size, AT(ring_bytes), "4M",
	  "kernel ring of files and sockets; a power of two" },
	{ "priority-ring-bytes", "N", parse_size, AT(priority_ring_bytes), "1M",
	  "kernel ring of processes; a power of two" },
	{ "queue-bytes", "N", parse_size, AT(queue_bytes), "64M",
	  "memory for what the collector has not yet stored" },
	{ "spool-bytes", "N", parse_size, AT(spool_bytes), "1G",
	  "disk for the same while the collector is away; 0: none" },
	{ "spool-age", "TIME", parse_age, AT(spool_age_s), "7d",
	  "how long it is kept there at most" },
	{ "spool-sync", "WHEN", parse_sync, 0, "interval",
	  "fsync of it: never, after each batch, or at an interval of 1 s" },
	{ "processes", "N", parse_size, AT(max_processes), "16384",
	  "size of the process table" },
	{ "linger-ms", "N", parse_size, AT(linger_ms), "100",
	  "how long events are held back to be sent together" },
	{ "only-netns", "PATH", parse_text, AT(only_netns), NULL,
	  "watch one network namespace, such as /run/netns/test" },
	{ "ignore-pid", "PID", parse_pid, 0, NULL,
	  "leave out what this process does; may be repeated" },
	{ "insecure", NULL, parse_switch, AT(insecure), NULL,
	  "send in the clear to an address that is not private" },
	{ "log-level", "LEVEL", parse_level, 0, "info", "debug, info, warn or error" },
	{ "version", NULL, parse_switch, AT(version), NULL, "print the version" },
	{ "help", NULL, parse_switch, AT(help), NULL, "print this text" },
};

static const struct option *find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return &table[i];
	return NULL;
}

static int set_defaults(struct options *o, struct diag *d)
{
	*o = (struct options){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r;

		if (!table[i].fallback)
			continue;
		r = table[i].parse(o, &table[i], (char *)(uintptr_t)table[i].fallback, d);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parses argv[*i], "--name", "--name value" or "--name=value". */
static int parse_one(struct options *o, int argc, char **argv, int *i, struct diag *d)
{
	const struct option *option;
	char *name = argv[*i], *equals = strchr(name, '='), *text;
	size_t n = equals ? (size_t)(equals - name) : strlen(name);

	option = n > 2 && memcmp(name, "--", 2) == 0 ? find(name + 2, n - 2) : NULL;
	if (!option)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"%s is no option (--help lists them)", name);
	text = equals ? equals + 1 : NULL;
	if (option->value && !text)
		text = *i + 1 < argc ? argv[++*i] : NULL;
	if (option->value && !text)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s needs a value: %s",
				option->name, option->value);
	if (!option->value && text)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s takes no value", option->name);
	return option->parse(o, option, text, d);
}

int options_parse(struct options *ret, int argc, char **argv, struct diag *d)
{
	int r = set_defaults(ret, d);

	for (int i = 1; r == 0 && i < argc; i++)
		r = parse_one(ret, argc, argv, &i, d);
	return r;
}

void options_help(FILE *f)
{
	fprintf(f, "usage: rtsec-sensor [OPTIONS]\n"
		   "Streams what processes, files and sockets of this node do to a collector.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct option *o = &table[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(f, "  %-26s %s%s%s%s\n", left, o->help, o->fallback ? " (" : "",
			o->fallback ? o->fallback : "", o->fallback ? ")" : "");
	}
}
