// SPDX-License-Identifier: Apache-2.0
// draw - the timeline on its canvas: density as cells, or events as shapes; bands, arrows, pins, axis.
// Only lanes in sight are drawn, so that a frame costs the same for 10 lanes and for 200.
import { categoryClass } from '../../components/EventDot';
import { text } from '../../lib/doc';
import { endOf, nsOfMs, shareOf, tickStep, ticksOf, tickText, type Range } from '../../lib/nanos';
import type { Doc, Gap, Lane, LaneFlow } from '../../api/types';
import type { Data } from './model';

const LEAST_PX = 26; /* height of a lane */
const MOST_PX = 52;
export const AXIS_PX = 28;
const TICK_PX = 110;
const PAD_PX = 4;
const ARROWS = 150; /* more say nothing */

/** A mark above a lane: an alert. */
export interface Pin {
	ns: bigint;
	lane: Lane['key'];
	level: string;
	text: string;
	id: string;
}

export interface Scene {
	data: Data | null;
	view: Range;
	width: number;
	height: number;
	lanePx: number; /* height of a lane */
	top: number; /* px scrolled */
	hoverX: number; /* -1: none */
	chosen: number;
	brush: [number, number] | null;
	pins: Pin[];
	skew: ReadonlyMap<string, number>; /* ms by node whose clock is off */
	clockOf: (ms: number) => [string, string];
}

export interface Ink {
	[name: string]: string;
}

const NAMES = ['text', 'text-2', 'text-3', 'line', 'bar', 'warn', 'warn-band', 'danger', 'accent', 'accent-soft', 'selected', 'surface', 'sunken', 'process', 'file', 'network', 'rtsec', 'font'];

export function inkOf(style: CSSStyleDeclaration): Ink {
	return Object.fromEntries(NAMES.map((n) => [n, style.getPropertyValue(`--${n}`).trim()]));
}

/** Height of each of @n lanes, so that few of them fill @height. */
export const lanePxOf = (n: number, height: number): number =>
	Math.max(LEAST_PX, Math.min(MOST_PX, Math.floor((height - AXIS_PX) / Math.max(1, n))));

type Pen = CanvasRenderingContext2D;
export const xOf = (s: Scene, ns: bigint): number => shareOf(s.view, ns) * s.width;
const xOfMs = (s: Scene, ms: number): number => xOf(s, nsOfMs(ms));
const yOf = (s: Scene, lane: number): number => AXIS_PX + lane * s.lanePx - s.top;

function inSight(s: Scene): [number, number] {
	const n = s.data?.lanes.length ?? 0;
	return [Math.max(0, Math.floor(s.top / s.lanePx)), Math.min(n, Math.ceil((s.top + s.height - AXIS_PX) / s.lanePx))];
}

function drawAxis(c: Pen, s: Scene, ink: Ink): void {
	const step = tickStep(s.view.span, s.width / TICK_PX);
	c.fillStyle = ink['sunken'] ?? '';
	c.fillRect(0, 0, s.width, AXIS_PX);
	c.font = `11px ${ink['font']}`;
	c.textBaseline = 'middle';
	for (const t of ticksOf(s.view, step)) {
		const x = Math.round(xOf(s, t)) + 0.5;
		c.fillStyle = ink['line'] ?? '';
		c.fillRect(x, AXIS_PX - 6, 1, s.height);
		c.fillStyle = ink['text-2'] ?? '';
		c.fillText(tickText(t, step, s.clockOf), x + 5, AXIS_PX / 2);
	}
}

/** Fills cells by how much more than nothing they hold: 1 is seen, 10 times as much is a step darker. */
function drawCells(c: Pen, s: Scene, lane: Lane, y: number, ink: Ink): void {
	const cells = s.data?.cells.get(lane.key);
	if (!cells || !s.data) return;
	const wide = Math.max(1.5, ((s.data.cellMs * 1e6) / s.view.span) * s.width);
	c.fillStyle = ink['bar'] ?? '';
	for (const cell of cells) {
		const x = xOfMs(s, cell.ms);
		if (x + wide < 0 || x > s.width) continue;
		const strength = Math.min(1, 0.25 + Math.log10(cell.count) / 4);
		const tall = (s.lanePx - 2 * PAD_PX) * Math.min(1, 0.35 + Math.log10(cell.count) / 5);
		c.globalAlpha = strength;
		c.fillRect(x, y + s.lanePx - PAD_PX - tall, Math.max(1.5, wide - 0.5), tall);
	}
	c.globalAlpha = 1;
}

