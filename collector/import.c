/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/import.h"

#include "collector/day.h"
#include "collector/document_read.h"
#include "lib/limits.h"
#include "lib/rebatch.h"
#include "lib/timestamp.h"

/* A document of the piece at hand. */
struct line {
	uint32_t source, number; /* which of the sources; line of the piece, from 0 */
	uint64_t seq;
	size_t at, n;
};

/* Who sent it, as one text with NULs between: what batches have once. */
struct source {
	char *text;
	size_t n;
};

struct importer {
	struct store_reader *reader;
	struct document_reader *documents;
	struct frame_codec *codec;
	struct rebatch *rebatch;
	struct block *block;
	struct buf frame;
	/* the events of the batch at hand, by sequence number */
	uint64_t *seqs;
	bool *there;
	size_t n_seqs, seqs_room, n_there;
	/* the piece at hand */
	struct line *lines;
	size_t n_lines, lines_room;
	struct source *sources;
	size_t n_sources;
	const atomic_bool *cancel;
	struct buf *out;
	struct import_result *result;
};

int importer_new(struct importer **ret, struct store_reader *reader)
{
	AUTO(importer) *im = calloc(1, sizeof(*im));
	int r;

	if (!im)
		return err_origin(-ENOMEM);
	im->reader = reader;
	r = document_reader_new(&im->documents);
	if (r == 0)
		r = frame_codec_new(&im->codec);
	if (r == 0)
		r = rebatch_new(&im->rebatch);
	if (r == 0)
		r = block_new(&im->block);
	if (r == 0)
		*ret = TAKE(im);
	return r;
}

static void forget_piece(struct importer *im)
{
	for (size_t i = 0; i < im->n_sources; i++)
		free(im->sources[i].text);
	free(im->sources);
	im->sources = NULL;
	im->n_sources = im->n_lines = 0;
}

struct importer *importer_free(struct importer *im)
{
	if (!im)
		return NULL;
	forget_piece(im);
	document_reader_free(im->documents);
	frame_codec_free(im->codec);
	rebatch_free(im->rebatch);
	block_free(im->block);
	buf_done(&im->frame);
	free(im->seqs);
	free(im->there);
	free(im->lines);
	free(im);
	return NULL;
}

static bool cancelled(const struct importer *im)
{
	return im->cancel && atomic_load_explicit(im->cancel, memory_order_relaxed);
}

/* ---- what is there already ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The sequence numbers of the block at hand. */
static int list_events(struct importer *im)
{
	size_t n = block_info(im->block)->n_events;

	if (n > im->seqs_room) {
		free(im->seqs);
		free(im->there);
		im->seqs = reallocarray(NULL, n, sizeof(*im->seqs));
		im->there = calloc(n, sizeof(*im->there));
		im->seqs_room = im->seqs && im->there ? n : 0;
	}
	if (n > im->seqs_room)
		return err_origin(-ENOMEM);
	memset(im->there, 0, n * sizeof(*im->there));
	im->n_seqs = im->n_there = 0;
	for (uint32_t t = 0; t < block_info(im->block)->n_tables; t++) {
		const uint64_t *seq = block_column(im->block, t, FIELD_SEQ);

		for (uint32_t row = 0; seq && row < block_rows(im->block, t); row++)
			im->seqs[im->n_seqs++] = seq[row] - 1;
	}
	qsort(im->seqs, im->n_seqs, sizeof(*im->seqs), by_number);
	return block_failed(im->block) ? err_origin(-ENOMEM) : 0;
}

static void mark_there(struct importer *im, uint64_t seq)
{
	const uint64_t *at = bsearch(&seq, im->seqs, im->n_seqs, sizeof(seq), by_number);

	if (!at || im->there[at - im->seqs])
		return;
	im->there[at - im->seqs] = true;
	im->n_there++;
}

/* A stored block of that node and time. */
static int on_stored_block(const struct store_block *meta, struct block *b, void *arg)
{
	struct importer *im = arg;

	(void)meta;
	if (cancelled(im))
		return -ECANCELED;
	if (memcmp(block_info(b)->boot_id, block_info(im->block)->boot_id,
		   sizeof(block_info(b)->boot_id)) != 0)
		return 0;
	for (uint32_t t = 0; t < block_info(b)->n_tables; t++) {
		const uint64_t *seq = block_column(b, t, FIELD_SEQ);

		for (uint32_t row = 0; seq && row < block_rows(b, t); row++)
			if (seq[row])
				mark_there(im, seq[row] - 1);
	}
	return block_failed(b) ? err_origin(-ENOMEM) : 0;
}

