/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel: links, directories and devices, permissions, owners,
 * mounts. */
#include "tests/sensor/kernel_fixture.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "lib/util.h"

static void make_file(const char *name)
{
	AUTO_FD int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
}

/* The next record of @type by us, waited for; *at is the one before and then this one. */
static const void *next_record(struct fixture *f, uint16_t type, const void **at)
{
	size_t offset = *at ? (size_t)((const uint8_t *)*at - f->records.data) : 0;
	bool any = *at != NULL;

	for (int i = 0; i < AWAIT_TRIES; i++, sleep_ms(10)) {
		const void *rec;

		take_records(f);
		rec = find_record(f, any ? f->records.data + offset : NULL, type, getpid());
		if (rec)
			return *at = rec;
	}
	fail_msg("no further record of type %u", type);
	return NULL;
}

static void check_walked(const char *data, const struct rec_path *p, const char *want)
{
	char text[PATH_MAX * 2];

	assert_string_equal(p->bytes ? path_text(data, p->bytes, text, sizeof(text)) : "", want);
}

/* --- links --- */
static void check_link(const struct fixture *f, const struct rec_rename *r, const char *from_dir,
		       const char *from, const char *to)
{
	const char *data = (const char *)(r + 1);
	bool symlink = r->head.type == REC_SYMLINK;
	uint16_t flags = names_flag(f, symlink ? KIND_SYMLINK : KIND_LINK, r->error);

	assert_int_equal(r->head.flags, flags);
	data = check_named(symlink ? REC_F_AS_ASKED : flags, data, &r->old_dir, r->old_name_bytes,
			   from_dir, from);
	data = check_named(flags, data, &r->new_dir, r->new_name_bytes, f->dir, to);
	assert_int_equal(data - (const char *)r, r->head.size);
}

static void test_kernel_change_given_files_when_linked_then_both_names_are_told(void **state)
{
	struct fixture *f = *state;
	uint64_t before = boot_ns();
	const struct rec_rename *r;
	const void *at = NULL;
	char path[PATH_MAX + 8];
	AUTO_FD int dir = open(".", O_PATH | O_CLOEXEC);
	AUTO_FD int fd = -1;

	make_file("linked");
	fd = open("linked", O_RDONLY | O_CLOEXEC);
	assert_int_equal(linkat(dir, "linked", dir, "second", 0), 0);
	assert_int_equal(linkat(fd, "", AT_FDCWD, "third", AT_EMPTY_PATH), 0);
	assert_int_equal(link("absent", "fourth"), -1);
	r = next_record(f, REC_LINK, &at);
	assert_head(&r->head, getpid(), before);
	assert_int_equal(r->error, 0);
	check_link(f, r, f->dir, "linked", "second");
	r = next_record(f, REC_LINK, &at);
	snprintf(path, sizeof(path), "%s/linked", f->dir);
	check_link(f, r, path, "", "third");
	r = next_record(f, REC_LINK, &at);
	assert_int_equal(r->error, ENOENT);
	check_link(f, r, f->dir, "absent", "fourth");
}

static void test_kernel_change_given_a_text_when_a_symlink_is_made_then_it_is_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_rename *r;
	const void *at = NULL;
	AUTO_FD int dir = open(".", O_PATH | O_CLOEXEC);

	assert_int_equal(symlink("../etc/./passwd", "sym"), 0);
	assert_int_equal(symlinkat("/etc/shadow", dir, "symat"), 0);
	assert_int_equal(symlink("x", "sym"), -1);
	r = next_record(f, REC_SYMLINK, &at);
	assert_int_equal(r->error, 0);
	check_link(f, r, "", "../etc/./passwd", "sym");
	r = next_record(f, REC_SYMLINK, &at);
	check_link(f, r, "", "/etc/shadow", "symat");
	r = next_record(f, REC_SYMLINK, &at);
	assert_int_equal(r->error, EEXIST);
}

