// SPDX-License-Identifier: Apache-2.0
// events - /search, /hits, /fields and /nodes, turned into the types the page works with.
import { msOf } from '../lib/time';
import { getJson, urlOf, type OnProgress } from './client';
import type { Doc, Facet, FieldInfo, Gap, Histogram, Json, Scope, SearchPage, Sequence, Table } from './types';

import { list, num, str, type Raw } from './raw';

export function gapOf(raw: Raw): Gap {
	return {
		node: str(raw['node']), from: msOf(raw['from']), to: msOf(raw['to']),
		count: num(raw['count']), class: str(raw['class']), cause: str(raw['cause']),
	};
}

export const scopeParams = (s: Scope): Record<string, string> => ({
	q: s.q, since: s.since, until: s.until, node: s.node,
});

export interface PageRequest {
	cursor: string | null;
	limit: number;
	fields?: string;
}

function tableOf(raw: Raw): Table | undefined {
	if (!Array.isArray(raw['columns'])) return undefined;
	return {
		columns: list(raw['columns']).map((c) => ({ name: str(c['name']), type: str(c['type']) })),
		rows: Array.isArray(raw['rows']) ? (raw['rows'] as Json[][]) : [],
		leftOut: num(raw['left_out']),
	};
}

function sequencesOf(raw: Raw): Sequence[] | undefined {
	if (!Array.isArray(raw['sequences'])) return undefined;
	return list(raw['sequences']).map((s) => ({
		keys: Array.isArray(s['join_keys']) ? (s['join_keys'] as Json[]) : [],
		events: list(s['events']).map((e) => (e['missing'] === true ? null : (e as Doc))),
	}));
}

export async function search(scope: Scope, page: PageRequest, signal: AbortSignal, onProgress?: OnProgress): Promise<SearchPage> {
	const raw = await getJson(urlOf('search', {
		...scopeParams(scope), order: scope.order, limit: page.limit,
		cursor: page.cursor ?? '', fields: page.fields ?? '',
	}), signal, onProgress);
	const scanned = (raw['scanned'] ?? {}) as Raw;
	return {
		table: tableOf(raw),
		sequences: sequencesOf(raw),
		hits: list(raw['hits']) as Doc[],
		cursor: typeof raw['cursor'] === 'string' && raw['cursor'] !== '' ? raw['cursor'] : null,
		tookMs: num(raw['took_ms']),
		scanned: {
			blocks: num(scanned['blocks']), skipped: num(scanned['blocks_skipped']),
			events: num(scanned['events']), bytes: num(scanned['bytes']),
		},
		truncated: raw['truncated'] === true,
		gaps: list(raw['gaps']).map(gapOf),
	};
}

export async function histogram(scope: Scope, buckets: number, signal: AbortSignal, onProgress?: OnProgress): Promise<Histogram> {
	const raw = await getJson(urlOf('hits', { ...scopeParams(scope), buckets }), signal, onProgress);
	const found = list(raw['buckets']).map((b) => ({ from: msOf(b['from']), count: num(b['count']) }));
	return {
		from: msOf(raw['from']), to: msOf(raw['to']), intervalMs: num(raw['interval_ms']) || 1,
		buckets: found,
		total: 'total' in raw ? num(raw['total']) : found.reduce((n, b) => n + b.count, 0),
		gaps: list(raw['gaps']).map(gapOf),
	};
}

export async function fields(signal: AbortSignal): Promise<FieldInfo[]> {
	const raw: unknown = await getJson(urlOf('fields'), signal);
	const rows = Array.isArray(raw) ? (raw as Raw[]) : list((raw as Raw)['fields']);
	return rows.map((f) => ({ name: str(f['name']), type: str(f['type']), help: str(f['help']) }));
}

function facetOf(raw: Raw): Facet {
	return {
		field: str(raw['field']), type: str(raw['type']), distinct: num(raw['distinct']), complete: raw['complete'] !== false,
		nulls: num(raw['null']), other: num(raw['other']),
		values: list(raw['values']).map((v) => ({ value: (v['value'] ?? null) as Json, count: num(v['count']) })),
	};
}

export async function facets(scope: Scope, wanted: string[], limit: number, signal: AbortSignal): Promise<{ total: number; facets: Facet[] }> {
	const raw = await getJson(urlOf('facets', { ...scopeParams(scope), field: wanted.join(','), limit }), signal);
	return { total: num(raw['total']), facets: list(raw['facets']).map(facetOf) };
}

/** Values that @field has had lately and that begin with @prefix. */
export async function values(field: string, prefix: string, signal: AbortSignal): Promise<string[]> {
	const raw = await getJson(urlOf('values', { field, prefix, limit: 50 }), signal);
	return list(raw['fields']).map(facetOf).flatMap((f) => f.values.map((v) => String(v.value)));
}
