/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: rules about what is not told. */
#include "tests/sensor/kernel_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lib/yaml.h"

/* --- rules --- */
static struct filter *rules_of(const char *text)
{
	AUTO(yaml) *y = NULL;
	struct filter *rules = NULL;
	struct diag d = { 0 };
	char buf[800];

	assert_int_equal(yaml_parse(&y, text, strlen(text), &d), 0);
	if (filter_read(&rules, yaml_first(y), &d) != 0)
		fail_msg("rules: %s", diag_format(&d, buf, sizeof(buf)));
	return rules;
}

static void put_rules(struct fixture *f, struct filter *rules)
{
	struct diag d = { 0 };

	if (probe_filter(f->probe, rules, &d) != 0)
		fail_msg("probe_filter: %s", d.text);
}

static void rules(struct fixture *f, const char *text)
{
	put_rules(f, rules_of(text));
}

static int filter_setup(void **state)
{
	static const struct probe_settings settings = { .filters = true };

	return group_setup_with(state, &settings);
}

static int no_rules(void **state)
{
	struct fixture *f = *state;
	struct filter *none;
	struct diag d;

	return filter_new(&none) != 0 || probe_filter(f->probe, none, &d) != 0;
}

static uint64_t decided(struct fixture *f, const char *name)
{
	struct probe_filter_count at[FILTER_SLOTS];
	int n = probe_filter_counts(f->probe, at, FILTER_SLOTS);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		if (strcmp(at[i].name, name) == 0)
			return at[i].events;
	fail_msg("no rule %s", name);
	return 0;
}

static uint64_t undecided(struct fixture *f)
{
	struct probe_counts n;

	probe_counts(f->probe, &n);
	return n.undecided;
}

/* --- what is done --- */
/* Opens files, then one that no rule is about, so that it is known when all was told. */
struct opens {
	const char *const *paths;
	size_t n;
};

static const char last_path[] = "/proc/self/stat";

