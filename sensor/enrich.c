/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enrich.h"

#include <arpa/inet.h>

#include "lib/community_id.h"
#include "sensor/names.h"
#include "sensor/resolve.h"
#include "sensor/rows.h"

enum {
	CLOCK_WINDOW_NS = 2000,
	CLOCK_JITTER_NS = 50000,
};

struct enrich {
	struct known *known;
	struct rows rows;
	uint64_t offset_ns;
	struct resolve resolve;
	char path[RESOLVE_PATH_BYTES];
};

/* One record on its way into a batch. */
struct context {
	struct enrich *e;
	const struct record *r;
	struct gather *g;
	struct batch *b; /* of g */
	uint64_t *seq;
};

/* ---- parts of events ---- */

static uint32_t row_of(struct context *c, struct proc *p)
{
	return p ? rows_of(&c->e->rows, c->g, p, proctab_version(p, c->r->head->time_ns)) : 0;
}

/* Begins the row of an event with what every event has.  @row: its process. */
static void begin(struct context *c, enum kind kind, uint32_t row)
{
	const struct rec_head *h = c->r->head;

	gather_event(c->g, kind, (*c->seq)++, h->time_ns + c->e->offset_ns);
	c->g->events[c->r->class]++;
	batch_set(c->b, kind, FIELD_CPU, h->cpu);
	if (row == 0)
		return;
	batch_set_row(c->b, kind, FIELD_PROCESS, row);
	batch_set(c->b, kind, FIELD_THREAD_ID, h->tid);
	batch_set_str(c->b, kind, FIELD_THREAD_NAME, h->comm, strnlen(h->comm, sizeof(h->comm)));
}

static void set_word(struct context *c, enum kind kind, enum field f, const char *word)
{
	batch_set_row(c->b, kind, f, gather_word(c->g, word));
}

static void print_number(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "%llu", (unsigned long long)v);
}

static void set_outcome(struct context *c, enum kind kind, uint32_t error)
{
	const char *name = name_of_error(error);

	set_word(c, kind, FIELD_OUTCOME, error ? "failure" : "success");
	if (name)
		set_word(c, kind, FIELD_ERROR_CODE, name);
	else if (error)
		batch_set_row(c->b, kind, FIELD_ERROR_CODE,
			      gather_number(c->g, print_number, error));
}

static void print_mode(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "0%03o", (unsigned)v);
}

static void print_device(uint64_t v, char *buf, size_t n)
{
	snprintf(buf, n, "%u:%u", (unsigned)(v >> 32), (unsigned)v);
}

static void set_file(struct context *c, enum kind kind, const struct rec_file *f)
{
	batch_set(c->b, kind, FIELD_FILE_INODE, f->inode);
	batch_set_row(c->b, kind, FIELD_FILE_MODE,
		      gather_number(c->g, print_mode, f->mode & 07777));
	batch_set_row(c->b, kind, FIELD_FILE_DEVICE,
		      gather_number(c->g, print_device,
				    (uint64_t)f->dev_major << 32 | f->dev_minor));
	set_word(c, kind, FIELD_FILE_TYPE, name_of_type(f->mode));
}

/* ---- process ---- */

static void record_exec(struct context *c)
{
	struct proc *p = known_exec(c->e->known, c->r);

	begin(c, KIND_EXEC, row_of(c, p));
}

static void record_args(struct context *c)
{
	known_args(c->e->known, c->r);
}

static void record_fork(struct context *c)
{
	struct proc *child = known_fork(c->e->known, c->r);
	uint32_t pid = child->tgid, row;
	uint64_t entity = child->entity;

	row = row_of(c, known_actor(c->e->known, c->r->head)); /* may move @child's entry out */
	begin(c, KIND_FORK, row);
	batch_set(c->b, KIND_FORK, FIELD_CHILD_PID, pid);
	batch_set_id(c->b, KIND_FORK, FIELD_CHILD_ENTITY, entity);
}

static void record_exit(struct context *c)
{
	const struct rec_exit *x = c->r->exit;
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t signal = x->status & 0x7f;
	char name[32];

	if (!p || p->exit_ns) /* told twice: see bpf/abi.h */
		return;
	begin(c, KIND_END, row_of(c, p));
	if (signal) {
		const char *s = name_of_signal(signal, name, sizeof(name));

		if (s)
			batch_set_str(c->b, KIND_END, FIELD_EXIT_SIGNAL, s, strlen(s));
	} else {
		batch_set(c->b, KIND_END, FIELD_EXIT_CODE, x->status >> 8 & 0xff);
	}
	batch_set(c->b, KIND_END, FIELD_DURATION, x->duration_ns);
	proctab_exit(known_processes(c->e->known), p, c->r->head->time_ns);
}

/* ---- file ---- */

