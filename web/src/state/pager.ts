// SPDX-License-Identifier: Apache-2.0
// pager - random access to the hits of a search that the collector hands out page by page.
// Keeps a cursor for every page start it has passed, but only the newest used pages themselves, so
// that 10^6 hits cost little memory.  A far jump walks there in large strides that ask for one
// small field only.
import { signal } from '@preact/signals';
import { search } from '../api/events';
import { ApiError, asApiError, isAbort } from '../api/client';
import type { Doc, Gap, Scope, SearchPage, Table } from '../api/types';

export const PAGE = 200;
const STRIDE = 10_000; /* LIMIT_SEARCH_HITS, a multiple of PAGE */
const KEPT_PAGES = 60;
const CALLS_PER_PAGE = 50; /* a page may come in parts when the collector stops early */

export type SearchFn = typeof search;

export class Pager {
	readonly version = signal(0); /* changes when get() or count may answer otherwise */
	readonly error = signal<ApiError | null>(null);
	readonly busy = signal(false);
	first: SearchPage | null = null;
	gaps: Gap[] = [];
	end: number | null = null; /* hits there are, once known */
	private reached = 0; /* hits seen to exist */
	private readonly pages = new Map<number, Doc[]>();
	private readonly anchors = new Map<number, string | null>([[0, null]]);
	private abort = new AbortController();
	private wanted: number[] = [];

	constructor(readonly scope: Scope, private readonly ask: SearchFn = search) {}

	stop(): void {
		this.abort.abort();
	}

	/** Gives up on what is being fetched and says so; want() starts again. */
	cancel(): void {
		this.abort.abort();
		this.abort = new AbortController();
		this.wanted = [];
		this.error.value = new ApiError(0, 'Cancelled.');
	}

	/** Hits that a list should offer, @guess when the end is not known yet. */
	count(guess: number): number {
		return this.end ?? Math.max(this.reached, guess);
	}

	get(index: number): Doc | undefined {
		return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
	}

	/** The answer of a query that counts; it is whole, and there are no hits. */
	get table(): Table | undefined {
		return this.first?.table;
	}

	/** The pages held now, for those who look for values seen. */
	loaded(): Doc[] {
		return [...this.pages.values()].flat();
	}

	/** Says which rows are looked at; what is missing of them is fetched, the latest wish first. */
	want(from: number, to: number): void {
		const last = Math.floor(Math.max(from, to - 1) / PAGE);
		this.wanted = [];
		for (let p = Math.floor(from / PAGE); p <= last; p++) this.touch(p);
		if (this.wanted.length && !this.busy.value) void this.work();
	}

	private touch(page: number): void {
		const held = this.pages.get(page);
		if (!held) {
			if (this.end === null || page * PAGE < this.end) this.wanted.push(page);
			return;
		}
		this.pages.delete(page); /* to the young end of the map */
		this.pages.set(page, held);
	}

	private async work(): Promise<void> {
		this.busy.value = true;
		this.error.value = null;
		try {
			for (;;) {
				const page = this.wanted[0];
				if (page === undefined || this.abort.signal.aborted) break;
				await this.towards(page);
			}
		} catch (e) {
			if (!isAbort(e)) this.error.value = asApiError(e);
		}
		this.busy.value = false;
		this.version.value++;
	}

	/** One step: fetches @page, or strides nearer to it. */
	private async towards(page: number): Promise<void> {
		const start = page * PAGE;
		if (this.pages.has(page)) return this.done(page);
		if (this.end !== null && start >= this.end) return this.done(page);
		if (this.anchors.has(start)) return this.fetchPage(page);
		let at = 0;
		for (const known of this.anchors.keys()) if (known <= start && known > at) at = known;
		const limit = Math.min(STRIDE, start - at);
		const part = await this.gather(at, limit, 'event.sequence');
		if (part.length < limit) this.end = at + part.length;
		else if (this.end !== null && this.end > start) await this.fetchPage(0); /* all in one answer */
	}

	private async fetchPage(page: number): Promise<void> {
		const hits = await this.gather(page * PAGE, PAGE);
		this.pages.set(page, hits.slice(0, PAGE));
		for (let more = 1; more * PAGE < hits.length; more++) /* head and tail give all at once */
			this.pages.set(page + more, hits.slice(more * PAGE, (more + 1) * PAGE));
		for (const old of this.pages.keys()) {
			if (this.pages.size <= KEPT_PAGES) break;
			this.pages.delete(old);
		}
		this.done(page);
	}

	private done(page: number): void {
		this.wanted = this.wanted.filter((p) => p !== page);
		this.version.value++;
	}

	/** @limit hits from index @at on (fewer: there are no more), leaving an anchor behind them. */
	private async gather(at: number, limit: number, fields?: string): Promise<Doc[]> {
		const hits: Doc[] = [];
		let cursor = this.anchors.get(at) ?? null;
		for (let call = 0; call < CALLS_PER_PAGE && hits.length < limit; call++) {
			const request = { cursor, limit: limit - hits.length, ...(fields ? { fields } : {}) };
			const answer = await this.ask(this.scope, request, this.abort.signal);
			this.note(answer);
			hits.push(...answer.hits);
			cursor = answer.cursor;
			if (cursor === null) break;
		}
		const behind = at + hits.length;
		this.reached = Math.max(this.reached, behind);
		if (cursor === null) this.end = behind;
		else if (hits.length < limit) throw new ApiError(0, 'The collector needs too long for more hits: narrow the time range.');
		else this.anchors.set(behind, cursor);
		return hits;
	}

	private note(answer: SearchPage): void {
		this.first ??= answer;
		for (const gap of answer.gaps)
			if (!this.gaps.some((g) => g.node === gap.node && g.from === gap.from && g.count === gap.count))
				this.gaps.push(gap);
	}
}
