// SPDX-License-Identifier: Apache-2.0
// types - what /api/v1 answers, as far as the page reads it (docs/api.md).

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An event: a nested ECS document. */
export type Doc = { [key: string]: Json } & { _id?: string };

/** Events known to be lost: in [from, to] on @node. */
export interface Gap {
	node: string;
	from: number; /* ms */
	to: number; /* ms */
	count: number;
	class: string;
	cause: string;
}

export interface TableColumn {
	name: string;
	type: string; /* long, double, boolean, date, keyword or ip; of lists that of the elements */
}

/** What a query answers whose pipes count. */
export interface Table {
	columns: TableColumn[];
	rows: Json[][];
	leftOut: number; /* events whose group had no room */
}

/** Events that a query with `sequence` or `sample` found to belong together. */
export interface Sequence {
	keys: Json[];
	events: (Doc | null)[]; /* null: one that did not come */
}

export interface SearchPage {
	table?: Table | undefined; /* then there are no hits */
	sequences?: Sequence[] | undefined; /* then, too */
	hits: Doc[];
	cursor: string | null;
	tookMs: number;
	scanned: { blocks: number; skipped: number; events: number; bytes: number };
	truncated: boolean;
	gaps: Gap[];
}

export interface Histogram {
	from: number; /* ms */
	to: number; /* ms */
	intervalMs: number;
	buckets: { from: number; count: number }[];
	total: number;
	gaps: Gap[];
}

/** The most frequent values of a field among the hits. */
export interface Facet {
	field: string;
	type: string;
	distinct: number;
	complete: boolean; /* false: distinct is at least so many */
	nulls: number; /* hits without a value */
	other: number; /* counted for values not among these */
	values: { value: Json; count: number }[];
}

/** Counts over time, a list for each value of a field, the most frequent first. */
export interface Split {
	field: string;
	from: number[]; /* ms: begin of each bucket */
	series: { value: Json | undefined; counts: number[] }[]; /* undefined: all other values */
}

export interface FieldInfo {
	name: string;
	type: string;
	help: string;
}

export interface NodeInfo {
	id: string;
	name: string;
	state: string; /* up or silent */
	firstSeen: number; /* ms; NaN: not told */
	lastSeen: number;
	lagMs: number;
	skewMs: number; /* its clock less the collector's */
	kernel: string;
	architecture: string;
	version: string;
	events: number; /* stored */
	batches: number;
	sensor: { /* what the sensor says of itself */
		events: number;
		lost: number;
		malformed: number;
		queued: number; /* batches, of queuedBytes */
		queuedBytes: number;
		cpuNs: number;
		rssBytes: number;
		processes: number;
		tiers: string[]; /* how it probes each kind */
	};
}

/** How the collector fares. */
export interface Status {
	version: string;
	uptimeMs: number;
	events: number;
	bytes: number;
	days: number;
	diskFree: number;
	diskLow: boolean;
	failing: boolean;
	removedDays: number;
	removedEvents: number;
	lost: number; /* events, by all nodes */
}

/** A process as its newest row tells it. */
export interface Process {
	id: string;
	parent: string; /* "": unknown */
	depth: number; /* below 0: an ancestor of the one asked for, which is 0 */
	host: string;
	via: Edge[]; /* connections that lead to it from the one above; none: it is a child */
	links: number; /* how many there are */
	hop: number; /* connections on the way to it */
	confidence: number; /* percent */
	again: boolean; /* told before in the same tree */
	pid: number;
	name: string;
	executable: string;
	args: string[];
	cwd: string;
	tty: string;
	sha256: string;
	user: string;
	uid: number | null;
	group: string;
	container: string;
	start: number; /* ms; NaN: unknown, as are the next two */
	end: number;
	lastSeen: number;
	exitCode: number | null;
	exitSignal: string;
	events: { process: number; file: number; network: number } | null; /* null: not counted */
	children: number;
}

/** One end of a connection, by the clock of its node. */
export interface EdgeEnd {
	node: string;
	id: string; /* entity id */
	name: string;
	pid: number;
	time: number; /* ms */
	closed: number; /* ms; NaN: not known */
	error: string;
	sent: number; /* bytes, by the side that connected */
	received: number;
}

/** A connection between two processes; with one end null when that was not seen. */
export interface Edge {
	key: string;
	joined: boolean;
	confidence: number; /* percent */
	time: number; /* ms, by the collector's clock */
	community: string;
	transport: string;
	source: { ip: string; port: number };
	destination: { ip: string; port: number };
	connected: EdgeEnd | null;
	accepted: EdgeEnd | null;
	missing: { reason: string; node: string; cause: string } | null;
}

export interface ProcessTree {
	host: string;
	truncated: boolean;
	processes: Process[]; /* each before those below it */
	breaks: Edge[]; /* connections whose other end is missing though its node is known */
	unseenPeers: number; /* addresses without a sensor that were connected to */
}

export interface ProcessFacts extends Process {
	actions: [string, number][];
	programs: (Process & { at: number })[];
}

/** A row of the fleet timeline. */
export interface Lane {
	key: string | number | null; /* value of the field that the lanes are of */
	count: number;
	first: number; /* ms */
	last: number;
	hosts: string[];
	names: string[];
}

export interface LaneCell {
	ms: number;
	lane: Lane['key'];
	count: number;
}

/** A connection from a lane to another. */
export interface LaneFlow {
	from: Json;
	to: Json;
	fromNs: bigint;
	toNs: bigint;
	id: string;
	text: string;
}

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
	status: string; /* ok, unmapped or wrong */
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

/** What of a view decides which events it shows. */
export interface Scope {
	q: string;
	since: string;
	until: string;
	node: string;
	order: 'desc' | 'asc';
}
