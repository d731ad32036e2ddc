/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of random fleets joined online, in any order, against a joiner by brute force. */
#include "tests/collector/flows_fixture.h"

enum {
	NODES = 4,
	CONNECTIONS = 120,
	SIGHTINGS = CONNECTIONS * 5,
	BATCHES = 64,
	TUPLES = 64 * NODES, /* as the accepting side has them; translated ones follow */
};

static uint64_t rng_state;

static uint64_t rng(uint64_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return below ? rng_state % below : 0;
}

/* A sighting as the brute-force joiner sees it. */
struct seen {
	uint32_t node;
	uint64_t seq, established, tuple; /* true time; number of the tuple */
	bool accepted, close, used;
};

struct random_fleet {
	struct fleet_node nodes[NODES];
	char ids[NODES][8], ips[NODES][16];
	struct seen seen[SIGHTINGS];
	size_t n_seen;
	struct buf frames[BATCHES * NODES];
	size_t n_frames;
	struct fleet_event events[NODES][SIGHTINGS];
	uint64_t tuples[NODES][SIGHTINGS];
	size_t n_events[NODES];
	struct flow_link links[CONNECTIONS]; /* of tuples; true time */
	size_t n_links;
	struct fleet_tuple inside[CONNECTIONS]; /* what translations lead to */
	char services[NODES][16];
};

static void random_sighting(struct random_fleet *r, uint32_t node, uint64_t tuple,
			    struct fleet_event e)
{
	if (rng(8) == 0)
		return; /* lost */
	r->tuples[node][r->n_events[node]] = tuple;
	r->events[node][r->n_events[node]++] = e;
}

static void random_translation(struct random_fleet *r, struct fleet_tuple from,
			       struct fleet_tuple to, uint64_t tuple, uint64_t at)
{
	struct fleet_tuple *inner = &r->inside[r->n_links];
	uint32_t node = (uint32_t)rng(NODES);

	if (rng(8) == 0)
		return; /* lost */
	*inner = to;
	/* the sighting's tuple is of no use: see random_batches() */
	r->tuples[node][r->n_events[node]] = UINT64_MAX;
	r->events[node][r->n_events[node]++] = (struct fleet_event){
		.kind = KIND_NAT, .tuple = from, .nat = inner, .time_ns = at
	};
	r->links[r->n_links++] = (struct flow_link){ tuple + TUPLES, tuple, at };
}

static void random_connection(struct random_fleet *r, uint64_t base)
{
	uint32_t a = (uint32_t)rng(NODES), b = (uint32_t)rng(NODES);
	uint16_t port = (uint16_t)(40000 + rng(2));
	struct fleet_tuple t = { r->ips[a], r->ips[b], port, 80, false };
	struct fleet_process pa = { .entity = 100 + a, .name = "client" };
	struct fleet_process pb = { .entity = 200 + b, .name = "server" };
	uint64_t at = base + rng(1200) * second + rng(1000) * ms, lived = rng(400) * second;
	uint64_t accepted = at + (rng(4) ? rng(50) * ms : rng(150) * second);
	uint64_t tuple = a * 64 + b * 8 + (port - 40000), outer = tuple;
	struct fleet_tuple asked = t;

	if (rng(3) == 0) { /* to an address that is translated, by whom it may be */
		asked.dest_ip = r->services[b];
		outer += TUPLES;
		random_translation(r, asked, t, tuple,
				   at + (rng(5) ? rng(20) * ms : rng(300) * second));
	}
	random_sighting(r, a, outer,
			(struct fleet_event){ .kind = KIND_CONNECT,
					      .actor = pa,
					      .tuple = asked,
					      .time_ns = at - ms,
					      .duration_ns = ms });
	random_sighting(
		r, b, tuple,
		(struct fleet_event){
			.kind = KIND_ACCEPT, .actor = pb, .tuple = t, .time_ns = accepted });
	random_sighting(r, a, outer,
			(struct fleet_event){ .kind = KIND_DISCONNECT,
					      .actor = pa,
					      .tuple = asked,
					      .time_ns = at + lived,
					      .duration_ns = lived });
	random_sighting(r, b, tuple,
			(struct fleet_event){ .kind = KIND_DISCONNECT,
					      .actor = pb,
					      .tuple = t,
					      .time_ns = accepted + lived,
					      .duration_ns = lived,
					      .ingress = true });
}

