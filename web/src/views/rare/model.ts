// SPDX-License-Identifier: Apache-2.0
// model - the state of the rare view.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { factOfValue, facts } from '../../api/facts';
import { literal } from '../../lib/eql';
import { resumed } from '../../state/connection';
import { param, setParams } from '../../state/url';
import type { Fact } from '../../api/types';

export const KINDS: [string, string][] = [
	['executable', 'Programs'], ['hash', 'Hashes'], ['pair', 'Who starts whom'], ['destination', 'Addresses'], ['domain', 'Names'], ['user', 'Users'],
];
/** The field whose value a fact is. */
const FIELD: Record<string, string> = { executable: 'process.executable', hash: 'process.hash.sha256', destination: 'destination.ip', domain: 'dns.question.name', user: 'user.name' };

export const kind = computed(() => param('kind') || 'executable');
export const since = computed(() => param('since') || '-24h');
export const spreading = computed(() => param('spread') === '1');
export const find = computed(() => param('find'));
export const chosen = computed(() => param('sel'));
export const list = signal<Fact[] | null>(null);
export const whole = signal<Fact | null>(null);
export const truncated = signal(false);
export const error = signal<ApiError | null>(null);
export const again = signal(0);

export const shown = computed(() => {
	const low = find.value.toLowerCase();
	return (list.value ?? []).filter((f) => !low || f.value.toLowerCase().includes(low));
});

/** The query that finds the events of a fact; "": none can. */
export function queryOf(f: Fact): string {
	if (f.kind === 'pair') {
		const [parent, child] = f.value.split(' > ');
		return parent && child ? `process where event.action == "exec" and process.parent.executable == ${literal(parent)} and process.executable == ${literal(child)}` : '';
	}
	const field = FIELD[f.kind];
	return field ? `${field} == ${literal(f.value)}` : '';
}

export function move(by: number): void {
	const at = shown.peek().findIndex((f) => f.value === chosen.peek());
	const next = shown.peek()[Math.max(0, Math.min(shown.peek().length - 1, at + by))];
	if (next) setParams({ sel: next.value }, false);
}

function load(): () => void {
	const what = { kind: kind.value, since: since.value, ...(spreading.value || !param('max') ? {} : { max_nodes: param('max') }) };
	const spread = spreading.value;
	void [again.value, resumed.value];
	const abort = new AbortController();
	facts(what, spread, abort.signal).then(
		(found) => batch(() => {
			list.value = found.facts;
			truncated.value = found.truncated;
			error.value = null;
		}),
		(e: unknown) => { if (!isAbort(e)) error.value = asApiError(e); },
	);
	return () => abort.abort();
}

/** Which nodes the chosen one was seen on. */
function loadChosen(): (() => void) | undefined {
	const [value, of] = [chosen.value, kind.value];
	untracked(() => { whole.value = null; });
	if (!value) return undefined;
	const abort = new AbortController();
	factOfValue(of, value, abort.signal).then((found) => { whole.value = found; }, () => {}); /* the row says how many */
	return () => abort.abort();
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [effect(load), effect(loadChosen)];
	return () => {
		stops.forEach((stop) => stop());
		list.value = null;
	};
}
