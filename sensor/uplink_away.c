/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/uplink_away.h"

/* As NNG 1.5 names its counters of a dialer. */
static const struct {
	const char *counter, *reason;
} reasons[] = {
	{ "auth", "its certificate is not of the CA that this node has enrolled with, or it "
		  "does not take ours; when the CA is right: rtsec-sensor enroll" },
	{ "refused", "nobody listens there" },
	{ "timeout", "no answer in time" },
	{ "disconnect", "the connection is cut again at once" },
	{ "proto", "what answers there is no collector" },
	{ "oom", "no memory" },
	{ "other", "the way there is shut, or its name is not known" },
};

static uint64_t value_of(nng_stat *scope, const char *name)
{
	for (nng_stat *s = nng_stat_child(scope); s; s = nng_stat_next(s))
		if (strcmp(nng_stat_name(s), name) == 0)
			return nng_stat_value(s);
	return 0;
}

/* The dialer's scope; scopes nest: all, socket, dialer. */
static nng_stat *find(nng_stat *scope, uint64_t id)
{
	for (nng_stat *s = nng_stat_child(scope); s; s = nng_stat_next(s)) {
		nng_stat *found = NULL;

		if (nng_stat_type(s) != NNG_STAT_SCOPE)
			continue;
		if (strcmp(nng_stat_name(s), "dialer") == 0 && value_of(s, "id") == id)
			return s;
		found = find(s, id);
		if (found)
			return found;
	}
	return NULL;
}

const char *uplink_away_reason(nng_dialer dialer)
{
	const char *reason = "no answer";
	uint64_t most = 0;
	nng_stat *all, *s;

	if (nng_stats_get(&all) != 0)
		return reason;
	s = find(all, (uint64_t)nng_dialer_id(dialer));
	for (size_t i = 0; s && i < ARRAY_SIZE(reasons); i++) {
		uint64_t n = value_of(s, reasons[i].counter);

		if (n > most)
			reason = reasons[i].reason;
		most = MAX(most, n);
	}
	nng_stats_free(all);
	return reason;
}
