/* SPDX-License-Identifier: Apache-2.0 */
/* What enrich makes of an exec beside its process, and of what processes make of themselves and of
 * their files. */
#include "tests/sensor/enrich_fixture.h"

#include "sensor/event.h"

#include <errno.h>
#include <elf.h>
#include <sched.h>

static void test_enrich_exec_given_environment_and_script_when_told_then_they_are_fields(
	void **state)
{
	static const char env[] = "LD_PRELOAD=/tmp/x.so\0LD_PRELOADED=no\0PATH=/bin\0"
				  "LD_LIBRARY_PATH=";

	(void)state;
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/sh", "sh\0./run", 9);
	made_exec_more(&made, env, sizeof(env), "./run");
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/true", "true", 5);
	feed();
	seal();
	assert_int_equal(2, rows(KIND_EXEC));
	check_list(0, "process.env_vars", "LD_PRELOAD=/tmp/x.so PATH=/bin LD_LIBRARY_PATH=");
	check_text(0, "process.script.path", "/home/user/run");
	check_list(1, "process.env_vars", "");
	check_text(1, "process.script.path", NULL);
	assert_int_equal(VALUE_NULL, value(1, "process.executable_deleted").type);
	assert_int_equal(VALUE_NULL, value(1, "process.privileges_gained").type);
}

static void test_enrich_exec_given_what_was_cut_when_told_then_that_is_told(void **state)
{
	static const char env[] = "PATH=/bin";

	(void)state;
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/sh", "sh", 3);
	made_exec_more(&made, env, sizeof(env), NULL);
	made.head.flags = REC_F_ENV_CUT | REC_F_ARGS_CUT;
	feed();
	made_open(&made, 10, 10 * second, 21 * second, "/deep/path", 0);
	made.open.path.flags = REC_PATH_TRUNCATED;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_EXEC));
	check_number(0, "process.env_vars_truncated", 1);
	check_number(0, "process.args_truncated", 1);
	assert_int_equal(value(0, "process.start").type, VALUE_DATE);
	assert_int_equal(1, rows(KIND_OPEN));
	check_number(0, "file.path_truncated", 1);
}

static void test_enrich_exec_given_odd_executables_when_told_then_they_are_flagged(void **state)
{
	(void)state;
	made_exec(&made, 10, 10 * second, 20 * second, "/tmp/gone", "x", 2);
	made.exec.exe.flags = REC_PATH_DELETED;
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "memfd:x", "x", 2);
	made.exec.exe.flags = REC_PATH_DELETED | REC_PATH_DETACHED;
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/su", "su", 3);
	made.head.flags = REC_F_SECURE;
	made.exec.file = (struct rec_file){ .inode = 5, .mode = 0104755 };
	made.exec.euid = 1000;
	made.exec.effective = made.exec.permitted = 1 << 10;
	feed();
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/true", "true", 5);
	made.exec.effective = made.exec.permitted = UINT64_MAX; /* root's are not told */
	feed();
	seal();
	assert_int_equal(4, rows(KIND_EXEC));
	check_number(0, "process.executable_deleted", 1);
	assert_int_equal(VALUE_NULL, value(0, "process.executable_in_memory").type);
	check_number(1, "process.executable_deleted", 1);
	check_number(1, "process.executable_in_memory", 1);
	check_number(2, "process.privileges_gained", 1);
	check_text(2, "process.executable_mode", "04755");
	check_number(2, "process.executable_inode", 5);
	check_number(2, "process.pid", 10);
	check_number(2, "process.vpid", 10);
	check_number(2, "process.session.id", 10);
	check_text(2, "process.comm", "comm10");
	check_list(2, "process.thread.capabilities.effective", "CAP_NET_BIND_SERVICE");
	check_list(3, "process.thread.capabilities.effective", "");
}

