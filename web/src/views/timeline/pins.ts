// SPDX-License-Identifier: Apache-2.0
// pins - alerts as marks above the lanes they are about.
import { effect, signal } from '@preact/signals';
import { alerts } from '../../api/alerts';
import { endOf, nsOfMs, rfcOf } from '../../lib/nanos';
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

function pinsOf(list: Alert[], laneName: string): Pin[] {
	return list.flatMap((a) => {
		const lane = LANE[laneName]?.(a);
		return lane === undefined ? [] : [{ ns: nsOfMs(a.first), lane, level: a.rule.level, text: a.rule.title, id: a.id }];
	});
}

/** Keeps the pins in step with what is looked at, until the returned function is called. */
export function startPins(): () => void {
	const stop = effect(() => {
		const data = m.data.value;
		const by = m.laneName.value;
		void alertChanges.value;
		if (!data) return undefined;
		const abort = new AbortController();
		alerts({ since: rfcOf(data.range.from), until: rfcOf(endOf(data.range)) }, MOST, '', abort.signal).then(
			(found) => { pins.value = pinsOf(found.alerts, by); },
			() => {}, /* a timeline without pins is one still */
		);
		return () => abort.abort();
	});
	return () => {
		stop();
		pins.value = [];
	};
}
