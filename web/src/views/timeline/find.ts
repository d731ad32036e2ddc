// SPDX-License-Identifier: Apache-2.0
// find - what lies under a point of the timeline, and all of it in words.
import { endOf, msOfNs, type Range } from '../../lib/nanos';
import type { Doc, Gap, Lane, LaneFlow } from '../../api/types';
import { AXIS_PX, flowsInSight, midOf, xOf, type Pin, type Scene } from './draw';
import type { Data } from './model';

/** The arrow that passes a point. */
function flowAt(s: Scene, x: number, y: number): LaneFlow | undefined {
	const places = new Map((s.data?.lanes ?? []).map((l, i) => [l.key, i]));
	return flowsInSight(s.data, s.view).find((f) => {
		const [a, b] = [places.get(f.from), places.get(f.to)];
		if (a === undefined || b === undefined) return false;
		const [y1, y2] = [midOf(s, a), midOf(s, b)];
		const share = (y - y1) / (y2 - y1);
		return share > 0.1 && share < 0.9 && Math.abs(xOf(s, f.fromNs) + (xOf(s, f.toNs) - xOf(s, f.fromNs)) * share - x) < 5;
	});
}

/** What lies under a point: an event, or the count of a cell. */
export interface Found {
	lane: Lane;
	doc?: Doc;
	count?: number;
	ms: number; /* begin of the cell */
	gap?: Gap;
	pin?: Pin;
	flow?: LaneFlow;
}

export function find(s: Scene, x: number, y: number): Found | null {
	const lane = y < AXIS_PX ? undefined : s.data?.lanes[Math.floor((y - AXIS_PX + s.top) / s.lanePx)];
	if (!lane || !s.data) return null;
	const ms = msOfNs(s.view.from) + ((x / s.width) * s.view.span) / 1e6;
	const gap = s.data.gaps.find((g) => lane.hosts.includes(g.node) && ms >= g.from && ms <= g.to);
	const pin = s.pins.find((p) => p.lane === lane.key && Math.abs(xOf(s, p.ns) - x) < 7);
	const flow = flowAt(s, x, y);
	const more = { ...(gap ? { gap } : {}), ...(pin ? { pin } : {}), ...(flow ? { flow } : {}) };
	if (s.data.events) {
		let best: { doc: Doc; far: number } | null = null;
		for (const e of s.data.events.get(lane.key) ?? []) {
			const far = Math.abs(xOf(s, e.ns) - x);
			if (far < 7 && (!best || far < best.far)) best = { doc: e.doc, far };
		}
		return { lane, ms, ...more, ...(best ? { doc: best.doc } : {}) };
	}
	const cell = s.data.cells.get(lane.key)?.find((c) => ms >= c.ms && ms < c.ms + (s.data?.cellMs ?? 1));
	return { lane, ms, ...more, ...(cell ? { count: cell.count, ms: cell.ms } : {}) };
}

/** For those who cannot see it. */
export function inWords(data: Data | null, view: Range, spanWords: string): string {
	if (!data) return `Timeline of ${spanWords}`;
	const total = data.lanes.reduce((n, l) => n + l.count, 0);
	return `Timeline of ${spanWords}: ${total} events in ${data.lanes.length} lanes, ${data.flows.length} connections between lanes, ${data.gaps.length} gaps; from ${new Date(msOfNs(view.from)).toISOString()} to ${new Date(msOfNs(endOf(view))).toISOString()}`;
}
