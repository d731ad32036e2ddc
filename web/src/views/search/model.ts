// SPDX-License-Identifier: Apache-2.0
// model - the state of the search view: what the URL asks for, and what came of it.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { histogram as askHistogram, values as askValues } from '../../api/events';
import { splitHistogram } from '../../api/split';
import { msOf } from '../../lib/time';
import { condition, narrowed } from '../../lib/eql';
import { asksForGroups, streamPart, whyNotLive } from '../../lib/pipes';
import { opened } from '../../state/opened';
import { param, setParams } from '../../state/url';
import { resumed } from '../../state/connection';
import { say } from '../../state/toast';
import { at } from '../../lib/doc';
import type { Doc, Gap, Histogram, Json, Scope, Split } from '../../api/types';
import { Pager } from '../../state/pager';
import { Tail } from './tail';

export const DEFAULT_SINCE = '-15m';
const BUCKETS = 120;
const LIVE_HISTOGRAM_MS = 5000;

export const scope = computed<Scope>(() => ({
	q: param('q'), since: param('since') || DEFAULT_SINCE, until: param('until'), node: param('node'),
	order: param('order') === 'asc' ? 'asc' : 'desc',
}));
/** Why there is no live tail of this query; "" when there is. */
export const notLive = computed(() => whyNotLive(scope.value.q));
export const live = computed(() => param('live') === '1' && !notLive.value);
export const draft = signal(param('q')); /* the query as typed */
export const pager = signal<Pager | null>(null);
export const tail = signal<Tail | null>(null);
export const hist = signal<Histogram | null>(null);
export const histError = signal<ApiError | null>(null);
/** The field whose values the histogram tells apart; "": none. */
export const splitBy = computed(() => param('by'));
export const split = signal<Split | null>(null);
export { opened };
export const activeRow = signal(-1);
export const activeColumn = signal(2);
/** How far the counting is, 0 to 1; null: nothing is counted. */
export const progress = signal<number | null>(null);
export const again = signal(0); /* counts wishes to ask for the same once more */

const scopeKey = computed(() => JSON.stringify(scope.value));

/** What is wrong with the query, if the collector said so. */
export const queryError = computed<ApiError | null>(() => {
	const found = pager.value?.error.value ?? tail.value?.error.value ?? histError.value;
	return found?.isAboutQuery ? found : null;
});
export const otherError = computed<ApiError | null>(() => {
	const found = pager.value?.error.value ?? tail.value?.error.value ?? histError.value;
	return found && !found.isAboutQuery ? found : null;
});

/** Gaps of the range: the histogram tells all, the pages what they met. */
export const gaps = computed<Gap[]>(() => {
	void pager.value?.version.value;
	return hist.value?.gaps.length ? hist.value.gaps : (pager.value?.gaps ?? []);
});

/** The table, when the query asks for one and it has come. */
export const table = computed(() => {
	void pager.value?.version.value;
	return pager.value?.error.value ? undefined : pager.value?.table;
});

/** Groups of events, when the query asks for sequences or samples. */
export const sequences = computed(() => {
	void pager.value?.version.value;
	return pager.value?.error.value ? undefined : pager.value?.first?.sequences;
});

export const rowCount = computed(() => {
	const t = tail.value;
	if (t) return t.rows.value.length;
	void pager.value?.version.value;
	return pager.value?.count(hist.value?.total ?? 0) ?? 0;
});

export function rowAt(index: number): Doc | undefined {
	const t = tail.peek();
	return t ? t.rows.peek()[index] : pager.peek()?.get(index);
}

/** Documents at hand, to learn values from. */
const docsAtHand = (): Doc[] => tail.peek()?.rows.peek().slice(0, 1000) ?? pager.peek()?.loaded() ?? [];

/** Values of @field in the events at hand, the frequent first. */
export function valuesAtHand(field: string): string[] {
	const seen = new Map<string, number>();
	for (const doc of docsAtHand()) {
		const value = at(doc, field);
		for (const v of Array.isArray(value) ? value : [value])
			if (typeof v === 'string' || typeof v === 'number') seen.set(String(v), (seen.get(String(v)) ?? 0) + 1);
	}
	return [...seen].sort((a, b) => b[1] - a[1]).slice(0, 200).map(([v]) => v);
}

/** Values of @field that begin with @prefix, as the collector has lately seen them; none when it does not say. */
export async function valuesStored(field: string, prefix: string, abort: AbortSignal): Promise<string[]> {
	try {
		return await askValues(field, prefix, abort);
	} catch {
		return []; /* completion is a comfort; what is wrong, a search tells */
	}
}

/** Asks again for the same. */
export function refresh(): void {
	again.value++;
}

