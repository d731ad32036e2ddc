// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the rules view.
import { bindKeys, type KeyTable } from '../../state/keys';
import { mayWrite } from '../../state/session';
import { setParams } from '../../state/url';
import * as m from './model';

function move(by: number): void {
	const rows = m.shown.peek();
	const at = rows.findIndex((r) => r.id === m.chosen.peek());
	const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
	if (next) setParams({ sel: next.id }, false);
}

export const RULE_KEYS: KeyTable = [
	{ keys: ['/'], help: 'Find a rule', run: () => document.querySelector<HTMLInputElement>('#query')?.focus() },
	{ keys: ['j', 'ArrowDown'], help: 'Next rule', run: () => move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Rule before', run: () => move(-1) },
	{ keys: ['n'], help: 'Write a new rule', run: () => setParams({ sel: m.NEW, tab: '' }), may: mayWrite },
	{ keys: ['b'], help: 'Backtest', run: () => void m.runBacktest() },
	{ keys: ['Escape'], help: 'Close the rule', run: () => setParams({ sel: '', tab: '' }, false) },
];

export const bindRuleKeys = (): (() => void) => bindKeys('Rules', RULE_KEYS);
