// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the process view.
import { bindKeys, type KeyTable } from '../../state/keys';
import * as m from './model';

function move(by: number): void {
	const rows = m.rows.peek();
	const to = rows[Math.max(0, Math.min(rows.length - 1, m.row.peek() + by))];
	if (to) m.choose(to.process.id);
}

/** Opens or closes what is below the chosen process; closed already, goes to its parent. */
function fold(close: boolean): void {
	const row = m.rows.peek()[m.row.peek()];
	if (!row) return;
	const isClosed = m.closed.peek().has(row.process.id);
	if (row.size > 0 && isClosed !== close) m.toggle(row.process.id);
	else if (close && row.process.parent) m.choose(row.process.parent);
	else if (!close) move(1);
}

export const PROCESS_KEYS: KeyTable = [
	{ keys: ['j', 'ArrowDown'], help: 'Next process', run: () => move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Process before', run: () => move(-1) },
	{ keys: ['PageDown'], help: 'A page on', run: () => move(20) },
	{ keys: ['PageUp'], help: 'A page back', run: () => move(-20) },
	{ keys: ['l', 'ArrowRight'], help: 'Show what is below', run: () => fold(false) },
	{ keys: ['h', 'ArrowLeft'], help: 'Hide it, or go to the parent', run: () => fold(true) },
	{ keys: ['o', 'Enter'], help: 'Make the tree about it', run: () => m.focus(m.chosen.peek()) },
	{ keys: ['Escape'], help: 'Close the event', run: () => { m.opened.value = null; }, anywhere: true },
];

export const bindProcessKeys = (): (() => void) => bindKeys('Process', PROCESS_KEYS);
