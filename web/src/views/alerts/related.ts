// SPDX-License-Identifier: Apache-2.0
// related - which alerts belong together: those about processes of one tree, followed over connections
// to other hosts, from the first that was not there long before.
import { effect, signal, untracked } from '@preact/signals';
import { alerts } from '../../api/alerts';
import { processTree } from '../../api/processes';
import type { Alert, Process, ProcessTree } from '../../api/types';
import { whole } from './model';

const LIMIT = 2000; /* processes of the tree */
const MOST = 500; /* alerts looked at */
const LONG_BEFORE_MS = 3_600_000;

export interface Related {
	root: Process | null; /* where the tree begins; null: not known */
	alerts: { alert: Alert; why: string }[]; /* by time, the one that is asked about among them */
	hosts: number;
}

export const related = signal<Related | null>(null);

/** The topmost of @tree's ancestors (or the process itself) that began within an hour before @ms. */
export function rootOf(tree: ProcessTree, ms: number): Process | null {
	let root: Process | null = null;
	for (const p of tree.processes)
		if (p.depth <= 0 && p.start >= ms - LONG_BEFORE_MS && (!root || p.depth < root.depth)) root = p;
	return root ?? tree.processes.find((p) => p.depth === 0) ?? null;
}

const place = (p: Process): string => `${p.name || p.pid} on ${p.host}`;

/** How @p hangs together with the root: the connections on the way. */
function whyOf(p: Process, root: Process, byId: ReadonlyMap<string, Process>): string {
	if (p.id === root.id) return 'where it begins';
	const hops: string[] = [];
	const seen = new Set<string>();
	for (let at: Process | undefined = p; at && at.id !== root.id && !seen.has(at.id); at = byId.get(at.parent)) {
		seen.add(at.id);
		const edge = at.via[0];
		if (edge?.connected) hops.unshift(`${edge.connected.name} on ${edge.connected.node}`);
	}
	return hops.length ? `reached from ${hops.join(', then ')}` : `started below ${place(root)}`;
}

async function find(alert: Alert, abort: AbortSignal): Promise<Related> {
	const first = await processTree(alert.entity, true, LIMIT, abort);
	const root = rootOf(first, alert.first);
	const tree = !root || root.id === alert.entity ? first : await processTree(root.id, true, LIMIT, abort);
	const byId = new Map<string, Process>();
	for (const p of tree.processes) if (!byId.has(p.id) && p.depth >= 0) byId.set(p.id, p);
	const range = { since: new Date(alert.first - 24 * LONG_BEFORE_MS).toISOString(), until: new Date(alert.last + 24 * LONG_BEFORE_MS).toISOString() };
	const near = (await alerts(range, MOST, '', abort)).alerts;
	const found = near.flatMap((a) => {
		const p = byId.get(a.entity);
		return p && root ? [{ alert: a, why: whyOf(p, root, byId) }] : [];
	});
	return { root, alerts: found.sort((a, b) => a.alert.first - b.alert.first), hosts: new Set(found.map((f) => f.alert.node)).size };
}

/** Looks for what belongs to the chosen alert until the returned function is called. */
export function startRelated(): () => void {
	let of = '';
	let abort = new AbortController();
	const stop = effect(() => {
		const alert = whole.value;
		if (!alert?.entity) {
			of = '';
			abort.abort();
			untracked(() => { related.value = null; });
			return undefined;
		}
		if (alert.id === of) return undefined;
		of = alert.id;
		untracked(() => { related.value = null; });
		abort.abort();
		abort = new AbortController();
		const { signal: mine } = abort;
		find(alert, mine).then(
			(found) => { if (!mine.aborted) related.value = found; },
			() => {}, /* an alert alone is one still */
		);
		return undefined;
	});
	return () => {
		stop();
		abort.abort();
		related.value = null;
	};
}