/* An event has the same time wherever it is stored, so only blocks of that time are looked at. */
static int find_there(struct importer *im)
{
	const struct block_info *i = block_info(im->block);
	struct store_scan_stats stats = { 0 };
	char node[LIMIT_NODE_ID_BYTES + 1];
	struct store_range range = { .from_ns = i->min_time_ns,
				     .to_ns = i->max_time_ns + 1,
				     .node = node };
	int r = list_events(im);

	snprintf(node, sizeof(node), "%.*s", (int)i->node_id.n, i->node_id.s);
	return r < 0 ? r : store_scan(im->reader, &range, NULL, on_stored_block, im, &stats);
}

/* ---- one batch ---- */

static int add_record(struct importer *im, const void *frame, size_t n)
{
	uint8_t header[DAY_RECORD_HEADER_BYTES];

	day_frame_header(header, frame, n, 0);
	buf_add(im->out, header, sizeof(header));
	buf_add(im->out, frame, n);
	return buf_ok(im->out) ? 0 : err_origin(-ENOMEM);
}

/* A batch of those events of the block at hand that are not there. */
static int add_missing(struct importer *im)
{
	int r = rebatch_begin(im->rebatch, im->block);

	for (size_t begin = 0, end; begin < im->n_seqs && r == 0; begin = end) {
		for (end = begin + 1; end < im->n_seqs && im->there[end] == im->there[begin];)
			end++;
		if (!im->there[begin])
			r = rebatch_add(im->rebatch, im->block, im->seqs[begin], im->seqs[end - 1]);
	}
	buf_clear(&im->frame);
	if (r == 0)
		r = rebatch_seal(im->rebatch, block_info(im->block)->sent_time_ns, &im->frame);
	return r == 0 ? add_record(im, im->frame.data, im->frame.n) : r;
}

/* Takes the block at hand; @frame is its own, NULL: it is to be written anew in any case. */
static int take_block(struct importer *im, const void *frame, size_t n)
{
	int r = find_there(im);

	if (r < 0)
		return r;
	im->result->there += im->n_there;
	if (im->n_there == im->n_seqs)
		return 0;
	if (frame && im->n_there == 0)
		return add_record(im, frame, n);
	r = add_missing(im);
	im->result->refused += r == REBATCH_E_ODD;
	return MIN(r, 0);
}

/* ---- batches ---- */

static int no_batch(struct diag *d)
{
	return diag_set(d, err_origin(-EBADMSG), 0, 0,
			"no batch stands here: a file of rtsecctl export --format batches, or "
			"a collector's .frames file is expected");
}

static int take_record(struct importer *im, const uint8_t *header, const uint8_t *frame, size_t n)
{
	int r = day_frame_check(header, frame, n) ? block_load(im->block, frame, n, NULL)
						  : -EBADMSG;

	if (r == 0 && block_info(im->block)->n_events == 0)
		r = -EBADMSG; /* heartbeats are not stored */
	if (r == -EBADMSG) {
		im->result->refused++;
		return 0;
	}
	return r < 0 ? r : take_block(im, frame, n);
}

static int gather_batches(struct importer *im, const uint8_t *data, size_t n, struct diag *d)
{
	uint32_t size;
	int r = 0;

	for (size_t at = 0; at < n && r == 0; at += DAY_RECORD_HEADER_BYTES + size) {
		enum day_record found = day_record_at(data + at, n - at, &size);

		if (found == DAY_RECORD_NONE)
			return no_batch(d);
		if (found == DAY_RECORD_CUT)
			return diag_set(d, err_origin(-EBADMSG), 0, 0,
					"the file ends within a batch");
		if (cancelled(im))
			return -ECANCELED;
		r = take_record(im, data + at, data + at + DAY_RECORD_HEADER_BYTES, size);
		im->result->at += DAY_RECORD_HEADER_BYTES + size;
	}
	return r;
}

/* ---- documents ---- */

static void add_part(struct buf *b, const char *s)
{
	buf_add(b, s ? s : "", (s ? strlen(s) : 0) + 1);
}

/* The number of the event's source, entered when new. */
static int source_of(struct importer *im, const struct batch_origin *o, uint32_t *ret)
{
	AUTO_BUF struct buf text = { 0 };
	struct source *more;

	buf_add(&text, o->boot_id, sizeof(o->boot_id));
	add_part(&text, o->node_id);
	add_part(&text, o->node_name);
	add_part(&text, o->architecture);
	add_part(&text, o->os_kernel);
	add_part(&text, o->agent_version);
	if (!buf_ok(&text))
		return err_origin(-ENOMEM);
	for (size_t i = im->n_sources; i-- > 0;)
		if (im->sources[i].n == text.n &&
		    memcmp(im->sources[i].text, text.data, text.n) == 0) {
			*ret = (uint32_t)i;
			return 0;
		}
	more = reallocarray(im->sources, im->n_sources + 1, sizeof(*more));
	if (!more)
		return err_origin(-ENOMEM);
	im->sources = more;
	more[im->n_sources] = (struct source){ malloc(text.n), text.n };
	if (!more[im->n_sources].text)
		return err_origin(-ENOMEM);
	memcpy(more[im->n_sources].text, text.data, text.n);
	*ret = (uint32_t)im->n_sources++;
	return 0;
}

