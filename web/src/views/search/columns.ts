// SPDX-License-Identifier: Apache-2.0
// columns - the columns of the hit list.
import { at, text } from '../../lib/doc';
import { msOf } from '../../lib/time';
import { summary } from '../../lib/summary';
import type { Doc } from '../../api/types';

export interface Column {
	key: string;
	title: string;
	/** Field that + and - act on, for this event. */
	field: (doc: Doc) => string;
	show: (doc: Doc, when: (ms: number) => string) => string;
}

const summaryField = (doc: Doc): string => {
	const category = text(doc, 'event.category');
	if (category === 'file') return 'file.path';
	if (category === 'network') return 'destination.ip';
	return category === 'rtsec' ? 'event.action' : 'process.command_line';
};

const plain = (key: string, title: string, field: string): Column => ({
	key, title, field: () => field, show: (doc) => text(doc, field),
});

export const COLUMNS: Column[] = [
	{
		key: 'time', title: 'Time', field: () => '@timestamp',
		show: (doc, when) => when(msOf(at(doc, '@timestamp'))),
	},
	plain('node', 'Node', 'host.name'),
	plain('action', 'Action', 'event.action'),
	plain('process', 'Process', 'process.name'),
	plain('user', 'User', 'process.user.name'),
	{ key: 'summary', title: 'What happened', field: summaryField, show: summary },
];
