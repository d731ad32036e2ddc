/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/refusal.h"

static const struct {
	const char *what, *reason;
} names[REFUSAL_MAX] = { [REFUSAL_NONE] = { "none", "none" },
#define X(id, what_, reason_, help_) [REFUSAL_##id] = { #what_, #reason_ },
			 REFUSALS(X)
#undef X
};

const char *refusal_what(enum refusal r)
{
	return names[r].what;
}

const char *refusal_reason(enum refusal r)
{
	return names[r].reason;
}