static void random_batches(struct random_fleet *r, uint32_t node)
{
	size_t at = 0;

	while (at < r->n_events[node]) {
		size_t some = 1 + rng(20), n = MIN(some, r->n_events[node] - at);

		assert_true(r->n_frames < BATCHES * NODES);
		for (size_t i = 0; i < n; i++) {
			const struct fleet_event *e = &r->events[node][at + i];

			if (e->kind == KIND_NAT)
				continue;
			r->seen[r->n_seen++] = (struct seen){
				.node = node,
				.seq = r->nodes[node].seq + 1 + i,
				.established = e->kind == KIND_CONNECT
						       ? e->time_ns + e->duration_ns
						       : e->time_ns - e->duration_ns,
				.tuple = r->tuples[node][at + i],
				.accepted = e->kind == KIND_ACCEPT || e->ingress,
				.close = e->kind == KIND_DISCONNECT,
			};
		}
		fleet_frame(&r->nodes[node], &r->events[node][at], n, &r->frames[r->n_frames++]);
		at += n;
	}
}

static void make_fleet(struct random_fleet *r, uint64_t base)
{
	for (uint32_t i = 0; i < NODES; i++) {
		snprintf(r->ids[i], sizeof(r->ids[i]), "n%u", i + 1);
		snprintf(r->ips[i], sizeof(r->ips[i]), "10.0.0.%u", i + 1);
		snprintf(r->services[i], sizeof(r->services[i]), "10.96.0.%u", i + 1);
		r->nodes[i] = (struct fleet_node){ .id = r->ids[i],
						   .boot = (uint8_t)(i + 1),
						   .clock_error_ns = 1,
						   .ahead_ns = (int64_t)(rng(7200) * second) -
							       3600 * (int64_t)second };
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		random_connection(r, base);
	for (uint32_t i = 0; i < NODES; i++)
		random_batches(r, i);
}

static void shuffle(struct random_fleet *r)
{
	for (size_t i = r->n_frames; i > 1; i--) {
		size_t k = rng(i);
		struct buf x = r->frames[i - 1];

		r->frames[i - 1] = r->frames[k];
		r->frames[k] = x;
	}
}

/* What stands for a flow: the sequence numbers of its four sightings, 0 where there is none. */
struct quad {
	uint64_t seq[4]; /* connected open, close; accepted open, close */
	uint32_t node[2];
};

static uint64_t gap_of(const struct seen *a, const struct seen *b)
{
	return a->established > b->established ? a->established - b->established
					       : b->established - a->established;
}

/* Steps: 0 open and close, 1 both ends on a node, 2 on any, 3 of translated tuples. */
static bool fits_at(const struct random_fleet *r, const struct seen *a, const struct seen *b,
		    int step)
{
	if (step == 0)
		return !a->close && b->close && a->node == b->node && a->accepted == b->accepted &&
		       a->tuple == b->tuple;
	if (a->accepted || !b->accepted)
		return false;
	if (step < 3)
		return a->tuple == b->tuple && (step == 2 || a->node == b->node);
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].from == a->tuple && r->links[i].to == b->tuple &&
		    r->links[i].at_ns - a->established + 120 * second <= 240 * second)
			return true;
	return false;
}

/* The two of @list that belong together most; false: none does. */
static bool nearest(const struct random_fleet *r, struct seen **list, size_t n, int step,
		    size_t *ret_a, size_t *ret_b)
{
	uint64_t best = UINT64_MAX, limit = step == 0 ? 5 * second : 120 * second;
	bool found = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			const struct seen *a = list[i], *b = list[k];
			bool fits = fits_at(r, a, b, step);

			if (a->used || b->used || !fits || gap_of(a, b) > limit ||
			    gap_of(a, b) >= best)
				continue;
			best = gap_of(a, b);
			*ret_a = i;
			*ret_b = k;
			found = true;
		}
	return found;
}

static void note(struct quad *q, const struct seen *s, const struct seen *close)
{
	int at = s->accepted ? 2 : 0;

	q->node[at / 2] = s->node + 1;
	q->seq[at + s->close] = s->seq;
	if (close)
		q->seq[at + 1] = close->seq;
}

