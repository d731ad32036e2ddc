-- SPDX-License-Identifier: Apache-2.0
-- Detection rules, what they were before, and what they leave out (collector/rulebook.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

CREATE TABLE rule (
	id TEXT PRIMARY KEY,
	revision INTEGER NOT NULL,      -- the one in force
	enabled INTEGER NOT NULL,
	deleted INTEGER NOT NULL        -- its revisions stay
) STRICT, WITHOUT ROWID;

-- Never changed once written.
CREATE TABLE rule_revision (
	rule_id TEXT NOT NULL,
	revision INTEGER NOT NULL,      -- from 1
	source TEXT NOT NULL,           -- the YAML document
	author TEXT NOT NULL,           -- whose token it was
	note TEXT NOT NULL,
	created_ns INTEGER NOT NULL,
	PRIMARY KEY (rule_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_exception (
	id INTEGER PRIMARY KEY,
	rule_id TEXT NOT NULL,
	condition TEXT NOT NULL,        -- EQL: an event for which it is true is left out
	reason TEXT NOT NULL,
	owner TEXT NOT NULL,
	alert_id INTEGER,               -- that it was made from
	created_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL     -- 0: never
) STRICT;
CREATE INDEX rule_exception_rule ON rule_exception (rule_id);