static void open_all(void *arg)
{
	const struct opens *o = arg;

	for (size_t i = 0; i < o->n; i++) {
		int fd = open(o->paths[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
	close(open(last_path, O_RDONLY | O_CLOEXEC));
}

static const char *path_opened(const struct rec_open *r, char *buf, size_t n)
{
	if (r->head.flags & REC_F_AS_ASKED)
		return (const char *)(r + 1) + r->path.bytes;
	return path_text((const char *)(r + 1), r->path.bytes, buf, n);
}

static bool is_last(const struct rec_open *r)
{
	char buf[PATH_MAX];
	const char *path = path_opened(r, buf, sizeof(buf));

	return strncmp(path, "/proc/", 6) == 0 && strcmp(strrchr(path, '/'), "/stat") == 0;
}

/* Waits for the last open of @pid. */
static void await_last(struct fixture *f, pid_t pid)
{
	for (int i = 0; i < 3000; i++, sleep_ms(10)) {
		const struct rec_open *r = NULL;

		take_records(f);
		while ((r = find_record(f, r, REC_OPEN, pid)))
			if (is_last(r))
				return;
	}
	fail_msg("the last open was not told");
}

static bool was_opened(const struct fixture *f, pid_t pid, const char *path)
{
	const struct rec_open *r = NULL;
	char buf[PATH_MAX];

	while ((r = find_record(f, r, REC_OPEN, pid)))
		if (strcmp(path_opened(r, buf, sizeof(buf)), path) == 0)
			return true;
	return false;
}

/* Has a child open @paths; the bits of those that are told. */
static unsigned told(struct fixture *f, const char *const *paths, size_t n)
{
	struct opens o = { paths, n };
	unsigned bits = 0;
	int status;
	pid_t pid = in_child(open_all, &o, &status);

	await_last(f, pid);
	for (size_t i = 0; i < n; i++)
		bits |= (unsigned)was_opened(f, pid, paths[i]) << i;
	return bits;
}

#define TOLD(f, ...)                                  \
	told(f, (const char *const[]){ __VA_ARGS__ }, \
	     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void make(const char *name)
{
	AUTO_FD int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
}

/* --- paths --- */
static void test_kernel_filter_given_a_path_when_opened_then_only_it_is_left_out(void **state)
{
	struct fixture *f = *state;

	rules(f, "[{name: one, action: drop, path: [/etc/passwd, /etc]}]");
	assert_int_equal(TOLD(f, "/etc/passwd", "/etc/group", "/etc", "/", "/proc/version"), 0x1a);
	assert_int_equal(decided(f, "one"), 2);
}

static void test_kernel_filter_given_beginnings_when_opened_then_by_their_bytes(void **state)
{
	struct fixture *f = *state;

	rules(f, "[{action: drop, path-prefix: [/etc/pass, /proc/sys/kernel/]}]");
	assert_int_equal(TOLD(f, "/etc/passwd", "/etc/group", "/proc/sys/kernel", "/etc",
			      "/proc/sys/kernel/osrelease", "/proc/sys/vm/swappiness"),
			 0x2e);
	rules(f, "[{action: keep, path-prefix: /proc/self}, {action: keep, path: /proc/version},"
		 " {action: keep, path-suffix: /stat}, {action: drop, path-prefix: /}]");
	assert_int_equal(TOLD(f, "/etc/passwd", "/proc/version", "/"), 0x2);
}

static void test_kernel_filter_given_ends_when_opened_then_by_their_bytes(void **state)
{
	struct fixture *f = *state;
	char name[PATH_MAX + 256], longer[PATH_MAX + 256], x[201];

	make("a.log");
	make("a.log.gz");
	make(".log");
	make("log");
	memset(x, 'x', 200);
	x[200] = 0;
	make(x);
	snprintf(name, sizeof(name), "%s/%s", f->dir, x);
	snprintf(longer, sizeof(longer), "[{action: drop, path-suffix: [.log, '%s']}]",
		 name + strlen(name) - FILTER_SUFFIX_BYTES);
	rules(f, longer);
	snprintf(longer, sizeof(longer), "%s/a.log", f->dir);
	assert_int_equal(TOLD(f, name, longer), 0);
	snprintf(longer, sizeof(longer), "%s/.log", f->dir);
	snprintf(name, sizeof(name), "%s/log", f->dir);
	assert_int_equal(TOLD(f, longer, name), 2);
	snprintf(longer, sizeof(longer), "%s/a.log.gz", f->dir);
	assert_int_equal(TOLD(f, longer, "/etc/passwd"), 3);
}

static void test_kernel_filter_given_both_ends_when_opened_then_both_must_hold(void **state)
{
	struct fixture *f = *state;

	rules(f, "[{action: drop, path-prefix: /etc/, path-suffix: wd}]");
	assert_int_equal(TOLD(f, "/etc/passwd", "/etc/group", "/proc/version"), 6);
}

static void test_kernel_filter_given_long_paths_when_opened_then_both_ends_are_found(void **state)
{
	struct fixture *f = *state;
	char part[256], rule[PATH_MAX], end[PATH_MAX];

	memset(part, 'd', 255);
	part[255] = 0;
	for (int i = 0; i < 12; i++) { /* some 3,100 bytes */
		assert_int_equal(mkdir(part, 0755), 0);
		assert_int_equal(chdir(part), 0);
	}
	make("end");
	assert_non_null(getcwd(end, sizeof(end) - 4));
	memcpy(end + strlen(end), "/end", 5);
	snprintf(rule, sizeof(rule), "[{action: drop, path-prefix: '%.252s', path-suffix: dd/end}]",
		 end);
	rules(f, rule);
	assert_int_equal(TOLD(f, end, "/etc/passwd"), 2);
	snprintf(rule, sizeof(rule), "[{action: drop, path-prefix: '%.251sx'}]", end);
	rules(f, rule);
	assert_int_equal(TOLD(f, end, "/etc/passwd"), 3);
}

static void test_kernel_filter_given_a_path_too_deep_when_opened_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t before = undecided(f);
	char rule[PATH_MAX + 64], end[PATH_MAX];

	for (int i = 0; i < FILTER_PARTS_MOST; i++) {
		assert_int_equal(mkdir("d", 0755), 0);
		assert_int_equal(chdir("d"), 0);
	}
	make("end");
	assert_non_null(getcwd(end, sizeof(end) - 4));
	memcpy(end + strlen(end), "/end", 5);
	snprintf(rule, sizeof(rule), "[{action: drop, path-prefix: '%s'}]", f->dir);
	rules(f, rule);
	assert_int_equal(TOLD(f, end), 1);
	assert_int_equal(undecided(f) - before, 1);
}

static void test_kernel_filter_given_a_failed_open_when_filtered_then_by_the_name_asked(
	void **state)
{
	struct fixture *f = *state;

	rules(f, "[{action: drop, path: /nowhere/one}]");
	assert_int_equal(TOLD(f, "/nowhere/one", "/nowhere/two"), 2);
}

/* --- kinds --- */
static void create(void *arg)
{
	(void)arg;
	make("made");
	assert_int_equal(unlink("made"), 0);
	close(open(last_path, O_RDONLY | O_CLOEXEC));
}

static const struct rec_open *find_created(struct fixture *f, pid_t pid)
{
	const struct rec_open *r = NULL;

	while ((r = find_record(f, r, REC_OPEN, pid)))
		if (r->head.flags & REC_F_CREATED)
			return r;
	return NULL;
}

static void test_kernel_filter_given_kinds_when_a_record_is_two_then_each_by_itself(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	rules(f, "[{action: drop, kinds: open, path-suffix: made}]");
	pid = in_child(create, NULL, &status);
	await_last(f, pid);
	assert_non_null(find_created(f, pid));
	assert_int_equal(find_created(f, pid)->head.left_out, REC_LEFT_FIRST);
	rules(f, "[{action: drop, kinds: creation, path-suffix: made}]");
	pid = in_child(create, NULL, &status);
	await_last(f, pid);
	assert_int_equal(find_created(f, pid)->head.left_out, REC_LEFT_SECOND);
	rules(f, "[{action: drop, kinds: [open, creation], path-suffix: made}]");
	pid = in_child(create, NULL, &status);
	await_last(f, pid);
	assert_null(find_created(f, pid));
	assert_non_null(find_record(f, NULL, REC_DELETE, pid)); /* of another kind */
}

static void test_kernel_filter_given_names_as_asked_when_judged_then_doubt_is_told(void **state)
{
	struct fixture *f = *state;
	bool resolved = names_flag(f, KIND_DELETION, 0) == 0;
	uint64_t before = undecided(f);
	int status;
	pid_t pid;

	rules(f, "[{action: drop, kinds: deletion, path-suffix: /made}]");
	pid = in_child(create, NULL, &status);
	await_last(f, pid);
	assert_int_equal(find_record(f, NULL, REC_DELETE, pid) != NULL, !resolved);
	assert_int_equal(undecided(f) - before, !resolved);
}

static void rename_one(void *arg)
{
	(void)arg;
	make("before");
	assert_int_equal(rename("before", "after"), 0);
	close(open(last_path, O_RDONLY | O_CLOEXEC));
}

static void test_kernel_filter_given_a_rename_when_either_name_holds_then_it_does(void **state)
{
	static const char *const names[] = { "/before", "/after" };
	struct fixture *f = *state;
	bool resolved = names_flag(f, KIND_RENAME, 0) == 0;
	char text[128];
	int status;
	pid_t pid;

	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "[{action: drop, kinds: rename, path-suffix: %s}]",
			 names[i]);
		rules(f, text);
		pid = in_child(rename_one, NULL, &status);
		await_last(f, pid);
		assert_int_equal(find_record(f, NULL, REC_RENAME, pid) == NULL, resolved);
	}
}

/* --- who --- */
static void open_as_other(void *arg)
{
	assert_int_equal(setresuid(4321, 4321, 4321), 0);
	open_all(arg);
}

static void test_kernel_filter_given_a_user_when_opened_then_only_of_him(void **state)
{
	static const char *const paths[] = { "/etc/passwd" };
	struct opens o = { paths, 1 };
	struct fixture *f = *state;
	int status;
	pid_t pid;

	rules(f, "[{action: drop, uid: [4320, 4321], path: /etc/passwd}]");
	pid = in_child(open_as_other, &o, &status);
	await_last(f, pid);
	assert_false(was_opened(f, pid, "/etc/passwd"));
	assert_int_equal(TOLD(f, "/etc/passwd"), 1);
}

static void test_kernel_filter_given_a_container_when_not_known_then_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r;
	uint64_t before = undecided(f), cgroup;

	rules(f, "[{action: drop, container: 0123456789ab, path: /etc/passwd}]");
	assert_int_equal(TOLD(f, "/etc/passwd"), 1);
	assert_int_equal(undecided(f) - before, 1);
	r = find_record(f, NULL, REC_OPEN, 0);
	cgroup = r->head.cgroup_id;
	if (cgroup <= 1)
		return; /* the root group is never known, see filter_state_cgroup() */
	probe_filter_cgroup(f->probe, cgroup, "0123456789abcdef");
	assert_int_equal(TOLD(f, "/etc/passwd", "/etc/group"), 2);
	rules(f, "[{action: drop, container: none, path: /etc/passwd}]"); /* it is remembered */
	assert_int_equal(TOLD(f, "/etc/passwd"), 1);
	rules(f, "[{action: drop, container: any, path: /etc/passwd}]");
	assert_int_equal(TOLD(f, "/etc/passwd"), 0);
}

