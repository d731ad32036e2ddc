// SPDX-License-Identifier: Apache-2.0
// flows - /edges and /hops: connections between processes, joined from both sides (docs/flows.md).
import { msOf } from '../lib/time';
import { getJson, urlOf } from './client';
import { list, num, obj, str, type Raw } from './raw';
import type { Edge, EdgeEnd } from './types';

function endOf(v: unknown): EdgeEnd | null {
	if (v === null || v === undefined) return null;
	const raw = obj(v);
	return {
		node: str(obj(raw['node'])['name']), id: str(raw['entity_id']), name: str(raw['process']), pid: num(raw['pid']),
		time: msOf(raw['time']), closed: msOf(raw['closed']), skewMs: num(raw['clock_offset_ns']) / 1e6, error: str(raw['error']), sent: num(raw['source_bytes']), received: num(raw['destination_bytes']),
	};
}

export function edgeOf(raw: Raw): Edge {
	const [source, destination, missing] = [obj(raw['source']), obj(raw['destination']), obj(raw['missing'])];
	return {
		key: str(raw['id']) || str(raw['community_id']), joined: raw['state'] === 'joined', confidence: num(raw['confidence']), time: msOf(raw['time']),
		community: str(raw['community_id']), transport: str(raw['transport']),
		source: { ip: str(source['ip']), port: num(source['port']) }, destination: { ip: str(destination['ip']), port: num(destination['port']) },
		connected: endOf(raw['connected']), accepted: endOf(raw['accepted']),
		missing: raw['missing'] ? { reason: str(missing['reason']), node: str(obj(missing['node'])['name']), cause: str(missing['cause']) } : null,
	};
}

/** Connections of the range, the newest first. */
export async function edges(scope: { since: string; until: string }, state: string, limit: number, signal: AbortSignal): Promise<Edge[]> {
	return list((await getJson(urlOf('edges', { ...scope, state, limit }), signal))['edges']).map(edgeOf);
}