/* All flows of one tuple and of what is translated to it. */
static size_t brute_tuple(struct random_fleet *r, uint64_t tuple, struct quad *ret)
{
	struct seen *all[SIGHTINGS], *ends[SIGHTINGS], *close[SIGHTINGS] = { NULL };
	size_t n = 0, n_ends = 0, n_flows = 0, a, b;

	for (size_t i = 0; i < r->n_seen; i++)
		if (r->seen[i].tuple % TUPLES == tuple)
			all[n++] = &r->seen[i];
	while (nearest(r, all, n, 0, &a, &b)) {
		all[a]->used = all[b]->used = true;
		close[n_ends] = all[b];
		ends[n_ends++] = all[a];
	}
	for (size_t i = 0; i < n; i++)
		if (!all[i]->used)
			ends[n_ends++] = all[i];
	for (size_t i = 0; i < n_ends; i++)
		ends[i]->used = false;
	for (int step = 1; step <= 3; step++)
		while (nearest(r, ends, n_ends, step, &a, &b)) {
			ends[a]->used = ends[b]->used = true;
			memset(&ret[n_flows], 0, sizeof(*ret));
			note(&ret[n_flows], ends[a], close[a]);
			note(&ret[n_flows++], ends[b], close[b]);
		}
	for (size_t i = 0; i < n_ends; i++) {
		if (ends[i]->used)
			continue;
		memset(&ret[n_flows], 0, sizeof(*ret));
		note(&ret[n_flows++], ends[i], close[i]);
	}
	return n_flows;
}

static int by_quad(const void *x, const void *y)
{
	return memcmp(x, y, sizeof(struct quad));
}

static size_t quads_of_store(struct fix *f, struct quad *ret)
{
	ask_all(f);
	memset(ret, 0, f->n * sizeof(*ret));
	for (size_t i = 0; i < f->n; i++)
		for (int s = 0; s < 2; s++) {
			const struct flow_end *e = &f->got[i].ends.end[s];
			const char *id = flowdb_node_of(f->reader, e->source).id;

			ret[i].node[s] = id ? (uint32_t)(id[1] - '0') : 0;
			ret[i].seq[2 * s] = e->open_seq;
			ret[i].seq[2 * s + 1] = e->close_seq;
		}
	return f->n;
}

static void check_round(struct fix *f, struct random_fleet *r)
{
	static struct quad want[SIGHTINGS], got[SIGHTINGS];
	size_t n_want = 0, n_got, n_joined = 0, n_translated = 0;

	for (uint64_t tuple = 0; tuple < TUPLES; tuple++)
		n_want += brute_tuple(r, tuple, want + n_want);
	n_got = quads_of_store(f, got);
	assert_int_equal(n_got, n_want);
	for (size_t i = 0; i < n_got; i++)
		n_joined += got[i].node[0] && got[i].node[1];
	assert_true(n_joined > CONNECTIONS / 4);
	for (size_t i = 0; i < f->n; i++)
		n_translated += f->got[i].nat.key != 0;
	assert_true(n_translated > 0);
	qsort(want, n_want, sizeof(want[0]), by_quad);
	qsort(got, n_got, sizeof(got[0]), by_quad);
	assert_memory_equal(got, want, n_got * sizeof(got[0]));
}

static void test_flows_given_random_fleets_when_taken_in_any_order_then_as_by_brute_force(
	void **state)
{
	struct random_fleet *r = NULL;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct fix *f;
		void *inner = NULL;

		setup(&inner);
		f = inner;
		rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		r = calloc(1, sizeof(*r));
		assert_non_null(r);
		/* some of them around midnight */
		make_fleet(r, f->base + (seed % 3 ? 0 : fixture_day_ns / 2 - 600 * second));
		shuffle(r);
		for (size_t i = 0; i < r->n_frames; i++) {
			take(f, &r->frames[i]);
			if (rng(3) == 0)
				commit(f);
			buf_done(&r->frames[i]);
		}
		commit(f);
		check_round(f, r);
		free(r);
		teardown(&inner);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_flows_given_random_fleets_when_taken_in_any_order_then_as_by_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
