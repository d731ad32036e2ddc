/* SPDX-License-Identifier: Apache-2.0 */
/* output_internal - what the files output*.c share: output.c tells alerts, output_ask.c answers
 * for it.
 * Thread: the outputs', but for what stands under the mutex. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "collector/output.h"
#include "collector/output_send.h"

enum { OUTPUT_TOLD = 4096 };

/* What was told of an alert last, so that mere counting up is not told each time. */
struct told {
	uint64_t id, at_ns;
	enum alert_status status;
	bool owned;
};

/* A silence that people have made, beside those of the settings. */
struct live_silence {
	uint64_t id, until_ns;
	char rule[RULE_ID_BYTES], node[129]; /* "": any */
};

struct output {
	const struct output_settings *settings;
	struct live_silence live[OUTPUT_SILENCES]; /* under the mutex */
	size_t n_live;
	struct output_sender *sender;
	uint64_t change;	      /* its place in the alert book */
	uint64_t sent, failed, tries; /* tries: of the message at hand */
	uint64_t not_before_ns, minute_ns, in_minute;
	struct told told[OUTPUT_TOLD]; /* by id */
	char error[512];
};

struct outputs {
	struct output_config config;
	struct alertbook *book;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	atomic_bool stopping;
	atomic_uint refs;
	struct output outputs[];
};

/* Reads what people have silenced.  Any thread.  Returns 0 or a negative errno. */
NODISCARD int output_read_silences(struct outputs *all, struct output *o);
