/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/options.h"

#include "lib/fields.h"

enum { IGNORED_MOST = 6 };

#define S(name_, type_, value_, member_, fallback_, help_)                            \
	{                                                                             \
		.name = (name_), .type = CONFIG_##type_, .value = (value_),           \
		.offset = offsetof(struct options, member_), .fallback = (fallback_), \
		.help = (help_)                                                       \
	}
static const struct config_setting rows[] = {
	S("collector", TEXTS, "URL", collectors, NULL,
	  "where events go (where rtsec-sensor enroll was answered); may be repeated: the next is "
	  "used "
	  "while the ones before are away"),
	S("state", TEXT, "DIR", state_dir, "/var/lib/rtsec/sensor",
	  "folder of what outlives the sensor; one sensor each"),
	S("node-id", TEXT, "ID", node_id, NULL,
	  "name of this node, unique in the fleet (from /etc/machine-id)"),
	S("node-name", TEXT, "NAME", node_name, NULL, "what people call this node (the host name)"),
	S("label", PAIRS, "KEY=VALUE", labels, NULL, "a label of this node; may be repeated"),
	S("ring-bytes", SIZE, "N", ring_bytes, "4M",
	  "kernel ring of files and sockets; a power of two"),
	S("priority-ring-bytes", SIZE, "N", priority_ring_bytes, "1M",
	  "kernel ring of processes; a power of two"),
	S("throttle", NUMBER, "N", throttle, "500000",
	  "bulk events a second that one workload (container, service, session) may make; 0: any"),
	S("without", TEXTS, "KIND", kinds_off, NULL,
	  "leave out a kind of events, such as open; may be repeated"),
	{ .name = "filters",
	  .type = CONFIG_TREE,
	  .offset = offsetof(struct options, filters),
	  .help = "rules about what is not told (docs/sensor.md)" },
	S("queue-bytes", SIZE, "N", queue_bytes, "64M",
	  "memory for what the collector has not yet stored"),
	S("spool-bytes", SIZE, "N", spool_bytes, "1G",
	  "disk for the same while the collector is away; 0: none"),
	S("spool-age", TIME, "TIME", spool_age_s, "7d", "how long it is kept there at most"),
	S("spool-sync", CHOICE, "never|batch|interval", spool_sync, "interval",
	  "fsync of it: never, after each batch, or at an interval of 1 s"),
	S("processes", SIZE, "N", max_processes, "16384", "size of the process table"),
	S("hash-rate", SIZE, "N", hash_rate, "32M",
	  "bytes a second of executables that are hashed; 0: none is"),
	S("hash-max-bytes", SIZE, "N", hash_max_bytes, "256M", "longer executables are not hashed"),
	S("docker-socket", TEXT, "PATH", docker_socket, "/var/run/docker.sock",
	  "where Docker is asked for names of containers"),
	S("podman-socket", TEXT, "PATH", podman_socket, "/run/podman/podman.sock",
	  "where podman is asked for names of containers"),
	S("containerd-socket", TEXT, "PATH", containerd_socket, "/run/containerd/containerd.sock",
	  "where containerd is asked for names of containers that its bundle does not tell"),
	S("crio-socket", TEXT, "PATH", crio_socket, "/run/crio/crio.sock",
	  "where CRI-O is asked likewise"),
	S("linger-ms", NUMBER, "N", linger_ms, "0",
	  "how long events are held back to be sent together; 0: 100 ms to 1 s, by what happens"),
	S("only-netns", TEXT, "PATH", only_netns, NULL,
	  "watch one network namespace, such as /run/netns/test"),
	{ .name = "ignore-pid",
	  .type = CONFIG_NUMBERS,
	  .value = "PID",
	  .offset = offsetof(struct options, ignored),
	  .help = "leave out what this process does; may be repeated",
	  .min = 1,
	  .max = INT32_MAX,
	  .no_file = true },
	{ .name = "output",
	  .letter = 'o',
	  .type = CONFIG_CHOICE,
	  .value = "text|json",
	  .offset = offsetof(struct options, output),
	  .help = "form of what doctor finds",
	  .no_file = true },
	S("log-level", CHOICE, "debug|info|warn|error", log_level, "info", "what is logged"),
};
#undef S

