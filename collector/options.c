/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/options.h"

#include <arpa/inet.h>

enum type { TEXT, FLAG, NUMBER, SIZE };

static const struct option {
	const char *name, *argument, *help;
	size_t at; /* of the field in struct options */
	enum type type;
	const char *otherwise;
} table[] = {
#define AT(field) offsetof(struct options, field)
	{ "dir", "DIR", "keep everything in DIR", AT(dir), TEXT, "/var/lib/rtsec/collector" },
	{ "listen", "URL", "take events from sensors on URL", AT(listen), TEXT,
	  "tcp://127.0.0.1:7443" },
	{ "http", "ADDR:PORT", "serve API and web there; port 0: any", AT(http), TEXT,
	  "127.0.0.1:8443" },
	{ "insecure", NULL, "allow addresses that others can reach, unencrypted", AT(insecure), FLAG,
	  NULL },
	{ "keep-days", "N", "remove days older than N days; 0: never", AT(keep_days), NUMBER, "30" },
	{ "keep-bytes", "SIZE", "remove the oldest days above SIZE, such as 200G; 0: no limit",
	  AT(keep_bytes), SIZE, "0" },
	{ "min-free-bytes", "SIZE",
	  "take only priority events with less free disk than SIZE, none with half; auto: 1G or 1 %",
	  AT(min_free_bytes), SIZE, "auto" },
	{ "log-level", "LEVEL", "debug, info, warn or error", AT(log_level), TEXT, "info" },
	{ "name", "NAME", "token create: what the token is for", AT(name), TEXT, NULL },
	{ "role", "ROLE", "token create: viewer, analyst, operator or admin", AT(role), TEXT, NULL },
	{ "help", NULL, "show this", AT(help), FLAG, NULL },
	{ "version", NULL, "show the version", AT(version), FLAG, NULL },
#undef AT
};

static void set_text(struct options *o, const struct option *opt, const char *value)
{
	memcpy((char *)o + opt->at, &value, sizeof(value));
}

/* A number, of a SIZE with K, M, G or T (powers of 1024) behind it.  Returns false for what is none. */
static bool parse_number(const char *text, enum type type, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t v = 0;
	size_t n = strspn(text, "0123456789");
	unsigned shift = 0;

	for (size_t i = 0; i < n; i++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return false;
	unit = text[n] && type == SIZE ? strchr(units, text[n]) : NULL;
	if (unit)
		shift = 10 * (unsigned)(unit - units + 1);
	*ret = v << shift;
	return n > 0 && text[n + (unit ? 1 : 0)] == '\0' && *ret >> shift == v &&
	       *ret < OPTIONS_AUTO;
}

static int set_number(struct options *o, const struct option *opt, const char *value,
		      struct diag *d)
{
	uint64_t v = OPTIONS_AUTO;

	if (!(strcmp(opt->otherwise, "auto") == 0 && strcmp(value, "auto") == 0) &&
	    !parse_number(value, opt->type, &v))
		return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s: %s is no %s", opt->name, value,
				opt->type == SIZE ? "size such as 500M or 20G" : "whole number");
	memcpy((char *)o + opt->at, &v, sizeof(v));
	return 0;
}

static void set_flag(struct options *o, const struct option *opt)
{
	bool yes = true;

	memcpy((char *)o + opt->at, &yes, sizeof(yes));
}

static const struct option *find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return &table[i];
	return NULL;
}

/* One option at argv[at].  Returns how many words it took, or -EINVAL. */
static int parse_option(struct options *o, char *const *argv, int at, struct diag *d)
{
	const char *name = argv[at] + 2, *equals = strchr(name, '=');
	const struct option *opt = find(name, equals ? (size_t)(equals - name) : strlen(name));

	if (!opt)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "unknown option %s; see --help",
				argv[at]);
	if (opt->type == FLAG) {
		if (equals)
			return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s takes no value",
					opt->name);
		set_flag(o, opt);
		return 1;
	}
	if (!equals && !argv[at + 1])
		return diag_set(d, err_origin(-EINVAL), 0, 0, "--%s needs a value: %s", opt->name,
				opt->argument);
	if (opt->type == TEXT)
		set_text(o, opt, equals ? equals + 1 : argv[at + 1]);
	else if (set_number(o, opt, equals ? equals + 1 : argv[at + 1], d) < 0)
		return -EINVAL;
	return equals ? 1 : 2;
}

int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d)
{
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].type == TEXT)
			set_text(ret, &table[i], table[i].otherwise);
		else if (table[i].type != FLAG)
			r = set_number(ret, &table[i], table[i].otherwise, d);
	}
	if (r < 0)
		return r;
	for (int at = 1; at < argc;) {
		int n = 1;

		if (strncmp(argv[at], "--", 2) == 0)
			n = parse_option(ret, argv, at, d);
		else if (argv[at][0] == '-' || ret->n_words == ARRAY_SIZE(ret->words))
			return diag_set(d, err_origin(-EINVAL), 0, 0, "unexpected word %s; see --help",
					argv[at]);
		else
			ret->words[ret->n_words++] = argv[at];
		if (n < 0)
			return n;
		at += n;
	}
	return 0;
}

void options_help(FILE *to)
{
	fputs("rtsec-collector stores and searches what rtsec's sensors see.\n\n"
	      "  rtsec-collector [OPTION...]\n"
	      "  rtsec-collector token create --name NAME --role ROLE [--dir DIR]\n"
	      "  rtsec-collector hold DAY [--dir DIR]       keep a day, such as 2026-11-22\n"
	      "  rtsec-collector release DAY [--dir DIR]    let it go again\n"
	      "  rtsec-collector holds [--dir DIR]          list the days that are kept\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct option *o = &table[i];

		fprintf(to, "  --%-14s %-9s  %s", o->name, o->argument ? o->argument : "", o->help);
		if (o->otherwise)
			fprintf(to, " (default %s)", o->otherwise);
		fputc('\n', to);
	}
}

/* ---- addresses ---- */

int options_address(const char *text, char *ret_address, size_t room, uint16_t *ret_port,
		    struct diag *d)
{
	const char *colon = strrchr(text, ':'), *from = text, *to = colon;
	char *end;
	unsigned long port;

	if (colon && *from == '[' && colon > from + 1 && colon[-1] == ']') {
		from++;
		to--;
	}
	if (!colon || to <= from || (size_t)(to - from) >= room)
		return diag_set(d, err_origin(-EINVAL), 0, 0,
				"%s is no ADDR:PORT such as 127.0.0.1:8443 or [::1]:8443", text);
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > UINT16_MAX)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "%s: the port is no number to 65535",
				text);
	memcpy(ret_address, from, (size_t)(to - from));
	ret_address[to - from] = '\0';
	*ret_port = (uint16_t)port;
	return 0;
}

bool options_loopback_address(const char *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (strcmp(address, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool options_loopback_url(const char *url)
{
	const char *host = strstr(url, "://");
	char address[128];
	uint16_t port;

	if (strncmp(url, "ipc://", 6) == 0 || strncmp(url, "inproc://", 9) == 0)
		return true;
	return host && options_address(host + 3, address, sizeof(address), &port, NULL) == 0 &&
	       options_loopback_address(address);
}
