/* SPDX-License-Identifier: Apache-2.0 */
/* options - the sensor's settings: one table for command line, configuration file and --help.
 * Thread: main.  Memory: texts lie in argv and in what options_parse() keeps. */
#pragma once
#include "lib/config.h"
#include "lib/log.h"
#include "sensor/filter.h"
#include "sensor/spool.h"

#define OPTIONS_FILE "/etc/rtsec/sensor.yaml"

enum options_output { OUTPUT_TEXT, OUTPUT_JSON };

struct options {
	struct config *config; /* owns texts; its file for messages */
	struct config_common common;
	struct config_texts collectors; /* empty: where it was enrolled */
	const char *state_dir, *node_id, *node_name, *only_netns;
	struct config_pairs labels;
	struct config_numbers ignored;
	uint64_t ring_bytes, priority_ring_bytes, queue_bytes, max_processes, linger_ms;
	uint64_t throttle;
	struct config_texts kinds_off;
	const struct yaml_node *filters;
	uint64_t spool_bytes, spool_age_s, hash_rate, hash_max_bytes;
	enum spool_sync spool_sync;
	enum log_level log_level;
	const char *docker_socket, *podman_socket, *containerd_socket, *crio_socket;
	bool doctor;	 /* the word "doctor" was given */
	unsigned output; /* of doctor: enum options_output */
};

/* Fills @ret from the file and the command line, over the defaults; it is done with options_done().
 * Returns what config_read() does, with @d. */
NODISCARD int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d);
void options_done(struct options *o);

/* Bits of the kinds that are wanted: all but those of --without.  Returns 0, or -EINVAL with @d: no
 * such kind, or one that cannot be left out. */
NODISCARD int options_kinds(const struct options *o, uint64_t *ret, struct diag *d);

/* The rules of the setting filters, of which a file that was taken has right ones; the caller's.
 * Returns what filter_read() does, with the file in @d. */
NODISCARD int options_filters(const struct options *o, struct filter **ret, struct diag *d);

/* Writes the help text to @f. */
void options_help(FILE *f);
