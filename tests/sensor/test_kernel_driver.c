/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: modules, BPF programs and maps, probes, io_uring. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>

#include "sensor/probe_skel.h"
#include "tests/sensor/address.h"
#include "tests/sensor/uring.h"

/* --- BPF --- */
static int bpf_call(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_map(uint32_t entries)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
				.key_size = 4,
				.value_size = 8,
				.max_entries = entries,
				.map_name = "rtsec_test_map" };

	return bpf_call(BPF_MAP_CREATE, &attr);
}

static void test_kernel_driver_given_a_map_when_made_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t before = boot_ns();
	AUTO_FD int fd = make_map(1);
	uint32_t key = 0;
	uint64_t value = 0;
	union bpf_attr lookup = { .map_fd = (uint32_t)fd };
	const struct rec_bpf *r = await_record(f, REC_BPF_MAP, getpid());

	assert_true(fd >= 0);
	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->head.size, sizeof(*r));
	assert_int_equal(r->error, 0);
	assert_int_equal(r->type, BPF_MAP_TYPE_ARRAY);
	assert_int_not_equal(r->id, 0);
	assert_string_equal(r->name, "rtsec_test_map");
	lookup.key = (uintptr_t)&key;
	lookup.value = (uintptr_t)&value;
	assert_int_equal(bpf_call(BPF_MAP_LOOKUP_ELEM, &lookup), 0); /* using it is not told */
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	await_record(f, REC_OPEN, getpid());
	assert_int_equal(count_records(f, REC_BPF_MAP, getpid()), 1);
	assert_null(find_record(f, NULL, REC_BPF_LOAD, 0));
}

static void test_kernel_driver_given_a_map_without_places_when_made_then_the_failure_is_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_bpf *r;

	assert_int_equal(make_map(0), -1);
	r = await_record(f, REC_BPF_MAP, getpid());
	assert_int_equal(r->error, EINVAL);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED);
	assert_int_equal(r->type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(r->id, 0);
	assert_string_equal(r->name, "rtsec_test_map");
}

/* ---- what is the sensor's own ---- */

static void take(struct fixture *f, enum rec_bpf_object object, int cmd, const char *name)
{
	const struct guard_ids *ids = probe_ids(f->probe);
	union bpf_attr attr = { .map_id = ids->at[object][0] }; /* all three are at one place */
	const struct rec_bpf *r;
	AUTO_FD int fd = -1;

	assert_true(ids->n[object] > 5);
	assert_true(ids->n[object] < GUARD_IDS);
	fd = bpf_call(cmd, &attr);
	assert_true(fd >= 0);
	r = await_record(f, REC_BPF_TAKEN, getpid());
	assert_int_equal(r->type, object);
	assert_int_equal(r->id, ids->at[object][0]);
	if (name)
		assert_string_not_equal(r->name, name);
	buf_clear(&f->records);
}

static void test_kernel_driver_given_own_objects_when_got_by_id_then_it_is_told_which(void **state)
{
	struct fixture *f = *state;
	union bpf_attr none = { .map_id = UINT32_MAX };

	assert_int_equal(bpf_call(BPF_MAP_GET_FD_BY_ID, &none),
			 -1); /* what fails changes nothing */
	take(f, REC_BPF_OBJECT_MAP, BPF_MAP_GET_FD_BY_ID, "");
	take(f, REC_BPF_OBJECT_PROGRAM, BPF_PROG_GET_FD_BY_ID, "");
	take(f, REC_BPF_OBJECT_LINK, BPF_LINK_GET_FD_BY_ID, NULL);
}

/* As somebody would who got hold of map @id: writes @tgid to place @at of those that programs leave
 * out.  Returns false when the map is not their memory, or gone. */
