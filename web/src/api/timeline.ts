// SPDX-License-Identifier: Apache-2.0
// timeline - what the fleet timeline draws: its lanes, how many events each has over time, the events
// themselves when they are few, and the connections between lanes.
import { msOf } from '../lib/time';
import { nsOf, rfcOf, endOf, type Range } from '../lib/nanos';
import { at, text } from '../lib/doc';
import { search } from './events';
import type { Doc, Gap, Json, Lane, LaneCell, LaneFlow, Scope } from './types';

const ROWS = 9000; /* cells asked for; a table has at most 10,000 */
const CELLS = 320;
const EVENT_FIELDS = '@timestamp,event.action,event.category,event.outcome,event.sequence,error.code,host,process,file,source,destination,network,user,container,rtsec,Target';
const FLOW_FIELDS = '@timestamp,event.action,network.community_id,host.name,process.entity_id,process.name,process.user.name,container.id,source,destination';

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

const laneOf = (doc: Doc, field: string): Json => at(doc, field) ?? null;

/** Connections of which both ends were seen, between different lanes. */
export async function laneFlows(scope: Scope, range: Range, by: LaneField, limit: number, signal: AbortSignal): Promise<LaneFlow[]> {
	const q = `${scope.q} | where event.action == "connection_attempted" or event.action == "connection_accepted"`;
	const answer = await search({ ...scope, ...rangeOf(range), q, order: 'asc' }, { cursor: null, limit, fields: FLOW_FIELDS }, signal);
	const begun = new Map<string, Doc>();
	const out: LaneFlow[] = [];
	for (const doc of answer.hits) {
		const id = text(doc, 'network.community_id');
		const other = begun.get(id);
		if (!other || text(other, 'event.action') === text(doc, 'event.action')) {
			begun.set(id, doc);
			continue;
		}
		begun.delete(id);
		const [from, to] = text(doc, 'event.action') === 'connection_accepted' ? [other, doc] : [doc, other];
		const flow = { from: laneOf(from, by.field), to: laneOf(to, by.field), fromNs: nsOf(text(from, '@timestamp')) ?? 0n, toNs: nsOf(text(to, '@timestamp')) ?? 0n, id };
		if (flow.from !== flow.to) out.push({ ...flow, text: `${text(from, 'process.name')} on ${text(from, 'host.name')} → ${text(to, 'process.name')} on ${text(to, 'host.name')}, port ${text(to, 'destination.port')}` });
	}
	return out;
}
