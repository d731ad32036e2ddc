/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: opens, deletions, renames. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "lib/util.h"

/* --- reading records --- */
static const char *open_path(const struct rec_open *r, char *text)
{
	return path_text((const char *)(r + 1), r->path.bytes, text, PATH_MAX * 2);
}

static const char *open_name(const struct rec_open *r)
{
	const char *name = (const char *)(r + 1) + r->path.bytes;

	assert_int_equal(sizeof(*r) + r->path.bytes + r->name_bytes, r->head.size);
	assert_int_equal(strlen(name) + 1, r->name_bytes);
	return name;
}

static char *ours(const struct fixture *f, const char *name, char *text)
{
	snprintf(text, PATH_MAX * 2, "%s/%s", f->dir, name);
	return text;
}

static void make_file(const char *name)
{
	AUTO_FD int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
}

/* --- open --- */
static void test_kernel_file_given_a_relative_symlink_when_opened_then_the_real_path_is_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;
	uint64_t before;

	assert_int_equal(mkdir("deep", 0755), 0);
	make_file("deep/file");
	assert_int_equal(symlink("../deep/../deep/file", "deep/link"), 0);
	test_setup(state);
	before = boot_ns();
	close(open("./deep/../deep/link", O_RDONLY | O_CLOEXEC));
	r = await_record(f, REC_OPEN, getpid());

	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->head.flags, 0);
	assert_int_equal(r->error, 0);
	assert_string_equal(open_path(r, text), ours(f, "deep/file", expected));
	assert_int_equal(r->path.flags, 0);
	assert_int_equal(r->name_bytes, 0);
	assert_int_equal(r->open_flags & O_ACCMODE, O_RDONLY);
	assert_file(&r->file, "deep/file");
	assert_int_equal(r->head.size, sizeof(*r) + r->path.bytes);
}

static void test_kernel_file_given_no_file_when_opened_to_create_then_creation_is_told(void **state)
{
	struct fixture *f = *state;
	const int asked = O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_APPEND;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;

	close(open("fresh", asked, 0600));
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, REC_F_CREATED);
	assert_int_equal(r->open_flags & (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND),
			 asked);
	assert_int_equal(r->file.mode, S_IFREG | 0600);
	assert_string_equal(open_path(r, text), ours(f, "fresh", expected));

	test_setup(state);
	close(open("fresh", O_WRONLY | O_CREAT, 0600));
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, 0); /* it was there already */
	assert_int_equal(r->open_flags & (O_ACCMODE | O_CREAT), O_WRONLY | O_CREAT);
}

#ifdef SYS_creat
static void test_kernel_file_given_creat_and_open_when_called_then_each_is_told(void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;

	close((int)syscall(SYS_creat, "creat", 0640));
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, REC_F_CREATED);
	assert_int_equal(r->open_flags & (O_ACCMODE | O_CREAT | O_TRUNC),
			 O_WRONLY | O_CREAT | O_TRUNC);
	assert_string_equal(open_path(r, text), ours(f, "creat", expected));
	test_setup(state);
	close((int)syscall(SYS_open, "creat", O_WRONLY | O_TRUNC));
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->open_flags & (O_ACCMODE | O_TRUNC), O_WRONLY | O_TRUNC);
	test_setup(state);
	assert_int_equal(syscall(SYS_open, "creat/x", O_RDWR), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, ENOTDIR);
	assert_string_equal(open_name(r), "creat/x");
	assert_int_equal(r->open_flags, O_RDWR);
}
#endif

