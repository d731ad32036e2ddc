// SPDX-License-Identifier: Apache-2.0
// events - /search, /hits, /fields and /nodes, turned into the types the page works with.
import { msOf } from '../lib/time';
import { getJson, urlOf } from './client';
import type { Doc, FieldInfo, Gap, Histogram, Json, NodeInfo, Scope, SearchPage, Table } from './types';

type Raw = Record<string, unknown>;

const list = (v: unknown): Raw[] => (Array.isArray(v) ? (v as Raw[]) : []);
const num = (v: unknown): number => (typeof v === 'number' ? v : Number(v ?? 0) || 0);
const str = (v: unknown): string => (v === null || v === undefined ? '' : String(v));

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

export async function search(scope: Scope, page: PageRequest, signal: AbortSignal): Promise<SearchPage> {
	const raw = await getJson(urlOf('search', {
		...scopeParams(scope), order: scope.order, limit: page.limit,
		cursor: page.cursor ?? '', fields: page.fields ?? '',
	}), signal);
	const scanned = (raw['scanned'] ?? {}) as Raw;
	return {
		table: tableOf(raw),
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

export async function histogram(scope: Scope, buckets: number, signal: AbortSignal): Promise<Histogram> {
	const raw = await getJson(urlOf('hits', { ...scopeParams(scope), buckets }), signal);
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

export async function nodes(signal: AbortSignal): Promise<NodeInfo[]> {
	const raw: unknown = await getJson(urlOf('nodes'), signal);
	const rows = Array.isArray(raw) ? (raw as Raw[]) : list((raw as Raw)['nodes']);
	return rows.map((n) => ({
		id: str(n['id']), name: str(n['name']) || str(n['id']), lastSeen: msOf(n['last_seen']),
	}));
}
