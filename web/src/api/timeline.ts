// SPDX-License-Identifier: Apache-2.0
// timeline - what the fleet timeline draws: its lanes, how many events each has over time, the events
// themselves when they are few, and the connections between lanes.
import { msOf } from '../lib/time';
import { nsOf, rfcOf, endOf, spanText, type Range } from '../lib/nanos';
import { text } from '../lib/doc';
import { edgeText } from '../lib/tree';
import { getJson, urlOf } from './client';
import { search } from './events';
import { edgeOf } from './flows';
import { list, num, obj, str } from './raw';
import type { Doc, Gap, Lane, LaneCell, LaneFlow, Scope } from './types';

const ROWS = 9000; /* cells asked for; a table has at most 10,000 */
const CELLS = 320;
const EVENT_FIELDS = '@timestamp,event.action,event.category,event.outcome,event.sequence,error.code,host,process,file,source,destination,network,user,container,rtsec,Target';

/** Where each lane is a field's value: the field, and what else names the lane. */
export interface LaneField {
	field: string;
	names: string[];
}

const rangeOf = (r: Range): { since: string; until: string } => ({ since: rfcOf(r.from), until: rfcOf(endOf(r)) });

export async function lanes(scope: Scope, range: Range, by: LaneField, most: number, signal: AbortSignal): Promise<{ lanes: Lane[]; more: boolean; gaps: Gap[] }> {
	const named = by.names.map((name, i) => `, name${i} = values(${name})`).join('');
	const q = `${scope.q} | stats n = count(), first = min(@timestamp), last = max(@timestamp), hosts = values(host.name)${named} by lane = ${by.field} | sort -n | head ${most + 1}`;
	const answer = await search({ ...scope, ...rangeOf(range), q }, { cursor: null, limit: 1 }, signal);
	const rows = answer.table?.rows ?? [];
	const found = rows.slice(0, most).map(([key = null, n, first, last, hosts, ...names]): Lane => ({
		key: key as string | number | null, count: Number(n), first: msOf(first), last: msOf(last),
		hosts: Array.isArray(hosts) ? hosts.map(String) : [], names: names.map((v) => (Array.isArray(v) ? String(v[0] ?? '') : '')),
	}));
	return { lanes: found.sort((a, b) => a.first - b.first), more: rows.length > most, gaps: answer.gaps };
}

/** Counts of each lane in buckets of *ms, as wide as @pixels and the number of lanes allow. */
export async function density(scope: Scope, range: Range, by: LaneField, nLanes: number, signal: AbortSignal): Promise<{ ms: number; cells: LaneCell[] }> {
	const buckets = Math.max(24, Math.min(CELLS, Math.floor(ROWS / Math.max(1, nLanes))));
	const ms = Math.max(1, Math.ceil(range.span / 1e6 / buckets));
	const q = `${scope.q} | stats n = count() by at = bucket(@timestamp, ${ms}ms), lane = ${by.field} | sort -n`;
	const answer = await search({ ...scope, ...rangeOf(range), q }, { cursor: null, limit: 1 }, signal);
	const cells = (answer.table?.rows ?? []).map(([time, lane = null, n]): LaneCell => ({ ms: msOf(time), lane: lane as string | number | null, count: Number(n) }));
	return { ms, cells };
}

/** The events of the range, oldest first, at most @limit. */
export async function laneEvents(scope: Scope, range: Range, limit: number, signal: AbortSignal): Promise<{ ns: bigint; doc: Doc }[]> {
	const answer = await search({ ...scope, ...rangeOf(range), order: 'asc' }, { cursor: null, limit, fields: EVENT_FIELDS }, signal);
	return answer.hits.map((doc) => ({ ns: nsOf(text(doc, '@timestamp')) ?? 0n, doc }));
}

/** The lane of each process that the events of @q are of. */
export async function lanesOfProcesses(scope: Scope, range: Range, by: LaneField, q: string, signal: AbortSignal): Promise<Map<string, Lane['key']>> {
	const whole = `${scope.q} | where ${q} | stats n = count() by id = process.entity_id, lane = ${by.field} | sort -n`;
	const answer = await search({ ...scope, ...rangeOf(range), q: whole }, { cursor: null, limit: 1 }, signal);
	const out = new Map<string, Lane['key']>();
	for (const [id, lane = null] of answer.table?.rows ?? []) if (!out.has(String(id))) out.set(String(id), lane as Lane['key']);
	return out;
}

const CONNECTING = 'event.action in ("connection_attempted", "connection_accepted", "disconnect_received")';

/** Connections of which both ends were seen, between different lanes, at the times of the collector's clock. */
export async function laneFlows(scope: Scope, range: Range, by: LaneField, limit: number, signal: AbortSignal): Promise<LaneFlow[]> {
	const [answer, lanes] = await Promise.all([
		getJson(urlOf('edges', { ...rangeOf(range), state: 'joined', limit }), signal),
		lanesOfProcesses(scope, range, by, CONNECTING, signal),
	]);
	return list(answer['edges']).flatMap((raw): LaneFlow[] => {
		const edge = edgeOf(raw);
		const [from, to] = [lanes.get(edge.connected?.id ?? ''), lanes.get(edge.accepted?.id ?? '')];
		const at = nsOf(str(raw['time']));
		if (from === undefined || to === undefined || from === to || at === null) return [];
		const ownOf = (end: unknown): bigint => nsOf(str(obj(end)['time'])) ?? at;
		const later = num(raw['skew_ns']);
		return [{
			from, to, fromNs: at, toNs: at + BigInt(Math.round(later)), fromOwnNs: ownOf(raw['connected']), toOwnNs: ownOf(raw['accepted']), id: edge.key,
			text: `${edgeText(edge)}; ${edge.confidence} % sure, accepted ${spanText(Math.abs(later))} ${later < 0 ? 'before' : 'after'} by corrected clocks`,
		}];
	});
}
