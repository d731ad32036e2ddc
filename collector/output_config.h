/* SPDX-License-Identifier: Apache-2.0 */
/* output_config - outputs.yaml, read: what outputs there are.
 * Thread: any.  Memory: the YAML, which the texts point into. */
#pragma once
#include "lib/rule.h"
#include "lib/yaml.h"

enum output_type {
	OUTPUT_WEBHOOK,
	OUTPUT_ALERTMANAGER,
	OUTPUT_SYSLOG,
	OUTPUT_NDJSON,
	OUTPUT_TYPES
};
const char *output_type_name(enum output_type t);

/* Where it tells, as others may read it, to @buf: of a URL scheme and host only, since the rest
 * of a webhook's often is its secret; of a file the path.  Returns @buf. */
enum { OUTPUT_PLACE_BYTES = 256 };
struct output_settings;
const char *output_place(const struct output_settings *s, char buf[OUTPUT_PLACE_BYTES]);

enum { OUTPUT_SILENCES = 32 };

struct output_silence {
	const char *rule, *node; /* NULL: any */
	uint64_t until_ns;	 /* 0: for ever */
};

struct output_settings {
	const char *name;
	enum output_type type;
	const char *url;      /* of a file its path */
	const char *secret;   /* webhook: key of the HMAC; NULL: none */
	const char *template; /* webhook: text of an alert; NULL: its JSON */
	const char *ca;	      /* file of the authorities that are believed; NULL: the system's */
	enum rule_level least;
	uint64_t per_minute; /* messages; 0: as they come */
	uint64_t tries;	     /* of a message, before its alerts are dead letters */
	uint64_t pause_ms;   /* before the second try; doubled for each further one */
	struct output_silence silences[OUTPUT_SILENCES];
	size_t n_silences;
};

struct output_config {
	struct yaml *yaml;
	struct output_settings *outputs;
	size_t n;
};

/* Returns 0, -EINVAL with @d, or -ENOMEM; @ret is done with output_config_done() in any case. */
NODISCARD int output_config_read(struct output_config *ret, const char *text, size_t n,
				 struct diag *d);
void output_config_done(struct output_config *c);