/* --- executables --- */
/* Runs sh, which runs cat below another sh, whose parent may have ended. */
struct chain {
	const char *script;
};

static void run_script(void *arg)
{
	const struct chain *c = arg;

	execl("/bin/sh", "sh", "-c", c->script, NULL);
	_exit(99);
}

/* Number of opens of /etc/hostname-like file @path that were told, by whomever. */
static size_t count_opens(const struct fixture *f, const char *path)
{
	const struct rec_open *r = NULL;
	char buf[PATH_MAX];
	size_t n = 0;

	while ((r = find_record(f, r, REC_OPEN, 0)))
		n += strcmp(path_opened(r, buf, sizeof(buf)), path) == 0;
	return n;
}

static void await_opens(struct fixture *f, const char *path, size_t n)
{
	for (int i = 0; i < 3000 && count_opens(f, path) < n; i++, sleep_ms(10))
		take_records(f);
	assert_int_equal(count_opens(f, path), n);
}

static void run_chain(struct fixture *f, const char *script)
{
	struct chain c = { script };
	int status;

	in_child(run_script, &c, &status);
	assert_int_equal(status, 0);
	await_opens(f, "/etc/group", 1); /* the script's last */
}

static const char *real_path(const char *path, char *buf)
{
	assert_non_null(realpath(path, buf));
	return buf;
}

