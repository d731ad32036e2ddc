/* SPDX-License-Identifier: Apache-2.0 */
/* enrich_exec - what is told of an exec beside its process, and what a process makes of itself:
 * executable memory, name, root directory. */
#include <elf.h>

#include "sensor/event.h"

/* ---- exec ---- */

static bool is_named(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* The kernel side looks at the first bytes of names only. */
static bool is_kept(const char *variable)
{
	static const char *const names[] = {
		"LD_PRELOAD",	"LD_AUDIT",   "LD_LIBRARY_PATH", "GCONV_PATH", "GLIBC_TUNABLES",
		"BASH_ENV",	"PYTHONPATH", "PYTHONSTARTUP",	 "PERL5LIB",   "PERL5OPT",
		"NODE_OPTIONS", "RUBYOPT",    "HISTFILE",	 "PATH",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_named(variable, names[i]))
			return true;
	return false;
}

enum { ENV_MAX = 32 };

static void set_env(struct event *c)
{
	const char *s = c->r->env, *end = s + c->r->exec->env_bytes;
	uint32_t numbers[ENV_MAX];
	size_t n = 0;

	while (s < end && n < ENV_MAX) {
		size_t length = strnlen(s, (size_t)(end - s));

		if (is_kept(s))
			numbers[n++] = batch_string(c->b, s, length);
		s += length + 1;
	}
	if (n)
		batch_set_list(c->b, KIND_EXEC, FIELD_ENV_VARS, numbers, n);
	c->g->n_list_values += (uint32_t)n;
	if (c->r->head->flags & REC_F_ENV_CUT)
		batch_set(c->b, KIND_EXEC, FIELD_ENV_TRUNC, 1);
}

static void set_script(struct event *c)
{
	const struct record_path *file = &c->r->path[2]; /* where it was executed by descriptor */
	size_t n;

	if (c->r->name[0].n == 0 && file->n == 0)
		return;
	n = record_asked_text(file->n ? file : &c->r->path[1], &c->r->name[0], c->e->path,
			      sizeof(c->e->path));
	batch_set_str(c->b, KIND_EXEC, FIELD_SCRIPT, c->e->path, n);
}

static void set_elf(struct event *c)
{
	const struct rec_exec *x = c->r->exec;
	const char *machine = name_of_machine(x->elf_machine);

	if (x->elf_class != ELFCLASS32 && x->elf_class != ELFCLASS64)
		return;
	event_word(c, KIND_EXEC, FIELD_ELF_CLASS, x->elf_class == ELFCLASS32 ? "ELF32" : "ELF64");
	if (machine)
		event_word(c, KIND_EXEC, FIELD_ELF_ARCH, machine);
	else
		event_number(c, KIND_EXEC, FIELD_ELF_ARCH, x->elf_machine);
}

void enrich_exec(struct event *c)
{
	const struct rec_exec *x = c->r->exec;
	struct proc *p = known_exec(c->e->known, c->r);

	event_begin(c, KIND_EXEC, event_row(c, p));
	set_env(c);
	set_script(c);
	set_elf(c);
	if (c->r->path[0].flags & REC_PATH_DELETED)
		batch_set(c->b, KIND_EXEC, FIELD_EXE_DELETED, 1);
	if (c->r->path[0].flags & REC_PATH_DETACHED)
		batch_set(c->b, KIND_EXEC, FIELD_EXE_IN_MEMORY, 1);
	if (x->file.inode)
		event_mode(c, KIND_EXEC, FIELD_EXE_MODE, x->file.mode);
	if (c->r->head->flags & REC_F_SECURE)
		batch_set(c->b, KIND_EXEC, FIELD_PRIVILEGED, 1);
	if (x->euid != 0 && (x->effective || x->permitted))
		event_capabilities(c, KIND_EXEC, x->effective, x->permitted);
}

/* ---- memory ---- */

void enrich_protect(struct event *c)
{
	static const char *const calls[] = {
		[REC_MMAP] = "mmap",
		[REC_MPROTECT] = "mprotect",
		[REC_PKEY_MPROTECT] = "pkey_mprotect",
		[REC_SHMAT] = "shmat",
	};
	const struct rec_protect *x = c->r->protect;
	const char *words[WORDS_MAX];
	size_t n = names_of_protection(x->protection, words);

	event_begin(c, KIND_MPROTECT, event_row(c, known_actor(c->e->known, c->r->head)));
	event_words(c, KIND_MPROTECT, FIELD_PROTECTION, words, n);
	batch_set(c->b, KIND_MPROTECT, FIELD_MEMORY_ADDRESS, x->address);
	batch_set(c->b, KIND_MPROTECT, FIELD_MEMORY_BYTES, x->bytes);
	event_word(c, KIND_MPROTECT, FIELD_MEMORY_CALL, calls[x->call]);
	if (c->r->path[0].n)
		event_walked(c, KIND_MPROTECT);
}

/* ---- prctl ---- */

void enrich_prctl(struct event *c)
{
	const struct rec_prctl *x = c->r->prctl;
	const char *option = name_of_prctl(x->option);
	enum kind kind = option ? KIND_PRCTL : KIND_PRCTL_NAME;

	event_begin(c, kind, event_row(c, known_actor(c->e->known, c->r->head)));
	if (!option)
		return;
	event_word(c, kind, FIELD_PRCTL_OPTION, option);
	batch_set(c->b, kind, FIELD_PRCTL_VALUE, x->value);
}
