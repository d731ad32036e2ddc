/* SPDX-License-Identifier: Apache-2.0 */
/* flow_row - what a row of a block says of a connection: who took part, its tuple, its times.
 * Thread: the block's.  Memory: the caller's. */
#pragma once
#include "collector/flowdb.h"
#include "lib/block.h"

/* The batch that rows are read from, and what flowdb knows of who made it. */
struct flow_batch {
	struct block *block;
	uint32_t source, node;
	int64_t ahead_ns; /* of its clock before the collector's */
	uint64_t clock_error_ns;
};

/* A LONG or DATE column of a row; 0 where it is null. */
uint64_t flow_row_number(const struct flow_batch *b, uint32_t table, uint32_t row,
			 enum field field);

/* A text column, cut to @n - 1 bytes; "" where it is null. */
void flow_row_text(const struct flow_batch *b, uint32_t table, uint32_t row, enum field field,
		   char *ret, size_t n);

/* The end of a connection that a row of kind CONNECT, ACCEPT, DISCONNECT or DATAGRAM tells of; its
 * key is 0. */
void flow_row_end(const struct flow_batch *b, uint32_t table, uint32_t row, struct flow_end *ret);

enum flow_row_which { FLOW_ROW_PLAIN, FLOW_ROW_NAT };

/* The tuple of a row, or the one it was translated to.  False: it has no community id. */
NODISCARD bool flow_row_tuple(const struct flow_batch *b, uint32_t table, uint32_t row,
			      enum flow_row_which which, struct flow_tuple *ret);

/* @ns of the node's clock by the collector's; 0 stays 0. */
static inline uint64_t flow_row_corrected(const struct flow_batch *b, uint64_t ns)
{
	return ns ? ns - (uint64_t)b->ahead_ns : 0;
}

bool flow_is_loopback(const char *ip);