/* Number of the path that a call asked for; 0: it could not be read. */
static uint32_t asked(struct context *c, int which)
{
	const struct record_text *name = &c->r->name[which];
	size_t n;

	if (name->n == 0)
		return 0;
	n = record_asked_text(&c->r->path[which], name, c->e->path, sizeof(c->e->path));
	return batch_string(c->b, c->e->path, n);
}

/* The same of a call that did what was asked: links in its directory part are followed. */
static uint32_t meant(struct context *c, const struct proc *p, uint32_t error, int which)
{
	const struct record_text *name = &c->r->name[which];
	size_t n;

	if (error || name->n == 0)
		return asked(c, which);
	n = resolve_name(&c->e->resolve, c->r->head, p && p->container, &c->r->path[which], name,
			 c->e->path, sizeof(c->e->path));
	return batch_string(c->b, c->e->path, n);
}

static bool is_cut(const struct context *c, int which)
{
	return (c->r->head->flags & REC_F_NAME_CUT) ||
	       (c->r->path[which].flags & REC_PATH_TRUNCATED);
}

static void set_path(struct context *c, enum kind kind, uint32_t path, bool cut)
{
	batch_set_row(c->b, kind, FIELD_FILE_PATH, path);
	if (cut)
		batch_set(c->b, kind, FIELD_PATH_TRUNCATED, 1);
}

static void set_open_flags(struct context *c, uint32_t flags)
{
	const char *words[OPEN_WORDS_MAX];
	uint32_t numbers[OPEN_WORDS_MAX];
	size_t n = names_of_open(flags, words);

	for (size_t i = 0; i < n; i++)
		numbers[i] = gather_word(c->g, words[i]);
	batch_set_list(c->b, KIND_OPEN, FIELD_OPEN_FLAGS, numbers, n);
}

static void record_opened(struct context *c)
{
	const struct rec_open *o = c->r->open;
	uint32_t row = row_of(c, known_actor(c->e->known, c->r->head)), path;

	if (o->error) {
		path = asked(c, 0);
	} else {
		size_t n = record_path_text(&c->r->path[0], c->e->path, sizeof(c->e->path));

		path = batch_string(c->b, c->e->path, n);
	}
	begin(c, KIND_OPEN, row);
	set_path(c, KIND_OPEN, path, is_cut(c, 0));
	set_open_flags(c, o->open_flags);
	set_outcome(c, KIND_OPEN, o->error);
	if (o->error)
		return;
	set_file(c, KIND_OPEN, &o->file);
	if (!(c->r->head->flags & REC_F_CREATED))
		return;
	begin(c, KIND_CREATION, row);
	set_path(c, KIND_CREATION, path, is_cut(c, 0));
	set_outcome(c, KIND_CREATION, 0);
	set_file(c, KIND_CREATION, &o->file);
}

static void record_delete(struct context *c)
{
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = row_of(c, p), path = meant(c, p, c->r->del->error, 0);

	begin(c, KIND_DELETION, row);
	set_path(c, KIND_DELETION, path, is_cut(c, 0));
	set_outcome(c, KIND_DELETION, c->r->del->error);
	if (c->r->head->flags & REC_F_DIRECTORY)
		set_word(c, KIND_DELETION, FIELD_FILE_TYPE, "dir");
}

static void record_rename(struct context *c)
{
	struct proc *p = known_actor(c->e->known, c->r->head);
	uint32_t row = row_of(c, p), error = c->r->rename->error;
	uint32_t from = meant(c, p, error, 0), to = meant(c, p, error, 1);

	begin(c, KIND_RENAME, row);
	set_path(c, KIND_RENAME, to, is_cut(c, 0) || is_cut(c, 1));
	batch_set_row(c->b, KIND_RENAME, FIELD_FILE_ORIGINAL, from);
	set_outcome(c, KIND_RENAME, c->r->rename->error);
}

/* ---- network ---- */

static void set_ip(struct context *c, enum kind kind, enum field f, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = c->r->tcp->version == REC_IPV4;
	char text[INET6_ADDRSTRLEN];
	const void *from = address;

	if (!v4 && memcmp(address, mapped, sizeof(mapped)) == 0) {
		v4 = true;
		from = address + sizeof(mapped);
	}
	if (inet_ntop(v4 ? AF_INET : AF_INET6, from, text, sizeof(text)))
		batch_set_str(c->b, kind, f, text, strlen(text));
}

static void set_community_id(struct context *c, enum kind kind)
{
	const struct rec_tcp *t = c->r->tcp;
	struct community_flow flow = {
		.source_port = t->source_port,
		.destination_port = t->dest_port,
		.protocol = IPPROTO_TCP,
		.ipv6 = t->version == REC_IPV6,
		.has_ports = true,
	};
	char id[COMMUNITY_ID_BYTES];

	if (t->source_port == 0) /* the call failed before it had an address of its own */
		return;
	memcpy(flow.source, t->source, sizeof(flow.source));
	memcpy(flow.destination, t->dest, sizeof(flow.destination));
	community_id(&flow, 0, id);
	if (id[0])
		batch_set_str(c->b, kind, FIELD_COMMUNITY_ID, id, strlen(id));
}

