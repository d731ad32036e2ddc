/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_replay.h"

enum { TRANSACTION_BYTES = 16 << 20 };

int replay_init(struct replay *s)
{
	int r = filter_builder_new(&s->filter);

	return r < 0 ? r : block_new(&s->block);
}

void replay_done(struct replay *s)
{
	filter_builder_free(s->filter);
	block_free(s->block);
	buf_done(&s->record);
}

/* One record of the frames file that the index lacks.  Returns DAY_E_RECORD, 0 at the end, or a
 * negative errno. */
static int replay_one(struct replay *s, struct day *day)
{
	struct day_entry e = { .block = s->block };
	uint64_t row;
	int r = day_replay(day, &s->record, &e.ingested_ns);

	if (r <= 0)
		return r;
	e.frame = s->record.data;
	e.n_frame = s->record.n;
	r = block_load(s->block, e.frame, e.n_frame, NULL);
	if (r == -EBADMSG) /* a build of other limits took it */
		r = DAY_E_CONFLICT;
	if (r == 0)
		r = filter_build(s->filter, s->block, &e.filter, &e.n_filter);
	if (r == 0) {
		e.last_seq = store_last_seq(s->block);
		r = day_append(day, &e, &row);
	}
	if (r > 0)
		r = day_pass_over(day, &e);
	return r < 0 ? r : DAY_E_RECORD;
}

int replay_day(struct replay *s, struct day *day)
{
	size_t n = 0;
	int r;

	while ((r = replay_one(s, day)) == DAY_E_RECORD) {
		n += s->record.n;
		if (n < TRANSACTION_BYTES)
			continue;
		n = 0;
		r = day_commit(day);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : day_commit(day);
}