static bool leave_out(uint32_t id, size_t at, uint32_t tgid)
{
	union bpf_attr attr = { .map_id = id };
	AUTO_FD int fd = bpf_call(BPF_MAP_GET_FD_BY_ID, &attr);
	struct bpf_map_info info = { 0 };
	union bpf_attr ask = { .info = { .bpf_fd = (uint32_t)fd,
					 .info_len = sizeof(info),
					 .info = (uintptr_t)&info } };
	static uint8_t memory[1 << 16];
	uint32_t key = 0;

	if (fd < 0 || bpf_call(BPF_OBJ_GET_INFO_BY_FD, &ask) < 0 || !strstr(info.name, ".bss") ||
	    info.value_size > sizeof(memory))
		return false;
	attr = (union bpf_attr){ .map_fd = (uint32_t)fd };
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)memory;
	assert_int_equal(bpf_call(BPF_MAP_LOOKUP_ELEM, &attr), 0);
	memcpy(memory + offsetof(struct rtsec_bpf__bss, control.ignored) + at * sizeof(tgid), &tgid,
	       sizeof(tgid));
	assert_int_equal(bpf_call(BPF_MAP_UPDATE_ELEM, &attr), 0);
	return true;
}

static void leave_out_somewhere(const struct fixture *f, size_t at, uint32_t tgid)
{
	const struct guard_ids *ids = probe_ids(f->probe);
	size_t n = 0;

	for (size_t i = 0; i < ids->n[REC_BPF_OBJECT_MAP]; i++)
		n += leave_out(ids->at[REC_BPF_OBJECT_MAP][i], at, tgid);
	assert_int_equal(n, 1);
}

static void test_kernel_driver_given_somebody_who_changes_who_is_left_out_when_asked_then_told(
	void **state)
{
	static const char changed[] = "somebody changed what the sensor's programs leave out";
	struct fixture *f = *state;
	uint32_t self = (uint32_t)getpid();

	assert_null(
		probe_wrong(f->probe)); /* it leaves nobody out: nothing is asked of its programs */
	assert_int_equal(probe_ignore_tgid(f->probe, self), 0);
	assert_null(probe_wrong(f->probe));
	leave_out_somewhere(f, REC_IGNORED - 1, 77); /* his own pid */
	assert_null(probe_wrong(f->probe));
	assert_string_equal(probe_wrong(f->probe), changed);
	leave_out_somewhere(f, REC_IGNORED - 1, 0);
	assert_null(probe_wrong(f->probe));
	leave_out_somewhere(f, 0, 0);
	assert_string_equal(probe_wrong(f->probe), "the sensor's programs see nothing any more");
	leave_out_somewhere(f, 0, self);
	assert_null(probe_wrong(f->probe));
	probe_unignore_tgid(f->probe, self);
}

/* The programs leave nobody out any longer than he lives: that is no change by somebody else. */
static void test_kernel_driver_given_who_is_left_out_when_he_ends_then_nothing_is_wrong(
	void **state)
{
	struct fixture *f = *state;
	uint32_t self = (uint32_t)getpid();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	assert_int_equal(probe_ignore_tgid(f->probe, self), 0);
	assert_int_equal(probe_ignore_tgid(f->probe, (uint32_t)pid), 0);
	assert_null(probe_wrong(f->probe));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 3; i++)
		assert_null(probe_wrong(f->probe));
	probe_unignore_tgid(f->probe, self);
}

/* Loads the program that returns 0, or (without its first instruction) one that is refused. */
static int load_program(bool whole)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insns = (uintptr_t)(insns + !whole),
				.insn_cnt = 1u + whole,
				.license = (uintptr_t) "GPL",
				.prog_name = "rtsec_test" };

	return bpf_call(BPF_PROG_LOAD, &attr);
}

static void test_kernel_driver_given_a_program_when_loaded_or_refused_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = load_program(true);
	const struct rec_bpf *r = await_record(f, REC_BPF_LOAD, getpid());

	assert_true(fd >= 0);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->type, BPF_PROG_TYPE_SOCKET_FILTER);
	assert_int_not_equal(r->id, 0);
	assert_string_equal(r->name, "rtsec_test");
	test_setup(state);
	assert_int_equal(load_program(false), -1);
	r = await_record(f, REC_BPF_LOAD, getpid());
	assert_int_not_equal(r->error, 0);
	assert_int_equal(r->type, BPF_PROG_TYPE_SOCKET_FILTER);
	assert_string_equal(r->name, "rtsec_test");
}

