// SPDX-License-Identifier: Apache-2.0
// summary - what an event says, in one line.
import type { Doc } from '../api/types';
import { at, text } from './doc';
import { plural } from './text';

const endpoint = (doc: Doc, side: string): string => {
	const ip = text(doc, `${side}.ip`);
	const port = text(doc, `${side}.port`);
	return (ip.includes(':') ? `[${ip}]` : ip) + (port ? `:${port}` : '');
};

export const commandLine = (doc: Doc): string => {
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

const targetOf = (doc: Doc): string => `${text(doc, 'Target.process.name') || 'a process'} (${text(doc, 'Target.process.pid') || '?'})`;

const SUMMARY: Record<string, (doc: Doc) => string> = {
	exec: commandLine,
	fork: (doc) => `new process ${text(doc, 'process.child.pid')}   ${commandLine(doc)}`,
	end: endLine,
	gap: (doc) => `${plural(Number(text(doc, 'rtsec.gap.count')), 'event')} lost: ${text(doc, 'rtsec.gap.class')}, ${text(doc, 'rtsec.gap.cause')}`,
	sensor: (doc) => text(doc, 'message'),
	uid_change: (doc) => `user ${text(doc, 'process.previous.user.id') || '?'} → ${text(doc, 'process.user.id') || '?'}   ${commandLine(doc)}`,
	gid_change: (doc) => `group ${text(doc, 'process.previous.group.id') || '?'} → ${text(doc, 'process.group.id') || '?'}   ${commandLine(doc)}`,
	signal: (doc) => `${text(doc, 'rtsec.signal.name')} to ${targetOf(doc)}`,
	ptrace: (doc) => `${text(doc, 'rtsec.ptrace.request')} of ${targetOf(doc)}`,
	memfd_create: (doc) => `memfd:${text(doc, 'process.Ext.memfd.name')}   ${commandLine(doc)}`,
	chmod: (doc) => `${text(doc, 'file.mode')} ${text(doc, 'file.path')}`,
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
