/* SPDX-License-Identifier: Apache-2.0 */
/* program - the collector as a process of its own: started, listened to, ended. */
#pragma once
#include "tests/collector/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const char program[] = TEST_BINARY_DIR "/bin/rtsec-collector";

/* Starts the program; @out gets what it writes to stdout and stderr. */
static inline pid_t program_start(const char *const *args, int *out)
{
	const char *argv[12] = { program };
	int ends[2];
	pid_t pid;

	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		union {
			const char **in;
			char *const *out;
		} words = { .in = argv }; /* execv lacks const */

		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(program, words.out);
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return pid;
}

static inline int program_finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Reads until @word was written or the other end is closed.  Returns whether it was. */
static inline bool program_says(int out, const char *word, char *text, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < room && (got = read(out, text + n, room - 1 - n)) > 0) {
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, word))
			return true;
	}
	text[n] = '\0';
	return false;
}
