// SPDX-License-Identifier: Apache-2.0
// fleet - /nodes, /status and /retention: who sends, how well, how the collector fares and what it keeps.
import { msOf } from '../lib/time';
import { getJson, sendJson, urlOf } from './client';
import { list, num, obj, str, texts, type Raw } from './raw';
import type { NodeInfo, Retention, Status } from './types';

const own = (raw: Raw, key: string): number => num(obj(raw['sensor'])[key]);

function nodeOf(raw: Raw): NodeInfo {
	return {
		id: str(raw['id']), name: str(raw['name']) || str(raw['id']), state: str(raw['state']), alarms: texts(raw['alarms']),
		firstSeen: msOf(raw['first_seen']), lastSeen: msOf(raw['last_seen']),
		lagMs: num(raw['lag_ms']), skewMs: num(raw['clock_offset_ns']) / 1e6,
		kernel: str(raw['os_kernel']), architecture: str(raw['architecture']), version: str(raw['agent_version']),
		events: num(raw['events']), batches: num(raw['batches']),
		sensor: {
			events: own(raw, 'events'), lost: own(raw, 'lost_priority') + own(raw, 'lost_bulk') + own(raw, 'lost_queue'),
			malformed: own(raw, 'malformed'), queued: own(raw, 'batches_queued'), queuedBytes: own(raw, 'bytes_queued'),
			cpuNs: own(raw, 'cpu_ns'), rssBytes: own(raw, 'rss_bytes'), processes: own(raw, 'processes'),
			tiers: texts(obj(raw['sensor'])['tiers']),
		},
	};
}

export async function nodes(signal: AbortSignal): Promise<NodeInfo[]> {
	const raw: unknown = await getJson(urlOf('nodes'), signal);
	return (Array.isArray(raw) ? (raw as Raw[]) : list((raw as Raw)['nodes'])).map(nodeOf);
}

export const revokeNode = (id: string, signal: AbortSignal): Promise<Raw> => sendJson('POST', urlOf(`nodes/${encodeURIComponent(id)}/revoke`), {}, signal);

export async function status(signal: AbortSignal): Promise<Status> {
	const raw = await getJson(urlOf('status'), signal);
	const [store, ingest, removed] = [obj(raw['store']), obj(raw['ingest']), obj(raw['removed'])];
	return {
		version: str(raw['version']), uptimeMs: num(raw['uptime_s']) * 1000,
		events: num(store['events']), bytes: num(store['bytes']), days: num(store['days']),
		diskFree: num(ingest['disk_free_bytes']), diskLow: num(ingest['disk_low']) > 0, failing: num(ingest['failing']) > 0,
		removedDays: num(removed['days']), removedEvents: num(removed['events']), lost: num(obj(raw['nodes'])['events_lost']),
	};
}

function retentionOf(raw: Raw): Retention {
	const own = obj(raw['configured']);
	return {
		keepDays: num(raw['keep_days']), keepBytes: num(raw['keep_bytes']), configured: { keepDays: num(own['keep_days']), keepBytes: num(own['keep_bytes']) },
		changed: msOf(raw['changed']), author: str(raw['author']),
		days: list(raw['days']).map((d) => ({ day: str(d['day']), events: num(d['events']), bytes: num(d['bytes']), held: d['held'] === true })),
	};
}

export const retention = async (signal: AbortSignal): Promise<Retention> => retentionOf(await getJson(urlOf('retention'), signal));

/** @what null: as the collector's options say. */
export const setRetention = async (what: { keepDays: number; keepBytes: number } | null, signal: AbortSignal): Promise<Retention> =>
	retentionOf(what
		? await sendJson('POST', urlOf('retention'), { keep_days: what.keepDays, keep_bytes: what.keepBytes }, signal)
		: await sendJson('DELETE', urlOf('retention'), undefined, signal));
