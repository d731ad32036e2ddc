/* SPDX-License-Identifier: Apache-2.0 */
/* What enrich makes of records that test_consumer.c does not feed: rows, opened again with the
 * collector's reader. */
#include "tests/sensor/enrich_fixture.h"

#include "sensor/event.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

static const struct rec_target target = { UINT64_C(11) * 1000000000, 11, 11 };

static void test_enrich_given_changed_ids_when_told_then_old_and_new_are_fields(void **state)
{
	(void)state;
	made_credentials(&made, 10, 10 * second, 20 * second, REC_CHANGED_UIDS | REC_CHANGED_GIDS);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_UID_CHANGE));
	check_number(0, "process.pid", 10);
	check_number(0, "process.previous.real_user.id", 1);
	check_number(0, "process.previous.user.id", 2);
	check_number(0, "process.previous.saved_user.id", 3);
	check_number(0, "process.real_user.id", 1000);
	check_number(0, "process.user.id", 1001);
	check_number(0, "process.saved_user.id", 1002);
	assert_int_equal(1, rows(KIND_GID_CHANGE));
	check_number(0, "process.previous.real_group.id", 4);
	check_number(0, "process.previous.group.id", 5);
	check_number(0, "process.previous.saved_group.id", 6);
	check_number(0, "process.real_group.id", 2000);
	check_number(0, "process.group.id", 2001);
	check_number(0, "process.saved_group.id", 2002);
	assert_int_equal(0, rows(KIND_CAPSET));
}

static void test_enrich_given_an_id_for_files_when_told_then_it_is_a_field(void **state)
{
	(void)state;
	made_credentials(&made, 10, 10 * second, 20 * second, REC_CHANGED_UIDS);
	made.credentials.after.fsuid = 7;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_UID_CHANGE));
	check_number(0, "process.thread.filesystem_user.id", 7);
	check_number(0, "process.previous.filesystem_user.id", 2);
}

static void test_enrich_given_changed_capabilities_when_told_then_they_have_names(void **state)
{
	(void)state;
	made_credentials(&made, 10, 10 * second, 20 * second, REC_CHANGED_CAPS);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_CAPSET));
	check_list(0, "process.thread.capabilities.effective", "CAP_CHOWN");
	check_list(0, "process.thread.capabilities.permitted", "CAP_CHOWN CAP_CHECKPOINT_RESTORE");
	assert_int_equal(0, rows(KIND_UID_CHANGE));
}

static void test_enrich_given_a_signal_when_told_then_both_processes_have_rows(void **state)
{
	(void)state;
	made_exec(&made, 11, 11 * second, 19 * second, "/usr/bin/victim", "victim", 7);
	feed();
	made_signal(&made, 10, 10 * second, 20 * second, SIGKILL, target);
	feed();
	made_signal(&made, 10, 10 * second, 20 * second, 37, target);
	made.signal.error = EAGAIN;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_SIGNAL));
	check_number(0, "process.pid", 10);
	check_number(0, "Target.process.pid", 11);
	check_text(0, "Target.process.name", "victim");
	check_text(0, "rtsec.signal.name", "SIGKILL");
	check_text(0, "event.outcome", "success");
	check_text(1, "rtsec.signal.name", "SIGRTMIN+3");
	check_text(1, "error.code", "EAGAIN");
}

static void test_enrich_given_tracing_when_told_then_the_request_has_a_name(void **state)
{
	const struct rec_target asked = { 0, 0, 11 }, unknown = { 0, 0, 99 };

	(void)state;
	made_ptrace(&made, 10, 10 * second, 20 * second, 16, target);
	feed();
	made_ptrace(&made, 10, 10 * second, 20 * second, 0x4206, asked);
	made.ptrace.error = EPERM;
	feed();
	made_ptrace(&made, 10, 10 * second, 20 * second, 5, unknown);
	made.ptrace.error = ESRCH;
	feed();
	seal();
	assert_int_equal(3, rows(KIND_PTRACE));
	check_text(0, "rtsec.ptrace.request", "PTRACE_ATTACH");
	check_number(0, "Target.process.pid", 11);
	check_text(1, "rtsec.ptrace.request", "PTRACE_SEIZE");
	check_text(1, "error.code", "EPERM");
	check_number(1, "Target.process.pid", 11); /* found by its number */
	check_text(2, "rtsec.ptrace.request", "PTRACE_POKEDATA");
	check_text(2, "Target.process.name", NULL);
}

