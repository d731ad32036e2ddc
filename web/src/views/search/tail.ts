// SPDX-License-Identifier: Apache-2.0
// tail - the live tail: newest events first in a bounded list, with pause, rate and what was dropped.
// Resumes after a lost connection with Last-Event-ID, so that nothing stored meanwhile is missed.
import { signal } from '@preact/signals';
import { ApiError, asApiError, isAbort, request, urlOf } from '../../api/client';
import { readSse, type SseMessage } from '../../api/sse';
import { unreachable } from '../../state/connection';
import type { Doc } from '../../api/types';

const KEEP = 5000; /* rows on the page */
const KEEP_PAUSED = 20_000; /* rows that wait while paused */
const DROP_AT_ONCE = 500;
const FLUSH_MS = 120;
const RATE_WINDOW_S = 5;
const RETRY_MS = [500, 1000, 2000, 4000];

export class Tail {
	readonly rows = signal<Doc[]>([]); /* newest first */
	readonly added = signal(0); /* rows put on top by the last change of rows */
	readonly paused = signal(false);
	readonly waiting = signal(0);
	readonly rate = signal(0); /* events/s */
	readonly dropped = signal(0);
	readonly state = signal<'connecting' | 'open' | 'lost'>('connecting');
	readonly error = signal<ApiError | null>(null);
	private pending: Doc[] = []; /* oldest first */
	private readonly seen = new Set<string>();
	private seeded = false;
	private lastId = '';
	private perSecond: number[] = [0];
	private readonly abort = new AbortController();
	private readonly timers: ReturnType<typeof setInterval>[];

	constructor(private readonly q: string, private readonly node: string) {
		this.timers = [setInterval(() => this.flush(), FLUSH_MS), setInterval(() => this.second(), 1000)];
		void this.run();
	}

	stop(): void {
		this.abort.abort();
		this.timers.forEach(clearInterval);
	}

	/** Puts stored events (newest first) under what has come live; only the first call counts. */
	seed(stored: Doc[]): void {
		if (this.seeded) return;
		this.seeded = true;
		const fresh = stored.filter((d) => d._id && !this.seen.has(d._id));
		for (const d of fresh) this.seen.add(d._id ?? '');
		this.added.value = 0;
		this.rows.value = this.rows.value.concat(fresh);
	}

	pause(on: boolean): void {
		this.paused.value = on;
		if (!on) this.flush();
	}

	clear(): void {
		this.pending = [];
		this.added.value = 0;
		this.rows.value = [];
		this.waiting.value = 0;
		this.dropped.value = 0;
	}

	private async run(): Promise<void> {
		for (let tries = 0; !this.abort.signal.aborted; tries++) {
			try {
				const headers = this.lastId ? { 'Last-Event-ID': this.lastId } : {};
				const url = urlOf('tail', { q: this.q, node: this.node });
				const response = await request(url, this.abort.signal, { Accept: 'text/event-stream', ...headers });
				this.state.value = 'open';
				await readSse(response, (m) => this.message(m), () => { tries = 0; });
			} catch (e) {
				if (isAbort(e) || this.abort.signal.aborted) return;
				const error = asApiError(e);
				if (error.status >= 400 && error.status < 500) {
					this.error.value = error;
					return;
				}
				if (error.status === 0) unreachable();
			}
			this.state.value = 'lost';
			await new Promise((wake) => setTimeout(wake, RETRY_MS[Math.min(tries, 3)]));
		}
	}

	private message(m: SseMessage): void {
		if (m.id) this.lastId = m.id;
		if (m.data === '') return;
		let data: Record<string, unknown>;
		try {
			data = JSON.parse(m.data) as Record<string, unknown>;
		} catch {
			return;
		}
		if (m.event === 'dropped') {
			this.dropped.value += Number(data['count'] ?? data['dropped'] ?? 0);
		} else if (m.event === 'message' || m.event === 'event' || m.event === 'hit') {
			this.push(data as Doc);
		}
	}

	private push(doc: Doc): void {
		if (doc._id) {
			if (this.seen.has(doc._id)) return;
			this.seen.add(doc._id);
		}
		this.perSecond[0] = (this.perSecond[0] ?? 0) + 1;
		this.pending.push(doc);
		if (this.pending.length > KEEP_PAUSED + DROP_AT_ONCE) this.dropOldest(DROP_AT_ONCE);
	}

	private dropOldest(n: number): void {
		for (const old of this.pending.splice(0, n)) this.seen.delete(old._id ?? '');
		this.dropped.value += n;
	}

	private flush(): void {
		if (this.paused.value || !this.pending.length) {
			if (this.waiting.value !== this.pending.length) this.waiting.value = this.pending.length;
			return;
		}
		if (this.pending.length > KEEP) this.dropOldest(this.pending.length - KEEP);
		const fresh = this.pending.reverse();
		this.pending = [];
		this.waiting.value = 0;
		this.added.value = fresh.length;
		const rows = fresh.concat(this.rows.value);
		for (const old of rows.splice(KEEP)) if (old._id) this.seen.delete(old._id);
		this.rows.value = rows;
	}

	private second(): void {
		const full = this.perSecond.slice(0, RATE_WINDOW_S);
		this.rate.value = full.reduce((a, b) => a + b, 0) / full.length;
		this.perSecond = [0, ...full].slice(0, RATE_WINDOW_S);
	}
}
