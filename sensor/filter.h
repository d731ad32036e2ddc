/* SPDX-License-Identifier: Apache-2.0 */
/* filter - rules about what the kernel side tells, and the tables that it judges by
 * (bpf/abi_filter.h).
 *
 * Rules are in order; the first that holds decides whether an event is told.  A rule holds when
 * each of its conditions does, a condition when any of its values does.  What processes are (exec,
 * fork, end) and what the sensor itself says is always told. Who has rules of another form, such as
 * a policy, fills the same struct by the same calls; the configuration's form is read by
 * filter_read() (filter_yaml.c).
 *
 * Thread: any, one owner at a time.  Memory: bounded by FILTER_SLOTS and FILTER_VALUES. */
#pragma once
#include "bpf/abi_filter.h"
#include "lib/diag.h"
#include "lib/fields.h"
#include "lib/yaml.h"

enum { FILTER_NAME_BYTES = 64, FILTER_CONTAINER_BYTES = 65 };

enum filter_action { FILTER_KEEP, FILTER_DROP };

/* Conditions, as words of the configuration. */
enum filter_what {
	FILTER_W_PATH,	      /* all of an absolute path; as are executable and ancestor */
	FILTER_W_PATH_PREFIX, /* its first bytes */
	FILTER_W_PATH_SUFFIX, /* its last ones */
	FILTER_W_EXECUTABLE,
	FILTER_W_ANCESTOR,
	FILTER_W_UID,	    /* number */
	FILTER_W_CONTAINER, /* "any", "none", or at least 12 digits of an id */
	FILTER_W_SOURCE,    /* address or CIDR */
	FILTER_W_DESTINATION,
	FILTER_W_SOURCE_PORT, /* number, or FIRST-LAST */
	FILTER_W_DESTINATION_PORT,
	FILTER_WHATS,
};

struct filter;

/* No rules: everything is told.  Returns 0 or -ENOMEM.  *ret is freed with filter_free(). */
NODISCARD int filter_new(struct filter **ret);
struct filter *filter_free(struct filter *f);
DEFINE_FREEP(filter)

/* Begins a rule after those before.  @name (copied, cut) is what it is called in counts and
 * messages;
 * @kinds: bits of enum kind, 0: all that can be left out.  Returns 0, or with @d (without a place)
 * -ENOSPC (FILTER_SLOTS rules already), -EINVAL (a kind that cannot be left out, a name twice). */
NODISCARD int filter_rule(struct filter *f, const char *name, enum filter_action action,
			  uint64_t kinds, struct diag *d);

/* Adds a value to a condition of the newest rule.  Returns 0, -ENOMEM, or with @d (without a place)
 * -EINVAL (no such value, or the rule has no kind with that) or -ENOSPC (FILTER_VALUES already). */
NODISCARD int filter_value(struct filter *f, enum filter_what what, const char *text,
			   struct diag *d);

/* Reads the list @node of the configuration, NULL: no rules.  Returns 0, -ENOMEM, or -EINVAL with
 * the place in @d. */
NODISCARD int filter_read(struct filter **ret, const struct yaml_node *node, struct diag *d);

/* True for a kind that rules may name. */
bool filter_is_for(enum kind kind);

size_t filter_n(const struct filter *f); /* rules */
const char *filter_name(const struct filter *f, size_t slot);
enum filter_action filter_action(const struct filter *f, size_t slot);

/* --- as tables --- */
/* A value and the slots for which it holds, also by what is a beginning of it. */
struct filter_entry {
	struct filter_key key; /* its generation is the caller's to set */
	struct filter_mask slots;
};

/* Fills @set but for its generation, and an array of entries (the caller's to free()).
 * Returns 0 or -ENOMEM. */
NODISCARD int filter_compile(const struct filter *f, struct filter_set *set,
			     struct filter_entry **ret, size_t *ret_n);

/* The entry of cgroup @id, which is of container @container (""; none). */
struct filter_entry filter_cgroup(const struct filter *f, uint64_t id, const char *container);
