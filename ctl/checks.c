/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/checks.h"

#include <inttypes.h>

#include "ctl/printer.h"
#include "ctl/text.h"
#include "ctl/when.h"

enum { NAMED = 3 /* nodes, rules that a text names */, OLD_MS = 60 * 1000, DAYS_AHEAD = 7 };

static const uint64_t clock_off_ns = UINT64_C(1000000000), lag_ns = UINT64_C(60000000000);

static json_int_t number(const json_t *o, const char *path)
{
	return json_integer_value(printer_find(o, path));
}

static const char *string(const json_t *o, const char *path)
{
	const char *s = json_string_value(printer_find(o, path));

	return s ? s : "";
}

/* The graver of the two stays; what mends the graver comes first. */
static void judge(struct check_result *r, enum check_state state, const char *mend)
{
	if (state > r->state)
		r->state = state;
	if (*mend && !(r->mend.n && memmem(r->mend.data, r->mend.n, mend, strlen(mend))))
		buf_printf(&r->mend, "%s%s", r->mend.n ? "; " : "", mend);
}

/* ---- collector and disk ---- */

static void check_collector(const struct picture *p, struct check_result *r)
{
	buf_printf(&r->text, "version %s, up ", string(p->status, "version"));
	when_span((uint64_t)number(p->status, "uptime_s") * 1000000000, &r->text);
	buf_printf(&r->text, "; %lld events", (long long)number(p->status, "store.events"));
	if (number(p->status, "ingest.failing")) {
		buf_str(&r->text, "; CANNOT STORE what comes in, sensors keep it");
		judge(r, CHECK_FAIL, "journalctl -u rtsec-collector says why");
	}
	if (number(p->status, "http.answers_5xx")) {
		buf_printf(&r->text, "; %lld requests failed",
			   (long long)number(p->status, "http.answers_5xx"));
		judge(r, CHECK_WARN, "journalctl -u rtsec-collector says why");
	}
}

/* Bytes of the newest whole day: what a day brings. */
static json_int_t day_bytes(const struct picture *p)
{
	const json_t *days = json_object_get(p->retention, "days");
	size_t n = json_array_size(days);

	return n >= 2 ? number(json_array_get(days, n - 2), "bytes") : 0;
}

static void check_disk(const struct picture *p, struct check_result *r)
{
	json_int_t low = number(p->status, "ingest.disk_low"), day = day_bytes(p);
	json_int_t free_bytes = number(p->status, "ingest.disk_free_bytes");
	json_int_t keep = number(p->retention, "keep_days"), left = day ? free_bytes / day : 0;

	text_bytes((uint64_t)free_bytes, &r->text);
	buf_str(&r->text, " free; events take ");
	text_bytes((uint64_t)number(p->status, "store.bytes"), &r->text);
	buf_printf(&r->text, " in %lld day(s)", (long long)number(p->status, "store.days"));
	if (p->retention)
		buf_printf(&r->text, keep ? ", kept for %lld days" : ", kept for ever",
			   (long long)keep);
	if (low) {
		buf_printf(&r->text, "; LOW: %s",
			   low > 1 ? "nothing is taken, sensors keep it" : "bulk events wait");
		judge(r, CHECK_FAIL,
		      "make room or keep less: docs/operations.md, \"The disk fills up\"");
	} else if (day && left < DAYS_AHEAD &&
		   (!keep || keep > left + number(p->status, "store.days"))) {
		buf_printf(&r->text, "; full in %lld day(s) at ", (long long)left);
		text_bytes((uint64_t)day, &r->text);
		buf_str(&r->text, " a day");
		judge(r, CHECK_WARN, "keep less: rtsec-collector --keep-days or --keep-bytes");
	}
}

static void check_store(const struct picture *p, struct check_result *r)
{
	json_int_t damaged = number(p->status, "store.damaged_blocks");
	json_int_t refused = number(p->status, "ingest.refused");

	buf_printf(&r->text, "%lld blocks", (long long)number(p->status, "store.blocks"));
	if (damaged) {
		buf_printf(&r->text, "; %lld damaged, with %lld events", (long long)damaged,
			   (long long)number(p->status, "store.damaged_events"));
		judge(r, CHECK_WARN, "docs/retention.md, \"When a file is damaged\"");
	}
	if (refused) {
		buf_printf(&r->text, "; %lld batches refused", (long long)refused);
		judge(r, CHECK_WARN, "journalctl -u rtsec-collector -g ingest says whose and why");
	}
	if (number(p->status, "merge.failures")) {
		buf_printf(&r->text, "; %lld merges failed",
			   (long long)number(p->status, "merge.failures"));
		judge(r, CHECK_WARN, "journalctl -u rtsec-collector -g merge says why");
	}
}

