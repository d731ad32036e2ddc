// SPDX-License-Identifier: Apache-2.0
// columns - the columns of the hit list, and the one line that sums an event up.
import { at, text } from '../../lib/doc';
import { msOf } from '../../lib/time';
import { plural } from '../../lib/text';
import type { Doc } from '../../api/types';

export interface Column {
	key: string;
	title: string;
	/** Field that + and - act on, for this event. */
	field: (doc: Doc) => string;
	show: (doc: Doc, when: (ms: number) => string) => string;
}

const endpoint = (doc: Doc, side: string): string => {
	const ip = text(doc, `${side}.ip`);
	const port = text(doc, `${side}.port`);
	return (ip.includes(':') ? `[${ip}]` : ip) + (port ? `:${port}` : '');
};

const commandLine = (doc: Doc): string => {
	const line = text(doc, 'process.command_line');
	const args = at(doc, 'process.args');
	return line || (Array.isArray(args) ? args.join(' ') : '') || text(doc, 'process.executable');
};

const fileLine = (doc: Doc): string => {
	const path = text(doc, 'file.path');
	const from = text(doc, 'file.Ext.original.path');
	const flags = at(doc, 'file.open.flags');
	const asked = Array.isArray(flags) && flags.some((f) => f !== 'read') ? `  (${flags.join(' ')})` : '';
	return (from ? `${from} → ${path}` : path) + asked;
};

const networkLine = (doc: Doc): string => {
	const bytes = text(doc, 'source.bytes');
	const sent = bytes ? `  (${bytes} B sent, ${text(doc, 'destination.bytes') || '0'} B received)` : '';
	return `${endpoint(doc, 'source')} → ${endpoint(doc, 'destination')}${sent}`;
};

const endLine = (doc: Doc): string => {
	const by = text(doc, 'process.exit_signal');
	const how = by ? `ended by ${by}` : `exit ${text(doc, 'process.exit_code') || '?'}`;
	return `${how}   ${commandLine(doc)}`;
};

const SUMMARY: Record<string, (doc: Doc) => string> = {
	exec: commandLine,
	fork: (doc) => `new process ${text(doc, 'process.child.pid')}   ${commandLine(doc)}`,
	end: endLine,
	gap: (doc) => `${plural(Number(text(doc, 'rtsec.gap.count')), 'event')} lost: ${text(doc, 'rtsec.gap.class')}, ${text(doc, 'rtsec.gap.cause')}`,
	sensor: (doc) => text(doc, 'message'),
};

/** What happened, in one line. */
export function summary(doc: Doc): string {
	const special = SUMMARY[text(doc, 'event.action')];
	let line = special ? special(doc) : '';
	if (!special) {
		const category = text(doc, 'event.category');
		line = category === 'network' ? networkLine(doc) : category === 'file' ? fileLine(doc) : commandLine(doc);
	}
	const error = text(doc, 'error.code');
	return error ? `${error}   ${line}` : line;
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