static void test_kernel_filter_given_an_executable_when_it_opens_then_left_out(void **state)
{
	char rule[PATH_MAX + 100], sh[PATH_MAX];
	struct fixture *f = *state;

	snprintf(rule, sizeof(rule), "[{action: drop, executable: '%s', path: /etc/passwd}]",
		 real_path("/bin/sh", sh));
	rules(f, rule);
	run_chain(f, "read x </etc/passwd; (read x </etc/passwd); : </etc/group");
	assert_int_equal(count_opens(f, "/etc/passwd"), 0);
	assert_int_equal(TOLD(f, "/etc/passwd"), 1); /* of us */
}

/* Makes a shell in the folder @name of which no other process descends; busybox must be called sh.
 */
static void make_shell(const char *name, char *path)
{
	char command[2 * PATH_MAX + 16], sh[PATH_MAX];

	assert_int_equal(mkdir(name, 0755), 0);
	snprintf(command, sizeof(command), "cp '%s' %s/sh", real_path("/bin/sh", sh), name);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/sh", name);
	real_path(command, path);
}

static void test_kernel_filter_given_an_ancestor_when_many_forks_on_then_left_out(void **state)
{
	char rule[PATH_MAX + 100], script[4 * PATH_MAX], special[PATH_MAX];
	struct fixture *f = *state;

	make_shell("special", special);
	snprintf(rule, sizeof(rule), "[{action: drop, ancestor: '%s', path: /etc/passwd}]",
		 special);
	rules(f, rule);
	/* special itself is no ancestor of its own; a shell below it, five deep, is below it; one
	 * whose parents have all ended still is */
	snprintf(script, sizeof(script),
		 "read x </etc/passwd;"
		 "%s -c 'exec 3</etc/passwd; "
		 "sh -c \"sh -c \\\"(((read x </etc/passwd))); : \\\"; :\";"
		 "(sleep 0.2; exec sh -c \": </etc/passwd; : >%s/done\")& :'; "
		 "while ! [ -e %s/done ]; do sleep 0.05; done; : </etc/group",
		 special, f->dir, f->dir);
	run_chain(f, script);
	assert_int_equal(count_opens(f, "/etc/passwd"), 2);
}

