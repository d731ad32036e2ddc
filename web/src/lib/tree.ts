// SPDX-License-Identifier: Apache-2.0
// tree - a process tree as the rows of a list.
import type { Process } from '../api/types';

export interface TreeRow {
	process: Process;
	level: number; /* 0: topmost */
	size: number; /* rows below it in the whole tree */
	asUser: boolean; /* runs as another user than its parent */
}

/** Rows of @list (each process before those below it), with what the drawing needs. */
export function treeRows(list: Process[]): TreeRow[] {
	const top = list.reduce((least, p) => Math.min(least, p.depth), 0);
	const byId = new Map(list.map((p) => [p.id, p]));
	const rows = list.map((process): TreeRow => {
		const parent = byId.get(process.parent);
		return { process, level: process.depth - top, size: 0, asUser: !!parent && process.uid !== null && parent.uid !== null && process.uid !== parent.uid };
	});
	const open: number[] = []; /* rows whose descendants still come */
	rows.forEach((row, i) => {
		while (open.length && (rows[open.at(-1) ?? 0]?.level ?? 0) >= row.level) open.pop();
		for (const above of open) (rows[above] as TreeRow).size++;
		open.push(i);
	});
	return rows;
}

/** @rows without those below a closed one. */
export function openRows(rows: TreeRow[], closed: ReadonlySet<string>): TreeRow[] {
	const out: TreeRow[] = [];
	for (let i = 0; i < rows.length; i++) {
		const row = rows[i] as TreeRow;
		out.push(row);
		if (closed.has(row.process.id)) i += row.size;
	}
	return out;
}

/** From the start of the process asked for to the end of the last below it, ms. */
export function lifeSpan(rows: TreeRow[], now: number): [number, number] {
	const own = rows.filter((r) => r.process.depth >= 0).map((r) => r.process);
	let [from, to] = [Infinity, -Infinity];
	for (const p of own) {
		if (p.start < from) from = p.start;
		const end = Number.isFinite(p.end) ? p.end : p.lastSeen;
		if (end > to) to = end;
	}
	if (!Number.isFinite(from)) from = now - 1000;
	return [from, Math.max(to, from + 1)];
}
