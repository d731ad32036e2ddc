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
	state: string; /* up, or the gravest of its alarms */
	alarms: string[]; /* all that is wrong with it */
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

/** What of a view decides which events it shows. */
export interface Scope {
	q: string;
	since: string;
	until: string;
	node: string;
	order: 'desc' | 'asc';
}

export type * from './types-process';
export type * from './types-rules';
