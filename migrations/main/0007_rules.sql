-- SPDX-License-Identifier: Apache-2.0
-- What people keep an output from telling, and up to when sequences have been told.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

CREATE TABLE output_silence (
	id INTEGER PRIMARY KEY,
	output TEXT NOT NULL,
	rule TEXT,                      -- NULL: any
	node TEXT,                      -- its name or id; NULL: any
	until_ns INTEGER NOT NULL,
	author TEXT NOT NULL,
	note TEXT NOT NULL,
	created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX output_silence_output ON output_silence (output);

-- Matches of sequences that were complete before this time have been told (collector/detect.h).
ALTER TABLE detect_state ADD COLUMN settled_ns INTEGER NOT NULL DEFAULT 0;
