/* SPDX-License-Identifier: Apache-2.0 */
/* options - the collector's settings: one table for command line, configuration file and --help.
 * Thread: main.  Memory: texts lie in argv and in what options_parse() keeps. */
#pragma once
#include "collector/watch.h"
#include "lib/config.h"
#include "lib/log.h"

#define OPTIONS_AUTO CONFIG_WORD
#define OPTIONS_FILE "/etc/rtsec/collector.yaml"

struct options {
	struct config *config; /* owns texts */
	struct config_common common;
	const char *dir;		  /* where everything is kept */
	const char *listen;		  /* the sensors' port, as NNG writes it */
	const char *http;		  /* ADDR:PORT of API and web */
	const char *http_cert, *http_key; /* NULL: of our own CA */
	struct config_texts tls_names;
	const char *rules; /* folder of those that a new collector begins with */
	enum log_level log_level;
	bool http_plain;
	uint64_t keep_days, keep_bytes;		  /* 0: no limit */
	uint64_t min_free_bytes;		  /* OPTIONS_AUTO: as disk.h has it */
	uint64_t silent_s, lag_s, skew_s, calm_s; /* see options_watch() */
	/* token create */
	const char *name, *role;
	/* the words that are no options, such as "token" "create" */
	const char *words[3];
	size_t n_words;
};

/* Fills *ret from the file and the command line, over the defaults; it is done with options_done().
 * Returns what config_read() does, with @d. */
NODISCARD int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d);
void options_done(struct options *o);

/* Calls @each with the name of every setting whose values differ. */
void options_compare(const struct options *a, const struct options *b,
		     void (*each)(const char *name, void *arg), void *arg);

/* How long or how far sensors may go (collector/watch.h). */
struct watch_limits options_watch(const struct options *o);

/* Help text, made from the table. */
void options_help(FILE *to);

/* Splits "127.0.0.1:8443" or "[::1]:8443" into an address (@room bytes, NUL-terminated) and a port.
 * Returns 0 or -EINVAL with @d. */
NODISCARD int options_address(const char *text, char *ret_address, size_t room, uint16_t *ret_port,
			      struct diag *d);

/* True when nobody but this machine can reach @address ("localhost", 127/8, ::1), or the NNG URL
 * @url (its host, or a transport that stays on the machine). */
bool options_loopback_address(const char *address);
bool options_loopback_url(const char *url);
