// SPDX-License-Identifier: Apache-2.0
// nanos - times to the nanosecond as bigint, and the axis of a range of them from days to nanoseconds.

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;

/** Nanoseconds since 1970 of an RFC 3339 text in UTC; null when it is none. */
export function nsOf(text: string): bigint | null {
	const m = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
	const whole = m ? Date.parse(`${m[1]}${m[3]}`) : NaN;
	if (!Number.isFinite(whole)) return null;
	return BigInt(whole) * MS + BigInt((m?.[2] ?? '').padEnd(9, '0') || '0');
}

const floorTo = (ns: bigint, step: bigint): bigint => ns - (((ns % step) + step) % step);

/** RFC 3339 with as many digits as it takes. */
export function rfcOf(ns: bigint): string {
	const second = floorTo(ns, SECOND);
	const rest = String(ns - second).padStart(9, '0').replace(/0+$/, '');
	return new Date(Number(second / MS)).toISOString().replace(/\.000Z$/, rest ? `.${rest}Z` : 'Z');
}

export const nsOfMs = (ms: number): bigint => BigInt(Math.floor(ms)) * MS + BigInt(Math.round((ms % 1) * 1e6));
export const msOfNs = (ns: bigint): number => Number(ns / MS) + Number(ns % MS) / 1e6;

/** A stretch of time: its begin, and its length in ns (exact up to 104 days). */
export interface Range {
	from: bigint;
	span: number;
}

export const MIN_SPAN = 100; /* ns: below, nothing is told apart */
export const MAX_SPAN = 366 * 86_400e9;

export const endOf = (r: Range): bigint => r.from + BigInt(Math.round(r.span));

/** @r scaled by @factor around the point at @share of it. */
export function zoomed(r: Range, factor: number, share: number): Range {
	const span = Math.max(MIN_SPAN, Math.min(MAX_SPAN, r.span * factor));
	return { from: r.from + BigInt(Math.round((r.span - span) * share)), span };
}

/** @r moved by @share of its length. */
export const moved = (r: Range, share: number): Range => ({ from: r.from + BigInt(Math.round(r.span * share)), span: r.span });

/** Where @ns stands in @r: 0 at its begin, 1 at its end. */
export const shareOf = (r: Range, ns: bigint): number => Number(ns - r.from) / r.span;

const DAY = 86_400e9;
const LARGE = [1e9, 2e9, 5e9, 10e9, 15e9, 30e9, 60e9, 120e9, 300e9, 600e9, 900e9, 1800e9, 3600e9, 7200e9, 10_800e9, 21_600e9, 43_200e9, DAY, 2 * DAY, 7 * DAY, 30 * DAY];

/** The width in ns between two ticks when there is room for @n of them. */
export function tickStep(span: number, n: number): number {
	const want = span / Math.max(1, n);
	if (want > 0.5e9) return LARGE.find((s) => s >= want) ?? 30 * DAY;
	const power = 10 ** Math.floor(Math.log10(Math.max(1, want)));
	return [1, 2, 5, 10].map((k) => k * power).find((s) => s >= want) ?? power;
}

/** Times of the ticks in @r. */
export function ticksOf(r: Range, step: number): bigint[] {
	const s = BigInt(Math.max(1, Math.round(step)));
	const out: bigint[] = [];
	for (let t = floorTo(r.from, s) + (r.from % s === 0n ? 0n : s); t <= endOf(r) && out.length < 200; t += s) out.push(t);
	return out;
}

/** What stands at a tick: as much of the clock as tells it from the next one. */
export function tickText(ns: bigint, step: number, clockOf: (ms: number) => [string, string]): string {
	const [date, time] = clockOf(Number(floorTo(ns, SECOND) / MS));
	if (step >= DAY || (step >= 60e9 && time === '00:00:00')) return date.slice(5);
	if (step >= 60e9) return time.slice(0, 5);
	if (step >= 1e9) return time;
	const digits = Math.max(1, Math.min(9, 9 - Math.floor(Math.log10(step))));
	const fraction = String(ns - floorTo(ns, SECOND)).padStart(9, '0').slice(0, digits);
	return fraction.replace(/0/g, '') === '' ? time : `.${fraction.replace(/(\d{3})(?=\d)/g, '$1\u2009')}`;
}

/** "3 d", "12 min", "1.5 ms", "480 ns". */
export function spanText(ns: number): string {
	const units: [number, string][] = [[DAY, 'd'], [3600e9, 'h'], [60e9, 'min'], [1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];
	const [size, name] = units.find(([s]) => ns >= s) ?? [1, 'ns'];
	return `${Number((ns / size).toPrecision(3))} ${name}`;
}
