// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the search view, as one table: what the help shows is what works.
import { bindKeys, type KeyTable } from '../../state/keys';
import { COLUMNS } from './columns';
import * as facets from './facets';
import * as m from './model';

function move(by: number): void {
	const to = Math.max(0, Math.min(m.rowCount.peek() - 1, m.activeRow.peek() + by));
	m.activeRow.value = to;
	const doc = m.rowAt(to);
	if (m.opened.peek() && doc) m.opened.value = doc;
}

function moveColumn(by: number): void {
	m.activeColumn.value = Math.max(0, Math.min(COLUMNS.length - 1, m.activeColumn.peek() + by));
}

function open(): void {
	const doc = m.rowAt(m.activeRow.peek());
	if (doc) m.opened.value = doc;
}

function filter(exclude: boolean): void {
	const doc = m.rowAt(m.activeRow.peek());
	const column = COLUMNS[m.activeColumn.peek()];
	if (doc && column) m.filterOn(doc, column.field(doc), exclude);
}

function focusQuery(): void {
	const el = document.querySelector<HTMLTextAreaElement>('#query');
	el?.focus();
	el?.setSelectionRange(el.value.length, el.value.length);
}

export const SEARCH_KEYS: KeyTable = [
	{ keys: ['/'], help: 'Go to the query', run: focusQuery },
	{ keys: ['j', 'ArrowDown'], help: 'Next event', run: () => move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Event before', run: () => move(-1) },
	{ keys: ['PageDown'], help: 'A page on', run: () => move(20) },
	{ keys: ['PageUp'], help: 'A page back', run: () => move(-20) },
	{ keys: ['Home'], help: 'First event', run: () => move(-Infinity) },
	{ keys: ['End'], help: 'Last event', run: () => move(Infinity) },
	{ keys: ['l', 'ArrowRight'], help: 'Column to the right', run: () => moveColumn(1) },
	{ keys: ['h', 'ArrowLeft'], help: 'Column to the left', run: () => moveColumn(-1) },
	{ keys: ['Enter'], help: 'Open the event', run: open },
	{ keys: ['Escape'], help: 'Close the event', run: () => { m.opened.value = null; }, anywhere: true },
	{ keys: ['f'], help: 'Keep only events with this value', run: () => filter(false) },
	{ keys: ['x'], help: 'Leave out events with this value', run: () => filter(true) },
	{ keys: ['t'], help: 'Live tail on or off', run: m.toggleLive },
	{ keys: ['p'], help: 'Pause or resume the live tail', run: () => m.tail.peek()?.pause(!m.tail.peek()?.paused.peek()) },
	{ keys: ['r'], help: 'Search again', run: m.refresh },
	{ keys: ['v'], help: 'Values beside the list', run: facets.toggle },
];

export const bindSearchKeys = (): (() => void) => bindKeys('Search', SEARCH_KEYS);