static void test_kernel_filter_given_running_processes_when_set_then_ancestors_count(void **state)
{
	char rule[PATH_MAX + 100], special[PATH_MAX], script[PATH_MAX + 200];
	struct fixture *f = *state;
	int status;
	pid_t pid;

	make_shell("running", special);
	snprintf(script, sizeof(script),
		 "%s -c 'sh -c \"while ! [ -e go ]; do sleep 0.05; done; : </etc/passwd; : "
		 "</etc/group\"; :'",
		 special);
	pid = fork();
	if (pid == 0)
		run_script(&(struct chain){ script });
	for (int i = 0; i < 3000 && !count_opens(f, special); i++, sleep_ms(10)) {
		take_records(f);
		if (find_record(f, NULL, REC_EXEC, 0) && count_records(f, REC_EXEC, 0) >= 4)
			break; /* sh, special, sh, sleep */
	}
	snprintf(rule, sizeof(rule), "[{action: drop, ancestor: '%s', path: /etc/passwd}]",
		 special);
	rules(f, rule);
	make("go");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	await_opens(f, "/etc/group", 1);
	assert_int_equal(count_opens(f, "/etc/passwd"), 0);
}

/* --- networks --- */
struct peer_end {
	const char *address;
	uint16_t port;
};

static socklen_t fill_address(struct sockaddr_storage *to, const struct peer_end *p)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
	struct sockaddr_in *four = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, p->address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(p->port);
		return sizeof(*four);
	}
	assert_int_equal(inet_pton(AF_INET6, p->address, &six->sin6_addr), 1);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(p->port);
	return sizeof(*six);
}

/* Tries to connect to each; nobody listens. */
static void connect_all(void *arg)
{
	for (const struct peer_end *p = arg; p->address; p++) {
		struct sockaddr_storage to;
		socklen_t n = fill_address(&to, p);
		int s = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		(void)!connect(s, (struct sockaddr *)&to, n);
		close(s);
	}
}

/* Bits of the @ends to which an attempt was told; the last is always. */
static unsigned attempts(struct fixture *f, struct peer_end *ends)
{
	unsigned bits = 0;
	size_t n_ends = 0;
	int status;
	pid_t pid = in_child(connect_all, ends, &status);

	while (ends[n_ends].address)
		n_ends++;
	for (int i = 0; i < 3000 && !(bits >> (n_ends - 1)); i++, sleep_ms(10)) {
		const struct rec_tcp *r = NULL;

		take_records(f);
		bits = 0;
		while ((r = find_record(f, r, REC_CONNECT, pid)))
			for (size_t k = 0; k < n_ends; k++) {
				struct sockaddr_storage to;
				bool six =
					fill_address(&to, &ends[k]) == sizeof(struct sockaddr_in6);
				const void *address =
					six ? (void *)&((struct sockaddr_in6 *)&to)->sin6_addr
					    : (void *)&((struct sockaddr_in *)&to)->sin_addr;

				if (r->dest_port == ends[k].port &&
				    r->version == (six ? REC_IPV6 : REC_IPV4) &&
				    memcmp(r->dest, address, six ? 16 : 4) == 0)
					bits |= 1u << k;
			}
	}
	return bits;
}

