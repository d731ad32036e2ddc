// SPDX-License-Identifier: Apache-2.0
// model - the state of the inbox: which alerts are listed, and the one that is worked on.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import * as api from '../../api/alerts';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { incident } from '../../api/incidents';
import { alertChanges } from '../../state/alerts';
import { resumed } from '../../state/connection';
import { me } from '../../state/prefs';
import { say } from '../../state/toast';
import { opened } from '../../state/opened';
import { param, setParams } from '../../state/url';
import type { Alert, AlertWhole, IncidentWhole } from '../../api/types';

const PAGE = 200;
const DAY_MS = 86_400_000;

export const STATUS: [string, string][] = [['open', 'Open'], ['acknowledged', 'Acknowledged'], ['closed', 'Closed'], ['all', 'All']];

export const status = computed(() => param('status') || 'open');
export const filter = computed<api.AlertFilter>(() => ({
	...(status.value === 'all' ? {} : { status: status.value }), level: param('level'), node: param('node'), rule: param('rule'), incident: param('incident'),
}));
export const chosen = computed(() => param('sel'));
export const list = signal<Alert[] | null>(null);
export const cursor = signal<string | null>(null);
export const whole = signal<AlertWhole | null>(null);
/** What the chosen alert belongs to; of itself alone: null. */
export const together = signal<IncidentWhole | null>(null);
export const error = signal<ApiError | null>(null);
export { opened };
export const excepting = signal(false);
const again = signal(0);
const never = new AbortController().signal;

export const refresh = (): void => { again.value++; };
export const choose = (id: string): void => setParams({ sel: id }, false);

/** The alert @by rows from the chosen one. */
export function move(by: number): void {
	const rows = list.peek() ?? [];
	const at = rows.findIndex((a) => a.id === chosen.peek());
	const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
	if (next) choose(next.id);
}

async function doing(what: string, change: () => Promise<unknown>): Promise<boolean> {
	try {
		await change();
		say(what);
		refresh();
		return true;
	} catch (e) {
		error.value = asApiError(e);
		return false;
	}
}

const WORDS: Record<string, string> = { ack: 'Acknowledged', close: 'Closed', reopen: 'Open again', note: 'Noted' };

/** @verb: ack, close, reopen or note. */
export const work = (verb: string, note = ''): Promise<boolean> => {
	const id = chosen.peek();
	return doing(WORDS[verb] ?? verb, () => api.workOn(id, verb, { owner: me.peek().trim(), note }, never));
};

export const except = async (what: { condition: string; owner: string; note: string; expires: string }): Promise<boolean> => {
	const id = chosen.peek();
	const done = await doing('The rule leaves it out from now on', () => api.exceptAlert(id, what, never));
	if (done) excepting.value = false;
	return done;
};

async function loadList(abort: AbortSignal): Promise<void> {
	try {
		const page = await api.alerts(filter.peek(), PAGE, '', abort);
		batch(() => {
			list.value = page.alerts;
			cursor.value = page.cursor;
			error.value = null;
		});
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

export async function more(): Promise<void> {
	const at = cursor.peek();
	if (!at) return;
	try {
		const page = await api.alerts(filter.peek(), PAGE, at, never);
		batch(() => {
			list.value = [...(list.peek() ?? []), ...page.alerts];
			cursor.value = page.cursor;
		});
	} catch (e) {
		error.value = asApiError(e);
	}
}

/** The time in which what belongs to @alert is looked for. */
export const aroundOf = (alert: Alert): { since: string; until: string } => ({
	since: new Date(alert.first - DAY_MS).toISOString(), until: new Date(alert.last + DAY_MS).toISOString(),
});

async function loadOne(id: string, abort: AbortSignal): Promise<void> {
	try {
		const found = await api.alert(id, abort);
		whole.value = found;
		const joined = await incident(id, aroundOf(found), abort).catch(() => null); /* an alert alone is one still */
		if (!abort.aborted) together.value = joined && joined.steps.length > 1 ? joined : null;
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
	}
}

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [
		effect(() => {
			void [filter.value, again.value, resumed.value, alertChanges.value];
			const abort = new AbortController();
			untracked(() => void loadList(abort.signal));
			return () => abort.abort();
		}),
		effect(() => {
			const id = chosen.value;
			void [again.value, resumed.value, alertChanges.value];
			untracked(() => {
				if (whole.value?.id === id) return;
				whole.value = null;
				together.value = null;
				opened.value = null;
				excepting.value = false;
			});
			if (!id) return undefined;
			const abort = new AbortController();
			void loadOne(id, abort.signal);
			return () => abort.abort();
		}),
	];
	return () => {
		stops.forEach((stop) => stop());
		list.value = null;
		whole.value = null;
	};
}