/* --- directories, devices --- */
static void check_created(struct fixture *f, const void **at, const char *name, uint32_t type)
{
	const struct rec_create *r = next_record(f, REC_CREATE, at);
	const char *data = (const char *)(r + 1);
	uint16_t flags = names_flag(f, KIND_CREATION, 0);

	check_named(flags, data, &r->dir, r->name_bytes, f->dir, name);
	assert_int_equal(r->mode & S_IFMT, type);
	assert_int_equal(r->head.flags, flags);
	assert_int_equal(r->head.size, sizeof(*r) + r->dir.bytes + r->name_bytes);
}

static void test_kernel_change_given_names_when_directories_and_nodes_are_made_then_types_are_told(
	void **state)
{
	struct fixture *f = *state;
	const void *at = NULL;
	AUTO_FD int dir = open(".", O_PATH | O_CLOEXEC);

	assert_int_equal(mkdir("made", 0755), 0);
	assert_int_equal(mkdir("made", 0755), -1); /* made nothing */
	assert_int_equal(mkdirat(dir, "madeat", S_IFCHR | 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mknod("null", S_IFCHR | 0600, makedev(1, 3)), 0);
	check_created(f, &at, "made", S_IFDIR);
	check_created(f, &at, "madeat", S_IFDIR);
	check_created(f, &at, "fifo", S_IFIFO);
	check_created(f, &at, "null", S_IFCHR);
}

/* --- permissions and owners --- */
static const struct rec_attributes *check_attributes(struct fixture *f, uint16_t type,
						     const void **at, const char *path,
						     const char *name)
{
	const struct rec_attributes *r = next_record(f, type, at);
	const char *data = (const char *)(r + 1);
	enum kind kind = type == REC_CHMOD ? KIND_CHMOD : KIND_CHOWN;
	uint16_t flags = name ? names_flag(f, kind, r->error) : 0;

	check_named(flags, data, &r->path, r->name_bytes, path, name ? name : "");
	assert_int_equal(r->head.flags, flags);
	assert_int_equal(r->head.size, sizeof(*r) + r->path.bytes + r->name_bytes);
	return r;
}

static void test_kernel_change_given_a_file_when_its_mode_is_set_then_path_and_mode_are_told(
	void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 8];
	const void *at = NULL;
	AUTO_FD int fd = -1;

	make_file("mode");
	snprintf(path, sizeof(path), "%s/mode", f->dir);
	fd = open("mode", O_RDONLY | O_CLOEXEC);
	assert_int_equal(chmod("mode", 04755), 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(fchmodat(AT_FDCWD, path, 0640, 0), 0);
	assert_int_equal(chmod("absent", 0777), -1);
	assert_int_equal(check_attributes(f, REC_CHMOD, &at, f->dir, "mode")->mode, 04755);
	assert_int_equal(check_attributes(f, REC_CHMOD, &at, path, NULL)->mode, 0600);
	assert_int_equal(check_attributes(f, REC_CHMOD, &at, "", path)->mode, 0640);
	assert_int_equal(check_attributes(f, REC_CHMOD, &at, f->dir, "absent")->error, ENOENT);
}

static void test_kernel_change_given_a_file_when_its_owner_is_set_then_path_and_ids_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_attributes *r;
	char path[PATH_MAX + 8];
	const void *at = NULL;
	AUTO_FD int fd = -1;

	make_file("owner");
	snprintf(path, sizeof(path), "%s/owner", f->dir);
	fd = open("owner", O_RDONLY | O_CLOEXEC);
	assert_int_equal(chown("owner", 3, 4), 0);
	assert_int_equal(fchown(fd, 5, (gid_t)-1), 0);
	assert_int_equal(lchown("owner", (uid_t)-1, 6), 0);
	assert_int_equal(fchownat(fd, "", 7, 8, AT_EMPTY_PATH), 0);
	r = check_attributes(f, REC_CHOWN, &at, f->dir, "owner");
	assert_int_equal(r->uid, 3);
	assert_int_equal(r->gid, 4);
	assert_int_equal(r->error, 0);
	r = check_attributes(f, REC_CHOWN, &at, path, NULL);
	assert_int_equal(r->uid, 5);
	assert_int_equal(r->gid, UINT32_MAX);
	r = check_attributes(f, REC_CHOWN, &at, f->dir, "owner");
	assert_int_equal(r->uid, UINT32_MAX);
	assert_int_equal(r->gid, 6);
	r = check_attributes(f, REC_CHOWN, &at, path, "");
	assert_int_equal(r->uid, 7);
	assert_int_equal(r->gid, 8);
}

