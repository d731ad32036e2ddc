/* SPDX-License-Identifier: Apache-2.0 */
/* tiers - loads and attaches every program on the running kernel and prints a line for each event
 * kind, `tier ACTION TIER`: "none" where no tier works, "n/a" where the kernel does nothing of the
 * kind, "sensor" where the sensor tells it of its own; of the first two a line `why ACTION TEXT`.
 * The matrix runs it in each kernel. */
#include <stdio.h>
#include <string.h>

#include "sensor/conntrack.h"
#include "sensor/doctor.h"
#include "sensor/probe.h"

static void print_missing(const char *action, const char *why, bool nothing)
{
	printf("tier %s %s\nwhy %s %s\n", action, nothing ? "n/a" : "none", action, why);
}

static void print_tier(const struct probe_tier *t)
{
	const char *mend, *why;

	if (strcmp(t->tier, "none") != 0) {
		printf("tier %s %s\n", t->name, t->tier);
		return;
	}
	why = doctor_missing(t->kind, &mend);
	print_missing(t->name, why, !mend);
}

static bool has_probe(enum kind kind, const struct probe_tier *tiers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tiers[i].kind == kind)
			return true;
	return false;
}

static void print_other(const struct kind_info *k)
{
	AUTO(conntrack) *c = NULL;
	struct diag d = { 0 };
	int r;

	if (k->kind != KIND_NAT) {
		printf("tier %s sensor\n", k->action);
		return;
	}
	r = conntrack_new(&c, NULL, &d);
	if (r == 0)
		printf("tier %s netlink\n", k->action);
	else
		print_missing(k->action, d.text, r == -ENOENT);
}

int main(void)
{
	static const struct probe_settings defaults;
	AUTO(probe) *p = NULL;
	const struct probe_tier *tiers;
	struct diag d = { 0 };
	const char *note;
	size_t n;

	if (probe_new(&p, &defaults, &d) != 0) {
		printf("refused %s\n", d.text);
		return 1;
	}
	tiers = probe_tiers(p, &n);
	for (size_t i = 0; i < n; i++)
		print_tier(&tiers[i]);
	for (uint32_t k = 0; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (info && strcmp(info->category, "rtsec") != 0 && !has_probe(k, tiers, n))
			print_other(info);
	}
	for (size_t i = 0; (note = probe_note(p, i)); i++)
		printf("note %s\n", note);
	return 0;
}
