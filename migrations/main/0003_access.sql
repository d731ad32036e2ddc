-- SPDX-License-Identifier: Apache-2.0
-- Who may come in: tokens that end, nodes with certificates, and what was done.
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

ALTER TABLE token ADD COLUMN expires_ns INTEGER NOT NULL DEFAULT 0;     -- 0: never
ALTER TABLE token ADD COLUMN revoked_ns INTEGER NOT NULL DEFAULT 0;     -- 0: it is not
ALTER TABLE token ADD COLUMN scope TEXT NOT NULL DEFAULT '';            -- collector/scope.h; '': every node
ALTER TABLE token ADD COLUMN created_by TEXT NOT NULL DEFAULT '';

-- One-time tokens with which a node joins; only their SHA-256 is kept.
CREATE TABLE join_token (
	id INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	node_id TEXT NOT NULL,          -- the only one that may use it; '': any that is not enrolled
	created_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL,
	used_ns INTEGER NOT NULL,       -- 0: not yet
	created_by TEXT NOT NULL
) STRICT;

-- Every certificate that the CA gave to a node.
CREATE TABLE certificate (
	serial TEXT PRIMARY KEY,
	node_id TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	issued_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL,
	revoked_ns INTEGER NOT NULL     -- 0: it is not
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_node ON certificate (node_id);

-- What was asked and changed through the API, and what was refused there.  Bounded: the oldest rows go.
CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	time_ns INTEGER NOT NULL,
	actor TEXT NOT NULL,            -- the token's name; '': none that is known
	token_id INTEGER NOT NULL,      -- 0: none
	address TEXT NOT NULL,          -- of the client
	action TEXT NOT NULL,           -- method and path
	detail TEXT NOT NULL,           -- what was asked: the parameters, without secrets
	status INTEGER NOT NULL,        -- of the answer
	took_us INTEGER NOT NULL
) STRICT;