/* ---- nodes ---- */

static const struct {
	const char *name;
	enum check_state state;
	const char *mend;
} node_states[] = {
	{ "up", CHECK_OK, "" },
	{ "detached", CHECK_FAIL,
	  "on the node: systemctl restart rtsec-sensor, and find who did it" },
	{ "silent", CHECK_FAIL, "on the node: systemctl status rtsec-sensor, rtsec-sensor doctor" },
	{ "duplicated", CHECK_FAIL,
	  "two machines send as one: enrol the copy anew (docs/troubleshooting.md)" },
	{ "state_opened", CHECK_FAIL, "rtsecctl query 'event.action == \"alarm\"' names who" },
	{ "ring_opened", CHECK_FAIL, "rtsecctl query 'event.action == \"alarm\"' names who" },
	{ "downgraded", CHECK_WARN, "was an older sensor installed on purpose?" },
	{ "skewed", CHECK_WARN, "set the node's clock: chrony or systemd-timesyncd" },
	{ "lagging", CHECK_WARN, "network or CPU of the node: rtsec-sensor doctor" },
	{ "stopped", CHECK_WARN, "start it again: systemctl start rtsec-sensor" },
};

/* Whether that is wrong with the node, be it the gravest that is or not. */
static bool suffers(const json_t *node, const char *what)
{
	const json_t *alarm;
	size_t i;

	if (strcmp(string(node, "state"), what) == 0)
		return true;
	json_array_foreach(json_object_get(node, "alarms"), i, alarm)
	{
		if (strcmp(json_string_value(alarm) ? json_string_value(alarm) : "", what) == 0)
			return true;
	}
	return false;
}

/* "; 2 silent (web-1 for 3m, web-2 for 2d)" */
static void tell_state(const json_t *nodes, const char *state, struct buf *out, size_t *ret_n)
{
	const json_t *node;
	size_t i, n = 0;

	*ret_n = 0;
	json_array_foreach(nodes, i, node) *ret_n += suffers(node, state);
	if (*ret_n == 0 || strcmp(state, "up") == 0)
		return;
	buf_printf(out, "; %zu %s (", *ret_n, state);
	json_array_foreach(nodes, i, node)
	{
		if (!suffers(node, state) || n++ >= NAMED)
			continue;
		buf_printf(out, "%s%s for ", n > 1 ? ", " : "", string(node, "name"));
		when_span((uint64_t)number(node, "lag_ms") * 1000000, out);
	}
	buf_str(out, n > NAMED ? ", ...)" : ")");
}

static void check_nodes(const struct picture *p, struct check_result *r)
{
	AUTO_BUF struct buf states = { 0 };
	size_t up = 0, n;

	for (size_t i = 0; i < ARRAY_SIZE(node_states); i++) {
		tell_state(p->nodes, node_states[i].name, &states, &n);
		if (i == 0)
			up = n;
		else if (n)
			judge(r, node_states[i].state, node_states[i].mend);
	}
	buf_printf(&r->text, "%zu of %zu up", up, json_array_size(p->nodes));
	buf_add(&r->text, states.data, states.n);
	if (json_array_size(p->nodes) == 0)
		judge(r, CHECK_WARN, "let a node in: rtsecctl node token create");
}

static void check_lag(const struct picture *p, struct check_result *r)
{
	json_int_t oldest = 0, queued = 0, offset = 0;
	const char *whose = "", *whose_clock = "";
	const json_t *node;
	size_t i;

	json_array_foreach(p->nodes, i, node)
	{
		json_int_t off = llabs(number(node, "clock_offset_ns"));

		if (strcmp(string(node, "state"), "up") != 0)
			continue; /* the check of nodes tells */
		queued += number(node, "sensor.bytes_queued");
		if (number(node, "lag_ms") > oldest) {
			oldest = number(node, "lag_ms");
			whose = string(node, "name");
		}
		if (off > offset) {
			offset = off;
			whose_clock = string(node, "name");
		}
	}
	buf_str(&r->text, "last heard of every node that is up within ");
	when_span((uint64_t)oldest * 1000000, &r->text);
	buf_str(&r->text, "; sensors hold ");
	text_bytes((uint64_t)queued, &r->text);
	if (oldest > OLD_MS) {
		buf_printf(&r->text, "; %s is late", whose);
		judge(r, CHECK_WARN, "network or CPU of the node: rtsec-sensor doctor");
	}
	if ((uint64_t)offset > clock_off_ns) {
		buf_printf(&r->text, "; the clock of %s is off by ", whose_clock);
		when_span((uint64_t)offset, &r->text);
		judge(r, CHECK_WARN, "set the node's clock: chrony or systemd-timesyncd");
	}
}