static void test_enrich_given_namespaces_when_told_then_types_are_words(void **state)
{
	(void)state;
	made_namespace(&made, REC_UNSHARE, 10, 10 * second, 20 * second,
		       CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWNET);
	feed();
	made_namespace(&made, REC_SETNS, 10, 10 * second, 20 * second, 0);
	memcpy(made.ns.name, "uts", 3);
	feed();
	made_namespace(&made, REC_SETNS, 10, 10 * second, 20 * second, 0);
	memset(made.ns.name, 'x', sizeof(made.ns.name));
	made.ns.error = EBADF;
	feed();
	seal();
	assert_int_equal(1, rows(KIND_UNSHARE));
	check_list(0, "rtsec.namespace.types", "mnt net user");
	check_text(0, "event.outcome", "success");
	assert_int_equal(2, rows(KIND_SETNS));
	check_list(0, "rtsec.namespace.types", "uts");
	check_text(1, "rtsec.namespace.types", NULL);
	check_text(1, "error.code", "EBADF");
}

static void test_enrich_given_a_memory_file_when_told_then_name_and_flags_are_fields(void **state)
{
	(void)state;
	made_memfd(&made, 10, 10 * second, 20 * second, "se/cret", 3);
	feed();
	made_begin(&made, REC_MEMFD, sizeof(struct rec_open), 10, 10 * second, 20 * second);
	made.open.error = EINVAL;
	made.open.name_bytes = made_text(&made, "odd");
	feed();
	seal();
	assert_int_equal(2, rows(KIND_MEMFD));
	check_text(0, "process.Ext.memfd.name", "se/cret");
	check_text(0, "file.path", "memfd:se/cret");
	check_number(0, "file.inode", 78);
	check_list(0, "process.Ext.memfd.flags", "cloexec allow_sealing");
	check_text(1, "process.Ext.memfd.name", "odd");
	check_text(1, "file.path", NULL);
	check_text(1, "error.code", "EINVAL");
}

static void test_enrich_given_links_when_told_then_both_names_are_fields(void **state)
{
	(void)state;
	made_link(&made, REC_LINK, 10, 10 * second, 20 * second, "old", "new");
	feed();
	made_link(&made, REC_LINK, 10, 10 * second, 20 * second, "", "new"); /* by descriptor */
	feed();
	made_link(&made, REC_SYMLINK, 10, 10 * second, 20 * second, "../x", "sym");
	made.rename.error = EEXIST;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_LINK));
	check_text(0, "file.path", "/home/user/new");
	check_text(0, "file.Ext.original.path", "/home/user/old");
	check_text(0, "event.outcome", "success");
	check_text(1, "file.Ext.original.path", "/home/user");
	assert_int_equal(1, rows(KIND_SYMLINK));
	check_text(0, "file.path", "/home/user/sym");
	check_text(0, "file.target_path", "../x");
	check_text(0, "error.code", "EEXIST");
}

static void test_enrich_given_renames_when_told_then_what_was_asked_is_words(void **state)
{
	(void)state;
	made_link(&made, REC_RENAME, 10, 10 * second, 20 * second, "old", "new");
	made.rename.rename_flags = RENAME_EXCHANGE;
	feed();
	made_link(&made, REC_RENAME, 10, 10 * second, 20 * second, "old", "new");
	feed();
	seal();
	assert_int_equal(2, rows(KIND_RENAME));
	check_list(0, "rtsec.rename.flags", "exchange");
	check_list(1, "rtsec.rename.flags", "");
	check_text(1, "file.Ext.original.path", "/home/user/old");
}

static void test_enrich_given_things_made_when_told_then_they_are_creations(void **state)
{
	(void)state;
	made_create(&made, 10, 10 * second, 20 * second, "dir", 0040000);
	feed();
	made_create(&made, 10, 10 * second, 20 * second, "plain", 0);
	feed();
	seal();
	assert_int_equal(2, rows(KIND_CREATION));
	check_text(0, "file.path", "/home/user/dir");
	check_text(0, "file.type", "dir");
	check_text(1, "file.type", "file");
	check_text(1, "event.outcome", "success");
}