/* --- mounts --- */
static void mount_and_unmount(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(98);
	if (mkdir("point", 0755) < 0 || mount("ours", "point", "tmpfs", MS_NOSUID, "size=1m") < 0)
		_exit(97);
	if (umount2("point", MNT_DETACH) < 0 || umount2("point", 0) == 0)
		_exit(96);
}

static void check_mount(const struct fixture *f, const struct rec_mount *r, const char *dir,
			const char *name, const char *source)
{
	const char *data = (const char *)(r + 1);
	uint16_t flags = names_flag(f, r->head.type == REC_MOUNT ? KIND_MOUNT : KIND_UMOUNT, 0);

	assert_int_equal(r->head.flags, flags);
	data = check_named(flags, data, &r->dir, r->name_bytes, dir, name) + r->source_dir.bytes;
	assert_int_equal(r->source_bytes, source ? strlen(source) + 1 : 0);
	if (source)
		assert_string_equal(data, source);
	assert_int_equal(data + r->source_bytes - (const char *)r, r->head.size);
}

static void test_kernel_change_given_a_filesystem_when_mounted_and_unmounted_then_both_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_mount *r;
	int status;
	pid_t pid = in_child(mount_and_unmount, NULL, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	r = await_record(f, REC_MOUNT, pid);
	check_mount(f, r, "", "/", "none");
	assert_int_equal(r->mount_flags, MS_REC | MS_PRIVATE);
	assert_string_equal(r->type, "");
	r = find_record(f, r, REC_MOUNT, pid);
	assert_non_null(r);
	check_mount(f, r, f->dir, "point", "ours");
	assert_int_equal(r->mount_flags, MS_NOSUID);
	assert_int_equal(r->error, 0);
	assert_string_equal(r->type, "tmpfs");
	r = await_record(f, REC_UMOUNT, pid);
	check_mount(f, r, f->dir, "point", NULL);
	assert_int_equal(r->error, 0);
	r = find_record(f, r, REC_UMOUNT, pid);
	assert_non_null(r);
	assert_int_equal(r->error, EINVAL);
}

static void move_a_mount(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(98);
	if (mkdir("from", 0755) < 0 || mkdir("to", 0755) < 0 ||
	    mount("ours", "from", "tmpfs", 0, NULL) < 0)
		_exit(97);
	if (syscall(SYS_move_mount, AT_FDCWD, "from", AT_FDCWD, "to", 0) < 0)
		_exit(96);
}

static void test_kernel_change_given_a_mount_when_moved_then_both_places_are_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_mount *r = NULL;
	int status;
	pid_t pid = in_child(move_a_mount, NULL, &status);

	assert_int_equal(status, 0);
	await_record(f, REC_EXIT, pid);
	for (int i = 0; i < 3; i++) {
		r = find_record(f, r, REC_MOUNT, pid);
		assert_non_null(r);
	}
	check_mount(f, r, f->dir, "to", "from");
	check_walked((const char *)(r + 1) + r->dir.bytes + r->name_bytes, &r->source_dir, f->dir);
	assert_string_equal(r->type, "");
}