export function runQuery(text: string): void {
	draft.value = text;
	if (text.trim() === scope.peek().q) refresh();
	else setParams({ q: text.trim() });
}

export function setRange(since: string, until: string): void {
	setParams({ since: since === DEFAULT_SINCE && !until ? '' : since, until });
}

/** A range from the brush: fixed in time, so no longer live. */
export function setFixedRange(from: number, to: number): void {
	setParams({ since: new Date(from).toISOString(), until: new Date(to).toISOString(), live: '' });
}

export function addFilter(field: string, value: Json, exclude: boolean): void {
	runQuery(narrowed(draft.peek(), condition(field, value, exclude)));
}

/** Filters on what the active cell shows. */
export function filterOn(doc: Doc, field: string, exclude: boolean): void {
	const value = at(doc, field);
	const one = Array.isArray(value) ? value[0] : value;
	if (one !== undefined && one !== null) addFilter(field, one, exclude);
}

export function toggleLive(): void {
	if (notLive.peek()) say(notLive.peek());
	else setParams({ live: live.peek() ? '' : '1' });
}

async function loadHistogram(wanted: Scope, abort: AbortSignal): Promise<void> {
	if (asksForGroups(wanted.q)) {
		hist.value = null;
		return;
	}
	try {
		const found = await askHistogram({ ...wanted, q: streamPart(wanted.q) }, BUCKETS, abort, (share) => { progress.value = share; });
		batch(() => {
			hist.value = found;
			histError.value = null;
			progress.value = null;
		});
	} catch (e) {
		if (isAbort(e)) return;
		histError.value = asApiError(e);
		progress.value = null;
	}
}

async function loadSplit(field: string, of: Histogram, wanted: Scope, abort: AbortSignal): Promise<void> {
	try {
		const found = await splitHistogram({ ...wanted, q: streamPart(wanted.q) }, field, of, abort);
		split.value = found;
	} catch (e) {
		if (isAbort(e)) return;
		split.value = null;
		say(`No histogram by ${field}: ${asApiError(e).message}`);
	}
}

/** Splits the histogram at hand whenever it or the field changes. */
function startSplit(): (() => void) | undefined {
	const [field, of] = [splitBy.value, hist.value];
	if (!field || !of) {
		untracked(() => { split.value = null; });
		return undefined;
	}
	const abort = new AbortController();
	void loadSplit(field, of, untracked(() => scope.value), abort.signal);
	return () => abort.abort();
}

/** Gives up on what is under way; what has come stays. */
export function cancel(): void {
	pager.peek()?.cancel();
	histAbort?.abort();
	progress.value = null;
}

let histAbort: AbortController | undefined;

function startSearch(): () => void {
	const wanted = JSON.parse(scopeKey.value) as Scope;
	const abort = new AbortController();
	const next = new Pager(wanted);
	histAbort = abort;
	void again.value;
	void resumed.value;
	untracked(() => batch(() => {
		draft.value = wanted.q;
		progress.value = null;
		pager.value = next;
		histError.value = null;
		activeRow.value = -1;
		next.want(0, 1);
		void loadHistogram(wanted, abort.signal);
	}));
	return () => {
		next.stop();
		abort.abort();
	};
}

function startTail(): (() => void) | undefined {
	if (!live.value) {
		untracked(() => { tail.value = null; });
		return undefined;
	}
	const wanted = JSON.parse(scopeKey.value) as Scope;
	const abort = new AbortController();
	const next = new Tail(wanted.q, wanted.node);
	const timer = setInterval(() => {
		if (!document.hidden) void loadHistogram(wanted, abort.signal);
	}, LIVE_HISTOGRAM_MS);
	untracked(() => batch(() => {
		tail.value = next;
		activeRow.value = -1;
	}));
	return () => {
		clearInterval(timer);
		abort.abort();
		next.stop();
	};
}

/** Gives a fresh tail the newest stored events, so that it does not begin with an empty page. */
function seedTail(): void {
	const t = tail.value;
	const p = pager.value;
	if (t && p && p.version.value > 0 && p.scope.order === 'desc') untracked(() => t.seed(p.loaded()));
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [effect(startSearch), effect(startTail), effect(seedTail), effect(startSplit)];
	return () => {
		stops.forEach((stop) => stop());
		pager.value = null;
		tail.value = null;
	};
}

/** Whether @doc lies in a time in which its node lost events. */
export function inGap(doc: Doc): boolean {
	const known = gaps.peek();
	if (!known.length) return false;
	const ms = msOf(at(doc, '@timestamp'));
	const host = (doc['host'] ?? {}) as Record<string, Json>;
	return known.some((g) => ms >= g.from && ms <= g.to && (g.node === host['name'] || g.node === host['id']));
}
