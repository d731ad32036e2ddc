-- SPDX-License-Identifier: Apache-2.0
-- Alerts and what belongs to them (collector/alertbook.h).
-- Never edit this file once released: write the next number (tests/collector/test_migrate.c).

CREATE TABLE alert (
	id INTEGER PRIMARY KEY,
	change INTEGER NOT NULL,        -- rises with every change of any alert
	rule_id TEXT NOT NULL,
	revision INTEGER NOT NULL,
	title TEXT NOT NULL,
	level INTEGER NOT NULL,         -- enum rule_level
	techniques TEXT NOT NULL,       -- JSON array
	node_id TEXT NOT NULL,
	node TEXT NOT NULL,
	entity INTEGER NOT NULL,        -- of the acting process; 0: several
	object TEXT,                    -- what it acted upon; NULL: nothing, or several
	dedup INTEGER NOT NULL,         -- hash of rule, process and object
	first_ns INTEGER NOT NULL,
	last_ns INTEGER NOT NULL,
	n_events INTEGER NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'closed')),
	owner TEXT NOT NULL,
	created_ns INTEGER NOT NULL,
	updated_ns INTEGER NOT NULL,
	body TEXT NOT NULL,             -- JSON: process, ancestry, gaps and so on
	incident INTEGER                -- that it belongs to
) STRICT;
CREATE INDEX alert_dedup ON alert (dedup, last_ns);
CREATE INDEX alert_change ON alert (change);

-- Copies of its first events, for the events themselves go with their day.
CREATE TABLE alert_event (
	alert_id INTEGER NOT NULL,
	number INTEGER NOT NULL,
	event_id TEXT NOT NULL,
	document TEXT NOT NULL,
	PRIMARY KEY (alert_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_note (
	id INTEGER PRIMARY KEY,
	alert_id INTEGER NOT NULL,
	created_ns INTEGER NOT NULL,
	author TEXT NOT NULL,
	note TEXT NOT NULL
) STRICT;
CREATE INDEX alert_note_alert ON alert_note (alert_id);

-- By what alerts are joined to incidents.
CREATE TABLE alert_mark (
	kind TEXT NOT NULL,             -- process, ancestor, flow, sha256, user
	value TEXT NOT NULL,
	alert_id INTEGER NOT NULL,
	time_ns INTEGER NOT NULL,
	PRIMARY KEY (kind, value, alert_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_mark_alert ON alert_mark (alert_id);

-- Up to which batch the rules have been asked.
CREATE TABLE detect_state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	position_ns INTEGER NOT NULL
) STRICT;
