// SPDX-License-Identifier: Apache-2.0
// tree - a process tree as the rows of a list.
import type { Edge, Process } from '../api/types';
import { formatBytes } from './text';

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
		return { process, level: process.depth - top, size: 0, asUser: !!parent && parent.host === process.host && process.uid !== null && parent.uid !== null && process.uid !== parent.uid };
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
		if (p.depth === 0 && p.start < from) from = p.start;
		const end = Number.isFinite(p.end) ? p.end : p.lastSeen;
		if (end > to) to = end;
	}
	if (!Number.isFinite(from)) from = now - 1000;
	return [from, Math.max(to, from + 1)];
}

/** "ssh on web-1 → sshd on db-1, port 22, 8.1 kB sent, 23 kB received". */
export function edgeText(e: Edge): string {
	const from = e.connected ? `${e.connected.name || e.connected.pid} on ${e.connected.node}` : e.source.ip;
	const to = e.accepted ? `${e.accepted.name || e.accepted.pid} on ${e.accepted.node}` : e.destination.ip;
	const end = e.connected ?? e.accepted;
	const bytes = end && (end.sent || end.received) ? `, ${formatBytes(end.sent)} sent, ${formatBytes(end.received)} received` : '';
	return `${from} → ${to}, port ${e.destination.port}${bytes}`;
}

const WHY: Record<string, string> = {
	failed: 'the attempt failed', no_sensor: 'there is no sensor', evidence_lost: 'its events of that time are missing',
	evidence_late: 'it has told nothing of that time yet', not_seen: 'its events are there, and none fits',
};

/** Why the other end of a half is not known. */
export function missingText(e: Edge): string {
	if (!e.missing) return '';
	const node = e.missing.node ? `${e.missing.node}: ` : '';
	return `${node}${WHY[e.missing.reason] ?? e.missing.reason}${e.missing.cause ? ` (${e.missing.cause})` : ''}`;
}

export interface HopRow {
	process: Process;
	host: string;
	from: number; /* ms, by the collector's clock as the connections are; NaN: not known */
	to: number; /* NaN: no end is known */
	skewMs: number; /* how far its node's clock is ahead */
}

export interface HopChart {
	hosts: { name: string; rows: HopRow[]; skewMs: number }[]; /* in the order in which they were reached */
	edges: { edge: Edge; from: string; to: string }[]; /* entity ids */
	from: number; /* ms */
	to: number;
	left: number; /* processes that had no room */
}

/** How far the clocks of nodes are ahead, ms, as the ends of connections say. */
export function skewsOf(edges: Edge[]): Map<string, number> {
	const out = new Map<string, number>();
	for (const e of edges) for (const end of [e.connected, e.accepted]) if (end) out.set(end.node, end.skewMs);
	return out;
}

/** Those of @list that the processes in @about hang together by: these, what is above them, and both
 * ends of the connections on the way. */
export function pathsTo(list: Process[], about: ReadonlySet<string>): Process[] {
	const byId = new Map<string, Process>();
	for (const p of list) if (!byId.has(p.id)) byId.set(p.id, p);
	const kept = new Set<string>();
	for (const id of about)
		for (let p = byId.get(id); p && p.depth >= 0 && !kept.has(p.id); p = byId.get(p.parent)) {
			kept.add(p.id);
			for (const e of p.via) for (const end of [e.connected, e.accepted]) if (end) kept.add(end.id);
		}
	return list.filter((p) => kept.has(p.id));
}

/** What a tree over hosts looks like as a trace: its processes by host, the connections between them,
 * and the time from the first of these on.  Ancestors that were there long before are left out. */
export function hopChart(list: Process[], most: number): HopChart {
	const seen = new Map<string, Process>();
	for (const p of list) if (!seen.has(p.id)) seen.set(p.id, p);
	const found = new Map<string, { edge: Edge; from: string; to: string }>();
	for (const p of list)
		for (const edge of p.via) {
			const [from, to] = [edge.connected?.id ?? p.parent, edge.accepted?.id ?? p.id];
			if (seen.has(from) && seen.has(to) && from !== to) found.set(`${edge.key} ${from} ${to}`, { edge, from, to });
		}
	const edges = [...found.values()].sort((a, b) => a.edge.time - b.edge.time);
	const skews = skewsOf(edges.map((e) => e.edge));
	const linked = new Set(edges.flatMap((e) => [e.from, e.to]));
	const wanted = [...seen.values()].filter((p) => p.depth >= 0 || linked.has(p.id)).map((process): HopRow => {
		const skewMs = skews.get(process.host) ?? 0;
		return { process, host: process.host, from: process.start - skewMs, to: process.end - skewMs, skewMs };
	});
	const begins = [...wanted.filter((r) => r.process.depth === 0 && Number.isFinite(r.from)).map((r) => r.from), ...edges.map((e) => e.edge.time)];
	const ends = wanted.map((r) => (Number.isFinite(r.to) ? r.to : r.process.lastSeen - r.skewMs)).filter(Number.isFinite);
	const from = begins.length ? Math.min(...begins) : 0;
	const to = Math.max(from + 1, ...ends, ...edges.map((e) => e.edge.time));
	const firstOf = (r: HopRow): number => (Number.isFinite(r.from) ? Math.max(r.from, from) : from);
	const isLinked = (r: HopRow): number => Number(linked.has(r.process.id));
	const shown = wanted.sort((a, b) => isLinked(b) - isLinked(a) || firstOf(a) - firstOf(b)).slice(0, most);
	const hosts = new Map<string, HopRow[]>();
	for (const row of shown.sort((a, b) => a.process.hop - b.process.hop || firstOf(a) - firstOf(b))) {
		const rows = hosts.get(row.host) ?? [];
		rows.push(row);
		hosts.set(row.host, rows);
	}
	const pad = (to - from) * 0.02;
	return { hosts: [...hosts].map(([name, rows]) => ({ name, rows, skewMs: skews.get(name) ?? 0 })), edges, from: from - pad, to: to + pad, left: wanted.length - shown.length };
}
