-- SPDX-License-Identifier: Apache-2.0
-- flows.db: connections between processes, joined from what both sides' sensors saw (collector/flows.h).
-- It can be made from the events again.  Times *_ns are since 1970; those of an end by its node's clock,
-- all others by the collector's.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- Up to which arrival all batches are in here (collector/follow.h), and what was counted.
CREATE TABLE state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	ingested_ns INTEGER NOT NULL,
	flows INTEGER NOT NULL,          -- rows of flow
	evicted INTEGER NOT NULL,        -- rows that were removed before their day was
	crowded INTEGER NOT NULL         -- events left out because too many have one key
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0, 0);

CREATE TABLE node (
	id INTEGER PRIMARY KEY,
	node_id TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	last_ns INTEGER NOT NULL         -- of its newest event
) STRICT;
CREATE TABLE source (
	id INTEGER PRIMARY KEY,
	node INTEGER NOT NULL REFERENCES node (id),
	boot_id TEXT NOT NULL,
	UNIQUE (node, boot_id)
) STRICT;

-- A connection, or the one half of it that was seen.  a: the end that connected, b: the end that
-- accepted; an end that was not seen has source null.
CREATE TABLE flow (
	id INTEGER PRIMARY KEY,
	day INTEGER NOT NULL,            -- of at_ns, since 1970-01-01
	key INTEGER NOT NULL,            -- hash of the community id; of loopback with the node
	at_ns INTEGER NOT NULL,          -- when it was established
	transport TEXT NOT NULL,
	source_ip TEXT NOT NULL,
	source_port INTEGER NOT NULL,
	dest_ip TEXT NOT NULL,
	dest_port INTEGER NOT NULL,
	community_id TEXT NOT NULL,
	confidence INTEGER NOT NULL,     -- percent; 0: a half
	a_source INTEGER,
	a_entity INTEGER,
	a_pid INTEGER,
	a_thread INTEGER,
	a_open_ns INTEGER,               -- 0: the attempt was not seen
	a_open_seq INTEGER,
	a_close_ns INTEGER,              -- 0: the end was not seen
	a_close_seq INTEGER,
	a_established_ns INTEGER,
	a_ahead_ns INTEGER,              -- how far the node's clock was ahead of the collector's
	a_clock_error_ns INTEGER,        -- 0: not measured
	a_source_bytes INTEGER,
	a_dest_bytes INTEGER,
	a_duration_ns INTEGER,          -- to the close, as that told it
	a_close_ahead_ns INTEGER,
	a_process TEXT,
	a_error TEXT,
	b_source INTEGER,
	b_entity INTEGER,
	b_pid INTEGER,
	b_thread INTEGER,
	b_open_ns INTEGER,
	b_open_seq INTEGER,
	b_close_ns INTEGER,
	b_close_seq INTEGER,
	b_established_ns INTEGER,
	b_ahead_ns INTEGER,
	b_clock_error_ns INTEGER,
	b_source_bytes INTEGER,
	b_dest_bytes INTEGER,
	b_duration_ns INTEGER,
	b_close_ahead_ns INTEGER,
	b_process TEXT,
	b_error TEXT
) STRICT;
-- By day first, so that what is written today lies together and what is removed too.
CREATE INDEX flow_by_key ON flow (day, key);
CREATE INDEX flow_by_a ON flow (day, a_entity) WHERE a_entity IS NOT NULL;
CREATE INDEX flow_by_b ON flow (day, b_entity) WHERE b_entity IS NOT NULL;
CREATE INDEX flow_by_time ON flow (at_ns);

-- Addresses that nodes were seen to have.
CREATE TABLE address (
	ip TEXT NOT NULL,
	node INTEGER NOT NULL REFERENCES node (id),
	last_ns INTEGER NOT NULL,
	PRIMARY KEY (ip, node)
) STRICT, WITHOUT ROWID;

-- Times of which a node's evidence is missing.
CREATE TABLE outage (
	node INTEGER NOT NULL REFERENCES node (id),
	from_ns INTEGER NOT NULL,
	to_ns INTEGER NOT NULL,
	cause TEXT NOT NULL,             -- of a gap event, or stopped: no sensor ran
	PRIMARY KEY (node, from_ns, to_ns, cause)
) STRICT, WITHOUT ROWID;
