-- SPDX-License-Identifier: Apache-2.0
-- Small blocks merged into larger ones (collector/merge.h).  A merged block's frame lies in the file
-- events-YYYY-MM-DD.merged; what it was made of stays in the .frames file, which remains the log that all of
-- this can be made from again.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- 0: the frame lies in .frames; 1: in .merged.
ALTER TABLE block ADD COLUMN log INTEGER NOT NULL DEFAULT 0;

-- The batches that merged blocks hold, as they came: a batch that is sent again is known by them, and the order of
-- arrival is theirs.  id is that which the batch's block had.
CREATE TABLE part (
	id INTEGER PRIMARY KEY,
	block INTEGER NOT NULL REFERENCES block (id),
	source INTEGER NOT NULL REFERENCES source (id),
	first_seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	min_time_ns INTEGER NOT NULL,
	max_time_ns INTEGER NOT NULL,
	ingested_ns INTEGER NOT NULL,
	kinds INTEGER NOT NULL,
	n_events INTEGER NOT NULL,
	frame_bytes INTEGER NOT NULL -- of the frame that came
) STRICT;
CREATE UNIQUE INDEX part_by_seq ON part (source, first_seq);

ALTER TABLE day ADD COLUMN merged_end INTEGER NOT NULL DEFAULT 0; -- bytes of the .merged file that are indexed here
ALTER TABLE day ADD COLUMN n_parts INTEGER NOT NULL DEFAULT 0;