static void set_flow(struct context *c, enum kind kind)
{
	const struct rec_tcp *t = c->r->tcp;

	set_ip(c, kind, FIELD_SOURCE_IP, t->source);
	set_ip(c, kind, FIELD_DEST_IP, t->dest);
	batch_set(c->b, kind, FIELD_SOURCE_PORT, t->source_port);
	batch_set(c->b, kind, FIELD_DEST_PORT, t->dest_port);
	set_word(c, kind, FIELD_TRANSPORT, "tcp");
	set_word(c, kind, FIELD_NETWORK_TYPE, t->version == REC_IPV4 ? "ipv4" : "ipv6");
	set_word(c, kind, FIELD_DIRECTION, t->direction == REC_EGRESS ? "egress" : "ingress");
	set_community_id(c, kind);
}

static void record_connect(struct context *c)
{
	enum kind kind = c->r->type == REC_CONNECT ? KIND_CONNECT : KIND_ACCEPT;

	begin(c, kind, row_of(c, known_actor(c->e->known, c->r->head)));
	set_flow(c, kind);
	set_outcome(c, kind, c->r->tcp->error);
	if (kind == KIND_CONNECT)
		batch_set(c->b, kind, FIELD_DURATION, c->r->tcp->duration_ns);
}

static void record_close(struct context *c)
{
	const struct rec_tcp *t = c->r->tcp;
	bool owner = !(c->r->head->flags & REC_F_NO_OWNER);

	begin(c, KIND_DISCONNECT, owner ? row_of(c, known_named(c->e->known, c->r->head)) : 0);
	set_flow(c, KIND_DISCONNECT);
	set_outcome(c, KIND_DISCONNECT, t->error);
	batch_set(c->b, KIND_DISCONNECT, FIELD_DURATION, t->duration_ns);
	batch_set(c->b, KIND_DISCONNECT, FIELD_SOURCE_BYTES, t->source_bytes);
	batch_set(c->b, KIND_DISCONNECT, FIELD_DEST_BYTES, t->dest_bytes);
}

/* ---- all ---- */

void enrich_record(struct enrich *e, const struct record *r, struct gather *g, uint64_t *seq)
{
	static void (*const handlers[REC_END])(struct context *c) = {
		[REC_EXEC] = record_exec,	    [REC_ARGS] = record_args,	[REC_FORK] = record_fork,
		[REC_EXIT] = record_exit,	    [REC_OPEN] = record_opened,	[REC_DELETE] = record_delete,
		[REC_RENAME] = record_rename,   [REC_CONNECT] = record_connect, [REC_ACCEPT] = record_connect,
		[REC_CLOSE] = record_close,
	};
	struct context c = { e, r, g, g->batch, seq };

	handlers[r->type](&c);
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Distance between the clocks: of a few readings the one that was interrupted least. */
static uint64_t read_offset(uint64_t *ret_boot)
{
	uint64_t best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 5 && best > CLOCK_WINDOW_NS; i++) {
		uint64_t before = read_clock(CLOCK_BOOTTIME), now = read_clock(CLOCK_REALTIME);
		uint64_t after = read_clock(CLOCK_BOOTTIME);

		*ret_boot = after;
		if (after - before < best) {
			best = after - before;
			offset = now - before - best / 2;
		}
	}
	return offset;
}

uint64_t enrich_tick(struct enrich *e)
{
	uint64_t boot, offset = read_offset(&boot);

	/* What differs less is how the clocks are read, not that one was set. */
	if (offset - e->offset_ns + CLOCK_JITTER_NS > 2 * CLOCK_JITTER_NS)
		e->offset_ns = offset;
	e->rows.offset_ns = e->offset_ns;
	known_tick(e->known, boot);
	return boot + e->offset_ns;
}

uint64_t enrich_time(const struct enrich *e, uint64_t boot_ns)
{
	return boot_ns + e->offset_ns;
}

struct known *enrich_known(struct enrich *e)
{
	return e->known;
}

int enrich_new(struct enrich **ret, const struct known_config *config)
{
	AUTO(enrich) *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_origin(-ENOMEM);
	r = known_new(&e->known, config);
	if (r < 0)
		return r;
	e->rows.table = known_processes(e->known);
	e->rows.users = known_users(e->known);
	*ret = TAKE(e);
	return 0;
}

struct enrich *enrich_free(struct enrich *e)
{
	if (!e)
		return NULL;
	known_free(e->known);
	free(e);
	return NULL;
}