static void test_kernel_filter_given_networks_when_connected_then_by_their_bits(void **state)
{
	struct peer_end ends[] = { { "127.0.0.1", 81 },	  { "127.127.255.255", 82 },
				   { "127.128.0.0", 83 }, { "::1", 84 },
				   { "127.0.0.9", 99 },	  { NULL, 0 } };
	struct fixture *f = *state;

	rules(f,
	      "[{action: keep, destination-port: 99}, {action: drop, destination: 127.0.0.0/9}]");
	assert_int_equal(attempts(f, ends), 0x1c);
	rules(f, "[{action: keep, destination-port: 99}, {action: drop, destination: ['::/0']}]");
	assert_int_equal(attempts(f, ends), 0x17);
	rules(f, "[{action: keep, destination-port: 99}, {action: drop, destination: 0.0.0.0/0}]");
	assert_int_equal(attempts(f, ends), 0x18);
	rules(f, "[{action: keep, destination-port: 99}, {action: drop, destination: 127.0.0.1}]");
	assert_int_equal(attempts(f, ends), 0x1e);
	rules(f, "[{action: drop, destination-port: [82-84, 7]}]");
	assert_int_equal(attempts(f, ends), 0x11);
	rules(f, "[{action: drop, kinds: connection_attempted, source: '::1', "
		 "destination-port: 80-90}]");
	assert_int_equal(attempts(f, ends), 0x17);
}

static void test_kernel_filter_given_ports_when_a_file_is_opened_then_told(void **state)
{
	struct fixture *f = *state;

	rules(f, "[{action: drop, destination-port: 80}, {action: drop, source: 10.0.0.0/8}]");
	assert_int_equal(TOLD(f, "/etc/passwd"), 1);
}

/* --- slots --- */
static void test_kernel_filter_given_256_rules_when_opened_then_each_decides_its_own(void **state)
{
	struct fixture *f = *state;
	struct filter *all = NULL;
	struct diag d = { 0 };
	char name[32], path[PATH_MAX + 32];

	assert_int_equal(filter_new(&all), 0);
	for (int i = 0; i < FILTER_SLOTS; i++) {
		snprintf(name, sizeof(name), "slot-%d", i);
		make(name);
		snprintf(path, sizeof(path), "%s/%s", f->dir, name);
		assert_int_equal(filter_rule(all, name, i % 2 ? FILTER_DROP : FILTER_KEEP, 0, &d),
				 0);
		assert_int_equal(filter_value(all, FILTER_W_PATH, path, &d), 0);
	}
	put_rules(f, all);
	for (int i = 0; i < FILTER_SLOTS; i += 15) {
		snprintf(name, sizeof(name), "slot-%d", i);
		snprintf(path, sizeof(path), "%s/%s", f->dir, name);
		assert_int_equal(TOLD(f, path), !(i % 2));
		assert_int_equal(decided(f, name), 1);
	}
	assert_int_equal(decided(f, "slot-1"), 0);
}

/* --- changes under way --- */
enum { LOAD_MOST = 1 << 18, CHANGES = 10 };

struct load {
	atomic_bool stop;
	atomic_uint made;
};

