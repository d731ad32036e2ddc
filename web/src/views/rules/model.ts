// SPDX-License-Identifier: Apache-2.0
// model - the state of the rules view: the rules in force, and the one that is read or written.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { histogram, search } from '../../api/events';
import * as api from '../../api/rules';
import { asksForGroups } from '../../lib/pipes';
import { resumed } from '../../state/connection';
import { say } from '../../state/toast';
import { param, setParams } from '../../state/url';
import type { Doc, Histogram, Lint, Revision, Rule, RuleWhole } from '../../api/types';

const LINT_MS = 350; /* of rest while typing */
const SAMPLES = 50;
export const NEW = '+';
const TEMPLATE = `id: my-rule                        # letters, digits, - _ .
name: What it finds, in one line
severity: medium                   # informational low medium high critical
description: Why this matters
mitre: [T1059.004]
query: |
  process where event.action == "exec" and process.name == "nc"
tests:
  - name: netcat is started
    fires: true
    events:
      - { event.action: exec, process.executable: /usr/bin/nc }
`;

export const list = signal<Rule[] | null>(null);
export const error = signal<ApiError | null>(null);
export const chosen = computed(() => param('sel'));
export const find = computed(() => param('find'));
export const tab = computed(() => param('tab') || 'source');
export const whole = signal<RuleWhole | null>(null);
export const source = signal(''); /* in force */
export const draft = signal('');
export const note = signal('');
export const lint = signal<Lint | null>(null);
export const linting = signal(false);
export const history = signal<Revision[]>([]);
export const compared = signal<{ revision: number; source: string } | null>(null);
export const working = signal(false);

export interface Backtest {
	since: string;
	query: string;
	hist: Histogram | null; /* null: it counts no single events */
	hits: Doc[];
	more: boolean;
	matches: number;
	tookMs: number;
}

export const backtest = signal<Backtest | null>(null);
export const backtestSince = computed(() => param('over') || '-24h');
export const backtesting = signal<AbortController | null>(null);
export const progress = signal(0); /* of the backtest, 0 to 1 */
const again = signal(0);

export const changed = computed(() => draft.value !== source.value);

/** Rules whose title, id or technique has what is looked for. */
export const shown = computed(() => {
	const low = find.value.toLowerCase();
	const all = list.value ?? [];
	return low ? all.filter((r) => `${r.title} ${r.id} ${r.level} ${r.status} ${r.techniques.join(' ')}`.toLowerCase().includes(low)) : all;
});

const never = new AbortController().signal;

/** Runs a change, says how it went, and asks anew for what is shown. */
export async function doing(what: string, change: () => Promise<unknown>): Promise<boolean> {
	working.value = true;
	try {
		await change();
		say(what);
		again.value++;
		return true;
	} catch (e) {
		error.value = asApiError(e);
		return false;
	} finally {
		working.value = false;
	}
}

export const switchOn = (id: string, on: boolean): Promise<boolean> => doing(on ? 'Enabled' : 'Disabled', () => api.switchRule(id, on, never));
export const rollBack = (id: string, revision: number): Promise<boolean> => doing(`Revision ${revision} is in force again`, () => api.rollback(id, revision, never));
export const forgive = (id: string, exception: string): Promise<boolean> => doing('Exception removed', () => api.removeException(id, exception, never));
export const except = (id: string, what: { condition: string; owner: string; note: string; expires: string }): Promise<boolean> =>
	doing('Exception added', () => api.addException(id, what, never));

export async function remove(id: string): Promise<void> {
	if (await doing('Deleted; its revisions are kept', () => api.deleteRule(id, never))) setParams({ sel: '', tab: '' });
}

export async function apply(): Promise<void> {
	const text = draft.peek();
	let id = '';
	const done = await doing('In force', async () => {
		id = (await api.applyRules(text, note.peek(), never)).rules[0]?.id ?? '';
	});
	if (!done) return;
	batch(() => {
		note.value = '';
		source.value = text;
		backtest.value = null;
	});
	if (id && id !== chosen.peek()) setParams({ sel: id });
}

export async function compare(id: string, revision: number): Promise<void> {
	try {
		compared.value = { revision, source: await api.ruleSource(id, revision, never) };
	} catch (e) {
		error.value = asApiError(e);
	}
}

/** Looks in history for what the draft would have found. */
export async function runBacktest(): Promise<void> {
	const query = lint.peek()?.rules.find((r) => r.query)?.query;
	backtesting.peek()?.abort();
	if (!query) return;
	const abort = new AbortController();
	const scope = { q: query, since: backtestSince.peek(), until: '', node: '', order: 'desc' } as const;
	const onProgress = (share: number): void => { progress.value = share; };
	progress.value = 0;
	backtesting.value = abort;
	try {
		const [hist, page] = await Promise.all([
			asksForGroups(query) ? null : histogram(scope, 120, abort.signal, onProgress),
			search(scope, { cursor: null, limit: SAMPLES }, abort.signal, asksForGroups(query) ? onProgress : undefined),
		]);
		backtest.value = {
			since: scope.since, query, hist, hits: page.hits, more: page.cursor !== null || page.truncated,
			matches: hist?.total ?? page.sequences?.length ?? page.hits.length, tookMs: page.tookMs,
		};
		error.value = null;
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
	if (backtesting.peek() === abort) backtesting.value = null;
}

function loadList(): () => void {
	void [again.value, resumed.value];
	const abort = new AbortController();
	api.rules(abort.signal).then(
		(found) => batch(() => { list.value = found; error.value = null; }),
		(e: unknown) => { if (!isAbort(e)) error.value = asApiError(e); },
	);
	return () => abort.abort();
}

async function loadOne(id: string, abort: AbortSignal): Promise<void> {
	try {
		const [rule, text, past] = await Promise.all([api.rule(id, abort), api.ruleSource(id, null, abort), api.revisions(id, abort)]);
		batch(() => {
			const untouched = draft.peek() === source.peek();
			whole.value = rule;
			source.value = text;
			history.value = past;
			if (untouched) draft.value = text;
		});
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

function forgetOne(text: string): void {
	batch(() => {
		whole.value = null;
		source.value = '';
		draft.value = text;
		lint.value = null;
		history.value = [];
		compared.value = null;
		backtest.value = null;
		error.value = null;
	});
}

let at = '';

function loadChosen(): (() => void) | undefined {
	const id = chosen.value;
	void [again.value, resumed.value];
	if (id !== at) untracked(() => forgetOne(id === NEW ? TEMPLATE : ''));
	at = id;
	if (!id || id === NEW) return undefined;
	const abort = new AbortController();
	void loadOne(id, abort.signal);
	return () => abort.abort();
}

async function check(text: string, abort: AbortSignal): Promise<void> {
	try {
		const told = await api.lint(text, abort);
		lint.value = told;
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
	linting.value = false;
}

function lintDraft(): (() => void) | undefined {
	const text = draft.value;
	if (!text.trim()) return undefined;
	const abort = new AbortController();
	untracked(() => { linting.value = true; });
	const timer = setTimeout(() => void check(text, abort.signal), LINT_MS);
	return () => {
		clearTimeout(timer);
		abort.abort();
	};
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	at = '';
	const stops = [effect(loadList), effect(loadChosen), effect(lintDraft)];
	return () => {
		stops.forEach((stop) => stop());
		backtesting.peek()?.abort();
		forgetOne('');
	};
}