function mark(c: Pen, kind: string, x: number, y: number): void {
	c.beginPath();
	if (kind === 'file') c.rect(x - 3.5, y - 3.5, 7, 7);
	else if (kind === 'network') {
		c.moveTo(x, y - 5);
		c.lineTo(x + 5, y);
		c.lineTo(x, y + 5);
		c.lineTo(x - 5, y);
	} else c.arc(x, y, 4, 0, 7);
	c.fill();
}

function drawEvents(c: Pen, s: Scene, list: { ns: bigint; doc: Doc }[], y: number, ink: Ink): void {
	for (const { ns, doc } of list) {
		const x = xOf(s, ns);
		if (x < -6 || x > s.width + 6) continue;
		const kind = categoryClass(text(doc, 'event.category'));
		c.fillStyle = ink[kind] ?? '';
		mark(c, kind, x, y + s.lanePx / 2);
		if (text(doc, 'event.outcome') !== 'failure') continue;
		c.fillStyle = ink['danger'] ?? '';
		c.fillRect(x - 4, y + s.lanePx - 4, 8, 2);
	}
}

/** Stripes over the time in which events of the lane's node were lost. */
function drawGap(c: Pen, s: Scene, gap: Gap, y: number, ink: Ink): void {
	const x = xOfMs(s, gap.from);
	const w = Math.max(4, xOfMs(s, gap.to) - x);
	if (x > s.width || x + w < 0) return;
	c.fillStyle = ink['warn-band'] ?? '';
	c.fillRect(x, y + 1, w, s.lanePx - 2);
	c.fillStyle = ink['warn'] ?? '';
	c.fillRect(x, y + 1, w, 2);
}

/** How far a lane's clock is off: a dashed line along it, and at the pointer the moment it means. */
function drawSkew(c: Pen, s: Scene, skewMs: number, y: number, ink: Ink): void {
	c.strokeStyle = ink['warn'] ?? '';
	c.setLineDash([2, 6]);
	c.beginPath();
	c.moveTo(0, y + s.lanePx - 1.5);
	c.lineTo(s.width, y + s.lanePx - 1.5);
	c.stroke();
	c.setLineDash([]);
	if (s.hoverX < 0) return;
	const w = ((skewMs * 1e6) / s.view.span) * s.width;
	c.fillStyle = ink['warn-band'] ?? '';
	c.fillRect(Math.min(s.hoverX, s.hoverX + w), y + 1, Math.max(2, Math.abs(w)), s.lanePx - 2);
}

/** From a lane down (or up) into another: out and in upright, the head where it arrives. */
function drawArrow(c: Pen, x1: number, y1: number, x2: number, y2: number): void {
	const way = y2 > y1 ? 1 : -1;
	const [begin, end] = [y1 + way * 5, y2 - way * 6];
	const bend = (end - begin) / 2;
	c.beginPath();
	c.moveTo(x1, begin);
	c.bezierCurveTo(x1, begin + bend, x2, end - bend, x2, end - way * 3);
	c.stroke();
	c.beginPath();
	c.moveTo(x2, end + way * 2);
	c.lineTo(x2 - 4, end - way * 5);
	c.lineTo(x2 + 4, end - way * 5);
	c.fill();
}

/** Connections between lanes that begin or end in sight, as long as they can be told apart. */
export function flowsInSight(data: Data | null, view: Range): LaneFlow[] {
	const to = endOf(view);
	const found = (data?.flows ?? []).filter((f) => f.toNs >= view.from && f.fromNs <= to);
	return found.length <= ARROWS ? found : [];
}

/** From where the collector's clock has an end to where its node's has it. */
function drawOwn(c: Pen, s: Scene, at: bigint, own: bigint, y: number, ink: Ink): void {
	const [a, b] = [xOf(s, at), xOf(s, own)];
	if (Math.abs(a - b) < 3) return;
	c.strokeStyle = ink['warn'] ?? '';
	c.setLineDash([2, 3]);
	c.beginPath();
	c.moveTo(a, y);
	c.lineTo(b, y);
	c.stroke();
	c.setLineDash([]);
}

