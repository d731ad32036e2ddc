-- SPDX-License-Identifier: Apache-2.0
-- Where alerts are told to others (collector/output.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- How far an output has come in the order of changes (alert.change).
CREATE TABLE output_place (
	name TEXT PRIMARY KEY,
	change INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What did not get through after all tries.
CREATE TABLE output_dead (
	id INTEGER PRIMARY KEY,
	output TEXT NOT NULL,
	alert_id INTEGER NOT NULL,
	error TEXT NOT NULL,
	created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX output_dead_output ON output_dead (output);
