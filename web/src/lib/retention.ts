// SPDX-License-Identifier: Apache-2.0
// retention - which days would be removed by a limit, as collector/retention.c decides it; and sizes
// with a unit, as the collector's options take them.
export interface StoredDay {
	day: string; /* 2026-11-22 */
	events: number;
	bytes: number;
	held: boolean;
}

const DAY_MS = 86_400_000;

/** Those of @days that go when @keepDays and @keepBytes (0: no limit) hold at @now. */
export function daysThatGo(days: StoredDay[], keepDays: number, keepBytes: number, now: number): Set<string> {
	const today = Math.floor(now / DAY_MS);
	let left = days.reduce((n, d) => n + d.bytes, 0);
	const out = new Set<string>();
	for (const d of [...days].sort((a, b) => a.day.localeCompare(b.day))) {
		const age = today - Math.floor(Date.parse(`${d.day}T00:00:00Z`) / DAY_MS);
		if (age <= 0 || d.held || d.day.startsWith('1970') || !((keepDays > 0 && age > keepDays) || (keepBytes > 0 && left > keepBytes))) continue;
		out.add(d.day);
		left -= d.bytes;
	}
	return out;
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Bytes of "50G", "1.5T" or "0"; null when it is none. */
export function parseSize(text: string): number | null {
	const m = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$/i.exec(text);
	return m ? Math.round(Number(m[1]) * 1024 ** UNITS.indexOf((m[2] ?? '').toUpperCase())) : null;
}

/** The same back, as short as it is exact. */
export function sizeText(bytes: number): string {
	let [n, unit] = [bytes, 0];
	for (; n >= 1024 && n % 1024 === 0 && unit < 4; unit++) n /= 1024;
	return `${n}${UNITS[unit]}`;
}
