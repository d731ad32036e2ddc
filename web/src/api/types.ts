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

export interface SearchPage {
	table?: Table | undefined; /* then there are no hits */
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

export interface FieldInfo {
	name: string;
	type: string;
	help: string;
}

export interface NodeInfo {
	id: string;
	name: string;
	lastSeen: number; /* ms; NaN: not told */
}

/** What of a view decides which events it shows. */
export interface Scope {
	q: string;
	since: string;
	until: string;
	node: string;
	order: 'desc' | 'asc';
}