static void check_loss(const struct picture *p, struct check_result *r)
{
	AUTO_BUF struct buf whose = { 0 };
	json_int_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(p->gaps, i, row)
	{
		sum += (json_int_t)json_number_value(json_array_get(row, 1));
		if (i < NAMED) {
			buf_str(&whose, i ? ", " : "");
			printer_value(json_array_get(row, 0), &whose);
		}
	}
	buf_printf(&r->text, "%lld events lost in the last 24 hours", (long long)sum);
	if (json_array_size(p->gaps) == 0)
		return;
	buf_str(&r->text, " (");
	buf_add(&r->text, whose.data, whose.n);
	buf_str(&r->text, i > NAMED ? ", ...)" : ")");
	judge(r, CHECK_WARN, "when and why: rtsecctl query 'event.action == \"gap\"'");
}

static void check_tamper(const struct picture *p, struct check_result *r)
{
	size_t n = json_array_size(p->tampers);
	const json_t *newest = json_array_get(p->tampers, 0);

	if (n == 0) {
		buf_str(&r->text, "nobody touched a sensor in the last 24 hours");
		return;
	}
	buf_printf(&r->text, "%zu alarm(s) of sensors; the last of %s: %s", n,
		   string(newest, "host.name"), string(newest, "message"));
	judge(r, CHECK_FAIL, "rtsecctl query 'event.action == \"alarm\"'");
}

/* ---- detection ---- */

static void check_followers(const struct picture *p, struct check_result *r)
{
	const json_t *list = json_object_get(p->status, "followers"), *f;
	size_t i;

	json_array_foreach(list, i, f)
	{
		if (number(f, "failures")) {
			buf_printf(&r->text, "; %s failed %lld times", string(f, "name"),
				   (long long)number(f, "failures"));
			judge(r, CHECK_WARN, "journalctl -u rtsec-collector says why");
		}
		if ((uint64_t)number(f, "lag_ns") > lag_ns) {
			buf_printf(&r->text, "; %s are behind by ", string(f, "name"));
			when_span((uint64_t)number(f, "lag_ns"), &r->text);
			judge(r, CHECK_WARN, "rtsecctl rules cost shows what is dear");
		}
	}
}

static void check_rules(const struct picture *p, struct check_result *r)
{
	json_int_t missed = number(p->status, "rules.skipped") +
			    number(p->status, "rules.evicted") +
			    number(p->status, "rules.forgotten");
	const json_t *rule;
	size_t i, on = 0, wrong = 0;

	json_array_foreach(p->rules, i, rule)
	{
		const char *status = string(rule, "status");

		on += json_is_true(json_object_get(rule, "enabled"));
		if (strcmp(status, "wrong") != 0 && strcmp(status, "unmapped") != 0)
			continue;
		if (wrong++ < NAMED)
			buf_printf(&r->mend, "%s%s",
				   wrong > 1 ? ", " : "cannot fire: ", string(rule, "id"));
		judge(r, CHECK_FAIL, "");
	}
	buf_printf(&r->text, "%zu of %zu on", on, json_array_size(p->rules));
	if (wrong)
		buf_printf(&r->text, "; %zu cannot fire", wrong);
	if (number(p->status, "rules.dear")) {
		buf_printf(&r->text, "; %lld too dear", (long long)number(p->status, "rules.dear"));
		judge(r, CHECK_WARN, "rtsecctl rules cost");
	}
	if (missed) {
		buf_printf(&r->text, "; %lld times one was skipped, or a sequence forgotten",
			   (long long)missed);
		judge(r, CHECK_WARN, "rtsecctl rules cost");
	}
	check_followers(p, r);
	if (json_array_size(p->rules) == 0)
		judge(r, CHECK_WARN, "rtsecctl rules apply /usr/share/rtsec/rules");
}

