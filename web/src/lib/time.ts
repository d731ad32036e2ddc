// SPDX-License-Identifier: Apache-2.0
// time - the time words of the search language (RFC 3339, epoch, -15m, now) and how times are shown.
// Inside the UI a time is milliseconds since 1970; nanoseconds stay in the text of the event.

const UNIT_MS: Record<string, number> = {
	ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000,
};

/** Milliseconds of a time word, or null when it is none.  "" is now. */
export function parseTime(word: string, now: number): number | null {
	const text = word.trim();
	if (text === '' || text === 'now') return now;
	const relative = /^(?:now)?-(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
	if (relative) return now - Number(relative[1]) * (UNIT_MS[relative[2] ?? 's'] ?? 1000);
	if (/^\d{9,19}$/.test(text)) return epochMs(text);
	const ms = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
	return /^\d{4}-\d\d/.test(text) && Number.isFinite(ms) ? ms : null;
}

function epochMs(digits: string): number {
	if (digits.length <= 11) return Number(digits) * 1000;
	if (digits.length <= 14) return Number(digits);
	return digits.length <= 17 ? Number(digits) / 1e3 : Number(digits) / 1e6;
}

/** Milliseconds of an event's time or of a time that the server told; NaN when there is none. */
export function msOf(value: unknown): number {
	if (typeof value === 'number') return value > 1e17 ? value / 1e6 : value;
	return typeof value === 'string' ? (parseTime(value, NaN) ?? NaN) : NaN;
}

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');

/** Date and time of day, to the second. */
export function clockParts(ms: number, utc: boolean): [string, string] {
	const d = new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
	return [
		`${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`,
		`${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`,
	];
}

/** "22:13:18.123", with the date before it when @withDate. */
export function formatTime(ms: number, utc: boolean, withDate = false): string {
	if (!Number.isFinite(ms)) return '-';
	const [date, time] = clockParts(ms, utc);
	return `${withDate ? `${date.slice(5)} ` : ''}${time}.${pad(Math.floor(ms) % 1000, 3)}`;
}

/** "2026-11-22 22:13:18", to the second. */
export function formatMoment(ms: number, utc: boolean): string {
	return Number.isFinite(ms) ? clockParts(ms, utc).join(' ') : '-';
}

/** An axis label as fine as @stepMs needs. */
export function formatTick(ms: number, stepMs: number, utc: boolean): string {
	const [date, time] = clockParts(ms, utc);
	if (stepMs >= 86_400_000 || time === '00:00:00') return date.slice(5);
	if (stepMs < 1000) return `${time}.${pad(Math.floor(ms) % 1000, 3)}`;
	return stepMs < 60_000 ? time : time.slice(0, 5);
}

/** "1 h 30 min", "1.5 s", "250 ms": the two largest units. */
export function formatDuration(ms: number): string {
	const steps: [number, string][] = [
		[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's'],
	];
	if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
	if (ms < 10_000) return `${Number((ms / 1000).toFixed(1))} s`;
	const at = steps.findIndex(([size]) => ms >= size);
	const [size, name] = steps[at] ?? [1000, 's'];
	const next = steps[at + 1];
	const rest = next ? Math.floor((ms % size) / next[0]) : 0;
	return `${Math.floor(ms / size)} ${name}${next && rest ? ` ${rest} ${next[1]}` : ''}`;
}

/** "+3 s", "−250 ms": @ms with a sign. */
export const signed = (ms: number): string => (Math.abs(ms) < 1 ? '0 ms' : `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`);

/** "4 min 12 s ago", "now", "in 3 s". */
export function formatAgo(ms: number, now: number): string {
	if (!Number.isFinite(ms)) return '-';
	const apart = Math.floor(Math.abs(now - ms) / 1000) * 1000;
	if (apart === 0) return 'now';
	return ms > now ? `in ${formatDuration(apart)}` : `${formatDuration(apart)} ago`;
}
