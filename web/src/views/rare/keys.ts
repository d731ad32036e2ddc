// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the rare view.
import { bindKeys, type KeyTable } from '../../state/keys';
import { go, setParams } from '../../state/url';
import * as m from './model';

function search(): void {
	const fact = m.shown.peek().find((f) => f.value === m.chosen.peek());
	const q = fact ? m.queryOf(fact) : '';
	if (q) go('search', { q, since: '-30d' });
}

export const RARE_KEYS: KeyTable = [
	{ keys: ['/'], help: 'Find', run: () => document.querySelector<HTMLInputElement>('#query')?.focus() },
	{ keys: ['j', 'ArrowDown'], help: 'Next', run: () => m.move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Before', run: () => m.move(-1) },
	{ keys: ['Enter'], help: 'Its events', run: search },
	{ keys: ['Escape'], help: 'Close', run: () => setParams({ sel: '' }, false) },
	{ keys: ['r'], help: 'Ask again', run: () => { m.again.value++; } },
];

export const bindRareKeys = (): (() => void) => bindKeys('Rare', RARE_KEYS);