static void test_kernel_file_given_openat2_when_called_then_flags_and_directory_are_told(
	void **state)
{
	struct fixture *f = *state;
	struct open_how how = { .flags = O_WRONLY | O_CREAT,
				.mode = 0600,
				.resolve = RESOLVE_BENEATH };
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;
	AUTO_FD int dir = -1;

	mkdir("two", 0755);
	dir = open("two", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(chdir("/"), 0);
	take_records(f);
	buf_clear(&f->records);
	close((int)syscall(SYS_openat2, dir, "made", &how, sizeof(how)));
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->head.flags, REC_F_CREATED);
	assert_int_equal(r->open_flags & (O_ACCMODE | O_CREAT), O_WRONLY | O_CREAT);
	assert_string_equal(open_path(r, text), ours(f, "two/made", expected));

	buf_clear(&f->records);
	assert_int_equal(syscall(SYS_openat2, dir, "../out", &how, sizeof(how)), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, EXDEV);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED);
	assert_int_equal(r->open_flags, O_WRONLY | O_CREAT);
	assert_string_equal(open_path(r, text), ours(f, "two", expected));
	assert_string_equal(open_name(r), "../out");
}

static void test_kernel_file_given_no_file_when_opened_then_the_failure_is_told(void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2];
	const struct rec_open *r;

	assert_int_equal(open("/nowhere/at/all", O_RDWR | O_APPEND), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, ENOENT);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED);
	assert_int_equal(r->open_flags, O_RDWR | O_APPEND);
	assert_int_equal(r->path.bytes, 0);
	assert_string_equal(open_name(r), "/nowhere/at/all");
	assert_int_equal(r->file.inode, 0);
	assert_int_equal(r->file.mode, 0);

	test_setup(state);
	assert_int_equal(open("missing", O_RDONLY), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_string_equal(open_path(r, text), f->dir);
	assert_string_equal(open_name(r), "missing");

	test_setup(state);
	assert_int_equal(openat(999, "missing", O_RDONLY), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, EBADF);
	assert_int_equal(r->path.bytes, 0);

	test_setup(state);
	assert_int_equal(syscall(SYS_openat, AT_FDCWD, (void *)16, O_RDONLY), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, EFAULT);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED | REC_F_NAME_CUT);
	assert_int_equal(r->name_bytes, 0);
}

static void test_kernel_file_given_a_name_too_long_when_opened_then_it_is_cut(void **state)
{
	struct fixture *f = *state;
	char name[REC_NAME_BYTES + 100];
	const struct rec_open *r;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_int_equal(open(name, O_RDONLY), -1);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->error, ENAMETOOLONG);
	assert_int_equal(r->head.flags, REC_F_AS_ASKED | REC_F_NAME_CUT);
	assert_int_equal(strlen(open_name(r)), REC_NAME_BYTES - 1);
}

static void test_kernel_file_given_a_deleted_file_when_opened_again_then_that_is_told(void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2], link[64];
	AUTO_FD int fd = open("doomed", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const struct rec_open *r;

	unlink("doomed");
	test_setup(state);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	close(open(link, O_RDONLY));
	r = await_record(f, REC_OPEN, getpid());
	assert_string_equal(open_path(r, text), ours(f, "doomed", expected));
	assert_int_equal(r->path.flags, REC_PATH_DELETED);
}

/* --- mounts and roots --- */
static void open_in_mount(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "mnt", "tmpfs", 0, NULL) < 0 || mkdir("mnt/sub", 0755) < 0 ||
	    mkdir("mnt/sub/bound", 0755) < 0 ||
	    mount("deep2", "mnt/sub/bound", NULL, MS_BIND, NULL) < 0)
		_exit(98);
	_exit(open("mnt/sub/bound/inner", O_RDONLY) < 0);
}

static void test_kernel_file_given_mounts_on_mounts_when_opened_then_the_whole_path_is_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;
	int status;
	pid_t pid;

	mkdir("mnt", 0755);
	mkdir("deep2", 0755);
	make_file("deep2/inner");
	test_setup(state);
	pid = in_child(open_in_mount, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_OPEN, pid);
	assert_string_equal(open_path(r, text), ours(f, "mnt/sub/bound/inner", expected));
	assert_file(&r->file, "deep2/inner");
}

static void open_in_root(void *arg)
{
	(void)arg;
	if (chroot("jail") < 0 || chdir("/") < 0)
		_exit(98);
	_exit(open("/prisoner", O_RDONLY) < 0);
}