static void test_enrich_exec_given_a_fork_into_namespaces_when_told_then_types_are_words(
	void **state)
{
	(void)state;
	made_fork(&made, 10, 10 * second, 20 * second, 11, 20 * second);
	made.fork.namespaces = CLONE_NEWUSER | CLONE_NEWPID;
	feed();
	made_fork(&made, 10, 10 * second, 20 * second, 12, 20 * second);
	feed();
	seal();
	assert_int_equal(2, rows(KIND_FORK));
	check_list(0, "rtsec.namespace.types", "pid user");
	check_list(1, "rtsec.namespace.types", "");
}

static void test_enrich_exec_given_a_script_by_descriptor_when_executed_then_its_file_is_told(
	void **state)
{
	(void)state;
	made_exec(&made, 10, 10 * second, 20 * second, "/bin/sh", "sh", 3);
	made.exec.script_dir = made_path(&made, "/tmp/hidden");
	feed();
	seal();
	check_text(0, "process.script.path", "/tmp/hidden");
}

static void test_enrich_exec_given_what_a_fork_shares_when_told_then_it_is_words(void **state)
{
	(void)state;
	made_fork(&made, 10, 10 * second, 20 * second, 11, 20 * second);
	made.fork.clone = REC_CLONE_VM | REC_CLONE_CGROUP;
	feed();
	made_fork(&made, 10, 10 * second, 20 * second, 12, 20 * second);
	feed();
	seal();
	check_list(0, "rtsec.clone.flags", "vm cgroup");
	check_list(1, "rtsec.clone.flags", "");
}

static void test_enrich_exec_given_elf_files_when_executed_then_class_and_machine_are_told(
	void **state)
{
	static const struct {
		uint8_t class;
		uint16_t machine;
		const char *want_class, *want_machine;
	} files[] = {
		{ ELFCLASS64, EM_X86_64, "ELF64", "x86-64" },
		{ ELFCLASS32, EM_386, "ELF32", "x86" },
		{ ELFCLASS32, EM_ARM, "ELF32", "arm" },
		{ ELFCLASS64, 999, "ELF64", "999" },
		{ 77, EM_386, NULL, NULL },
		{ 0, 0, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		made_exec(&made, 10, 10 * second, (20 + i) * second, "/bin/x", "x", 2);
		made.exec.elf_class = files[i].class;
		made.exec.elf_machine = files[i].machine;
		feed();
	}
	seal();
	for (uint32_t i = 0; i < ARRAY_SIZE(files); i++) {
		check_text(i, "process.elf.header.class", files[i].want_class);
		check_text(i, "process.elf.architecture", files[i].want_machine);
	}
}

static void test_enrich_exec_given_executable_memory_when_told_then_how_and_of_what(void **state)
{
	(void)state;
	made_protect(&made, 10, 10 * second, 20 * second, REC_MPROTECT, "/lib/x.so");
	feed();
	made_protect(&made, 10, 10 * second, 20 * second, REC_MMAP, "");
	made.protect.anonymous = 1;
	made.protect.protection = 5;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_MPROTECT));
	check_list(0, "rtsec.memory.protection", "read write exec");
	check_text(0, "rtsec.memory.call", "mprotect");
	check_text(0, "file.path", "/lib/x.so");
	check_number(0, "rtsec.memory.bytes", 4096);
	check_list(1, "rtsec.memory.protection", "read exec");
	check_text(1, "rtsec.memory.call", "mmap");
	check_text(1, "file.path", NULL);
}

static void test_enrich_exec_given_prctl_when_told_then_names_and_options_are_apart(void **state)
{
	(void)state;
	made_prctl(&made, 10, 10 * second, 20 * second, 15, 0);
	snprintf(made.head.comm, sizeof(made.head.comm), "kworker");
	feed();
	made_prctl(&made, 10, 10 * second, 20 * second, 38, 1);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_PRCTL_NAME));
	check_text(0, "process.thread.name", "kworker");
	assert_int_equal(1, rows(KIND_PRCTL));
	check_text(0, "rtsec.prctl.option", "PR_SET_NO_NEW_PRIVS");
	check_number(0, "rtsec.prctl.value", 1);
}

