/* SPDX-License-Identifier: Apache-2.0 */
/* tiers - loads and attaches every program on the running kernel and prints a line for each event
 * kind, `tier ACTION TIER`, "none" where no tier works.  The matrix runs it in each kernel. */
#include <stdio.h>

#include "sensor/probe.h"

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
		printf("tier %s %s\n", tiers[i].name, tiers[i].tier);
	for (size_t i = 0; (note = probe_note(p, i)); i++)
		printf("note %s\n", note);
	return 0;
}
