/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "sensor/conntrack.h"
#include "sensor/probe.h"

static const char *const words[] = {
	[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"
};

void doctor_say(struct doctor *d, const char *check, enum doctor_state state, const char *mend,
		const char *found, ...)
{
	struct doctor_finding *f = &d->findings[d->n];
	va_list ap;

	if (d->n == DOCTOR_FINDINGS)
		return;
	d->n++;
	f->check = check;
	f->state = state;
	va_start(ap, found);
	vsnprintf(f->found, sizeof(f->found), found, ap);
	va_end(ap);
	snprintf(f->mend, sizeof(f->mend), "%s", mend ? mend : "");
}

enum doctor_state doctor_worst(const struct doctor *d)
{
	enum doctor_state worst = DOCTOR_OK;

	for (size_t i = 0; i < d->n; i++)
		worst = MAX(worst, d->findings[i].state);
	return worst;
}

/* ---- probes ---- */

static const char *tier_meaning(const struct probe_tier *t)
{
	if (strncmp(t->tier, "tp/", 3) == 0)
		return "at the return of the system call; names of failed calls as they were asked";
	return "where the kernel does it";
}

const char *doctor_missing(enum kind kind, const char **ret_mend)
{
	*ret_mend = NULL;
	if (kind == KIND_MODULE && access("/proc/modules", F_OK) < 0)
		return "this kernel is built without loadable modules: there is nothing to see";
	*ret_mend = "a newer kernel, or leave the kind out with: without";
	return "these events are not seen here";
}

/* Kinds live in kinds.def, so their names outlive the probe. */
static void say_tiers(struct doctor *d, const struct probe *p)
{
	const char *note;
	size_t n;
	const struct probe_tier *tiers = probe_tiers(p, &n);

	for (size_t i = 0; i < n; i++) {
		const char *mend = NULL, *means = strcmp(tiers[i].tier, "none") == 0
							  ? doctor_missing(tiers[i].kind, &mend)
							  : tier_meaning(&tiers[i]);

		doctor_say(d, kind_info(tiers[i].kind)->action, mend ? DOCTOR_WARN : DOCTOR_OK,
			   mend, "%s: %s", tiers[i].tier, means);
	}
	for (size_t i = 0; (note = probe_note(p, i)); i++)
		doctor_say(d, "probes", DOCTOR_OK, NULL, "%s", note);
}

/* Puts the rules of the settings into this probe: what the kernel refuses is told here. */
static void say_filters(struct doctor *d, struct probe *p)
{
	AUTO(filter) *rules = NULL;
	struct diag diag = { 0 };
	size_t n;

	if (options_filters(d->options, &rules, &diag) < 0)
		return; /* the settings would not have been taken */
	n = filter_n(rules);
	if (n == 0) {
		doctor_say(d, "filters", DOCTOR_OK, NULL, "none: every event is told");
	} else if (probe_filter(p, rules, &diag) == 0) {
		(void)TAKE(rules);
		doctor_say(
			d, "filters", DOCTOR_OK, NULL,
			"%zu of %d rules: the kernel judges by them; rtsecctl nodes -o json tells "
			"what each decided",
			n, FILTER_SLOTS);
	} else {
		doctor_say(d, "filters", DOCTOR_FAIL, "fewer rules or values: filters",
			   "%zu rules, and %s", n, diag.text);
	}
}

static void check_probes(struct doctor *d)
{
	struct probe_settings settings = { .filters = d->options->filters != NULL };
	AUTO(probe) *p = NULL;
	struct diag diag = { 0 };
	int r = options_kinds(d->options, &settings.kinds, &diag);

	if (r == 0)
		r = probe_new(&p, &settings, &diag);
	if (r < 0)
		doctor_say(d, "probes", DOCTOR_FAIL,
			   "see the lines above: kernel, btf, capabilities", "none is attached: %s",
			   diag.text[0] ? diag.text : strerror(-r));
	if (r < 0)
		return;
	say_tiers(d, p);
	say_filters(d, p);
}

static void check_conntrack(struct doctor *d)
{
	AUTO(conntrack) *c = NULL;
	struct diag diag = { 0 };
	int r = conntrack_new(&c, d->options->only_netns, &diag);

	if (r == 0)
		doctor_say(d, kind_info(KIND_NAT)->action, DOCTOR_OK, NULL,
			   "netlink: as the kernel's connection tracking tells it");
	else
		doctor_say(d, kind_info(KIND_NAT)->action, r == -ENOENT ? DOCTOR_OK : DOCTOR_WARN,
			   r == -ENOENT
				   ? NULL
				   : "run it as root, or with CAP_NET_ADMIN (and CAP_SYS_ADMIN "
				     "for only-netns), or leave the kind out with: without",
			   "%s", diag.text);
}

void doctor_run(struct doctor *d)
{
	doctor_look(d);
	check_probes(d);
	check_conntrack(d);
}

/* ---- output ---- */

static void print_json(const struct doctor *d, struct buf *out)
{
	struct json j = json_to(out);

	json_begin_array(&j);
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->findings[i];

		json_begin_object(&j);
		json_key_text(&j, "check", f->check);
		json_key_text(&j, "state", words[f->state]);
		json_key_text(&j, "found", f->found);
		json_key_text(&j, "mend", f->mend[0] ? f->mend : NULL);
		json_end_object(&j);
	}
	json_end_array(&j);
	buf_str(out, "\n");
}

void doctor_print(const struct doctor *d, bool json, struct buf *out)
{
	if (json) {
		print_json(d, out);
		return;
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->findings[i];

		buf_printf(out, "%-4s  %-22s %s\n", words[f->state], f->check, f->found);
		if (f->mend[0])
			buf_printf(out, "      %-22s to mend: %s\n", "", f->mend);
	}
}
