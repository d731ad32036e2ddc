/* SPDX-License-Identifier: Apache-2.0 */
/* The real programs in the real kernel, and what makes 32-bit system calls: programs that are made
 * of them, and any other by int 0x80.  What of these calls is told depends on the tier; that
 * nothing false is, does not. */
#include "tests/sensor/kernel_fixture.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OWN_MACHINE   EM_X86_64
#define OTHER_MACHINE EM_386
/* mov $1, %eax (exit); xor %ebx, %ebx; int $0x80 */
static const uint8_t ends_well[] = { 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80 };
#else
#define OWN_MACHINE   EM_AARCH64
#define OTHER_MACHINE EM_ARM
/* mov r7, #1 (exit); mov r0, #0; svc 0 */
static const uint8_t ends_well[] = { 0x01, 0x70, 0xa0, 0xe3, 0x00, 0x00,
				     0xa0, 0xe3, 0x00, 0x00, 0x00, 0xef };
#endif

/* --- programs --- */
static void write_program(const char *name)
{
	enum { BASE = 0x10000 };
	struct {
		Elf32_Ehdr head;
		Elf32_Phdr segment;
		uint8_t code[sizeof(ends_well)];
	} p = {
		.head = { .e_type = ET_EXEC,
			  .e_machine = OTHER_MACHINE,
			  .e_version = EV_CURRENT,
			  .e_flags = OTHER_MACHINE == EM_ARM ? 0x05000000 : 0, /* EABI 5 */
			  .e_entry = BASE + sizeof(p.head) + sizeof(p.segment),
			  .e_phoff = sizeof(p.head),
			  .e_ehsize = sizeof(p.head),
			  .e_phentsize = sizeof(p.segment),
			  .e_phnum = 1 },
		.segment = { .p_type = PT_LOAD,
			     .p_vaddr = BASE,
			     .p_paddr = BASE,
			     .p_filesz = sizeof(p),
			     .p_memsz = sizeof(p),
			     .p_flags = PF_R | PF_X,
			     .p_align = 4096 },
	};
	AUTO_FD int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	memcpy(p.head.e_ident, ELFMAG, SELFMAG);
	p.head.e_ident[EI_CLASS] = ELFCLASS32;
	p.head.e_ident[EI_DATA] = ELFDATA2LSB;
	p.head.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(p.code, ends_well, sizeof(ends_well));
	assert_int_equal(write(fd, &p, sizeof(p)), sizeof(p));
}

static void execute(void *name)
{
	char *argv[] = { name, NULL };

	execv(name, argv);
	_exit(errno == ENOEXEC ? 99 : 98);
}

static void test_kernel_compat_given_programs_when_executed_then_their_class_is_told(void **state)
{
	char own[] = "/bin/true", small[] = "./small";
	const struct rec_exec *r;
	int status;
	pid_t pid = in_child(execute, own, &status);

	assert_int_equal(status, 0);
	r = await_record(*state, REC_EXEC, pid);
	assert_int_equal(r->elf_class, ELFCLASS64);
	assert_int_equal(r->elf_machine, OWN_MACHINE);

	write_program(small);
	pid = in_child(execute, small, &status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) /* the kernel runs none */
		return;
	assert_int_equal(status, 0);
	r = await_record(*state, REC_EXEC, pid);
	assert_int_equal(r->elf_class, ELFCLASS32);
	assert_int_equal(r->elf_machine, OTHER_MACHINE);
}

static void test_kernel_compat_given_a_script_when_executed_then_its_interpreters_class_is_told(
	void **state)
{
	static const char text[] = "#!/bin/true\n";
	char script[] = "./script";
	AUTO_FD int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	const struct rec_exec *r;
	int status;
	pid_t pid;

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	fd = -1;
	pid = in_child(execute, script, &status);
	assert_int_equal(status, 0);
	r = await_record(*state, REC_EXEC, pid);
	assert_int_equal(r->elf_class, ELFCLASS64);
	assert_int_equal(r->elf_machine, OWN_MACHINE);
}

/* --- calls --- */
#if defined(__x86_64__)
/* Numbers of 32-bit calls. */
enum {
	SMALL_WRITE = 4,
	SMALL_OPEN = 5,
	SMALL_LINK = 9,
	SMALL_UNLINK = 10,
	SMALL_CHMOD = 15,
	SMALL_MOUNT = 21,
	SMALL_RENAME = 38,
	SMALL_MKDIR = 39,
	SMALL_RMDIR = 40,
	SMALL_UMOUNT2 = 52,
	SMALL_SYMLINK = 83,
	SMALL_CHOWN = 212,
};

