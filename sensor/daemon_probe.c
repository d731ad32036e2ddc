/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_probe - what sees: programs in the kernel, connection tracking, what is known of
 * processes. */
#include <sys/stat.h>

#include "lib/log.h"
#include "sensor/daemon_internal.h"

static int netns_inode(const char *path, uint32_t *ret, struct diag *d)
{
	struct stat st;

	*ret = 0;
	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return diag_set(d, err_origin(-errno), 0, 0, "--only-netns %s: %s", path,
				strerror(errno));
	*ret = (uint32_t)st.st_ino;
	return 0;
}

static int open_filters(struct sensor *s, struct diag *d)
{
	AUTO(filter) *rules = NULL;
	int r = options_filters(s->options, &rules, d);

	if (r < 0 || filter_n(rules) == 0)
		return r;
	r = probe_filter(s->probe, rules, d);
	if (r == 0)
		(void)TAKE(rules);
	return r;
}

static void on_cgroup(void *arg, uint64_t id, const char *container)
{
	struct sensor *s = arg;

	probe_filter_cgroup(s->probe, id, container);
}

int daemon_open_probe(struct sensor *s, struct diag *d)
{
	const struct options *o = s->options;
	struct probe_settings settings = {
		.priority_ring_bytes = (uint32_t)MIN(o->priority_ring_bytes, 1u << 30),
		.bulk_ring_bytes = (uint32_t)MIN(o->ring_bytes, 1u << 30),
		.throttle = MIN(o->throttle, UINT64_C(1) << 40),
		.filters = o->filters != NULL,
	};
	int r = netns_inode(o->only_netns, &settings.only_netns, d);

	if (r == 0)
		r = options_kinds(o, &settings.kinds, d);
	if (r == 0)
		r = probe_new(&s->probe, &settings, d);
	if (r == 0)
		r = probe_ignore_tgid(s->probe, (uint32_t)getpid());
	for (size_t i = 0; r == 0 && i < o->ignored.n; i++)
		r = probe_ignore_tgid(s->probe, (uint32_t)o->ignored.at[i]);
	if (r == 0)
		r = ring_new(&s->kernel.ring, s->probe);
	if (r == 0)
		probe_links(s->probe, &s->links);
	s->kernel.probe = s->probe;
	return r < 0 ? r : open_filters(s, d);
}

void daemon_open_conntrack(struct sensor *s)
{
	struct diag d = { 0 };
	uint64_t kinds = UINT64_MAX;
	char text[512];

	(void)!options_kinds(s->options, &kinds, NULL); /* checked when it was parsed */
	if (!(kinds >> KIND_NAT & 1))
		return;
	if (conntrack_new(&s->conntrack, s->options->only_netns, &d) < 0)
		log_info("conntrack.off", "reason=%s",
			 log_value(d.text, strlen(d.text), text, sizeof(text)));
	else
		log_info("conntrack.listening", "kind=%s", kind_info(KIND_NAT)->action);
}

void daemon_tell_probe(struct sensor *s)
{
	const char *note;
	size_t n;
	const struct probe_tier *tiers = probe_tiers(s->probe, &n);
	char text[512];

	s->stats.tiers = s->tiers;
	for (size_t i = 0; i < n && i < DAEMON_TIERS; i++) {
		s->tiers[s->stats.n_tiers++] = tiers[i].report;
		log_info("probe.attached", "kind=%s tier=%s", tiers[i].name, tiers[i].tier);
	}
	for (size_t i = 0; (note = probe_note(s->probe, i)); i++)
		log_info("probe.note", "text=%s",
			 log_value(note, strlen(note), text, sizeof(text)));
}

static int open_hashes(struct sensor *s)
{
	const struct hashes_config config = {
		.bytes_per_second = s->options->hash_rate,
		.max_bytes = s->options->hash_max_bytes,
	};

	return config.bytes_per_second ? hashes_new(&s->hashes, &config) : 0;
}

int daemon_open_enrich(struct sensor *s)
{
	struct known_config config = {
		.node_id = s->node.id,
		.boot_id = s->node.boot_id,
		.state_dir = s->options->state_dir,
		.own = probe_ids(s->probe),
		.max_processes = (uint32_t)MIN(s->options->max_processes, 1u << 24),
		.cgroup_seen = on_cgroup,
		.arg = s,
	};
	const struct runtime_config runtime = {
		.docker_socket = s->options->docker_socket,
		.podman_socket = s->options->podman_socket,
		.containerd_socket = s->options->containerd_socket,
		.crio_socket = s->options->crio_socket,
	};
	int r = open_hashes(s);

	(void)!options_kinds(s->options, &config.kinds, NULL); /* checked when it was parsed */
	config.hashes = s->hashes;
	config.conntrack = s->conntrack;
	config.runtime = &runtime;
	if (r == 0)
		r = enrich_new(&s->enrich, &config);
	if (r < 0)
		return r;
	(void)enrich_tick(s->enrich);
	known_scan(enrich_known(s->enrich));
	return 0;
}
