// SPDX-License-Identifier: Apache-2.0
// facets - which fields the panel beside the list counts, and what they were counted as.
import { batch, computed, effect, signal } from '@preact/signals';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { facets as ask } from '../../api/events';
import { asksForGroups, streamPart } from '../../lib/pipes';
import { param, setParams } from '../../state/url';
import { resumed } from '../../state/connection';
import type { Facet } from '../../api/types';
import { again, live, queryError, scope, table } from './model';

const DEFAULTS = ['event.action', 'process.name', 'host.name', 'user.name', 'file.directory', 'destination.ip', 'destination.port'];
const CLOSED = '-';
const VALUES = 6;
const MORE_VALUES = 40;
const LIVE_MS = 5000;

/** Narrow screens have no room for the panel until it is asked for. */
const roomy = (): boolean => matchMedia('(min-width: 1100px)').matches;

const chosen = computed(() => param('facets'));
export const shown = computed(() => (chosen.value ? chosen.value !== CLOSED : roomy()));
export const fields = computed(() => (chosen.value && chosen.value !== CLOSED ? chosen.value.split(',') : DEFAULTS));
export const found = signal<Facet[]>([]);
export const total = signal(0);
export const error = signal<ApiError | null>(null);
export const busy = signal(false);
export const widened = signal(''); /* the field that shows more of its values */

export function toggle(): void {
	setParams({ facets: shown.peek() ? CLOSED : roomy() ? '' : DEFAULTS.join(',') }, false);
}

function setFields(list: string[]): void {
	setParams({ facets: list.length ? list.join(',') : CLOSED }, false);
}

export const addField = (field: string): void => setFields([...fields.peek().filter((f) => f !== field), field].slice(-16));
export const removeField = (field: string): void => setFields(fields.peek().filter((f) => f !== field));

async function load(abort: AbortSignal): Promise<void> {
	const { q, ...rest } = scope.peek();
	busy.value = true;
	try {
		const answer = await ask({ ...rest, q: streamPart(q) }, fields.peek(), widened.peek() ? MORE_VALUES : VALUES, abort);
		batch(() => {
			found.value = answer.facets;
			total.value = answer.total;
			error.value = null;
			busy.value = false;
		});
	} catch (e) {
		if (isAbort(e)) return;
		batch(() => {
			error.value = asApiError(e);
			busy.value = false;
		});
	}
}

/** Counts while the panel is shown, until the returned function is called. */
export function startFacets(): () => void {
	return effect(() => {
		void [scope.value, fields.value, resumed.value, again.value, widened.value];
		if (!shown.value || queryError.value || table.value || asksForGroups(scope.value.q)) return undefined;
		const abort = new AbortController();
		void load(abort.signal);
		const timer = live.value ? setInterval(() => { if (!document.hidden && !busy.peek()) void load(abort.signal); }, LIVE_MS) : undefined;
		return () => {
			clearInterval(timer);
			abort.abort();
		};
	});
}