/* --- probes --- */
static uint32_t event_source(const char *name)
{
	char path[96];
	unsigned type = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u", &type), 1);
	fclose(file);
	return type;
}

static int open_event(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	return (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

static void test_kernel_driver_given_a_uprobe_when_attached_then_file_and_offset_are_told(
	void **state)
{
	struct fixture *f = *state;
	struct perf_event_attr attr = { .type = event_source("uprobe"), .config = 1 };
	struct perf_event_attr clock = { .type = PERF_TYPE_SOFTWARE,
					 .config = PERF_COUNT_SW_CPU_CLOCK };
	AUTO_FD int near = open_event(&clock), fd = -1; /* no probe: not told */
	char path[PATH_MAX + 16];
	const struct rec_probe *r;

	assert_true(near >= 0);
	assert_int_equal(system("cp /bin/true probed"), 0);
	snprintf(path, sizeof(path), "%s/probed", f->dir);
	attr.uprobe_path = (uintptr_t)path;
	attr.probe_offset = 64;
	fd = open_event(&attr);
	assert_true(fd >= 0);
	r = await_record(f, REC_PROBE, getpid());
	assert_int_equal(count_records(f, REC_PROBE, getpid()), 1);
	assert_int_equal(r->flags, REC_PROBE_USER | REC_PROBE_RETURN);
	assert_int_equal(r->offset, 64);
	assert_string_equal((const char *)(r + 1), path);
	assert_int_equal(r->name_bytes, strlen(path) + 1);
	assert_int_equal(r->head.size, sizeof(*r) + r->name_bytes);
}

/* --- modules --- */
static const char *tier_of(const struct fixture *f, enum kind kind)
{
	const struct probe_tier *tiers;
	size_t n;

	tiers = probe_tiers(f->probe, &n);
	for (size_t i = 0; i < n; i++)
		if (tiers[i].kind == kind)
			return tiers[i].tier;
	fail_msg("kind %d is not watched", kind);
	return NULL;
}

/* init_module(2) of the file @path.  Returns what it does. */
static long load_from_memory(const char *path)
{
	static char image[1 << 20];
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, image, sizeof(image));

	assert_true(n > 0 && (size_t)n < sizeof(image));
	return syscall(SYS_init_module, image, (unsigned long)n, "");
}

/* On a kernel without modules there is nothing to watch, and the tier says that. */
static void test_kernel_driver_given_no_module_when_loaded_then_the_attempt_is_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = open("evil.ko", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	long r = syscall(SYS_finit_module, fd, "", 0);
	char text[PATH_MAX], want[PATH_MAX + 16];
	const struct rec_module *m;

	assert_int_equal(r, -1);
	if (errno == ENOSYS) {
		assert_string_equal(tier_of(f, KIND_MODULE), "none");
		return;
	}
	assert_string_not_equal(tier_of(f, KIND_MODULE), "none");
	m = await_record(f, REC_MODULE, getpid());
	assert_int_not_equal(m->error, 0);
	assert_string_equal(m->name, "");
	snprintf(want, sizeof(want), "%s/evil.ko", f->dir);
	assert_string_equal(path_text((const char *)(m + 1), m->path.bytes, text, sizeof(text)),
			    want);
}

/* In the VMs of the matrix there is a real one (tests/matrix/kernel.sh); elsewhere a kernel that
 * takes modules may have none that we could load. */
static void test_kernel_driver_given_a_real_module_when_loaded_then_its_name_and_file_are_told(
	void **state)
{
	const char *module = getenv("RTSEC_TEST_MODULE"), *name;
	struct fixture *f = *state;
	char text[PATH_MAX], real[PATH_MAX];
	const struct rec_module *m;
	AUTO_FD int fd = -1;

	if (!module) {
		assert_null(getenv("RTSEC_MATRIX"));
		return;
	}
	name = strrchr(module, '/') + 1;
	assert_non_null(realpath(module, real));
	fd = open(real, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_finit_module, fd, "", 0), 0);
	m = await_record(f, REC_MODULE, getpid());
	assert_int_equal(m->error, 0);
	assert_int_equal(strlen(m->name) + strlen(".ko"), strlen(name));
	assert_memory_equal(m->name, name, strlen(m->name));
	assert_string_equal(path_text((const char *)(m + 1), m->path.bytes, text, sizeof(text)),
			    real);
	assert_int_equal(syscall(SYS_delete_module, m->name, O_NONBLOCK), 0);
	test_setup(state);
	assert_int_equal(load_from_memory(real), 0);
	m = await_record(f, REC_MODULE, getpid());
	assert_int_equal(m->error, 0);
	assert_memory_equal(m->name, name, strlen(m->name));
	assert_int_equal(m->path.bytes, 0); /* it came from memory */
	assert_int_equal(syscall(SYS_delete_module, m->name, O_NONBLOCK), 0);
}

