-- SPDX-License-Identifier: Apache-2.0
-- How long days are kept, when it was set by the API (collector/retention.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- No row: as the options say.
CREATE TABLE retention (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	keep_days INTEGER NOT NULL,     -- 0: for ever
	keep_bytes INTEGER NOT NULL,    -- 0: no limit
	changed_ns INTEGER NOT NULL,
	author TEXT NOT NULL
) STRICT;
