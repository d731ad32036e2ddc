// SPDX-License-Identifier: Apache-2.0
// text - makes strings from events harmless and visible: control characters, bidirectional marks,
// invisible characters and lone surrogates become short readable escapes.

const HIDDEN =
	/[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;
const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0', '\x1b': '\\e' };

export interface Piece {
	text: string;
	escaped: boolean;
}

function escapeOf(c: string): string | null {
	const code = c.codePointAt(0) ?? 0;
	if (code > 0xffff) return code >= 0xe0000 ? `\\u{${code.toString(16)}}` : null;
	return NAMED[c] ?? (code < 0x100
		? `\\x${code.toString(16).padStart(2, '0')}`
		: `\\u{${code.toString(16)}}`);
}

/** Splits @s into pieces to show as they are and pieces that stand for a hidden character. */
export function pieces(s: string): Piece[] {
	const out: Piece[] = [];
	let from = 0;
	for (const m of s.matchAll(HIDDEN)) {
		const escaped = escapeOf(m[0]);
		if (escaped === null) continue;
		if (m.index > from) out.push({ text: s.slice(from, m.index), escaped: false });
		out.push({ text: escaped, escaped: true });
		from = m.index + m[0].length;
	}
	if (from < s.length || out.length === 0) out.push({ text: s.slice(from), escaped: false });
	return out;
}

/** The same as one string, for titles and labels. */
export function visible(s: string): string {
	return pieces(s).map((p) => p.text).join('');
}

/** At most @max UTF-16 units of @s, never half a character. */
export function clip(s: string, max: number): string {
	if (s.length <= max) return s;
	const last = s.charCodeAt(max - 1);
	return s.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}

const count = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export const formatCount = (n: number): string => count.format(n);
export const formatCompact = (n: number): string => (n < 10000 ? count.format(n) : compact.format(n));
export const plural = (n: number, one: string, many = `${one}s`): string =>
	`${formatCount(n)} ${n === 1 ? one : many}`;

/** Bytes as a person reads them. */
export function formatBytes(n: number): string {
	if (n < 1000) return `${n} B`;
	const unit = n < 1e6 ? 'kB' : n < 1e9 ? 'MB' : 'GB';
	const value = n / (n < 1e6 ? 1e3 : n < 1e9 ? 1e6 : 1e9);
	return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}
