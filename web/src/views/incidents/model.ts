// SPDX-License-Identifier: Apache-2.0
// model - the state of the incidents: which there are, and the one that is read: its steps, and the
// processes that they hang together by.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { workOn } from '../../api/alerts';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import * as api from '../../api/incidents';
import { processTree } from '../../api/processes';
import { plural } from '../../lib/text';
import { hopChart, pathsTo } from '../../lib/tree';
import { alertChanges } from '../../state/alerts';
import { resumed } from '../../state/connection';
import { me } from '../../state/prefs';
import { say } from '../../state/toast';
import { go, param, setParams } from '../../state/url';
import type { Alert, Incident, IncidentStep, IncidentWhole, Process, ProcessTree } from '../../api/types';

const MOST = 200;
const TREE_LIMIT = 2000; /* processes */
const HOP_ROWS = 300;
const LONG_BEFORE_MS = 3_600_000;
const never = new AbortController().signal;

export const range = computed(() => ({ since: param('since') || '-24h', until: param('until') }));
export const chosen = computed(() => param('sel'));
export const step = computed(() => param('step')); /* id of its alert */
export const list = signal<Incident[] | null>(null);
export const cut = signal(false);
export const cursor = signal(''); /* the row that the keyboard is at */
export const whole = signal<IncidentWhole | null>(null);
export const processes = signal<Process[] | null>(null);
export const error = signal<ApiError | null>(null);
const again = signal(0);

export const refresh = (): void => { again.value++; };
export const choose = (id: string): void => {
	if (id) cursor.value = id;
	setParams({ sel: id, step: '', from: '', to: '' });
};
export const chooseStep = (id: string): void => setParams({ step: id === step.peek() ? '' : id }, false);

export const chosenStep = computed<IncidentStep | undefined>(() => whole.value?.steps.find((s) => s.alert.id === step.value));
/** The trace, from a little before the first step to a little after the last: most processes go on for long. */
export const chart = computed(() => {
	const all = hopChart(processes.value ?? [], HOP_ROWS);
	const skews = new Map(all.hosts.map((h) => [h.name, h.skewMs]));
	const times = (whole.value?.steps ?? []).map(({ alert: a }) => a.first - (skews.get(a.node) ?? 0));
	const [first, last] = [Math.min(...times), Math.max(...times)];
	const pad = Math.max(1000, (last - first) * 0.08); /* twice at the end */
	return times.length ? { ...all, from: Math.max(all.from, first - pad), to: Math.max(first + 1, Math.min(all.to, last + 2 * pad)) } : all;
});
export const alertsOf = computed<ReadonlyMap<string, Alert[]>>(() => {
	const by = new Map<string, Alert[]>();
	for (const { alert } of whole.value?.steps ?? []) if (alert.entity) by.set(alert.entity, [...(by.get(alert.entity) ?? []), alert]);
	return by;
});

export function move(by: number): void {
	const ids = whole.peek() ? whole.peek()?.steps.map((s) => s.alert.id) ?? [] : (list.peek() ?? []).map((i) => i.id);
	const next = ids[Math.max(0, Math.min(ids.length - 1, ids.indexOf(whole.peek() ? step.peek() : cursor.peek()) + by))];
	if (next === undefined) return;
	if (whole.peek()) setParams({ step: next }, false);
	else cursor.value = next;
}

export function enter(): void {
	const entity = chosenStep.peek()?.alert.entity;
	if (entity) go('process', { id: entity });
	else if (!chosen.peek() && cursor.peek()) choose(cursor.peek());
}

/** Acknowledges or closes each of its alerts that is not yet. */
export async function workAll(verb: 'ack' | 'close', note = ''): Promise<boolean> {
	const left = (whole.peek()?.steps ?? []).filter(({ alert: a }) => (verb === 'ack' ? a.status === 'open' : a.status !== 'closed'));
	try {
		for (const { alert } of left) await workOn(alert.id, verb, { owner: me.peek().trim(), note }, never);
		say(`${plural(left.length, 'alert')} ${verb === 'ack' ? 'acknowledged' : 'closed'}`);
		refresh();
		return true;
	} catch (e) {
		error.value = asApiError(e);
		refresh();
		return false;
	}
}

async function loadList(abort: AbortSignal): Promise<void> {
	try {
		const found = await api.incidents(range.peek(), MOST, abort);
		batch(() => {
			list.value = found.incidents;
			cut.value = found.truncated;
			error.value = null;
		});
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

/** The topmost of @tree's ancestors (or the process itself) that began within an hour before @ms. */
function rootOf(tree: ProcessTree, ms: number): Process | null {
	let root: Process | null = null;
	for (const p of tree.processes)
		if (p.depth <= 0 && p.start >= ms - LONG_BEFORE_MS && (!root || p.depth < root.depth)) root = p;
	return root ?? tree.processes.find((p) => p.depth === 0) ?? null;
}

/** The processes of the incident: the tree of the first of them, over hosts, and what is not in it beside. */
async function loadProcesses(found: IncidentWhole, abort: AbortSignal): Promise<Process[]> {
	let left = new Set(found.steps.map((s) => s.alert.entity).filter(Boolean));
	const out: Process[] = [];
	for (const { alert } of found.steps) {
		if (!left.has(alert.entity)) continue;
		const near = await processTree(alert.entity, true, TREE_LIMIT, abort);
		const root = rootOf(near, alert.first);
		const tree = !root || root.id === alert.entity ? near : await processTree(root.id, true, TREE_LIMIT, abort);
		out.push(...pathsTo(tree.processes, left));
		const seen = new Set(tree.processes.map((p) => p.id)).add(alert.entity);
		left = new Set([...left].filter((id) => !seen.has(id)));
	}
	return out;
}

async function loadOne(id: string, abort: AbortSignal): Promise<void> {
	try {
		const found = await api.incident(id, range.peek(), abort);
		const same = whole.peek()?.id === found.id && whole.peek()?.alerts === found.alerts;
		batch(() => {
			whole.value = found;
			error.value = null;
		});
		if (same && processes.peek()) return;
		const told = await loadProcesses(found, abort);
		if (!abort.aborted) processes.value = told;
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [
		effect(() => {
			void [range.value, again.value, resumed.value, alertChanges.value];
			const abort = new AbortController();
			untracked(() => void loadList(abort.signal));
			return () => abort.abort();
		}),
		effect(() => {
			const id = chosen.value;
			void [range.value, again.value, resumed.value, alertChanges.value];
			untracked(() => {
				if (whole.value && whole.value.steps.some((s) => s.alert.id === id)) return;
				whole.value = null;
				processes.value = null;
			});
			if (!id) return undefined;
			const abort = new AbortController();
			untracked(() => void loadOne(id, abort.signal));
			return () => abort.abort();
		}),
	];
	return () => {
		stops.forEach((stop) => stop());
		batch(() => {
			list.value = null;
			whole.value = null;
			processes.value = null;
			error.value = null;
		});
	};
}