static void
test_kernel_file_given_a_changed_root_when_opened_then_the_path_from_the_real_root_is_told(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], expected[PATH_MAX * 2];
	const struct rec_open *r;
	int status;
	pid_t pid;

	mkdir("jail", 0755);
	make_file("jail/prisoner");
	test_setup(state);
	pid = in_child(open_in_root, NULL, &status);
	assert_int_equal(status, 0);
	r = await_record(f, REC_OPEN, pid);
	assert_string_equal(open_path(r, text), ours(f, "jail/prisoner", expected));
}

/* Goes @depth folders of @len letters down, opens a file there. */
static void open_deep(const struct fixture *f, int depth, size_t len)
{
	char name[256];

	memset(name, 'd', len);
	name[len] = 0;
	assert_int_equal(chdir(f->dir), 0);
	for (int i = 0; i < depth; i++) {
		if (mkdir(name, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		assert_int_equal(chdir(name), 0);
	}
	close(open("leaf", O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void test_kernel_file_given_a_deep_path_when_opened_then_it_is_whole_or_cut_at_its_begin(
	void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2];
	const struct rec_open *r;

	open_deep(f, 100, 30); /* 3,100 bytes, 103 components */
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->path.flags, 0);
	open_path(r, text);
	assert_int_equal(r->path.bytes, strlen(f->dir) + 100 * 31 + 5);
	assert_memory_equal(text + sizeof(text) - 6, "/leaf", 6);

	test_setup(state);
	open_deep(f, 20, 250); /* 5,000 bytes */
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->path.flags, REC_PATH_TRUNCATED);
	assert_true(r->path.bytes > REC_PATH_BYTES - 600 && r->path.bytes <= REC_PATH_BYTES);
	assert_memory_equal(r + 1, "leaf", 5);

	test_setup(state);
	open_deep(f, 200, 3);
	r = await_record(f, REC_OPEN, getpid());
	assert_int_equal(r->path.flags, REC_PATH_TRUNCATED);
	assert_int_equal(r->path.bytes, 5 + (REC_PATH_PARTS - 1) * 4);
}

/* --- deletion --- */
static void check_delete(struct fixture *f, const char *dir, const char *name, uint32_t error,
			 uint16_t flags)
{
	const struct rec_delete *r = await_record(f, REC_DELETE, getpid());
	uint16_t named = names_flag(f, KIND_DELETION, error);

	assert_head(&r->head, getpid(), 1);
	assert_int_equal(r->error, error);
	assert_int_equal(r->head.flags, flags | named);
	check_named(named, (const char *)(r + 1), &r->dir, r->name_bytes, dir, name);
	assert_int_equal(r->head.size, sizeof(*r) + r->dir.bytes + r->name_bytes);
	buf_clear(&f->records);
}

static void test_kernel_file_given_names_when_removed_then_each_call_is_told(void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX * 2], at[PATH_MAX * 2];
	AUTO_FD int dir = -1;

	mkdir("del", 0755);
	dir = open("del", O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_file("del/a");
	make_file("del/b");
	mkdir("del/c", 0755);
	mkdir("del/d", 0755);
	assert_int_equal(unlink("del/a"), 0);
	check_delete(f, f->dir, "del/a", 0, 0);
	assert_int_equal(unlinkat(dir, "b", 0), 0);
	check_delete(f, ours(f, "del", at), "b", 0, 0);
	assert_int_equal(unlinkat(dir, "c", AT_REMOVEDIR), 0);
	check_delete(f, ours(f, "del", at), "c", 0, REC_F_DIRECTORY);
	assert_int_equal(rmdir(ours(f, "del/d", text)), 0);
	check_delete(f, "", text, 0, REC_F_DIRECTORY);
	assert_int_equal(unlink("del/a"), -1);
	check_delete(f, f->dir, "del/a", ENOENT, 0);
}

static void test_kernel_file_given_a_link_in_the_name_when_removed_then_its_target_is_resolved(
	void **state)
{
	struct fixture *f = *state;
	uint16_t flag = names_flag(f, KIND_DELETION, 0);

	mkdir("real", 0755);
	assert_int_equal(symlink("real", "via"), 0);
	make_file("real/x");
	assert_int_equal(unlink("via/../via/x"), 0);
	check_delete(f, f->dir, flag & REC_F_AS_ASKED ? "via/../via/x" : "real/x", 0, 0);
}

/* --- rename --- */
struct ends {
	const char *old_dir, *old_name, *new_dir, *new_name;
};

static void check_rename(struct fixture *f, const struct ends *e, uint32_t error, uint32_t flags)
{
	const struct rec_rename *r = await_record(f, REC_RENAME, getpid());
	uint16_t named = names_flag(f, KIND_RENAME, error);
	const char *at = (const char *)(r + 1);

	assert_head(&r->head, getpid(), 1);
	assert_int_equal(r->head.flags, named);
	assert_int_equal(r->error, error);
	assert_int_equal(r->rename_flags, flags);
	at = check_named(named, at, &r->old_dir, r->old_name_bytes, e->old_dir, e->old_name);
	at = check_named(named, at, &r->new_dir, r->new_name_bytes, e->new_dir, e->new_name);
	assert_int_equal(at - (const char *)r, r->head.size);
	buf_clear(&f->records);
}

static void test_kernel_file_given_names_when_renamed_then_both_are_told(void **state)
{
	struct fixture *f = *state;
	char sub[PATH_MAX * 2], text[PATH_MAX * 2];
	AUTO_FD int dir = -1;

	mkdir("ren", 0755);
	dir = open("ren", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ours(f, "ren", sub);
	ours(f, "ren/z", text);
	make_file("x");
	assert_int_equal(rename("x", "ren/y"), 0);
	check_rename(f, &(struct ends){ f->dir, "x", f->dir, "ren/y" }, 0, 0);
	assert_int_equal(renameat(dir, "y", AT_FDCWD, text), 0);
	check_rename(f, &(struct ends){ sub, "y", "", text }, 0, 0);
	make_file("other");
	assert_int_equal(syscall(SYS_renameat2, dir, "z", AT_FDCWD, "other", RENAME_NOREPLACE), -1);
	check_rename(f, &(struct ends){ sub, "z", f->dir, "other" }, EEXIST, RENAME_NOREPLACE);
	make_file("another");
	assert_int_equal(syscall(SYS_renameat2, AT_FDCWD, "other", AT_FDCWD, "another",
				 RENAME_EXCHANGE),
			 0);
	check_rename(f, &(struct ends){ f->dir, "other", f->dir, "another" }, 0, RENAME_EXCHANGE);
	assert_int_equal(rename("absent", "present"), -1);
	check_rename(f, &(struct ends){ f->dir, "absent", f->dir, "present" }, ENOENT, 0);
}

#define T(name) cmocka_unit_test_setup(test_kernel_file_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_relative_symlink_when_opened_then_the_real_path_is_told),
		T(no_file_when_opened_to_create_then_creation_is_told),
#ifdef SYS_creat
		T(creat_and_open_when_called_then_each_is_told),
#endif
		T(openat2_when_called_then_flags_and_directory_are_told),
		T(no_file_when_opened_then_the_failure_is_told),
		T(a_name_too_long_when_opened_then_it_is_cut),
		T(a_deleted_file_when_opened_again_then_that_is_told),
		T(mounts_on_mounts_when_opened_then_the_whole_path_is_told),
		T(a_changed_root_when_opened_then_the_path_from_the_real_root_is_told),
		T(a_deep_path_when_opened_then_it_is_whole_or_cut_at_its_begin),
		T(names_when_removed_then_each_call_is_told),
		T(a_link_in_the_name_when_removed_then_its_target_is_resolved),
		T(names_when_renamed_then_both_are_told),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_file", tests, group_setup, group_teardown);
}
