-- SPDX-License-Identifier: Apache-2.0
-- What is not events.  Never edit this file once released: write the next number
-- (tests/collector/test_migrate.c).

CREATE TABLE node (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	boot_id TEXT NOT NULL,          -- of the boot seen last
	architecture TEXT NOT NULL,
	os_kernel TEXT NOT NULL,
	agent_version TEXT NOT NULL,
	first_seen_ns INTEGER NOT NULL,
	last_seen_ns INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	events INTEGER NOT NULL,
	batches INTEGER NOT NULL,
	clock_offset_ns INTEGER NOT NULL,
	stats BLOB NOT NULL,            -- SensorStats' counters, 64 bits each, little-endian, in the order of rtsec.proto
	tiers TEXT NOT NULL             -- its "kind=tier" strings, a newline after each
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
	node_id TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	first_seen_ns INTEGER NOT NULL,
	last_seen_ns INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	PRIMARY KEY (node_id, boot_id)
) STRICT, WITHOUT ROWID;

-- Bearer tokens of the API; only their SHA-256 is kept.
CREATE TABLE token (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	role TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'operator', 'admin')),
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	created_ns INTEGER NOT NULL
) STRICT;