/* --- io_uring --- */
static void test_kernel_driver_given_an_io_uring_when_made_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct io_uring_sqe nothing = { .opcode = IORING_OP_NOP };
	const struct rec_uring *r;
	struct uring u;

	uring_open(&u, IORING_SETUP_CLAMP);
	r = await_record(f, REC_URING, getpid());
	assert_int_equal(r->error, 0);
	assert_int_equal(r->entries, 8);
	assert_int_equal(r->flags, IORING_SETUP_CLAMP);
	assert_int_equal(uring_do(&u, &nothing), 0);
	uring_close(&u);
	test_setup(state);
	assert_int_equal(syscall(SYS_io_uring_setup, 0, &u.params), -1);
	r = await_record(f, REC_URING, getpid());
	assert_int_equal(r->error, EINVAL);
}

static struct io_uring_sqe open_request(const char *path, int flags)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = (uintptr_t)path,
				      .open_flags = (uint32_t)flags,
				      .len = 0600 };
}

static void test_kernel_driver_given_an_open_over_io_uring_when_done_then_it_is_told_as_ever(
	void **state)
{
	struct fixture *f = *state;
	struct io_uring_sqe good = open_request("by-ring", O_RDWR | O_CREAT | O_CLOEXEC);
	struct io_uring_sqe bad = open_request("not/there", O_RDONLY);
	char text[PATH_MAX], want[PATH_MAX + 16];
	const struct rec_open *r;
	struct uring u;
	int fd;

	if (!follows_uring(f)) /* its tier says so */
		return;
	uring_open(&u, 0);
	fd = uring_do(&u, &good);
	assert_true(fd >= 0);
	r = await_record(f, REC_OPEN, getpid());
	snprintf(want, sizeof(want), "%s/by-ring", f->dir);
	assert_string_equal(path_text((const char *)(r + 1), r->path.bytes, text, sizeof(text)),
			    want);
	assert_int_equal(r->head.flags, REC_F_CREATED);
	assert_int_equal(r->error, 0);
	assert_file(&r->file, want);
	test_setup(state);
	assert_int_equal(uring_do(&u, &bad), -ENOENT);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, ENOENT);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED | REC_F_NAME_CUT);
	close(fd);
	uring_close(&u);
}