/* Opens numbered files that no set of rules leaves out, and in between one that all do. */
static void *load(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	struct load *l = arg;

	for (unsigned i = 0; i < LOAD_MOST && !atomic_load(&l->stop); i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "/nowhere/n%06u", i);
		fd = open(name, O_RDONLY | O_CLOEXEC); /* it fails, and that is told */
		if (fd >= 0)
			break;
		atomic_store(&l->made, i + 1);
		fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Marks what was told of the load, and forgets the records. */
static size_t mark(struct fixture *f, uint8_t *seen)
{
	const struct rec_open *r = NULL;
	char buf[PATH_MAX];
	unsigned number = 0;
	size_t n = 0;

	take_records(f);
	while ((r = find_record(f, r, REC_OPEN, 0))) {
		const char *path = path_opened(r, buf, sizeof(buf));

		assert_string_not_equal(path, "/etc/passwd");
		if (strncmp(path, "/nowhere/n", 10) != 0)
			continue;
		n++;
		assert_int_equal(sscanf(path + 10, "%6u", &number), 1);
		assert_true(number < LOAD_MOST);
		seen[number]++;
	}
	buf_clear(&f->records);
	return n;
}

static void test_kernel_filter_given_a_load_when_changed_then_none_is_lost_or_let_by(void **state)
{
	static uint8_t seen[LOAD_MOST];
	struct probe_loss lost[REC_CLASSES][REC_CAUSES];
	struct fixture *f = *state;
	struct load l = { false, 0 };
	pthread_t thread;
	size_t n = 0;

	memset(seen, 0, sizeof(seen));
	rules(f, "[{name: a, action: drop, path: /etc/passwd}]");
	assert_int_equal(probe_loss(f->probe, lost), 0);
	assert_int_equal(pthread_create(&thread, NULL, load, &l), 0);
	for (unsigned i = 0, before; i < CHANGES; i++) {
		before = atomic_load(&l.made);
		rules(f, i % 2 ? "[{name: a, action: drop, path: /etc/passwd}]"
			       : "[{name: b, action: keep, path-prefix: /nowhere/}, {name: c, "
				 "action: drop, kinds: open, uid: 0, path-suffix: passwd}]");
		for (int k = 0; k < 30000 && atomic_load(&l.made) == before; k++)
			sleep_ms(1); /* the load goes on between any two changes */
		n += mark(f, seen);
	}
	atomic_store(&l.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 3000 && n < l.made; i++, sleep_ms(10))
		n += mark(f, seen);
	assert_int_equal(probe_loss(f->probe, lost), 0);
	assert_int_equal(lost[REC_CLASS_BULK][REC_LOST_RING].count, 0);
	assert_int_equal(n, l.made);
	assert_true(n >= CHANGES);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen[i], 1);
}

static void test_kernel_filter_given_too_many_values_when_put_then_refused_and_the_old_stay(
	void **state)
{
	struct fixture *f = *state;
	struct filter *many = rules_of("[{action: drop, destination-port: 1-2000}]");
	struct diag d = { 0 };

	rules(f, "[{name: old, action: drop, path: /etc/passwd}]");
	assert_int_equal(TOLD(f, "/etc/passwd"), 0);
	put_rules(f, many); /* as many as there may be are taken, and the same again */
	put_rules(f, rules_of("[{action: drop, destination-port: 3-2010}]"));
	put_rules(f, rules_of("[{name: old, action: drop, path: /etc/passwd}]"));
	assert_int_equal(decided(f, "old"), 0);
	assert_int_equal(filter_new(&many), 0);
	assert_int_equal(filter_rule(many, "x", FILTER_DROP, 0, &d), 0);
	assert_int_equal(filter_value(many, FILTER_W_SOURCE_PORT, "0-3000", &d), -ENOSPC);
	filter_free(many);
	assert_int_equal(TOLD(f, "/etc/passwd"), 0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(test_kernel_filter_given_##name, test_setup, no_rules)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_path_when_opened_then_only_it_is_left_out),
		TEST(beginnings_when_opened_then_by_their_bytes),
		TEST(ends_when_opened_then_by_their_bytes),
		TEST(both_ends_when_opened_then_both_must_hold),
		TEST(long_paths_when_opened_then_both_ends_are_found),
		TEST(a_path_too_deep_when_opened_then_it_is_told),
		TEST(a_failed_open_when_filtered_then_by_the_name_asked),
		TEST(kinds_when_a_record_is_two_then_each_by_itself),
		TEST(names_as_asked_when_judged_then_doubt_is_told),
		TEST(a_rename_when_either_name_holds_then_it_does),
		TEST(a_user_when_opened_then_only_of_him),
		TEST(a_container_when_not_known_then_told),
		TEST(an_executable_when_it_opens_then_left_out),
		TEST(an_ancestor_when_many_forks_on_then_left_out),
		TEST(running_processes_when_set_then_ancestors_count),
		TEST(networks_when_connected_then_by_their_bits),
		TEST(ports_when_a_file_is_opened_then_told),
		TEST(256_rules_when_opened_then_each_decides_its_own),
		TEST(a_load_when_changed_then_none_is_lost_or_let_by),
		TEST(too_many_values_when_put_then_refused_and_the_old_stay),
	};

	return cmocka_run_group_tests(tests, filter_setup, group_teardown);
}
