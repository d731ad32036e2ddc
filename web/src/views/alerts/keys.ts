// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the inbox.
import { bindKeys, type KeyTable } from '../../state/keys';
import { mayExcept } from '../../state/session';
import { go, setParams } from '../../state/url';
import * as m from './model';

const onChosen = (run: () => void) => (): void => { if (m.chosen.peek()) run(); };

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
	{ keys: ['a'], help: 'Acknowledge', run: onChosen(() => void m.work('ack')), may: mayExcept },
	{ keys: ['c'], help: 'Close the alert', run: onChosen(() => void m.work('close')), may: mayExcept },
	{ keys: ['e'], help: 'Make an exception', run: onChosen(() => { m.excepting.value = !m.excepting.peek(); }), may: mayExcept },
	{ keys: ['n'], help: 'Write a note', run: onChosen(() => document.querySelector<HTMLInputElement>('#note')?.focus()), may: mayExcept },
	{ keys: ['Enter'], help: 'Its process', run: openProcess },
	{ keys: ['Escape'], help: 'Close what is open', run: close },
	{ keys: ['r'], help: 'Ask again', run: m.refresh },
];

export const bindAlertKeys = (): (() => void) => bindKeys('Alerts', ALERT_KEYS);