/* Text where such calls can name it. */
static long low(const char *text)
{
	static char *room;
	static size_t at;

	if (!room)
		room = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memcpy(room + at, text, strlen(text) + 1);
	at += strlen(text) + 1;
	return (long)(room + at - strlen(text) - 1);
}

static long small_call(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void must(long nr, long a, long b, long c, long d, long e)
{
	if (small_call(nr, a, b, c, d, e) < 0)
		_exit(98);
}

/* Ends with a call that is told always. */
static void change_all(void *arg)
{
	(void)arg;
	must(SMALL_MKDIR, low("dir"), 0700, 0, 0, 0);
	close((int)small_call(SMALL_OPEN, low("dir/made"), O_CREAT | O_RDWR, 0600, 0, 0));
	must(SMALL_LINK, low("dir/made"), low("link"), 0, 0, 0);
	must(SMALL_SYMLINK, low("text"), low("sym"), 0, 0, 0);
	must(SMALL_RENAME, low("link"), low("dir/moved"), 0, 0, 0);
	must(SMALL_CHMOD, low("dir/made"), 0751, 0, 0, 0);
	must(SMALL_CHOWN, low("dir/made"), 65531, 65532, 0, 0);
	must(SMALL_UNLINK, low("dir/made"), 0, 0, 0, 0);
	must(SMALL_UNLINK, low("dir/moved"), 0, 0, 0, 0);
	must(SMALL_RMDIR, low("dir"), 0, 0, 0, 0);
	if (rmdir("absent") == 0)
		_exit(97);
}

static bool resolves(const struct fixture *f)
{
	return names_flag(f, KIND_DELETION, 0) == 0;
}

static void check_one(const struct rec_head *h, const struct rec_path *dir, uint16_t name_bytes,
		      const char *data, const char *want)
{
	assert_int_equal(h->flags & (REC_F_SUBMITTED | REC_F_AS_ASKED), REC_F_SUBMITTED);
	check_named(0, data, dir, name_bytes, want, "");
}

static const char *below(const struct fixture *f, const char *name)
{
	static char text[PATH_MAX + 32];

	snprintf(text, sizeof(text), "%s/%s", f->dir, name);
	return text;
}

static void check_two(const struct fixture *f, const struct rec_rename *r, const char *old,
		      const char *new)
{
	const char *data = check_named(0, (const char *)(r + 1), &r->old_dir, r->old_name_bytes,
				       below(f, old), "");

	check_one(&r->head, &r->new_dir, r->new_name_bytes, data, below(f, new));
}

static void check_attributes(const struct fixture *f, pid_t pid)
{
	const struct rec_attributes *r = find_record(f, NULL, REC_CHMOD, pid);

	assert_non_null(r);
	assert_int_equal(r->mode & 07777, 0751);
	check_one(&r->head, &r->path, r->name_bytes, (const char *)(r + 1), below(f, "dir/made"));
	r = find_record(f, NULL, REC_CHOWN, pid);
	assert_non_null(r);
	assert_int_equal(r->uid, 65531);
	assert_int_equal(r->gid, 65532);
	check_one(&r->head, &r->path, r->name_bytes, (const char *)(r + 1), below(f, "dir/made"));
}

static void check_made(const struct fixture *f, pid_t pid)
{
	const struct rec_create *made = find_record(f, NULL, REC_CREATE, pid);
	const struct rec_rename *sym = find_record(f, NULL, REC_SYMLINK, pid);

	assert_non_null(made);
	assert_int_equal(made->mode & S_IFMT, S_IFDIR);
	check_one(&made->head, &made->dir, made->name_bytes, (const char *)(made + 1),
		  below(f, "dir"));
	made = find_record(f, made, REC_CREATE, pid);
	assert_non_null(made);
	check_one(&made->head, &made->dir, made->name_bytes, (const char *)(made + 1),
		  below(f, "dir/made"));
	check_two(f, find_record(f, NULL, REC_LINK, pid), "dir/made", "link");
	check_two(f, find_record(f, NULL, REC_RENAME, pid), "link", "dir/moved");
	assert_non_null(sym);
	assert_string_equal((const char *)(sym + 1), "text");
	check_one(&sym->head, &sym->new_dir, sym->new_name_bytes,
		  (const char *)(sym + 1) + sym->old_name_bytes, below(f, "sym"));
}

static void check_gone(const struct fixture *f, pid_t pid)
{
	static const char *const names[] = { "dir/made", "dir/moved", "dir" };
	const struct rec_delete *r = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		r = find_record(f, r, REC_DELETE, pid);
		assert_non_null(r);
		check_one(&r->head, &r->dir, r->name_bytes, (const char *)(r + 1),
			  below(f, names[i]));
	}
}

