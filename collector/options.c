/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/options.h"

#include <arpa/inet.h>

#define S(name_, type_, value_, member_, fallback_, help_)                            \
	{                                                                             \
		.name = (name_), .type = CONFIG_##type_, .value = (value_),           \
		.offset = offsetof(struct options, member_), .fallback = (fallback_), \
		.help = (help_)                                                       \
	}
#define COMMAND(name_, value_, member_, help_)                                                \
	{                                                                                     \
		.name = (name_), .type = CONFIG_TEXT, .value = (value_),                      \
		.offset = offsetof(struct options, member_), .help = (help_), .no_file = true \
	}
static const struct config_setting rows[] = {
	S("dir", TEXT, "DIR", dir, "/var/lib/rtsec/collector", "keep everything in DIR"),
	S("listen", TEXT, "URL", listen, "tls+tcp://127.0.0.1:7443",
	  "take events from sensors on URL; plain tcp:// on a loopback address only"),
	S("http", TEXT, "ADDR:PORT", http, "127.0.0.1:8443",
	  "serve API and web there, by HTTPS; port 0: any"),
	S("http-plain", FLAG, NULL, http_plain, NULL,
	  "serve them without TLS, on a loopback address only"),
	S("http-cert", TEXT, "FILE", http_cert, NULL,
	  "certificate chain in PEM form to serve them with (one of our own CA)"),
	S("http-key", TEXT, "FILE", http_key, NULL, "its private key"),
	S("tls-name", TEXTS, "NAME", tls_names, NULL,
	  "name or address by which others call this machine, for its certificate; may be "
	  "repeated"),
	S("keep-days", NUMBER, "N", keep_days, "30", "remove days older than N days; 0: never"),
	S("keep-bytes", SIZE, "SIZE", keep_bytes, "0",
	  "remove the oldest days above SIZE, such as 200G; 0: no limit"),
	{ .name = "min-free-bytes",
	  .type = CONFIG_SIZE,
	  .value = "SIZE",
	  .offset = offsetof(struct options, min_free_bytes),
	  .fallback = "auto",
	  .help = "take only priority events with less free disk than SIZE, none with half; auto: "
		  "1G "
		  "or 1 %",
	  .word = "auto" },
	S("silent-after", TIME, "TIME", silent_s, "60s",
	  "alarm when nothing came of a node for TIME, such as 60s, 5m"),
	S("lagging-after", TIME, "TIME", lag_s, "60s",
	  "alarm when what comes is older than TIME, for a sixth of it on end"),
	S("skewed-after", TIME, "TIME", skew_s, "5s",
	  "alarm when the clock of a node is further off than TIME"),
	S("calm-after", TIME, "TIME", calm_s, "2m",
	  "an alarm of what comes now and then (duplicated, state_opened, ring_opened) is over "
	  "when "
	  "it was not seen for TIME"),
	S("rules", TEXT, "DIR", rules, RULES_DIR,
	  "put the rules of DIR in force on the first start, while there never was a rule"),
	S("log-level", CHOICE, "debug|info|warn|error", log_level, "info", "what is logged"),
	COMMAND("name", "NAME", name, "token create: what the token is for"),
	COMMAND("role", "ROLE", role, "token create: viewer, analyst, operator or admin"),
};
#undef S
#undef COMMAND

_Static_assert(LOG_DEBUG == 0 && LOG_INFO == 1 && LOG_WARN == 2 && LOG_ERROR == 3,
	       "order of the words");

static int take_word(void *settings, const char *word, struct diag *d)
{
	struct options *o = settings;

	if (word[0] == '-' || o->n_words == ARRAY_SIZE(o->words))
		return diag_set(d, err_origin(-EINVAL), 0, 0, "unexpected word %s; see --help",
				word);
	o->words[o->n_words++] = word;
	return 0;
}

static const struct config_table table = {
	.settings = rows,
	.n = ARRAY_SIZE(rows),
	.size = sizeof(struct options),
	.common = offsetof(struct options, common),
	.default_file = OPTIONS_FILE,
	.word = take_word,
};

int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d)
{
	struct config *config = NULL;
	int r = config_read(&config, &table, ret, argc, argv, d);

	if (r == 0)
		ret->config = config;
	return r;
}

struct watch_limits options_watch(const struct options *o)
{
	return (struct watch_limits){ .silent_ms = o->silent_s * 1000,
				      .lag_ms = o->lag_s * 1000,
				      .skew_ms = o->skew_s * 1000,
				      .calm_ms = o->calm_s * 1000 };
}

void options_done(struct options *o)
{
	o->config = config_free(o->config);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(const struct config_texts *a, const struct config_texts *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!same_text(a->at[i], b->at[i]))
			return false;
	return a->n == b->n;
}

/* Of the types that rows[] has. */
static bool same_value(const struct config_setting *s, const void *a, const void *b)
{
	switch (s->type) {
	case CONFIG_TEXT:
		return same_text(*(const char *const *)a, *(const char *const *)b);
	case CONFIG_TEXTS:
		return same_texts(a, b);
	case CONFIG_FLAG:
		return *(const bool *)a == *(const bool *)b;
	case CONFIG_CHOICE:
		return *(const unsigned *)a == *(const unsigned *)b;
	default:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	}
}

void options_compare(const struct options *a, const struct options *b,
		     void (*each)(const char *name, void *arg), void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!same_value(&rows[i], (const char *)a + rows[i].offset,
				(const char *)b + rows[i].offset))
			each(rows[i].name, arg);
}

void options_help(FILE *to)
{
	AUTO_BUF struct buf text = { 0 };

	config_help(&table, &text);
	fprintf(to,
		"rtsec-collector stores and searches what rtsec's sensors see.\n\n"
		"  rtsec-collector [OPTION...]\n"
		"  rtsec-collector token create --name NAME --role ROLE [--dir DIR]\n"
		"  rtsec-collector hold DAY [--dir DIR]       keep a day, such as 2026-11-22\n"
		"  rtsec-collector release DAY [--dir DIR]    let it go again\n"
		"  rtsec-collector holds [--dir DIR]          list the days that are kept\n"
		"  rtsec-collector import FILE [--dir DIR]    take in saved batches; no collector "
		"may run\n\n"
		"Settings are read from %s too, where it exists, as in\n"
		"keep-days: 30; the command line goes over it.\n\n%.*s",
		OPTIONS_FILE, (int)text.n, text.n ? (const char *)text.data : "");
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