static int take_word(void *settings, const char *word, struct diag *d)
{
	struct options *o = settings;

	if (o->doctor || strcmp(word, "doctor") != 0)
		return diag_set(d, err_origin(-EINVAL), 0, 0, "%.60s: expected no word, or doctor",
				word);
	o->doctor = true;
	return 0;
}

static const struct config_table table = {
	.word = take_word,
	.settings = rows,
	.n = ARRAY_SIZE(rows),
	.size = sizeof(struct options),
	.common = offsetof(struct options, common),
	.default_file = OPTIONS_FILE,
};

_Static_assert(SPOOL_SYNC_NEVER == 0 && SPOOL_SYNC_BATCH == 1 && SPOOL_SYNC_INTERVAL == 2,
	       "order of the words");
_Static_assert(LOG_DEBUG == 0 && LOG_INFO == 1 && LOG_WARN == 2 && LOG_ERROR == 3,
	       "order of the words");

int options_parse(struct options *ret, int argc, char *const *argv, struct diag *d)
{
	AUTO(filter) *filters = NULL;
	struct config *config = NULL;
	int r = config_read(&config, &table, ret, argc, argv, d);
	uint64_t kinds;

	if (r < 0)
		return r;
	ret->config = config;
	if (ret->ignored.n > IGNORED_MOST)
		r = diag_set(d, err_origin(-EINVAL), 0, 0, "--ignore-pid: at most %d processes",
			     IGNORED_MOST);
	if (r == 0)
		r = options_kinds(ret, &kinds, d);
	if (r == 0)
		r = options_filters(ret, &filters, d);
	if (r < 0)
		options_done(ret);
	return r;
}

int options_filters(const struct options *o, struct filter **ret, struct diag *d)
{
	int r = filter_read(ret, o->filters, d);

	if (r == -EINVAL)
		diag_file(d, config_file(o->config));
	return r;
}

/* What processes are, and what the sensor makes of what it knows, is always told. */
static bool can_be_left_out(const struct kind_info *k)
{
	return k->kind != KIND_EXEC && k->kind != KIND_FORK && k->kind != KIND_END &&
	       k->kind != KIND_HASHED && strcmp(k->category, "rtsec") != 0 &&
	       strcmp(k->category, "container") != 0;
}

static const struct kind_info *find_kind(const char *action)
{
	for (uint32_t k = 0; k < KIND_MAX; k++) {
		const struct kind_info *info = kind_info(k);

		if (info && can_be_left_out(info) && strcmp(info->action, action) == 0)
			return info;
	}
	return NULL;
}

int options_kinds(const struct options *o, uint64_t *ret, struct diag *d)
{
	*ret = UINT64_MAX;
	for (size_t i = 0; i < o->kinds_off.n; i++) {
		const struct kind_info *k = find_kind(o->kinds_off.at[i]);

		if (!k)
			return diag_set(
				d, err_origin(-EINVAL), 0, 0,
				"without: %.60s is no kind of events that can be left out "
				"(docs/fields.md lists kinds; exec, fork and end are always "
				"told)",
				o->kinds_off.at[i]);
		*ret &= ~(UINT64_C(1) << k->kind);
	}
	return 0;
}

void options_done(struct options *o)
{
	o->config = config_free(o->config);
}

void options_help(FILE *f)
{
	AUTO_BUF struct buf text = { 0 };

	config_help(&table, &text);
	fprintf(f,
		"usage: rtsec-sensor [OPTIONS]\n"
		"       rtsec-sensor doctor [OPTIONS]  tell whether it can run here, and how to "
		"mend it\n"
		"       rtsec-sensor enroll --help     join a collector\n"
		"Streams what processes, files and sockets of this node do to a collector.\n"
		"Settings are read from %s too, where it exists, as in\n"
		"ring-bytes: 8M; the command line goes over it.\n\n%.*s",
		OPTIONS_FILE, (int)text.n, text.n ? (const char *)text.data : "");
}