static void test_kernel_compat_given_32_bit_calls_when_files_change_then_told_if_resolved(
	void **state)
{
	struct fixture *f = *state;
	const struct rec_delete *last;
	int status;
	pid_t pid = in_child(change_all, NULL, &status);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) /* the kernel takes none */
		return;
	assert_int_equal(status, 0);
	last = await_nth(f, REC_DELETE, pid, resolves(f) ? 3 : 0);
	assert_int_equal(last->head.flags & REC_F_SUBMITTED, 0);
	assert_int_equal(last->error, ENOENT);
	check_named(REC_F_AS_ASKED, (const char *)(last + 1), &last->dir, last->name_bytes, f->dir,
		    "absent"); /* and not what a 32-bit call has left behind */
	if (!resolves(f)) {
		assert_int_equal(count_records(f, REC_RENAME, pid), 0);
		return;
	}
	check_made(f, pid);
	check_attributes(f, pid);
	check_gone(f, pid);
}

/* Until it is ended: filesystems in memory mark a write only when the clock has ticked. */
static void write_small(void *arg)
{
	int fd = open("written", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	long text = low("abc");

	(void)arg;
	for (;;) {
		must(SMALL_WRITE, fd, text, 3, 0, 0);
		sleep_ms(5);
	}
}

static void test_kernel_compat_given_32_bit_calls_when_they_write_then_told(void **state)
{
	struct fixture *f = *state;
	const struct rec_open *r;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		write_small(NULL);
	for (int i = 0; i < AWAIT_TRIES && !find_record(f, NULL, REC_WRITTEN, pid); i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
			return; /* the kernel takes none */
		}
		sleep_ms(10);
		take_records(f);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	r = await_record(f, REC_WRITTEN, pid);
	check_named(0, (const char *)(r + 1), &r->path, 0, below(f, "written"), "");
}

static void mount_small(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) < 0 || mkdir("at", 0700) < 0)
		_exit(98);
	must(SMALL_MOUNT, low("ours"), low("at"), low("tmpfs"), 0, 0);
	must(SMALL_UMOUNT2, low("at"), 0, 0, 0, 0);
	if (rmdir("at") < 0)
		_exit(97);
}

static void test_kernel_compat_given_32_bit_calls_when_mounted_then_told_if_resolved(void **state)
{
	struct fixture *f = *state;
	const struct rec_mount *r;
	int status;
	pid_t pid = in_child(mount_small, NULL, &status);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		return;
	assert_int_equal(status, 0);
	await_record(f, REC_DELETE, pid);
	if (names_flag(f, KIND_MOUNT, 0) != 0) {
		assert_int_equal(count_records(f, REC_MOUNT, pid), 0);
		return;
	}
	r = await_record(f, REC_MOUNT, pid);
	assert_string_equal(r->type, "tmpfs");
	assert_int_equal(r->head.flags & REC_F_SUBMITTED, REC_F_SUBMITTED);
	assert_string_equal(
		check_named(0, (const char *)(r + 1), &r->dir, r->name_bytes, below(f, "at"), ""),
		"ours");
	r = await_record(f, REC_UMOUNT, pid);
	check_one(&r->head, &r->dir, r->name_bytes, (const char *)(r + 1), below(f, "at"));
}
#endif

#define T(name) cmocka_unit_test_setup(test_kernel_compat_given_##name, test_setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(programs_when_executed_then_their_class_is_told),
		T(a_script_when_executed_then_its_interpreters_class_is_told),
#if defined(__x86_64__)
		T(32_bit_calls_when_files_change_then_told_if_resolved),
		T(32_bit_calls_when_they_write_then_told),
		T(32_bit_calls_when_mounted_then_told_if_resolved),
#endif
	};

	if (geteuid() != 0) {
		print_error("the kernel tests need root: run them with sudo\n");
		return 1;
	}
	return cmocka_run_group_tests_name("kernel_compat", tests, group_setup, group_teardown);
}
