-- SPDX-License-Identifier: Apache-2.0
-- facts.db: what was ever seen, where and how often (collector/facts.h).  It can be made from the events again.
-- Times are ns since 1970 by the collector's clock.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

-- Up to which arrival all batches are in here (collector/follow.h).
CREATE TABLE state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	ingested_ns INTEGER NOT NULL,
	evicted INTEGER NOT NULL         -- facts that were forgotten because there were too many
) STRICT;
INSERT INTO state VALUES (1, 0, 0);

CREATE TABLE node (
	id INTEGER PRIMARY KEY,
	node_id TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL
) STRICT;

CREATE TABLE fact (
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,           -- enum fact_kind
	value TEXT NOT NULL,
	first_ns INTEGER NOT NULL,
	last_ns INTEGER NOT NULL,
	n INTEGER NOT NULL,              -- events
	nodes INTEGER NOT NULL           -- rows of fact_node, where there may be no more
) STRICT;
CREATE UNIQUE INDEX fact_by_value ON fact (kind, value);
CREATE INDEX fact_by_rank ON fact (kind, nodes, n);
CREATE INDEX fact_by_first ON fact (kind, first_ns);
CREATE INDEX fact_by_last ON fact (kind, last_ns);

CREATE TABLE fact_node (
	fact INTEGER NOT NULL REFERENCES fact (id),
	node INTEGER NOT NULL REFERENCES node (id),
	first_ns INTEGER NOT NULL,
	last_ns INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (fact, node)
) STRICT, WITHOUT ROWID;
