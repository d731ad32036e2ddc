// SPDX-License-Identifier: Apache-2.0
// pins - alerts as marks above the lanes they are about.
import { effect, signal } from '@preact/signals';
import { alerts } from '../../api/alerts';
import { lanesOfProcesses } from '../../api/timeline';
import { literal } from '../../lib/eql';
import { endOf, nsOfMs, rfcOf, type Range } from '../../lib/nanos';
import { alertChanges } from '../../state/alerts';
import type { Alert, Lane } from '../../api/types';
import type { Pin } from './draw';
import * as m from './model';

const MOST = 500;

export const pins = signal<Pin[]>([]);

const LANE: Record<string, (a: Alert) => Lane['key'] | undefined> = {
	node: (a) => a.node,
	process: (a) => a.entity || undefined,
	user: (a) => a.process?.user || undefined,
};

/** What the lanes of @list are, when the alerts themselves do not say. */
async function lanesOf(list: Alert[], range: Range, abort: AbortSignal): Promise<(a: Alert) => Lane['key'] | undefined> {
	const by = LANE[m.laneName.peek()];
	if (by) return by;
	const ids = [...new Set(list.map((a) => a.entity).filter(Boolean))];
	if (!ids.length) return () => undefined;
	const found = await lanesOfProcesses({ ...m.scope.peek(), q: '' }, range, m.laneField.peek(), `process.entity_id in (${ids.map(literal).join(', ')})`, abort);
	return (a) => found.get(a.entity);
}

function pinsOf(list: Alert[], laneOf: (a: Alert) => Lane['key'] | undefined): Pin[] {
	return list.flatMap((a) => {
		const lane = laneOf(a);
		return lane === undefined ? [] : [{ ns: nsOfMs(a.first), lane, level: a.rule.level, text: a.rule.title, id: a.id }];
	});
}

/** Keeps the pins in step with what is looked at, until the returned function is called. */
export function startPins(): () => void {
	const stop = effect(() => {
		const data = m.data.value;
		void [m.laneName.value, alertChanges.value];
		if (!data) return undefined;
		const abort = new AbortController();
		const ask = async (): Promise<void> => {
			const found = (await alerts({ since: rfcOf(data.range.from), until: rfcOf(endOf(data.range)) }, MOST, '', abort.signal)).alerts;
			const told = pinsOf(found, await lanesOf(found, data.range, abort.signal));
			if (!abort.signal.aborted) pins.value = told;
		};
		ask().catch(() => {}); /* a timeline without pins is one still */
		return () => abort.abort();
	});
	return () => {
		stop();
		pins.value = [];
	};
}
