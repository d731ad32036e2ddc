// SPDX-License-Identifier: Apache-2.0
// types-rules - rules, what they found, whom it is told to, who may ask, and what is kept.
import type { StoredDay } from '../lib/retention';
import type { Doc, Gap } from './types';

export interface RuleProblem {
	line: number; /* 1-based; 0: of the whole */
	column: number;
	text: string;
}

export interface Rule {
	id: string;
	revision: number;
	changed: number; /* ms */
	enabled: boolean;
	status: string; /* ok, partial, unmapped or wrong */
	title: string;
	language: string;
	level: string;
	techniques: string[];
	problems: RuleProblem[];
	exceptions: number;
}

export interface RuleException {
	id: string;
	condition: string;
	note: string;
	owner: string;
	created: number; /* ms */
	expires: number; /* NaN: never */
}

export interface RuleWhole extends Rule {
	description: string;
	author: string;
	bypass: string;
	references: string[];
	falsePositives: string[];
	tags: string[];
	query: string; /* "": none */
	exceptionList: RuleException[];
}

export interface Revision {
	revision: number;
	created: number; /* ms */
	author: string;
	note: string;
	current: boolean;
}

/** What a text of rules would become. */
export interface Lint {
	wrong: boolean;
	failedTests: number;
	rules: (Rule & { change: string; line: number; query: string; tests: { name: string; fires: boolean; passed: boolean; reason: string }[] })[];
}

export interface AlertProcess {
	id: string;
	pid: number;
	name: string;
	executable: string;
	args: string[];
	user: string;
}

/** All hits of one rule by one process on one object that came close together. */
export interface Alert {
	id: string;
	change: number;
	status: string; /* open, acknowledged or closed */
	owner: string;
	rule: { id: string; revision: number; title: string; level: string; techniques: string[] };
	node: string;
	entity: string;
	object: string;
	count: number;
	first: number; /* ms */
	last: number;
	created: number;
	incident: string; /* "": none */
	folded: boolean; /* stands for many more of the rule */
	process: AlertProcess | null;
	ancestry: AlertProcess[]; /* parent first */
}

export interface AlertWhole extends Alert {
	events: Doc[]; /* the first ones */
	gaps: Gap[]; /* losses that may hide evidence */
	notes: { created: number; author: string; note: string }[];
}

/** Alerts that belong together. */
export interface Incident {
	id: string;
	title: string;
	score: number; /* 0 to 100 */
	level: string;
	first: number; /* ms */
	last: number;
	alerts: number;
	events: number;
	nodes: string[];
	rules: string[];
	techniques: string[];
}

/** What happened, a step at a time, and why each belongs to the one that is named. */
export interface IncidentStep {
	alert: Alert;
	process: string; /* its command line */
	why: string; /* "": it is where the incident begins */
	with: string; /* title of the alert that it is tied to */
}

export interface IncidentWhole extends Incident {
	steps: IncidentStep[];
	truncated: boolean;
}

/** An API token, without its secret. */
export interface TokenInfo {
	id: string;
	name: string;
	role: string;
	scope: string; /* "": every node */
	createdBy: string;
	created: number; /* ms */
	expires: number; /* NaN: never */
	revoked: number; /* NaN: not */
}

/** What somebody did. */
export interface AuditRow {
	id: string;
	time: number; /* ms */
	actor: string; /* "": nobody known */
	address: string;
	action: string;
	detail: string;
	status: number;
	tookUs: number;
}

/** Something that was ever seen on the fleet: an executable, a hash, an address and so on. */
export interface Fact {
	kind: string;
	value: string;
	first: number; /* ms */
	last: number;
	count: number;
	nodes: number;
	windowMs: number; /* of spread: in which it came to so many nodes */
	seenOn: { name: string; first: number; last: number; count: number }[];
}

/** How long days are kept. */
export interface Retention {
	keepDays: number; /* 0: for ever */
	keepBytes: number; /* 0: no limit */
	configured: { keepDays: number; keepBytes: number }; /* what holds when nobody has set another */
	changed: number; /* ms; NaN: as configured */
	author: string;
	days: StoredDay[]; /* oldest first */
}

/** Where alerts are told to others. */
export interface Output {
	name: string;
	type: string;
	to: string;
	sent: number; /* since the collector started */
	failed: number;
	dead: number; /* letters that wait for a replay */
	error: string;
	silences: { id: string; rule: string; node: string; until: number; author: string; note: string }[]; /* id "": of the file */
}

export interface DeadLetter {
	id: string;
	alert: string;
	created: number; /* ms */
	error: string;
}
