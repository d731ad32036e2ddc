/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_record.h"

#include <endian.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/limits.h"

struct disk_head {
	uint8_t magic[8];
	uint32_t frame_bytes, n_losses;
	uint8_t boot_id[16];
	uint64_t order, first_seq, last_seq, from_ns, to_ns, spooled_ns, events[CLASS_MAX];
	uint64_t body_hash, zero, head_hash, done;
};
_Static_assert(sizeof(struct disk_head) == SPOOL_HEAD_BYTES, "the head has no padding");
_Static_assert(offsetof(struct disk_head, done) == SPOOL_DONE_AT, "as told in the header");
_Static_assert(CLASS_MAX == 2, "a head counts two classes");

struct disk_loss {
	uint64_t count, from_ns, to_ns, first_seq, last_seq;
	uint32_t class, cause;
};
_Static_assert(sizeof(struct disk_loss) == 48, "a loss has no padding");

static const uint8_t magic[8] = { 'R', 'T', 'S', 'P', 'R', 'E', 'C', '1' };
const uint64_t spool_done_mark = UINT64_C(0x454e4f4453545221);

static uint64_t head_hash(const struct disk_head *h, uint64_t segment, uint64_t offset)
{
	return htole64(XXH3_64bits_withSeed(h, offsetof(struct disk_head, head_hash),
					    segment * UINT64_C(0x9e3779b97f4a7c15) + offset));
}

static void encode_head(struct disk_head *to, const struct outbox_frame *f,
			const struct spool_head *h)
{
	*to = (struct disk_head){
		.frame_bytes = htole32((uint32_t)f->n),
		.n_losses = htole32((uint32_t)f->n_losses),
		.order = htole64(h->order),
		.first_seq = htole64(f->first_seq),
		.last_seq = htole64(f->last_seq),
		.from_ns = htole64(f->from_ns),
		.to_ns = htole64(f->to_ns),
		.spooled_ns = htole64(h->spooled_ns),
		.events = { htole64(f->events[0]), htole64(f->events[1]) },
	};
	memcpy(to->magic, magic, sizeof(magic));
	memcpy(to->boot_id, h->boot_id, sizeof(to->boot_id));
}

static void encode_loss(struct buf *out, const struct loss *l)
{
	struct disk_loss d = {
		.count = htole64(l->count),
		.from_ns = htole64(l->from_ns),
		.to_ns = htole64(l->to_ns),
		.first_seq = htole64(l->first_seq),
		.last_seq = htole64(l->last_seq),
		.class = htole32((uint32_t)l->class),
		.cause = htole32((uint32_t)l->cause),
	};

	buf_add(out, &d, sizeof(d));
}

int spool_record_encode(struct buf *out, const struct outbox_frame *f,
			const struct spool_head *head, uint64_t segment, uint64_t offset)
{
	size_t at = out->n, body = at + SPOOL_HEAD_BYTES;
	struct disk_head d;

	if (f->n > LIMIT_FRAME_BYTES || f->n_losses > LOSSES_MAX)
		return err_origin(-EMSGSIZE);
	encode_head(&d, f, head);
	buf_add(out, &d, sizeof(d));
	for (size_t i = 0; i < f->n_losses; i++)
		encode_loss(out, &f->losses[i]);
	buf_add(out, f->data, f->n);
	while (out->n % SPOOL_ALIGN && buf_ok(out))
		buf_byte(out, 0);
	if (!buf_ok(out))
		return err_origin(-ENOMEM);
	d.body_hash = htole64(XXH3_64bits(out->data + body, out->n - body));
	d.head_hash = head_hash(&d, segment, offset);
	memcpy(out->data + at, &d, sizeof(d));
	return 0;
}

bool spool_head_decode(struct spool_head *ret, const uint8_t *bytes, uint64_t segment,
		       uint64_t offset)
{
	struct disk_head d;

	memcpy(&d, bytes, sizeof(d));
	if (memcmp(d.magic, magic, sizeof(magic)) != 0 ||
	    d.head_hash != head_hash(&d, segment, offset))
		return false;
	*ret = (struct spool_head){
		.order = le64toh(d.order),
		.first_seq = le64toh(d.first_seq),
		.last_seq = le64toh(d.last_seq),
		.from_ns = le64toh(d.from_ns),
		.to_ns = le64toh(d.to_ns),
		.spooled_ns = le64toh(d.spooled_ns),
		.events = { le64toh(d.events[0]), le64toh(d.events[1]) },
		.body_hash = le64toh(d.body_hash),
		.frame_bytes = le32toh(d.frame_bytes),
		.n_losses = le32toh(d.n_losses),
		.done = le64toh(d.done) == spool_done_mark,
	};
	memcpy(ret->boot_id, d.boot_id, sizeof(ret->boot_id));
	return ret->frame_bytes <= LIMIT_FRAME_BYTES && ret->n_losses <= LOSSES_MAX;
}

size_t spool_body_bytes(const struct spool_head *head)
{
	size_t n = head->n_losses * sizeof(struct disk_loss) + head->frame_bytes;

	return (n + SPOOL_ALIGN - 1) / SPOOL_ALIGN * SPOOL_ALIGN;
}

static int decode_losses(struct outbox_frame *f, const uint8_t *body, uint32_t n)
{
	if (n == 0)
		return 0;
	f->losses = calloc(n, sizeof(*f->losses));
	if (!f->losses)
		return err_origin(-ENOMEM);
	f->n_losses = n;
	for (uint32_t i = 0; i < n; i++) {
		struct disk_loss d;

		memcpy(&d, body + i * sizeof(d), sizeof(d));
		if (le32toh(d.class) >= CLASS_MAX || le32toh(d.cause) >= LOSS_CAUSES)
			return err_origin(-EBADMSG);
		f->losses[i] = (struct loss){
			.count = le64toh(d.count),
			.class = (enum kind_class)le32toh(d.class),
			.cause = (enum loss_cause)le32toh(d.cause),
			.from_ns = le64toh(d.from_ns),
			.to_ns = le64toh(d.to_ns),
			.first_seq = le64toh(d.first_seq),
			.last_seq = le64toh(d.last_seq),
		};
	}
	return 0;
}

int spool_body_decode(const struct spool_head *head, const uint8_t *body, size_t n,
		      struct outbox_frame **ret)
{
	AUTO(outbox_frame) *f = NULL;
	int r;

	if (n != spool_body_bytes(head) || XXH3_64bits(body, n) != head->body_hash)
		return err_origin(-EBADMSG);
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_origin(-ENOMEM);
	f->first_seq = head->first_seq;
	f->last_seq = head->last_seq;
	f->from_ns = head->from_ns;
	f->to_ns = head->to_ns;
	memcpy(f->events, head->events, sizeof(f->events));
	r = decode_losses(f, body, head->n_losses);
	if (r < 0)
		return r;
	f->n = head->frame_bytes;
	f->data = malloc(f->n ? f->n : 1);
	if (!f->data)
		return err_origin(-ENOMEM);
	memcpy(f->data, body + head->n_losses * sizeof(struct disk_loss), f->n);
	*ret = TAKE(f);
	return 0;
}