static bool is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
			return false;
	return true;
}

static int read_line(struct importer *im, const char *text, struct line *line, struct diag *d)
{
	struct document_event e;
	int r = document_read(im->documents, text + line->at, line->n, &e, d);

	if (r == 0) {
		line->seq = e.seq;
		r = source_of(im, &e.origin, &line->source);
	}
	return r;
}

static int list_line(struct importer *im, const struct line *line)
{
	struct line *more;

	if (im->n_lines == im->lines_room) {
		more = reallocarray(im->lines, im->lines_room * 2 + 256, sizeof(*more));
		if (!more)
			return err_origin(-ENOMEM);
		im->lines = more;
		im->lines_room = im->lines_room * 2 + 256;
	}
	im->lines[im->n_lines++] = *line;
	return 0;
}

/* Reads every line, so that a wrong one is told before anything is stored. */
static int list_lines(struct importer *im, const char *text, size_t n, struct diag *d)
{
	struct line line = { .number = 0 };
	int r = 0;

	for (size_t end; line.at < n && r == 0; line.at = end + 1, line.number++) {
		const char *newline = memchr(text + line.at, '\n', n - line.at);

		end = newline ? (size_t)(newline - text) : n;
		line.n = end - line.at;
		if (is_blank(text + line.at, line.n))
			continue;
		r = cancelled(im) ? -ECANCELED : read_line(im, text, &line, d);
		if (r == -EINVAL) {
			d->line = line.number + 1;
			return err_origin(-EBADMSG);
		}
		if (r == 0)
			r = list_line(im, &line);
	}
	return r;
}

static int by_source(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Lines of one source go into a batch, each number once.  The block at hand is of them then. */
static int make_block(struct importer *im, const char *text, const struct line *lines, size_t n)
{
	struct document_event e;
	AUTO(batch) *batch = NULL;
	int r = 0;

	document_reader_begin(im->documents);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (i && lines[i].seq == lines[i - 1].seq) {
			im->result->there++;
			continue;
		}
		r = document_read(im->documents, text + lines[i].at, lines[i].n, &e, NULL);
		if (r == 0 && !batch)
			r = batch_new(&batch, &e.origin);
		if (r == 0)
			document_put(im->documents, batch);
	}
	buf_clear(&im->frame);
	if (r == 0)
		r = batch_seal(batch, im->codec, NULL, 0, timestamp_now(), &im->frame);
	return r == 0 ? block_load(im->block, im->frame.data, im->frame.n, NULL) : r;
}

static int gather_lines(struct importer *im, const char *text, size_t n, struct diag *d)
{
	struct diag own = { 0 };
	int r = list_lines(im, text, n, d ? d : &own);

	if (r == 0 && im->n_lines)
		qsort(im->lines, im->n_lines, sizeof(*im->lines), by_source);
	for (size_t begin = 0, end; begin < im->n_lines && r == 0; begin = end) {
		for (end = begin + 1; end < im->n_lines && end - begin < IMPORT_BATCH_EVENTS &&
				      im->lines[end].source == im->lines[begin].source;)
			end++;
		while (end < im->n_lines && im->lines[end].source == im->lines[begin].source &&
		       im->lines[end].seq == im->lines[end - 1].seq)
			end++;
		r = make_block(im, text, im->lines + begin, end - begin);
		if (r == -EBADMSG)
			diag_set(d, r, im->lines[begin].number + 1, 1,
				 "the events from this line on are too large for a batch");
		if (r == 0)
			r = take_block(im, NULL, 0);
	}
	if (r == 0) {
		im->result->lines += im->n_lines;
		im->result->at += n;
	}
	return r;
}

int import_gather(struct importer *im, const void *data, size_t n, uint64_t first_line,
		  const atomic_bool *cancel, struct buf *out, struct import_result *ret,
		  struct diag *d)
{
	const char *text = data;
	size_t begin = 0, before = out->n;
	bool batches = n && *text == 'R';
	int r;

	im->cancel = cancel;
	im->out = out;
	im->result = ret;
	while (begin < n && (is_blank(text + begin, 1) || text[begin] == '\n'))
		begin++;
	if (begin == n)
		r = 0;
	else if (batches)
		r = gather_batches(im, data, n, d);
	else if (text[begin] == '{')
		r = gather_lines(im, text, n, d);
	else
		r = diag_set(
			d, err_origin(-EBADMSG), 1, 1,
			"expected documents, a JSON object on each line, or batches of rtsecctl "
			"export --format batches");
	if (r < 0 && !batches)
		out->n = before;
	if (r == -EBADMSG && d && d->line)
		d->line += (uint32_t)(first_line - 1);
	forget_piece(im);
	return r;
}
