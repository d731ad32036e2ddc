// SPDX-License-Identifier: Apache-2.0
// model - the state of the process view: the tree around one process, and what the chosen one did.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { alerts as askAlerts } from '../../api/alerts';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { factOfValue } from '../../api/facts';
import { processFacts, processTimeline, processTree } from '../../api/processes';
import { hopChart, lifeSpan, openRows, treeRows } from '../../lib/tree';
import { plural } from '../../lib/text';
import { formatMoment } from '../../lib/time';
import { utc } from '../../state/prefs';
import { resumed } from '../../state/connection';
import { Pager } from '../../state/pager';
import { opened } from '../../state/opened';
import { param, setParams } from '../../state/url';
import { alertChanges } from '../../state/alerts';
import type { Alert, ProcessFacts, ProcessTree, Scope } from '../../api/types';

const MOST_ALERTS = 1000;
const LIMIT = 10_000; /* processes of a tree */
const NO_SCOPE: Scope = { q: '', since: '', until: '', node: '', order: 'asc' };

export const id = computed(() => param('id'));
export const everywhere = computed(() => param('hosts') === 'all' || param('as') === 'hops');
export const below = computed(() => param('below') === '1');
export const asHops = computed(() => param('as') === 'hops');
export const chosen = computed(() => param('sel') || id.value);
export const tree = signal<ProcessTree | null>(null);
export const facts = signal<ProcessFacts | null>(null);
export const error = signal<ApiError | null>(null);
export const pager = signal<Pager | null>(null);
/** Alerts by the process that they are about. */
export const alertsOf = signal<ReadonlyMap<string, Alert[]>>(new Map());
export const prevalence = signal<[string, string][]>([]);
export const closed = signal<ReadonlySet<string>>(new Set());
export { opened };

const all = computed(() => treeRows(tree.value?.processes ?? []));
export const rows = computed(() => openRows(all.value, closed.value));
export const span = computed(() => lifeSpan(all.value, Date.now()));
const HOP_ROWS = 300;
export const hops = computed(() => hopChart(tree.value?.processes ?? [], HOP_ROWS));
export const row = computed(() => rows.value.findIndex((r) => r.process.id === chosen.value));

export const choose = (process: string): void => setParams({ sel: process === id.peek() ? '' : process }, false);
/** Makes @process the one that the tree is about. */
export const focus = (process: string): void => setParams({ id: process, sel: '' });

export function toggle(process: string): void {
	const next = new Set(closed.peek());
	if (!next.delete(process)) next.add(process);
	closed.value = next;
}

async function asking<T>(what: Promise<T>, take: (answer: T) => void): Promise<void> {
	try {
		const answer = await what;
		batch(() => {
			error.value = null;
			take(answer);
		});
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

function loadTree(): (() => void) | undefined {
	const wanted = id.value;
	const far = everywhere.value;
	void resumed.value;
	if (!wanted) return undefined;
	const abort = new AbortController();
	void asking(processTree(wanted, far, LIMIT, abort.signal), (t) => { tree.value = t; });
	return () => abort.abort();
}

/** Alerts of the one host of the tree, or of all when there are more. */
function loadAlerts(): (() => void) | undefined {
	const found = tree.value;
	void alertChanges.value;
	if (!found) return undefined;
	const abort = new AbortController();
	const hosts = new Set(found.processes.map((p) => p.host));
	askAlerts(hosts.size === 1 ? { node: found.host } : {}, MOST_ALERTS, '', abort.signal).then((page) => {
		const by = new Map<string, Alert[]>();
		for (const a of page.alerts) if (a.entity) by.set(a.entity, [...(by.get(a.entity) ?? []), a]);
		alertsOf.value = by;
	}, () => {}); /* a tree without alerts is one still */
	return () => abort.abort();
}

/** On how many nodes the chosen executable was ever seen, and the file with its hash. */
function loadPrevalence(): (() => void) | undefined {
	const [executable, sha256] = [facts.value?.executable, facts.value?.sha256];
	untracked(() => { prevalence.value = []; });
	if (!executable) return undefined;
	const abort = new AbortController();
	const told = async (name: string, kind: string, value: string): Promise<[string, string][]> => {
		const f = value ? await factOfValue(kind, value, abort.signal).catch(() => null) : null; /* a collector may keep no facts */
		return f ? [[name, `on ${plural(f.nodes, 'node')}, started ${plural(f.count, 'time')} since ${formatMoment(f.first, utc.peek())}`]] : [];
	};
	void Promise.all([told('Prevalence', 'executable', executable), told('Of this hash', 'hash', sha256 ?? '')]).then((all) => {
		if (!abort.signal.aborted) prevalence.value = all.flat();
	});
	return () => abort.abort();
}

function loadFacts(): (() => void) | undefined {
	const wanted = chosen.value;
	const withBelow = below.value;
	void resumed.value;
	if (!wanted) return undefined;
	const abort = new AbortController();
	const next = new Pager(NO_SCOPE, (_scope, page, stop) => processTimeline(wanted, withBelow, '', page, stop));
	untracked(() => batch(() => {
		if (facts.value?.id !== wanted) facts.value = null;
		opened.value = null;
		pager.value = next;
		next.want(0, 1);
	}));
	void asking(processFacts(wanted, abort.signal), (f) => { facts.value = f; });
	return () => {
		next.stop();
		abort.abort();
	};
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [effect(loadTree), effect(loadFacts), effect(loadAlerts), effect(loadPrevalence)];
	return () => {
		stops.forEach((stop) => stop());
		batch(() => {
			tree.value = null;
			facts.value = null;
			pager.value = null;
			closed.value = new Set();
		});
	};
}
