// SPDX-License-Identifier: Apache-2.0
// client - one way to ask the collector: bearer token, problem+json as ApiError, cancellation.
import { signOut, token } from '../state/session';
import { reachable, unreachable } from '../state/connection';

/** Why a request failed, as RFC 9457 tells it; status 0 when no answer came at all. */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		message: string,
		readonly expected: string = '',
		readonly offset: number | null = null, /* bytes into the query */
		readonly line: number | null = null,
		readonly column: number | null = null, /* 1-based, bytes */
	) {
		super(message);
	}

	/** True when the query's text is at fault. */
	get isAboutQuery(): boolean {
		return this.status === 400 && (this.offset !== null || this.column !== null);
	}
}

const numberOr = (v: unknown): number | null => (typeof v === 'number' ? v : null);

function problemFrom(p: Record<string, unknown>, status: number): ApiError {
	const text = [p['detail'], p['title']].find((t) => typeof t === 'string' && t !== '');
	const expected = Array.isArray(p['expected']) ? p['expected'].join(', ') : p['expected'];
	return new ApiError(
		status,
		typeof text === 'string' ? text : `The collector answered ${status}.`,
		typeof expected === 'string' ? expected : '',
		numberOr(p['offset']), numberOr(p['line']), numberOr(p['column']),
	);
}

/** The path under /api/v1 with those of @params that say something. */
export function urlOf(path: string, params: Record<string, string | number | undefined> = {}): string {
	const query = new URLSearchParams();
	for (const [key, value] of Object.entries(params))
		if (value !== undefined && value !== '') query.set(key, String(value));
	const text = query.toString();
	return `/api/v1/${path}${text ? `?${text}` : ''}`;
}

/** Sends what fetch() takes and returns the good answer; throws ApiError, or AbortError when @signal fires. */
export async function request(url: string, signal: AbortSignal, headers: Record<string, string> = {}, more: RequestInit = {}): Promise<Response> {
	const used = token.value;
	let response: Response;
	try {
		response = await fetch(url, {
			headers: { Authorization: `Bearer ${used}`, ...headers },
			signal, cache: 'no-store', credentials: 'omit', redirect: 'error', ...more,
		});
	} catch (e) {
		if (signal.aborted) throw e;
		unreachable();
		throw new ApiError(0, 'The collector does not answer.');
	}
	reachable();
	if (response.status === 401 && used === token.value) signOut('The collector does not accept this token.');
	if (!response.ok) throw problemFrom((await response.json().catch(() => ({}))) as Record<string, unknown>, response.status);
	return response;
}

async function jsonOf(response: Response, signal: AbortSignal): Promise<Record<string, unknown>> {
	try {
		const text = await response.text();
		return (text.trim() ? JSON.parse(text) : {}) as Record<string, unknown>;
	} catch (e) {
		if (signal.aborted) throw e;
		throw new ApiError(0, 'The answer of the collector broke off.');
	}
}

/** Told how far a long question is, 0 to 1. */
export type OnProgress = (share: number) => void;

/** Reads the lines of an answer with progress=true: how far it is, and at last the answer. */
async function answerOf(response: Response, signal: AbortSignal, onProgress: OnProgress): Promise<Record<string, unknown>> {
	const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
	let rest: string[] = [];
	const told = (text: string): Record<string, unknown> | null => {
		const line = JSON.parse(text) as Record<string, Record<string, unknown>>;
		const { blocks = 0, of = 0 } = line['progress'] ?? {};
		if (line['problem']) throw problemFrom(line['problem'], Number(line['problem']['status']) || 500);
		if (line['progress']) onProgress(Math.min(1, Number(blocks) / Math.max(1, Number(of))));
		return line['answer'] ?? null;
	};
	for (;;) {
		const piece = await reader?.read();
		const parts = (piece?.value ?? '').split('\n');
		rest.push(parts[0] ?? '');
		for (const next of parts.slice(1)) {
			const line = rest.join('');
			rest = [next];
			const answer = line.trim() ? told(line) : null;
			if (answer) return answer;
		}
		if (!piece || piece.done) break;
	}
	if (signal.aborted) throw new DOMException('', 'AbortError');
	throw new ApiError(0, 'The answer of the collector broke off.');
}

/** @onProgress: asks to be told how far it is; only some resources can (docs/api.md). */
export async function getJson(url: string, signal: AbortSignal, onProgress?: OnProgress): Promise<Record<string, unknown>> {
	const response = await request(onProgress ? `${url}&progress=true` : url, signal);
	return onProgress && /ndjson/.test(response.headers.get('Content-Type') ?? '') ? answerOf(response, signal, onProgress) : jsonOf(response, signal);
}

/** Changes something: @body travels as JSON.  The answer may be empty. */
export async function sendJson(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body: unknown, signal: AbortSignal): Promise<Record<string, unknown>> {
	const content = body === undefined ? {} : { body: JSON.stringify(body) };
	return jsonOf(await request(url, signal, { 'Content-Type': 'application/json' }, { method, ...content }), signal);
}

export const isAbort = (e: unknown): boolean => e instanceof DOMException && e.name === 'AbortError';

export function asApiError(e: unknown): ApiError {
	return e instanceof ApiError ? e : new ApiError(0, e instanceof Error ? e.message : String(e));
}
