// SPDX-License-Identifier: Apache-2.0
// model - the state of the timeline: which stretch of time is looked at, and what is known of it.
// The view moves at once with what is at hand; what belongs there is asked for when it rests.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { density, laneEvents, laneFlows, lanes as askLanes, type LaneField } from '../../api/timeline';
import { endOf, nsOf, nsOfMs, rfcOf, type Range } from '../../lib/nanos';
import { streamPart } from '../../lib/pipes';
import { parseTime } from '../../lib/time';
import { resumed } from '../../state/connection';
import { opened } from '../../state/opened';
import { param, setParams } from '../../state/url';
import type { Doc, Gap, Lane, LaneCell, LaneFlow, Scope } from '../../api/types';

export const DEFAULT_SINCE = '-24h';
export const MOST_LANES = 200;
const FEW_EVENTS = 3000; /* so many are drawn one by one */
const FLOWS = 1000; /* the API tells no more */
const REST_MS = 180;

export const LANES: Record<string, LaneField & { title: string }> = {
	node: { title: 'Nodes', field: 'host.name', names: [] },
	container: { title: 'Containers', field: 'container.id', names: [] },
	user: { title: 'Users', field: 'process.user.name', names: [] },
	process: { title: 'Processes', field: 'process.entity_id', names: ['process.name', 'process.pid'] },
};

export const laneName = computed(() => (LANES[param('lane')] ? param('lane') : 'node'));
export const laneField = computed(() => LANES[laneName.value] as LaneField & { title: string });
export const scope = computed<Scope>(() => ({
	q: streamPart(param('q')), since: param('since') || DEFAULT_SINCE, until: param('until'), node: param('node'), order: 'asc',
}));

export interface Data {
	range: Range;
	lanes: Lane[];
	more: boolean; /* lanes there are beyond these */
	cellMs: number;
	cells: Map<Lane['key'], LaneCell[]>;
	events: Map<Lane['key'], { ns: bigint; doc: Doc }[]> | null; /* null: too many */
	flows: LaneFlow[];
	gaps: Gap[];
}

const fixedNs = (word: string, now: number): bigint => nsOf(word) ?? nsOfMs(parseTime(word, now) ?? now);

function rangeOfUrl(now: number): Range {
	const { since, until } = scope.peek();
	const from = fixedNs(since, now);
	const to = until ? fixedNs(until, now) : nsOfMs(now);
	return { from, span: Math.max(100, Number(to - from)) };
}

export const view = signal<Range>(rangeOfUrl(Date.now()));
export const data = signal<Data | null>(null);
export const error = signal<ApiError | null>(null);
export const busy = signal(false);
export const chosen = signal(-1); /* lane */
export const lanePx = signal(26);
export { opened };
export const again = signal(0);
let rest: ReturnType<typeof setTimeout> | undefined;

/** Looks at @r now, and asks for it when no other comes soon; @push makes a step that Back undoes. */
export function look(r: Range, push = false): void {
	view.value = r;
	clearTimeout(rest);
	rest = setTimeout(() => setParams({ since: rfcOf(r.from), until: rfcOf(endOf(r)) }, push), push ? 0 : REST_MS);
}

function grouped<T>(list: T[], keyOf: (item: T) => Lane['key']): Map<Lane['key'], T[]> {
	const out = new Map<Lane['key'], T[]>();
	for (const item of list) {
		const at = out.get(keyOf(item));
		if (at) at.push(item);
		else out.set(keyOf(item), [item]);
	}
	return out;
}

function docLane(doc: Doc, field: string): Lane['key'] {
	let value: unknown = doc;
	for (const key of field.split('.')) value = value === null || typeof value !== 'object' ? undefined : (value as Record<string, unknown>)[key];
	return typeof value === 'string' || typeof value === 'number' ? value : null;
}

async function load(wanted: Scope, range: Range, by: LaneField, abort: AbortSignal): Promise<void> {
	busy.value = true;
	try {
		const found = await askLanes(wanted, range, by, MOST_LANES, abort);
		const total = found.lanes.reduce((n, l) => n + l.count, 0);
		const few = total <= FEW_EVENTS && !found.more;
		const [counted, events, flows] = await Promise.all([
			density(wanted, range, by, found.lanes.length, abort),
			few ? laneEvents(wanted, range, FEW_EVENTS, abort) : null,
			laneFlows(wanted, range, by, FLOWS, abort),
		]);
		batch(() => {
			data.value = {
				range, ...found, cellMs: counted.ms, cells: grouped(counted.cells, (c) => c.lane), flows,
				events: events && grouped(events, (e) => docLane(e.doc, by.field)),
			};
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

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stop = effect(() => {
		const wanted = scope.value;
		const by = laneField.value;
		void [resumed.value, again.value];
		const range = untracked(() => rangeOfUrl(Date.now()));
		const abort = new AbortController();
		untracked(() => {
			view.value = range;
			void load(wanted, range, by, abort.signal);
		});
		return () => abort.abort();
	});
	const forget = effect(() => {
		void laneName.value;
		untracked(() => {
			chosen.value = -1;
			data.value = null;
		});
	});
	return () => {
		stop();
		forget();
		clearTimeout(rest);
		data.value = null;
		opened.value = null;
	};
}