static void test_enrich_given_attributes_when_told_then_what_was_set_is_fields(void **state)
{
	(void)state;
	made_attributes(&made, REC_CHMOD, 10, 10 * second, 20 * second, "/bin/su", NULL);
	feed();
	made_attributes(&made, REC_CHMOD, 10, 10 * second, 20 * second, "/bin", "su");
	made.attributes.error = EPERM;
	feed();
	made_attributes(&made, REC_CHOWN, 10, 10 * second, 20 * second, "/bin/su", "");
	feed();
	seal();
	assert_int_equal(2, rows(KIND_CHMOD));
	check_text(0, "file.path", "/bin/su");
	check_text(0, "file.mode", "04755");
	check_text(1, "file.path", "/bin/su");
	check_text(1, "error.code", "EPERM");
	assert_int_equal(1, rows(KIND_CHOWN));
	check_text(0, "file.path", "/bin/su");
	check_text(0, "file.mode", NULL);
	check_number(0, "file.uid", 7);
	assert_int_equal(VALUE_NULL, value(0, "file.gid").type);
}

static void test_enrich_given_mounts_when_told_then_source_type_and_flags_are_fields(void **state)
{
	(void)state;
	made_mount(&made, REC_MOUNT, 10, 10 * second, 20 * second, "", "ours");
	feed();
	made_mount(&made, REC_MOUNT, 10, 10 * second, 20 * second, "/tmp", "from");
	feed();
	made_mount(&made, REC_UMOUNT, 10, 10 * second, 20 * second, "", "");
	made.mount.error = EBUSY;
	feed();
	seal();
	assert_int_equal(2, rows(KIND_MOUNT));
	check_text(0, "file.path", "/home/user/point");
	check_text(0, "rtsec.mount.source", "ours");
	check_text(0, "rtsec.mount.type", "tmpfs");
	check_list(0, "rtsec.mount.flags", "read_only bind");
	check_text(1, "rtsec.mount.source", "/tmp/from");
	assert_int_equal(1, rows(KIND_UMOUNT));
	check_text(0, "file.path", "/home/user/point");
	check_text(0, "error.code", "EBUSY");
	check_text(0, "rtsec.mount.source", NULL);
}

static void test_enrich_given_an_exit_told_twice_when_fed_then_one_end_comes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		made_exit(&made, 10, 10 * second, 20 * second, 0);
		made.head.tid = 10 + (uint32_t)i;
		feed();
	}
	made_exit(&made, 10, 15 * second, 21 * second, 0); /* the number is used again */
	feed();
	made_exit(&made, 10, 15 * second + 1000, 21 * second,
		  0); /* and within a tick of the clock */
	feed();
	seal();
	assert_int_equal(3, rows(KIND_END));
}

static void test_enrich_given_a_process_found_dead_when_its_exit_comes_then_it_is_told(void **state)
{
	(void)state;
	made_exec(&made, 10, 10 * second, 19 * second, "/bin/true", "true", 5);
	feed();
	known_reconcile(enrich_known(w.enrich), 20 * second); /* /proc does not have it */
	made_exit(&made, 10, 10 * second, 20 * second, 3 << 8);
	feed();
	seal();
	assert_int_equal(1, rows(KIND_END));
	check_number(0, "process.exit_code", 3);
}

#define T(name) cmocka_unit_test_setup_teardown(test_enrich_given_##name, setup, teardown)
/* ---- hashes ---- */

static struct hash_key key_of(const char *path)
{
	struct hash_key key;
	struct stat st;

	assert_int_equal(0, stat(path, &st));
	hash_key_of(&key, &st);
	return key;
}

static void feed_exec_of(const char *path, struct hash_key key, uint32_t tgid, uint64_t at_ns)
{
	made_exec(&made, tgid, second, at_ns, path, "x", 2);
	made.exec.file = (struct rec_file){ .inode = key.inode,
					    .dev_major = key.dev_major,
					    .dev_minor = key.dev_minor };
	made.exec.stamp = (struct rec_stamp){ key.bytes, key.mtime_ns, key.ctime_ns };
	feed();
}