/** The middle of a lane, px from the top of the canvas. */
export const midOf = (s: Scene, lane: number): number => yOf(s, lane) + s.lanePx / 2;

function drawFlows(c: Pen, s: Scene, places: Map<Lane['key'], number>, ink: Ink): void {
	c.lineWidth = 1.25;
	for (const f of flowsInSight(s.data, s.view)) {
		const [a, b] = [places.get(f.from), places.get(f.to)];
		if (a === undefined || b === undefined) continue;
		drawOwn(c, s, f.fromNs, f.fromOwnNs, midOf(s, a), ink);
		drawOwn(c, s, f.toNs, f.toOwnNs, midOf(s, b), ink);
		c.strokeStyle = c.fillStyle = ink['network'] ?? '';
		drawArrow(c, xOf(s, f.fromNs), midOf(s, a), xOf(s, f.toNs), midOf(s, b));
	}
	c.lineWidth = 1;
}

function drawPins(c: Pen, s: Scene, places: Map<Lane['key'], number>, ink: Ink): void {
	for (const pin of s.pins) {
		const lane = places.get(pin.lane);
		const x = xOf(s, pin.ns);
		if (lane === undefined || x < -8 || x > s.width + 8) continue;
		const y = yOf(s, lane) + 2;
		c.fillStyle = ink[/^(high|critical)$/.test(pin.level) ? 'danger' : 'warn'] ?? '';
		c.beginPath();
		c.moveTo(x, y + 13);
		c.lineTo(x - 6, y + 1);
		c.lineTo(x + 6, y + 1);
		c.fill();
		c.fillStyle = ink['surface'] ?? '';
		c.fillRect(x - 0.75, y + 2.5, 1.5, 4);
		c.fillRect(x - 0.75, y + 7.5, 1.5, 1.5);
	}
}

function drawOver(c: Pen, s: Scene, ink: Ink): void {
	if (s.brush) {
		const [a, b] = [Math.min(...s.brush), Math.max(...s.brush)];
		c.fillStyle = ink['accent'] ?? '';
		c.globalAlpha = 0.16;
		c.fillRect(a, 0, b - a, s.height);
		c.globalAlpha = 1;
		c.fillRect(a, 0, 1, s.height);
		c.fillRect(b, 0, 1, s.height);
	} else if (s.hoverX >= 0) {
		c.fillStyle = ink['text-3'] ?? '';
		c.fillRect(Math.round(s.hoverX), 0, 1, s.height);
	}
}

/** Draws all of @s.  @c has been scaled to CSS pixels. */
export function draw(c: Pen, s: Scene, ink: Ink): void {
	c.clearRect(0, 0, s.width, s.height);
	const lanes = s.data?.lanes ?? [];
	const places = new Map(lanes.map((l, i) => [l.key, i]));
	const [from, to] = inSight(s);
	c.save();
	c.beginPath();
	c.rect(0, AXIS_PX, s.width, s.height);
	c.clip();
	for (let i = from; i < to; i++) {
		const lane = lanes[i] as Lane;
		const y = yOf(s, i);
		if (i === s.chosen) {
			c.fillStyle = ink['selected'] ?? '';
			c.fillRect(0, y, s.width, s.lanePx);
		}
		c.fillStyle = ink['line'] ?? '';
		c.fillRect(0, y + s.lanePx - 1, s.width, 1);
		const events = s.data?.events;
		if (events) drawEvents(c, s, events.get(lane.key) ?? [], y, ink);
		else drawCells(c, s, lane, y, ink);
		for (const gap of s.data?.gaps ?? []) if (lane.hosts.includes(gap.node)) drawGap(c, s, gap, y, ink);
		const skew = lane.hosts.length === 1 ? s.skew.get(lane.hosts[0] ?? '') : undefined;
		if (skew !== undefined) drawSkew(c, s, skew, y, ink);
	}
	drawFlows(c, s, places, ink);
	drawPins(c, s, places, ink);
	c.restore();
	drawAxis(c, s, ink);
	drawOver(c, s, ink);
}
