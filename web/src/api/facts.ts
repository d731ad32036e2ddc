// SPDX-License-Identifier: Apache-2.0
// facts - /prevalence and /spread: what was ever seen on the fleet, and on how many nodes.
import { msOf } from '../lib/time';
import { getJson, urlOf } from './client';
import { list, num, str, type Raw } from './raw';
import type { Fact } from './types';

function factOf(raw: Raw): Fact {
	return {
		kind: str(raw['kind']), value: str(raw['value']), first: msOf(raw['first_seen']), last: msOf(raw['last_seen']), count: num(raw['count']), nodes: num(raw['nodes']),
		windowMs: num(raw['window_ms']),
		seenOn: list(raw['seen_on']).map((n) => ({ name: str(n['name']) || str(n['id']), first: msOf(n['first_seen']), last: msOf(n['last_seen']), count: num(n['count']) })),
	};
}

export interface FactRequest {
	kind: string;
	since?: string;
	value?: string;
	max_nodes?: string;
	nodes?: string; /* of spread */
	within?: string;
}

const LIMIT = 1000;

/** The rarest first; with @spread what is new and came to several nodes in a short time. */
export async function facts(what: FactRequest, spread: boolean, signal: AbortSignal): Promise<{ facts: Fact[]; truncated: boolean }> {
	const raw = await getJson(urlOf(spread ? 'spread' : 'prevalence', { ...what, limit: LIMIT }), signal);
	return { facts: list(raw['facts']).map(factOf), truncated: raw['truncated'] === true };
}

/** On how many nodes @value was ever seen, and which; null: nothing is known of it. */
export async function factOfValue(kind: string, value: string, signal: AbortSignal): Promise<Fact | null> {
	return (await facts({ kind, value, since: '2000-01-01T00:00:00Z' }, false, signal)).facts[0] ?? null;
}
