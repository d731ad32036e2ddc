// SPDX-License-Identifier: Apache-2.0
// access - /me, /tokens, /join-tokens and /audit: who may ask, and who did.
import { msOf } from '../lib/time';
import { getJson, sendJson, urlOf } from './client';
import { list, num, str, type Raw } from './raw';
import type { AuditRow, TokenInfo } from './types';

function tokenOf(raw: Raw): TokenInfo {
	return {
		id: str(raw['id']), name: str(raw['name']), role: str(raw['role']), scope: str(raw['scope']), createdBy: str(raw['created_by']),
		created: msOf(raw['created']), expires: msOf(raw['expires']), revoked: msOf(raw['revoked']),
	};
}

export const whoAmI = async (signal: AbortSignal): Promise<TokenInfo> => tokenOf(await getJson(urlOf('me'), signal));
export const tokens = async (signal: AbortSignal): Promise<TokenInfo[]> => list((await getJson(urlOf('tokens'), signal))['tokens']).map(tokenOf);

/** Makes a token and returns its text, which is told this once. */
export async function makeToken(what: { name: string; role: string; scope: string; ttl: string }, signal: AbortSignal): Promise<string> {
	return str((await sendJson('POST', urlOf('tokens'), Object.fromEntries(Object.entries(what).filter(([, v]) => v)), signal))['token']);
}

export const revokeToken = (id: string, signal: AbortSignal): Promise<Raw> => sendJson('POST', urlOf(`tokens/${encodeURIComponent(id)}/revoke`), {}, signal);

/** Makes a token with which one node may join; @node "": any. */
export async function makeJoinToken(what: { node_id: string; ttl: string }, signal: AbortSignal): Promise<{ token: string; expires: number }> {
	const raw = await sendJson('POST', urlOf('join-tokens'), Object.fromEntries(Object.entries(what).filter(([, v]) => v)), signal);
	return { token: str(raw['token']), expires: msOf(raw['expires']) };
}

export async function audit(limit: number, cursor: string, signal: AbortSignal): Promise<{ rows: AuditRow[]; cursor: string | null }> {
	const raw = await getJson(urlOf('audit', { limit, cursor }), signal);
	const rows = list(raw['rows']).map((a): AuditRow => ({
		id: str(a['id']), time: msOf(a['time']), actor: str(a['actor']), address: str(a['address']), action: str(a['action']),
		detail: str(a['detail']), status: num(a['status']), tookUs: num(a['took_us']),
	}));
	return { rows, cursor: str(raw['cursor']) || null };
}
