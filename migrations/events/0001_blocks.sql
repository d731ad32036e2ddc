-- SPDX-License-Identifier: Apache-2.0
-- The index of one UTC day of event batches.  The batches' own bytes lie in the file beside this one
-- (events-YYYY-MM-DD.frames), which is the log that this can be made from again (collector/day.h);
-- here is what is asked before a batch is opened.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- Who sends: one row for each boot of a node.  node_name is part of the key because a host can be
-- renamed while it runs, and a scan by name must find what was sent under it.
CREATE TABLE source (
	id INTEGER PRIMARY KEY,
	node_id TEXT NOT NULL,
	boot_id BLOB NOT NULL,
	node_name TEXT NOT NULL,
	UNIQUE (node_id, boot_id, node_name)
) STRICT;

-- The zone map: one row a batch, in order of arrival (id and ingested_ns rise together).
CREATE TABLE block (
	id INTEGER PRIMARY KEY,
	source INTEGER NOT NULL REFERENCES source (id),
	first_seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	min_time_ns INTEGER NOT NULL,
	max_time_ns INTEGER NOT NULL,
	ingested_ns INTEGER NOT NULL,
	kinds INTEGER NOT NULL,        -- bit k: it has events of kind k
	n_events INTEGER NOT NULL,
	frame_offset INTEGER NOT NULL, -- of the frame in the .frames file; its 24-byte record header stands before
	frame_bytes INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX block_by_seq ON block (source, first_seq);
CREATE INDEX block_by_min_time ON block (min_time_ns);
CREATE INDEX block_by_max_time ON block (max_time_ns);

-- Filter over the tokens of a batch's strings (collector/filter.h); apart from block, so that a scan of
-- zone maps touches few pages.
CREATE TABLE filter (
	id INTEGER PRIMARY KEY REFERENCES block (id),
	bits BLOB NOT NULL
) STRICT;

-- One row: what the day holds, as of the last commit.
CREATE TABLE day (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	n_blocks INTEGER NOT NULL,
	n_events INTEGER NOT NULL,
	min_time_ns INTEGER NOT NULL,  -- of all events; 0 in both while there is none
	max_time_ns INTEGER NOT NULL,
	max_span_ns INTEGER NOT NULL,  -- longest max_time_ns - min_time_ns of one block
	ingested_ns INTEGER NOT NULL,  -- of the last block
	frames_end INTEGER NOT NULL    -- bytes of the .frames file that are indexed here
) STRICT;
INSERT INTO day VALUES (1, 0, 0, 0, 0, 0, 0, 0);