/* --- extended attributes --- */
static void test_kernel_change_given_a_file_when_its_attributes_change_then_all_are_told(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_xattr *r;
	const void *at = NULL;
	AUTO_FD int fd = -1;
	char want[PATH_MAX + 16], value[8];

	make_file("attributed");
	fd = open("attributed", O_RDWR | O_CLOEXEC);
	assert_int_equal(setxattr("attributed", "trusted.rtsec", "abc", 3, 0), 0);
	assert_int_equal(getxattr("attributed", "trusted.rtsec", value, sizeof(value)), 3);
	assert_int_equal(fsetxattr(fd, "trusted.rtsec", "abcd", 4, 0), 0);
	assert_int_equal(removexattr("attributed", "trusted.rtsec"), 0);
	assert_int_equal(removexattr("attributed", "trusted.rtsec"), -1);

	r = next_record(f, REC_XATTR, &at);
	assert_int_equal(r->error, 0);
	assert_int_equal(r->removed, 0);
	assert_int_equal(r->bytes, 3);
	assert_string_equal(r->attribute, "trusted.rtsec");
	check_walked((const char *)(r + 1), &r->path, f->dir);
	assert_string_equal((const char *)(r + 1) + r->path.bytes, "attributed");
	r = next_record(f, REC_XATTR, &at);
	assert_int_equal(r->bytes, 4);
	assert_int_equal(r->name_bytes, 0);
	assert_int_equal(r->head.flags, 0);
	snprintf(want, sizeof(want), "%s/attributed", f->dir);
	check_walked((const char *)(r + 1), &r->path, want);
	r = next_record(f, REC_XATTR, &at);
	assert_int_equal(r->removed, 1);
	assert_int_equal(r->error, 0);
	r = next_record(f, REC_XATTR, &at);
	assert_int_equal(r->removed, 1);
	assert_int_equal(r->error, ENODATA);
	assert_null(find_record(f, r, REC_XATTR, getpid()));
}

/* --- contents --- */
enum { TICK_MS = 50 }; /* filesystems in memory mark no second change within a tick of the clock */

static void check_written(struct fixture *f, const char *name)
{
	const struct rec_open *r = await_record(f, REC_WRITTEN, getpid());
	char want[PATH_MAX + 16];

	snprintf(want, sizeof(want), "%s/%s", f->dir, name);
	check_walked((const char *)(r + 1), &r->path, want);
	assert_file(&r->file, want);
	assert_int_equal(r->error, 0);
}

static void test_kernel_change_given_a_file_when_written_then_it_is_told_once_a_second(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = open("written", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	sleep_ms(TICK_MS);
	for (int i = 0; i < 50; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	check_written(f, "written");
	take_records(f);
	assert_true(count_records(f, REC_WRITTEN, getpid()) < 25);
}

/* Our folder is on a filesystem that marks no inode whose size was set. */
static bool in_memory(void)
{
	struct statfs fs;

	assert_int_equal(statfs(".", &fs), 0);
	return fs.f_type == TMPFS_MAGIC;
}

static void test_kernel_change_given_other_ways_to_write_when_used_then_they_are_told(void **state)
{
	struct fixture *f = *state;
	AUTO_FD int from = open("source", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	AUTO_FD int sent = open("sent", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	AUTO_FD int cut = open("cut", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	off_t zero = 0;

	sleep_ms(TICK_MS);
	assert_int_equal(pwrite(from, "abc", 3, 10), 3);
	check_written(f, "source");
	test_setup(state);
	assert_int_equal(sendfile(sent, from, &zero, 5), 5);
	check_written(f, "sent");
	if (in_memory())
		return;
	test_setup(state);
	assert_int_equal(ftruncate(cut, 100), 0);
	check_written(f, "cut");
}

static void test_kernel_change_given_no_change_of_contents_when_done_then_nothing_is_written(
	void **state)
{
	struct fixture *f = *state;
	AUTO_FD int fd = open("quiet", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	AUTO_FD int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char c;

	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(write(null, "x", 1), 1);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(link("quiet", "quiet2"), 0);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	await_record(f, REC_CHMOD, getpid());
	await_record(f, REC_LINK, getpid());
	assert_null(find_record(f, NULL, REC_WRITTEN, 0));
}

#define T(name) cmocka_unit_test_setup(test_kernel_change_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(files_when_linked_then_both_names_are_told),
		T(a_text_when_a_symlink_is_made_then_it_is_told),
		T(names_when_directories_and_nodes_are_made_then_types_are_told),
		T(a_file_when_its_mode_is_set_then_path_and_mode_are_told),
		T(a_file_when_its_owner_is_set_then_path_and_ids_are_told),
		T(a_filesystem_when_mounted_and_unmounted_then_both_are_told),
		T(a_mount_when_moved_then_both_places_are_told),
		T(a_file_when_its_attributes_change_then_all_are_told),
		T(a_file_when_written_then_it_is_told_once_a_second),
		T(other_ways_to_write_when_used_then_they_are_told),
		T(no_change_of_contents_when_done_then_nothing_is_written),
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_change", tests, group_setup, group_teardown);
}