/* Lets the helper finish, then takes what it found. */
static void take_hashes(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 30000 && hashes_busy(w.hashes); i++) {
		enrich_hashes(w.enrich, &w.gather, &w.seq);
		nanosleep(&pause, NULL);
	}
	assert_false(hashes_busy(w.hashes));
}

static void test_enrich_given_first_exec_of_a_file_when_hashed_then_told_after_it(void **state)
{
	static const char sha[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	char path[] = "/tmp/rtsec-enrich-XXXXXX";
	AUTO_FD int fd = mkstemp(path);

	(void)state;
	assert_int_equal(3, write(fd, "abc", 3));
	feed_exec_of(path, key_of(path), 10, 2 * second);
	take_hashes();
	feed_exec_of(path, key_of(path), 11, 3 * second);
	unlink(path);
	seal();
	assert_int_equal(2, rows(KIND_EXEC));
	check_text(0, "process.hash.sha256", NULL);
	check_text(1, "process.hash.sha256", sha);
	assert_int_equal(1, rows(KIND_HASHED));
	check_text(0, "process.hash.sha256", sha);
	check_number(0, "process.pid", 10);
	check_text(0, "event.action", "executable_hashed");
}

static void test_enrich_given_file_that_is_gone_when_hashed_then_nothing_is_told(void **state)
{
	char path[] = "/tmp/rtsec-enrich-XXXXXX";
	AUTO_FD int fd = mkstemp(path);
	struct hash_key key = key_of(path);

	(void)state;
	assert_int_equal(3, write(fd, "abc", 3)); /* another content by now */
	feed_exec_of(path, key, 10, 2 * second);
	take_hashes();
	unlink(path);
	seal();
	assert_int_equal(1, rows(KIND_EXEC));
	check_text(0, "process.hash.sha256", NULL);
	assert_int_equal(0, rows(KIND_HASHED));
}

/* More processes end than the table remembers, before the end of a container is told. */
static void test_enrich_given_container_of_forgotten_processes_when_told_then_it_has_its_id(
	void **state)
{
	struct containers *all = known_containers(w.enrich->known);
	struct proctab *table = known_processes(w.enrich->known);
	struct container_ref ref = { .runtime = RUNTIME_PODMAN };
	struct container *c;
	struct proc *p;

	(void)state;
	snprintf(ref.id, sizeof(ref.id), "the-container");
	c = containers_find(all, &ref);
	p = proctab_add(table, 77, 7 * second);
	proctab_set_container(p, c, 7 * second);
	proctab_exit(table, p, 8 * second);
	for (uint32_t tgid = 1000; tgid < 2000; tgid++)
		proctab_exit(table, proctab_add(table, tgid, 8 * second), 8 * second);
	assert_null(proctab_find(table, 77, 7 * second));
	enrich_containers(w.enrich, &w.gather, &w.seq, true);
	container_unref(c);
	seal();
	assert_int_equal(1, rows(KIND_CONTAINER_START));
	check_text(0, "container.id", "the-container");
	check_number(0, "process.pid", 77);
	assert_int_equal(1, rows(KIND_CONTAINER_STOP));
	check_text(0, "container.id", "the-container");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(container_of_forgotten_processes_when_told_then_it_has_its_id),
		T(changed_ids_when_told_then_old_and_new_are_fields),
		T(an_id_for_files_when_told_then_it_is_a_field),
		T(changed_capabilities_when_told_then_they_have_names),
		T(a_signal_when_told_then_both_processes_have_rows),
		T(tracing_when_told_then_the_request_has_a_name),
		T(namespaces_when_told_then_types_are_words),
		T(a_memory_file_when_told_then_name_and_flags_are_fields),
		T(links_when_told_then_both_names_are_fields),
		T(renames_when_told_then_what_was_asked_is_words),
		T(things_made_when_told_then_they_are_creations),
		T(attributes_when_told_then_what_was_set_is_fields),
		T(mounts_when_told_then_source_type_and_flags_are_fields),
		T(an_exit_told_twice_when_fed_then_one_end_comes),
		T(a_process_found_dead_when_its_exit_comes_then_it_is_told),
		T(first_exec_of_a_file_when_hashed_then_told_after_it),
		T(file_that_is_gone_when_hashed_then_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
