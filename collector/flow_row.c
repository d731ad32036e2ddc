/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flow_row.h"

#include <string.h>

#include <xxhash.h>

static uint64_t raw(const struct flow_batch *b, uint32_t table, uint32_t row, enum field field)
{
	const uint64_t *column = block_column(b->block, table, field);

	return column ? column[row] : 0;
}

uint64_t flow_row_number(const struct flow_batch *b, uint32_t table, uint32_t row, enum field field)
{
	uint64_t v = raw(b, table, row, field);

	return v ? v - 1 : 0;
}

void flow_row_text(const struct flow_batch *b, uint32_t table, uint32_t row, enum field field,
		   char *ret, size_t n)
{
	uint64_t v = raw(b, table, row, field);
	struct block_string s = { "", 0 };

	if (v)
		s = block_string(b->block, (uint32_t)v);
	snprintf(ret, n, "%.*s", (int)MIN((size_t)s.n, n - 1), s.s);
}

bool flow_is_loopback(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

static void read_process(const struct flow_batch *b, uint32_t table, uint32_t row,
			 struct flow_end *e)
{
	uint32_t process = block_process(b->block, table, row, VIA_ACTOR);

	if (!process)
		return;
	e->entity = raw(b, BLOCK_PROCESSES, process - 1, FIELD_ENTITY_ID);
	e->pid = flow_row_number(b, BLOCK_PROCESSES, process - 1, FIELD_PID);
	flow_row_text(b, BLOCK_PROCESSES, process - 1, FIELD_NAME, e->process, sizeof(e->process));
}

static enum flow_side side_of(const struct flow_batch *b, uint32_t table, uint32_t row,
			      enum kind kind)
{
	char direction[16];

	if (kind == KIND_CONNECT || kind == KIND_ACCEPT)
		return kind == KIND_CONNECT ? FLOW_CONNECTED : FLOW_ACCEPTED;
	flow_row_text(b, table, row, FIELD_DIRECTION, direction, sizeof(direction));
	return strcmp(direction, "ingress") == 0 ? FLOW_ACCEPTED : FLOW_CONNECTED;
}

void flow_row_end(const struct flow_batch *b, uint32_t table, uint32_t row, struct flow_end *ret)
{
	enum kind kind = block_kind(b->block, table);
	uint64_t time_ns = flow_row_number(b, table, row, FIELD_TIMESTAMP);
	uint64_t duration_ns = flow_row_number(b, table, row, FIELD_DURATION);

	*ret = (struct flow_end){ .source = b->source,
				  .node = b->node,
				  .ahead_ns = (uint64_t)b->ahead_ns,
				  .clock_error_ns = b->clock_error_ns };
	ret->side = side_of(b, table, row, kind);
	read_process(b, table, row, ret);
	ret->thread = flow_row_number(b, table, row, FIELD_THREAD_ID);
	if (kind == KIND_DISCONNECT) {
		ret->close_ns = time_ns;
		ret->close_seq = flow_row_number(b, table, row, FIELD_SEQ);
		ret->duration_ns = MIN(duration_ns, time_ns);
		ret->established_ns = time_ns - ret->duration_ns;
		ret->close_ahead_ns = ret->ahead_ns;
		ret->source_bytes = raw(b, table, row, FIELD_SOURCE_BYTES);
		ret->dest_bytes = raw(b, table, row, FIELD_DEST_BYTES);
		return;
	}
	ret->open_ns = time_ns;
	ret->open_seq = flow_row_number(b, table, row, FIELD_SEQ);
	/* a connect begins before, an accept has none */
	ret->established_ns = time_ns + duration_ns;
	flow_row_text(b, table, row, FIELD_ERROR_CODE, ret->error, sizeof(ret->error));
}

/* Of the node where the addresses are its own. */
static uint64_t key_of(const struct flow_batch *b, const char *community_id, const char *dest_ip)
{
	return XXH3_64bits_withSeed(community_id, strlen(community_id),
				    flow_is_loopback(dest_ip) ? b->node : 0);
}

/* Where a tuple lies in a row. */
struct tuple_fields {
	enum field source_ip, source_port, dest_ip, dest_port, community_id;
};
static const struct tuple_fields tuple_fields[] = {
	[FLOW_ROW_PLAIN] = { FIELD_SOURCE_IP, FIELD_SOURCE_PORT, FIELD_DEST_IP, FIELD_DEST_PORT,
			     FIELD_COMMUNITY_ID },
	[FLOW_ROW_NAT] = { FIELD_NAT_SOURCE_IP, FIELD_NAT_SOURCE_PORT, FIELD_NAT_DEST_IP,
			   FIELD_NAT_DEST_PORT, FIELD_NAT_COMMUNITY_ID },
};

bool flow_row_tuple(const struct flow_batch *b, uint32_t table, uint32_t row,
		    enum flow_row_which which, struct flow_tuple *ret)
{
	const struct tuple_fields *at = &tuple_fields[which];

	memset(ret, 0, sizeof(*ret));
	flow_row_text(b, table, row, at->community_id, ret->community_id,
		      sizeof(ret->community_id));
	if (!ret->community_id[0])
		return false;
	flow_row_text(b, table, row, at->source_ip, ret->source_ip, sizeof(ret->source_ip));
	flow_row_text(b, table, row, at->dest_ip, ret->dest_ip, sizeof(ret->dest_ip));
	ret->source_port = (uint16_t)flow_row_number(b, table, row, at->source_port);
	ret->dest_port = (uint16_t)flow_row_number(b, table, row, at->dest_port);
	ret->key = key_of(b, ret->community_id, ret->dest_ip);
	return true;
}
