// SPDX-License-Identifier: Apache-2.0
// fake-pipes - the pipes that the fake server understands: where, keep, drop, head N, tail N,
// `stats count, last = max(@timestamp) by F` and `top N F`.
import { FIELDS, fieldOf } from './fake-events.mjs';

const TABLE = new Set(['stats', 'top', 'rare']);

/** @q in parts: the condition, and each pipe as { name, rest, offset }. */
export function cutPipes(q) {
	let offset = 0;
	const [condition, ...pipes] = q.split('|').map((text) => {
		const part = { text: text.trim(), offset: offset + 1 };
		offset += text.length + 1;
		return part;
	});
	return { condition: condition.text, pipes: pipes.map(({ text, offset: at }) => ({ name: text.split(/\s+/)[0], rest: text.replace(/^\S+\s*/, ''), offset: at })) };
}

/** The first pipe that /hits and /tail refuse. */
export const refusedPipe = (q) => cutPipes(q).pipes.find((p) => !['where', 'keep', 'drop'].includes(p.name));

const typeOf = (name) => FIELDS.find((f) => f.name === name)?.type ?? 'keyword';

function table(docs, { name, rest }) {
	const field = /([\w.@]+)\s*$/.exec(rest)[1];
	const withLast = rest.includes('max(@timestamp)');
	const groups = new Map();
	for (const d of docs) {
		const key = fieldOf(d, field) ?? null;
		const row = groups.get(key) ?? [key, 0, d['@timestamp']];
		row[1]++;
		if (d['@timestamp'] > row[2]) row[2] = d['@timestamp'];
		groups.set(key, row);
	}
	const columns = [{ name: field, type: typeOf(field) }, { name: 'count', type: 'long' }, { name: 'last', type: 'date' }];
	const rows = [...groups.values()].sort((a, b) => (a[0] === null ? 1 : b[0] === null ? -1 : a[0] < b[0] ? -1 : 1));
	if (name === 'top') rows.sort((a, b) => b[1] - a[1]).splice(Number(rest.split(' ')[0]) || 10);
	const n = withLast ? 3 : 2;
	return { columns: columns.slice(0, n), rows: rows.map((r) => r.slice(0, n)), left_out: 0 };
}

/** What @docs, in the order of the answer, become: { hits } or { columns, rows, left_out }. */
export function runPipes(docs, pipes) {
	let hits = docs;
	for (const p of pipes) {
		const n = Number(p.rest) || 10;
		if (TABLE.has(p.name)) return table(hits, p);
		if (p.name === 'head') hits = hits.slice(0, n);
		if (p.name === 'tail') hits = hits.slice(-n);
	}
	return { hits };
}