static void test_enrich_exec_given_memory_of_others_when_told_then_the_target_is_found(void **state)
{
	(void)state;
	made_exec(&made, 11, 11 * second, 19 * second, "/usr/bin/victim", "victim", 7);
	feed();
	made_memory(&made, REC_VM_WRITE, 10, 10 * second, 20 * second,
		    (struct rec_target){ 0, 0, 11 });
	feed();
	made_memory(&made, REC_VM_READ, 10, 10 * second, 20 * second,
		    (struct rec_target){ 0, 0, 99 });
	made.ptrace.error = EPERM;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_VM_WRITE));
	check_number(0, "Target.process.pid", 11);
	check_text(0, "event.outcome", "success");
	assert_int_equal(1, rows(KIND_VM_READ));
	check_text(0, "error.code", "EPERM");
	check_text(0, "Target.process.name", NULL);
}

static void test_enrich_exec_given_roots_when_told_then_paths_are_fields(void **state)
{
	(void)state;
	made_attributes(&made, REC_CHROOT, 10, 10 * second, 20 * second, "/srv/jail", NULL);
	feed();
	made_attributes(&made, REC_CHROOT, 10, 10 * second, 20 * second, "/srv", "none");
	made.attributes.error = ENOENT;
	feed();
	made_link(&made, REC_PIVOT, 10, 10 * second, 20 * second, "new", "new/old");
	feed();
	seal();
	assert_int_equal(2, rows(KIND_CHROOT));
	check_text(0, "file.path", "/srv/jail");
	check_text(1, "file.path", "/srv/none");
	check_text(1, "error.code", "ENOENT");
	assert_int_equal(1, rows(KIND_PIVOT));
	check_text(0, "file.path", "/home/user/new");
	check_text(0, "file.Ext.original.path", "/home/user/new/old");
}

static void test_enrich_exec_given_changed_files_when_told_then_what_changed_is_fields(void **state)
{
	(void)state;
	made_written(&made, 10, 10 * second, 20 * second, "/etc/passwd");
	made.open.file.uid = 3;
	feed();
	made_xattr(&made, 10, 10 * second, 20 * second, "security.capability", "tool");
	feed();
	made_xattr(&made, 10, 10 * second, 20 * second, "user.x", "tool");
	made.xattr.removed = 1;
	made.xattr.error = ENODATA;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_MODIFICATION));
	check_text(0, "file.path", "/etc/passwd");
	check_number(0, "file.inode", 77);
	check_number(0, "file.uid", 3);
	assert_int_equal(2, rows(KIND_XATTR));
	check_text(0, "file.path", "/home/user/tool");
	check_text(0, "rtsec.xattr.name", "security.capability");
	check_number(0, "rtsec.xattr.bytes", 20);
	check_number(1, "rtsec.xattr.removed", 1);
	check_text(1, "error.code", "ENODATA");
}

#define T(name) cmocka_unit_test_setup_teardown(test_enrich_exec_given_##name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(environment_and_script_when_told_then_they_are_fields),
		T(what_was_cut_when_told_then_that_is_told),
		T(odd_executables_when_told_then_they_are_flagged),
		T(a_fork_into_namespaces_when_told_then_types_are_words),
		T(a_script_by_descriptor_when_executed_then_its_file_is_told),
		T(what_a_fork_shares_when_told_then_it_is_words),
		T(elf_files_when_executed_then_class_and_machine_are_told),
		T(executable_memory_when_told_then_how_and_of_what),
		T(prctl_when_told_then_names_and_options_are_apart),
		T(memory_of_others_when_told_then_the_target_is_found),
		T(roots_when_told_then_paths_are_fields),
		T(changed_files_when_told_then_what_changed_is_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
