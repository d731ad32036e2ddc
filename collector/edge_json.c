/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge_json.h"

static const char *const side_names[FLOW_SIDES] = { "connected", "accepted" };

void edge_write_id(struct json *j, uint64_t id)
{
	char text[20];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)id);
	json_text(j, id ? text : NULL);
}

void edge_write_node(struct json *j, struct flowdb_node node)
{
	if (!node.id) {
		json_nil(j);
		return;
	}
	json_begin_object(j);
	json_key_text(j, "id", node.id);
	json_key_text(j, "name", node.name);
	json_end_object(j);
}

/* _id of the event, as search gives it; null when it was not seen. */
static void write_event(struct json *j, const char *key, struct flowdb *db,
			const struct flow_end *e, bool close)
{
	struct flowdb_node node = flowdb_node_of(db, e->source);
	const char *boot = flowdb_boot_of(db, e->source);
	uint64_t seq = close ? e->close_seq : e->open_seq;
	char id[256];

	json_key(j, key);
	snprintf(id, sizeof(id), "%s:%s:%llu", node.id ? node.id : "", boot ? boot : "",
		 (unsigned long long)seq);
	json_text(j, (close ? e->close_ns : e->open_ns) && node.id ? id : NULL);
}

static void write_number(struct json *j, const char *key, uint64_t raw)
{
	json_key(j, key);
	if (raw)
		json_uint(j, raw - 1);
	else
		json_nil(j);
}

static void write_time(struct json *j, const char *key, uint64_t ns)
{
	json_key(j, key);
	if (ns)
		json_time(j, ns);
	else
		json_nil(j);
}

static void write_end(struct json *j, struct flowdb *db, const struct flow_end *e)
{
	if (!e->source) {
		json_nil(j);
		return;
	}
	json_begin_object(j);
	json_key(j, "node");
	edge_write_node(j, flowdb_node_of(db, e->source));
	json_key(j, "entity_id");
	edge_write_id(j, e->entity);
	json_key_text(j, "process", e->process[0] ? e->process : NULL);
	write_number(j, "pid", e->pid ? e->pid + 1 : 0);
	write_event(j, "event_id", db, e, false);
	write_event(j, "close_event_id", db, e, true);
	write_time(j, "time", e->open_ns ? e->open_ns : e->established_ns);
	write_time(j, "closed", e->close_ns);
	json_key(j, "clock_offset_ns");
	json_int(j, (int64_t)e->ahead_ns);
	write_number(j, "clock_error_ns", e->clock_error_ns ? e->clock_error_ns + 1 : 0);
	write_number(j, "source_bytes", e->source_bytes);
	write_number(j, "destination_bytes", e->dest_bytes);
	json_key_text(j, "error", e->error[0] ? e->error : NULL);
	json_end_object(j);
}

static void write_address(struct json *j, const char *key, const char *ip, uint16_t port)
{
	json_key(j, key);
	json_begin_object(j);
	json_key_text(j, "ip", ip);
	json_key_uint(j, "port", port);
	json_end_object(j);
}

static void write_tuple(struct json *j, const struct flow_tuple *t)
{
	json_key_text(j, "community_id", t->community_id);
	write_address(j, "source", t->source_ip, t->source_port);
	write_address(j, "destination", t->dest_ip, t->dest_port);
}

/* How much later the accepting end was, by clocks that are corrected. */
static void write_skew(struct json *j, const struct flow *f)
{
	const struct flow_end *e = f->ends.end;

	json_key(j, "skew_ns");
	if (f->ends.confidence)
		json_int(j, (int64_t)(flow_end_at(&e[FLOW_ACCEPTED]) -
				      flow_end_at(&e[FLOW_CONNECTED])));
	else
		json_nil(j);
}

static int write_missing(struct json *j, struct flowdb *db, const struct flow *f)
{
	struct flow_why why;
	int r = flowdb_why(db, f, &why);

	if (r < 0)
		return r;
	json_key(j, "missing");
	if (why.absence == FLOW_NOT_ABSENT) {
		json_nil(j);
		return 0;
	}
	json_begin_object(j);
	json_key_text(
		j, "side",
		side_names[f->ends.end[FLOW_CONNECTED].source ? FLOW_ACCEPTED : FLOW_CONNECTED]);
	json_key_text(j, "reason", flow_absence_name(why.absence));
	json_key(j, "node");
	edge_write_node(j, flowdb_node(db, why.node));
	write_time(j, "from", why.from_ns);
	write_time(j, "to", why.to_ns);
	json_key_text(j, "cause", why.cause[0] ? why.cause : NULL);
	json_end_object(j);
	return 0;
}

int edge_write(struct json *j, struct flowdb *db, const struct flow *f)
{
	int r;

	json_begin_object(j);
	json_key_uint(j, "id", f->id);
	json_key_text(j, "state", f->ends.confidence ? "joined" : "half");
	json_key_uint(j, "confidence", f->ends.confidence);
	json_key_time(j, "time", f->at_ns);
	write_skew(j, f);
	json_key_text(j, "transport", f->transport);
	write_tuple(j, &f->tuple);
	json_key(j, "translated");
	if (f->nat.key) {
		json_begin_object(j);
		write_tuple(j, &f->nat);
		json_end_object(j);
	} else {
		json_nil(j);
	}
	for (int s = 0; s < FLOW_SIDES; s++) {
		json_key(j, side_names[s]);
		write_end(j, db, &f->ends.end[s]);
	}
	r = write_missing(j, db, f);
	json_end_object(j);
	return r;
}
