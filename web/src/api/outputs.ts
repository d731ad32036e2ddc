// SPDX-License-Identifier: Apache-2.0
// outputs - /outputs: where alerts are told to others, what did not get through, and silences.
import { msOf } from '../lib/time';
import { getJson, sendJson, urlOf } from './client';
import { list, num, str, type Raw } from './raw';
import type { DeadLetter, Output } from './types';

function outputOf(raw: Raw): Output {
	return {
		name: str(raw['name']), type: str(raw['type']), to: str(raw['to']), sent: num(raw['sent']), failed: num(raw['failed']), dead: num(raw['dead']), error: str(raw['error']),
		silences: list(raw['silences']).map((s) => ({
			id: str(s['id']), rule: str(s['rule']), node: str(s['node']), until: msOf(s['until']), author: str(s['author']), note: str(s['note']),
		})),
	};
}

const path = (name: string, more: string): string => urlOf(`outputs/${encodeURIComponent(name)}${more}`);

export const outputs = async (signal: AbortSignal): Promise<Output[]> => list((await getJson(urlOf('outputs'), signal))['outputs']).map(outputOf);

export async function deadLetters(name: string, limit: number, signal: AbortSignal): Promise<DeadLetter[]> {
	return list((await getJson(urlOf(`outputs/${encodeURIComponent(name)}/dead`, { limit }), signal))['dead'])
		.map((d) => ({ id: str(d['id']), alert: str(d['alert']), created: msOf(d['created']), error: str(d['error']) }));
}

/** Sends a made-up alert; "": it got through, else why it did not. */
export async function testOutput(name: string, signal: AbortSignal): Promise<string> {
	const raw = await sendJson('POST', path(name, '/test'), {}, signal);
	return raw['sent'] === true ? '' : str(raw['error']) || 'It did not get through.';
}

export const replayDead = async (name: string, signal: AbortSignal): Promise<number> => num((await sendJson('POST', path(name, '/replay'), {}, signal))['replayed']);

export const silence = (name: string, what: { rule: string; node: string; ttl: string; note: string }, signal: AbortSignal): Promise<Raw> =>
	sendJson('POST', path(name, '/silences'), Object.fromEntries(Object.entries(what).filter(([, v]) => v)), signal);

export const endSilence = (name: string, id: string, signal: AbortSignal): Promise<Raw> => sendJson('DELETE', path(name, `/silences/${encodeURIComponent(id)}`), undefined, signal);