static void check_alerts(const struct picture *p, struct check_result *r)
{
	static const char *const levels[] = { "critical", "high", "medium", "low",
					      "informational" };
	size_t n[ARRAY_SIZE(levels)] = { 0 }, i;
	const json_t *alert;
	bool first = true;

	json_array_foreach(p->alerts, i, alert) for (size_t j = 0; j < ARRAY_SIZE(levels); j++)
		n[j] += strcmp(string(alert, "rule.level"), levels[j]) == 0;
	buf_printf(&r->text, "%zu open", json_array_size(p->alerts));
	for (size_t j = 0; j < ARRAY_SIZE(levels); j++)
		if (n[j]) {
			buf_printf(&r->text, "%s%zu %s", first ? ": " : ", ", n[j], levels[j]);
			first = false;
		}
	if (n[0] + n[1])
		judge(r, CHECK_WARN,
		      "rtsecctl incidents; rtsecctl alerts --level high --status open");
}

static void check_outputs(const struct picture *p, struct check_result *r)
{
	size_t i, n = json_array_size(p->outputs);
	const json_t *o;

	buf_printf(&r->text, n ? "%zu" : "none: alerts are told to nobody (docs/outputs.md)", n);
	json_array_foreach(p->outputs, i, o)
	{
		if (*string(o, "error")) {
			buf_printf(&r->text, "; %s fails: %s", string(o, "name"),
				   string(o, "error"));
			judge(r, CHECK_FAIL, "rtsecctl outputs test OUTPUT");
		}
		if (number(o, "dead")) {
			buf_printf(&r->text, "; %lld dead letters of %s",
				   (long long)number(o, "dead"), string(o, "name"));
			judge(r, CHECK_WARN, "then rtsecctl outputs replay OUTPUT");
		}
	}
}

/* ---- doors ---- */

static void check_doors(const struct picture *p, struct check_result *r)
{
	static const struct {
		const char *path, *text;
	} refused[] = {
		{ "refused.message_unknown_certificate", "without a certificate of ours" },
		{ "refused.message_revoked", "with a revoked one" },
		{ "refused.message_expired", "with an expired one" },
		{ "refused.message_wrong_node", "in another node's name" },
		{ "http.unauthorized", "requests without a valid token" },
		{ "http.limited", "requests over the limit" },
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		json_int_t n = number(p->status, refused[i].path);

		if (!n)
			continue;
		buf_printf(&r->text, "%s%lld %s",
			   any ? ", " : "refused since the start: ", (long long)n, refused[i].text);
		any = true;
		if (i < 4)
			judge(r, CHECK_WARN, "journalctl -u rtsec-collector -g tls says who");
	}
	if (!any)
		buf_str(&r->text, "nobody was refused since the start");
}

/* ---- all ---- */

static const struct {
	const char *name;
	size_t needs; /* member of struct picture */
	void (*run)(const struct picture *p, struct check_result *r);
} table[] = {
	{ "collector", offsetof(struct picture, status), check_collector },
	{ "disk", offsetof(struct picture, status), check_disk },
	{ "store", offsetof(struct picture, status), check_store },
	{ "nodes", offsetof(struct picture, nodes), check_nodes },
	{ "lag", offsetof(struct picture, nodes), check_lag },
	{ "loss", offsetof(struct picture, gaps), check_loss },
	{ "tamper", offsetof(struct picture, tampers), check_tamper },
	{ "rules", offsetof(struct picture, rules), check_rules },
	{ "alerts", offsetof(struct picture, alerts), check_alerts },
	{ "outputs", offsetof(struct picture, outputs), check_outputs },
	{ "doors", offsetof(struct picture, status), check_doors },
};

_Static_assert(ARRAY_SIZE(table) <= CHECKS, "there is room for all results");

size_t checks_run(const struct picture *p, struct check_result *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct check_result *r = &ret[i];
		const json_t *needed =
			*(const json_t *const *)(const void *)((const char *)p + table[i].needs);

		*r = (struct check_result){ .name = table[i].name };
		if (needed) {
			table[i].run(p, r);
		} else {
			r->state = CHECK_UNKNOWN;
			buf_str(&r->text, "not told to this token");
		}
		buf_byte(&r->text, 0);
		if (r->mend.n)
			buf_byte(&r->mend, 0);
	}
	return ARRAY_SIZE(table);
}

void check_done(struct check_result *r)
{
	buf_done(&r->text);
	buf_done(&r->mend);
}

const char *check_state_name(enum check_state s)
{
	static const char *const names[] = { "ok", "unknown", "warn", "fail" };

	return names[s];
}
