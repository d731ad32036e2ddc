-- SPDX-License-Identifier: Apache-2.0
-- Connections that a kernel gave other addresses: both tuples are kept, and either joins.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

ALTER TABLE state ADD COLUMN translations INTEGER NOT NULL DEFAULT 0; -- rows of translation

-- The tuple as the accepting side has it; null: the same.
ALTER TABLE flow ADD COLUMN nat_key INTEGER;
ALTER TABLE flow ADD COLUMN nat_source_ip TEXT;
ALTER TABLE flow ADD COLUMN nat_source_port INTEGER;
ALTER TABLE flow ADD COLUMN nat_dest_ip TEXT;
ALTER TABLE flow ADD COLUMN nat_dest_port INTEGER;
ALTER TABLE flow ADD COLUMN nat_community_id TEXT;
CREATE INDEX flow_by_nat_key ON flow (day, nat_key) WHERE nat_key IS NOT NULL;

-- Translations that were told: who connects with key is accepted with nat_key.
CREATE TABLE translation (
	day INTEGER NOT NULL,            -- of at_ns, since 1970-01-01
	key INTEGER NOT NULL,
	nat_key INTEGER NOT NULL,
	at_ns INTEGER NOT NULL,          -- by the collector's clock
	source_ip TEXT NOT NULL,         -- as the connecting side has it
	nat_dest_ip TEXT NOT NULL,       -- as the accepting side has it
	PRIMARY KEY (day, key, nat_key, at_ns)
) STRICT, WITHOUT ROWID;
CREATE INDEX translation_by_nat ON translation (day, nat_key);
CREATE INDEX translation_by_time ON translation (at_ns);
