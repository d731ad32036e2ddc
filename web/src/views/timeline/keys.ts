// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the timeline.
import { literal, narrowed } from '../../lib/eql';
import { moved, zoomed } from '../../lib/nanos';
import { bindKeys, type KeyTable } from '../../state/keys';
import { go, param } from '../../state/url';
import * as m from './model';

function choose(by: number): void {
	const n = m.data.peek()?.lanes.length ?? 0;
	if (!n) return;
	m.chosen.value = Math.max(0, Math.min(n - 1, m.chosen.peek() + by));
	const el = document.querySelector('.timeline');
	const at = m.chosen.peek() * m.lanePx.peek();
	if (el && (at < el.scrollTop || at > el.scrollTop + el.clientHeight - 3 * m.lanePx.peek())) el.scrollTop = at - el.clientHeight / 2;
}

/** The events of the chosen lane (without one: of all), in the search view. */
export function toSearch(): void {
	const lane = m.data.peek()?.lanes[m.chosen.peek()];
	const { field } = m.laneField.peek();
	const only = lane ? narrowed(param('q'), lane.key === null ? `${field} == null` : `${field} == ${literal(lane.key)}`) : param('q');
	go('search', { q: only });
}

export const zoom = (factor: number): void => m.look(zoomed(m.view.peek(), factor, 0.5));

export const TIMELINE_KEYS: KeyTable = [
	{ keys: ['+', '='], help: 'Zoom in', run: () => zoom(0.5) },
	{ keys: ['-'], help: 'Zoom out', run: () => zoom(2) },
	{ keys: ['ArrowLeft', 'h'], help: 'Earlier', run: () => m.look(moved(m.view.peek(), -0.25)) },
	{ keys: ['ArrowRight', 'l'], help: 'Later', run: () => m.look(moved(m.view.peek(), 0.25)) },
	{ keys: ['ArrowDown', 'j'], help: 'Next lane', run: () => choose(1) },
	{ keys: ['ArrowUp', 'k'], help: 'Lane before', run: () => choose(-1) },
	{ keys: ['Enter'], help: 'Its events in the search view', run: toSearch },
	{ keys: ['Escape'], help: 'Close the event', run: () => { m.opened.value = null; }, anywhere: true },
	{ keys: ['r'], help: 'Ask again', run: () => { m.again.value++; } },
];

export const bindTimelineKeys = (): (() => void) => bindKeys('Timeline', TIMELINE_KEYS);
