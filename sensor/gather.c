/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/gather.h"

/* One count for all gathers, so that no two batches share a stamp.  Only the consumer gathers. */
static uint64_t last_stamp;

int gather_init(struct gather *g, uint32_t slot, const struct batch_origin *origin)
{
	*g = (struct gather){ .slot = slot, .stamp = ++last_stamp };
	return batch_new(&g->batch, origin);
}

void gather_done(struct gather *g)
{
	g->batch = batch_free(g->batch);
}

void gather_clear(struct gather *g)
{
	g->stamp = ++last_stamp;
	g->first_seq = g->last_seq = 0;
	g->from_ns = g->to_ns = 0;
	memset(g->events, 0, sizeof(g->events));
	g->n_list_values = 0;
	g->n_losses = 0;
}

void gather_event(struct gather *g, enum kind kind, uint64_t seq, uint64_t time_ns)
{
	if (!gather_any(g)) {
		g->first_seq = seq;
		g->from_ns = g->to_ns = time_ns;
	}
	g->last_seq = seq;
	g->from_ns = MIN(g->from_ns, time_ns);
	g->to_ns = MAX(g->to_ns, time_ns);
	batch_event(g->batch, kind, seq, time_ns);
}

/* ---- memos ---- */

static struct gather_memo *memo_of(struct gather *g, uint64_t key)
{
	return &g->memo[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 57];
}

static uint32_t memo_keep(const struct gather *g, struct gather_memo *m, uint64_t key,
			  uint32_t number)
{
	*m = (struct gather_memo){ key, g->stamp, number };
	return number;
}

uint32_t gather_word(struct gather *g, const char *word)
{
	uint64_t key = (uint64_t)(uintptr_t)word;
	struct gather_memo *m = memo_of(g, key);

	if (!word)
		return 0;
	if (m->key == key && m->stamp == g->stamp)
		return m->number;
	return memo_keep(g, m, key, batch_string(g->batch, word, strlen(word)));
}

uint32_t gather_number(struct gather *g, void (*print)(uint64_t v, char *buf, size_t n), uint64_t v)
{
	uint64_t key = v ^ ((uint64_t)(uintptr_t)print << 20);
	struct gather_memo *m = memo_of(g, key);
	char text[64];

	if (m->key == key && m->stamp == g->stamp)
		return m->number;
	print(v, text, sizeof(text));
	return memo_keep(g, m, key, batch_string(g->batch, text, strlen(text)));
}

/* ---- the sensor's own events ---- */

static void set_word(struct gather *g, enum kind kind, enum field f, const char *word)
{
	batch_set_str(g->batch, kind, f, word, strlen(word));
}

void gather_gap(struct gather *g, uint64_t seq, uint64_t now_ns, const struct loss *l)
{
	gather_event(g, KIND_GAP, seq, now_ns);
	if (l->count)
		batch_set(g->batch, KIND_GAP, FIELD_GAP_COUNT, l->count);
	set_word(g, KIND_GAP, FIELD_GAP_CLASS, loss_class_name(l->class));
	set_word(g, KIND_GAP, FIELD_GAP_CAUSE, loss_cause_name(l->cause));
	if (l->from_ns) {
		batch_set(g->batch, KIND_GAP, FIELD_GAP_FROM, l->from_ns);
		batch_set(g->batch, KIND_GAP, FIELD_GAP_TO, l->to_ns);
	}
	if (l->last_seq) {
		batch_set(g->batch, KIND_GAP, FIELD_GAP_FIRST_SEQ, l->first_seq);
		batch_set(g->batch, KIND_GAP, FIELD_GAP_LAST_SEQ, l->last_seq);
	}
	g->losses[g->n_losses++] = *l;
}

void gather_sensor(struct gather *g, uint64_t seq, uint64_t now_ns, const char *message)
{
	gather_event(g, KIND_SENSOR, seq, now_ns);
	set_word(g, KIND_SENSOR, FIELD_MESSAGE, message);
	g->events[CLASS_PRIORITY]++;
}

void gather_detached(struct gather *g, uint64_t seq, uint64_t now_ns, const char *message)
{
	gather_event(g, KIND_ALARM, seq, now_ns);
	set_word(g, KIND_ALARM, FIELD_ALARM_REASON, "detached");
	set_word(g, KIND_ALARM, FIELD_ALARM_STATE, "raised");
	set_word(g, KIND_ALARM, FIELD_MESSAGE, message);
	g->events[CLASS_PRIORITY]++;
}

/* ---- sealing ---- */

static struct outbox_frame *frame_of(const struct gather *g, uint64_t next_seq)
{
	AUTO(outbox_frame) *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->first_seq = gather_any(g) ? g->first_seq : next_seq;
	f->last_seq = g->last_seq;
	f->from_ns = g->from_ns;
	f->to_ns = g->to_ns;
	memcpy(f->events, g->events, sizeof(f->events));
	f->n_losses = g->n_losses;
	if (g->n_losses) {
		f->losses = malloc(g->n_losses * sizeof(*f->losses));
		if (!f->losses)
			return NULL;
		memcpy(f->losses, g->losses, g->n_losses * sizeof(*f->losses));
	}
	return TAKE(f);
}

int gather_seal(struct gather *g, struct frame_codec *codec, const struct batch_stats *stats,
		uint64_t next_seq, uint64_t now_ns, struct outbox_frame **ret)
{
	AUTO(outbox_frame) *f = frame_of(g, next_seq);
	AUTO_BUF struct buf out = { 0 };
	uint8_t *fitted;
	int r;

	/* Sealed also without a frame: that empties the batch. */
	r = batch_seal(g->batch, codec, stats, next_seq, now_ns, &out);
	if (r == 0 && !f)
		r = err_origin(-ENOMEM);
	if (r < 0)
		return r;
	fitted = realloc(out.data, out.n);
	f->data = fitted ? fitted : out.data;
	f->n = out.n;
	out = (struct buf){ 0 };
	*ret = TAKE(f);
	gather_clear(g);
	return 0;
}

void gather_lost(const struct gather *g, enum loss_cause cause, struct losses *all)
{
	for (size_t c = 0; c < CLASS_MAX; c++) {
		struct loss l = {
			.count = g->events[c],
			.class = (enum kind_class)c,
			.cause = cause,
			.from_ns = g->from_ns,
			.to_ns = g->to_ns,
			.first_seq = g->first_seq,
			.last_seq = g->last_seq,
		};

		if (l.count)
			losses_add(all, &l);
	}
	for (size_t i = 0; i < g->n_losses; i++)
		losses_add(all, &g->losses[i]);
}
