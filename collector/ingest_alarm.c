/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_alarm.h"

#include <sys/random.h>

#include "lib/batch.h"

struct alarm_writer {
	struct frame_codec *codec;
	uint8_t boot_id[16];
	uint64_t seq;
};

int alarm_writer_new(struct alarm_writer **ret)
{
	AUTO(alarm_writer) *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_origin(-ENOMEM);
	if (getrandom(w->boot_id, sizeof(w->boot_id), 0) != (ssize_t)sizeof(w->boot_id))
		return err_origin(-EIO);
	r = frame_codec_new(&w->codec);
	if (r == 0)
		*ret = TAKE(w);
	return r;
}

struct alarm_writer *alarm_writer_free(struct alarm_writer *w)
{
	if (!w)
		return NULL;
	frame_codec_free(w->codec);
	free(w);
	return NULL;
}

static void set(struct batch *b, enum field f, const char *text)
{
	batch_set_str(b, KIND_ALARM, f, text, strlen(text));
}

static void set_addresses(struct batch *b, const struct watch_alarm *alarm)
{
	uint32_t strings[2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(alarm->addresses); i++)
		if (alarm->addresses[i][0])
			strings[n++] =
				batch_string(b, alarm->addresses[i], strlen(alarm->addresses[i]));
	if (n)
		batch_set_list(b, KIND_ALARM, FIELD_ALARM_ADDRESSES, strings, n);
}

int alarm_write(struct alarm_writer *w, const struct watch_alarm *alarm, uint64_t now_ns,
		struct buf *out)
{
	struct batch_origin origin = { .node_id = alarm->node_id,
				       .node_name = alarm->node_name,
				       .agent_version = RTSEC_VERSION };
	AUTO(batch) *b = NULL;
	int r;

	memcpy(origin.boot_id, w->boot_id, sizeof(origin.boot_id));
	r = batch_new(&b, &origin);
	if (r < 0)
		return r;
	batch_event(b, KIND_ALARM, ++w->seq, now_ns);
	set(b, FIELD_ALARM_REASON, watch_name(alarm->condition));
	set(b, FIELD_ALARM_STATE, alarm->raised ? "raised" : "cleared");
	set(b, FIELD_MESSAGE, alarm->text);
	set_addresses(b, alarm);
	return batch_seal(b, w->codec, NULL, w->seq, now_ns, out);
}
