// SPDX-License-Identifier: Apache-2.0
// alerts - /alerts: what the rules have found, and the work on it.
import { msOf } from '../lib/time';
import { getJson, request, sendJson, urlOf } from './client';
import { gapOf } from './events';
import { list, num, obj, str, texts, type Raw } from './raw';
import { readSse } from './sse';
import type { Alert, AlertProcess, AlertWhole, Doc } from './types';

export interface AlertFilter {
	status?: string;
	level?: string;
	node?: string;
	rule?: string;
	since?: string;
	until?: string;
	incident?: string;
}

function processOf(raw: Raw): AlertProcess {
	return { id: str(raw['entity_id']), pid: num(raw['pid']), name: str(raw['name']), executable: str(raw['executable']), args: texts(raw['args']), user: str(raw['user']) };
}

export function alertOf(raw: Raw): Alert {
	const rule = obj(raw['rule']);
	return {
		id: str(raw['id']), change: num(raw['change']), status: str(raw['status']), owner: str(raw['owner']),
		rule: { id: str(rule['id']), revision: num(rule['revision']), title: str(rule['title']) || str(rule['id']), level: str(rule['level']), techniques: texts(rule['techniques']) },
		node: str(raw['node']), entity: str(raw['entity_id']), object: str(raw['object']), count: num(raw['count']),
		first: msOf(raw['first']), last: msOf(raw['last']), created: msOf(raw['created']), incident: str(raw['incident']), folded: raw['folded'] === true,
		process: raw['process'] ? processOf(obj(raw['process'])) : null, ancestry: list(raw['ancestry']).map(processOf),
	};
}

function wholeOf(raw: Raw): AlertWhole {
	return {
		...alertOf(raw), events: list(raw['events']) as Doc[], gaps: list(raw['gaps']).map(gapOf),
		notes: list(raw['notes']).map((n) => ({ created: msOf(n['created']), author: str(n['author']), note: str(n['note']) })),
	};
}

export async function alerts(filter: AlertFilter, limit: number, cursor: string, signal: AbortSignal): Promise<{ alerts: Alert[]; cursor: string | null }> {
	const raw = await getJson(urlOf('alerts', { ...filter, limit, cursor }), signal);
	return { alerts: list(raw['alerts']).map(alertOf), cursor: str(raw['cursor']) || null };
}

const path = (id: string, more = ''): string => urlOf(`alerts/${encodeURIComponent(id)}${more}`);
const given = (what: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(what).filter(([, v]) => v));

export const alert = async (id: string, signal: AbortSignal): Promise<AlertWhole> => wholeOf(await getJson(path(id), signal));

/** @verb: ack, close, reopen or note. */
export const workOn = async (id: string, verb: string, what: { owner: string; note: string }, signal: AbortSignal): Promise<AlertWhole> =>
	wholeOf(await sendJson('POST', path(id, `/${verb}`), given(what), signal));

/** Has the rule leave such events out; without a condition the same program doing the same to the same object. */
export const exceptAlert = (id: string, what: { condition: string; owner: string; note: string; expires: string }, signal: AbortSignal): Promise<Raw> =>
	sendJson('POST', path(id, '/exception'), given(what), signal);

/** Calls @changed for each alert that is made or changed, until @signal fires or the connection ends. */
export async function watchAlerts(changed: () => void, signal: AbortSignal): Promise<void> {
	const response = await request(urlOf('alerts/watch'), signal, { Accept: 'text/event-stream' });
	await readSse(response, (m) => { if (m.event === 'alert') changed(); }, () => {});
}
