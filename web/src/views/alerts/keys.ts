// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the inbox.
import { bindKeys, type KeyTable } from '../../state/keys';
import { mayExcept } from '../../state/session';
import { go, setParams } from '../../state/url';
import * as m from './model';

const working = (run: () => void) => (): void => { if (m.chosen.peek() && mayExcept.peek()) run(); };

function openProcess(): void {
	const entity = m.whole.peek()?.entity;
	if (entity) go('process', { id: entity });
}

function close(): void {
	if (m.opened.peek()) m.opened.value = null;
	else setParams({ sel: '' }, false);
}

export const ALERT_KEYS: KeyTable = [
	{ keys: ['j', 'ArrowDown'], help: 'Next alert', run: () => m.move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Alert before', run: () => m.move(-1) },
	{ keys: ['a'], help: 'Acknowledge', run: working(() => void m.work('ack')) },
	{ keys: ['c'], help: 'Close the alert', run: working(() => void m.work('close')) },
	{ keys: ['e'], help: 'Make an exception', run: working(() => { m.excepting.value = !m.excepting.peek(); }) },
	{ keys: ['n'], help: 'Write a note', run: working(() => document.querySelector<HTMLInputElement>('#note')?.focus()) },
	{ keys: ['Enter'], help: 'Its process', run: openProcess },
	{ keys: ['Escape'], help: 'Close what is open', run: close },
	{ keys: ['r'], help: 'Ask again', run: m.refresh },
];

export const bindAlertKeys = (): (() => void) => bindKeys('Alerts', ALERT_KEYS);