static void test_kernel_driver_given_names_over_io_uring_when_changed_then_they_are_told(
	void **state)
{
	struct fixture *f = *state;
	struct io_uring_sqe make = { .opcode = IORING_OP_MKDIRAT,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t) "ring-dir",
				     .len = 0700 };
	struct io_uring_sqe move = { .opcode = IORING_OP_RENAMEAT,
				     .fd = AT_FDCWD,
				     .addr = (uintptr_t) "ring-dir",
				     .len = (uint32_t)AT_FDCWD,
				     .addr2 = (uintptr_t) "/ring-none/x" };
	struct io_uring_sqe remove = { .opcode = IORING_OP_UNLINKAT,
				       .fd = AT_FDCWD,
				       .addr = (uintptr_t) "ring-dir",
				       .unlink_flags = AT_REMOVEDIR };
	const uint16_t flags = REC_F_AS_ASKED | REC_F_SUBMITTED;
	const struct rec_create *c;
	const struct rec_rename *m;
	const struct rec_delete *d;
	struct uring u;

	if (!follows_uring(f)) /* its tier says so */
		return;
	uring_open(&u, 0);
	assert_int_equal(uring_do(&u, &make), 0);
	assert_int_equal(uring_do(&u, &move), -ENOENT);
	assert_int_equal(uring_do(&u, &remove), 0);
	uring_close(&u);
	d = await_record(f, REC_DELETE, getpid());
	assert_int_equal(d->head.flags, flags | REC_F_DIRECTORY);
	assert_string_equal((const char *)(d + 1) + d->dir.bytes, "ring-dir");
	assert_true(d->dir.bytes > 0);
	c = find_record(f, NULL, REC_CREATE, getpid());
	assert_non_null(c);
	assert_int_equal(c->head.flags, flags);
	assert_int_equal(c->mode, S_IFDIR);
	assert_string_equal((const char *)(c + 1) + c->dir.bytes, "ring-dir");
	m = find_record(f, NULL, REC_RENAME, getpid());
	assert_non_null(m);
	assert_int_equal(m->head.flags, flags);
	assert_string_equal((const char *)(m + 1) + m->old_dir.bytes, "ring-dir");
	assert_int_equal(m->new_dir.bytes, 0);
	assert_string_equal((const char *)(m + 1) + m->old_dir.bytes + m->old_name_bytes,
			    "/ring-none/x");
}

static void test_kernel_driver_given_connections_over_io_uring_when_made_then_both_sides_are_told(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FD int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address a = make_address("127.0.0.1", 0);
	struct io_uring_sqe connecting = { .opcode = IORING_OP_CONNECT,
					   .fd = client,
					   .addr = (uintptr_t)&a };
	struct io_uring_sqe accepting = { .opcode = IORING_OP_ACCEPT, .fd = listener };
	const struct rec_tcp *r;
	struct uring u;
	int server;

	if (!follows_uring(f)) /* its tier says so */
		return;
	assert_int_equal(bind(listener, &a.any, sizeof(a.v4)), 0);
	assert_int_equal(listen(listener, 1), 0);
	a = make_address("127.0.0.1", own_port(listener));
	connecting.off = sizeof(a.v4);
	uring_open(&u, 0);
	assert_int_equal(uring_do(&u, &connecting), 0);
	server = uring_do(&u, &accepting);
	assert_true(server >= 0);
	uring_close(&u);
	r = await_record(f, REC_ACCEPT, getpid());
	assert_int_equal(r->source_port, own_port(client));
	assert_int_equal(r->dest_port, own_port(listener));
	assert_int_equal(r->direction, REC_INGRESS);
	r = find_record(f, NULL, REC_CONNECT, getpid());
	assert_non_null(r);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->dest_port, own_port(listener));
	close(server);
	close(client);
	client = -1;
	r = await_record(f, REC_CLOSE, getpid());
	assert_int_equal(r->dest_port, own_port(listener));
}

#define T(name) cmocka_unit_test_setup(test_kernel_driver_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_map_when_made_then_it_is_told),
		T(a_map_without_places_when_made_then_the_failure_is_told),
		T(a_program_when_loaded_or_refused_then_it_is_told),
		T(own_objects_when_got_by_id_then_it_is_told_which),
		T(somebody_who_changes_who_is_left_out_when_asked_then_told),
		T(who_is_left_out_when_he_ends_then_nothing_is_wrong),
		T(a_uprobe_when_attached_then_file_and_offset_are_told),
		T(no_module_when_loaded_then_the_attempt_is_told),
		T(a_real_module_when_loaded_then_its_name_and_file_are_told),
		T(an_io_uring_when_made_then_it_is_told),
		T(an_open_over_io_uring_when_done_then_it_is_told_as_ever),
		T(names_over_io_uring_when_changed_then_they_are_told),
		T(connections_over_io_uring_when_made_then_both_sides_are_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_driver", tests, group_setup, group_teardown);
}
