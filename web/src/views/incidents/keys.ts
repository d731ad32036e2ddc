// SPDX-License-Identifier: Apache-2.0
// keys - the keyboard of the incidents.
import { bindKeys, type KeyTable } from '../../state/keys';
import { mayExcept } from '../../state/session';
import { setParams } from '../../state/url';
import * as m from './model';

const onWhole = (run: () => void) => (): void => { if (m.whole.peek()) run(); };

function close(): void {
	if (m.step.peek()) setParams({ step: '' }, false);
	else if (m.chosen.peek()) m.choose('');
}

export const INCIDENT_KEYS: KeyTable = [
	{ keys: ['j', 'ArrowDown'], help: 'Next incident or step', run: () => m.move(1) },
	{ keys: ['k', 'ArrowUp'], help: 'Incident or step before', run: () => m.move(-1) },
	{ keys: ['Enter', 'o'], help: 'Read the incident; the process of the step', run: m.enter },
	{ keys: ['a'], help: 'Acknowledge all of it', run: onWhole(() => void m.workAll('ack')), may: mayExcept },
	{ keys: ['c'], help: 'Close all of it', run: onWhole(() => void m.workAll('close')), may: mayExcept },
	{ keys: ['Escape'], help: 'Back', run: close },
	{ keys: ['r'], help: 'Ask again', run: m.refresh },
];

export const bindIncidentKeys = (): (() => void) => bindKeys('Incidents', INCIDENT_KEYS);
