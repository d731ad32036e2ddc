-- SPDX-License-Identifier: Apache-2.0
-- What retention may not take, and what it took (collector/retention.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- Days that stay until they are released; day is counted since 1970-01-01.
CREATE TABLE hold (
	day INTEGER PRIMARY KEY,
	created_ns INTEGER NOT NULL
) STRICT;

-- Days that were removed: what is missing from history, and since when.  A day can be removed again when a
-- node sent more of it later; ingested_ns, of the last batch that it held, tells the two apart.
CREATE TABLE removed_day (
	day INTEGER NOT NULL,
	ingested_ns INTEGER NOT NULL,
	n_events INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	removed_ns INTEGER NOT NULL,
	reason TEXT NOT NULL,           -- age or bytes
	PRIMARY KEY (day, ingested_ns)
) STRICT, WITHOUT ROWID;
