/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/options.h"

#include <arpa/inet.h>

enum type { TEXT, FLAG };

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
	set_text(o, opt, equals ? equals + 1 : argv[at + 1]);
	return equals ? 1 : 2;
}

int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].type == TEXT)
			set_text(ret, &table[i], table[i].otherwise);
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
	      "  rtsec-collector token create --name NAME --role ROLE [--dir DIR]\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct option *o = &table[i];

		fprintf(to, "  --%-9s %-9s  %s", o->name, o->argument ? o->argument : "", o->help);
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
