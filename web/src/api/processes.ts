// SPDX-License-Identifier: Apache-2.0
// processes - /processes/{entity_id}: what is known of one, its family, and what it did.
import { msOf } from '../lib/time';
import { getJson, urlOf } from './client';
import { gapOf, type PageRequest } from './events';
import { list, num, obj, str, texts, type Raw } from './raw';
import { edgeOf } from './flows';
import type { Doc, Process, ProcessFacts, ProcessTree, SearchPage } from './types';

const numberOrNull = (v: unknown): number | null => (typeof v === 'number' ? v : null);

function processOf(raw: Raw): Process {
	const p = obj(raw['process']);
	const events = raw['events'] === undefined ? null : obj(raw['events']);
	return {
		id: str(raw['entity_id']), parent: str(raw['above']) || str(raw['parent_entity_id']), depth: num(raw['depth']),
		host: str(obj(raw['host'])['name']), via: list(raw['via']).map(edgeOf), links: num(raw['edges']), hop: num(raw['hop']),
		confidence: typeof raw['confidence'] === 'number' ? raw['confidence'] : 100, again: raw['again'] === true,
		pid: num(p['pid']), name: str(p['name']), executable: str(p['executable']), args: texts(p['args']),
		cwd: str(p['working_directory']), tty: str(p['tty']), sha256: str(obj(p['hash'])['sha256']),
		user: str(obj(p['user'])['name']) || str(obj(p['user'])['id']), uid: numberOrNull(obj(p['user'])['id']),
		group: str(obj(p['group'])['name']) || str(obj(p['group'])['id']), container: str(obj(p['container'])['id']),
		start: msOf(raw['start']), end: msOf(raw['end']), lastSeen: msOf(raw['last_seen']),
		exitCode: numberOrNull(raw['exit_code']), exitSignal: str(raw['exit_signal']),
		events: events && { process: num(events['process']), file: num(events['file']), network: num(events['network']) },
		children: num(raw['children']),
	};
}

/** The process @id, its ancestors and all below it; @everywhere follows flows to other hosts. */
export async function processTree(id: string, everywhere: boolean, limit: number, signal: AbortSignal): Promise<ProcessTree> {
	const raw = await getJson(urlOf(`processes/${id}/tree`, { limit, ...(everywhere ? { hosts: 'all' } : {}) }), signal);
	const host = str(obj(raw['host'])['name']);
	const processes = list(raw['processes']).map(processOf).map((p) => ({ ...p, host: p.host || host }));
	return {
		host: host || (processes.find((p) => p.depth === 0)?.host ?? ''), truncated: raw['truncated'] === true, processes,
		breaks: list(raw['breaks']).map(edgeOf), unseenPeers: num(raw['peers_without_sensor']),
	};
}

export async function processFacts(id: string, signal: AbortSignal): Promise<ProcessFacts> {
	const raw = await getJson(urlOf(`processes/${id}`), signal);
	return {
		...processOf(raw),
		actions: Object.entries(obj(raw['actions'])).map(([action, n]): [string, number] => [action, num(n)]).sort((a, b) => b[1] - a[1]),
		programs: list(raw['programs']).map((p) => ({ at: msOf(p['exec']), ...processOf({ ...raw, process: p['process'] }) })),
	};
}

/** One page of what @id did, oldest first; with @below what the processes below it did, too. */
export async function processTimeline(id: string, below: boolean, q: string, page: PageRequest, signal: AbortSignal): Promise<SearchPage> {
	const raw = await getJson(urlOf(`processes/${id}/timeline`, {
		q, limit: page.limit, cursor: page.cursor ?? '', fields: page.fields ?? '', descendants: below ? 'true' : '',
	}), signal);
	return {
		hits: list(raw['hits']) as Doc[], cursor: str(raw['cursor']) || null, tookMs: num(raw['took_ms']),
		scanned: { blocks: 0, skipped: 0, events: 0, bytes: 0 }, truncated: raw['truncated'] === true, gaps: list(raw['gaps']).map(gapOf),
	};
}
