// SPDX-License-Identifier: Apache-2.0
// eql - just enough of the query language for the page: words to colour and complete, and adding a
// filter to a query without changing what the query means.  The collector alone judges a query.
import { FUNCTIONS, PIPES, splitPipes } from './pipes';

export type TokenKind = 'space' | 'comment' | 'pipe' | 'function' | 'word' | 'field' | 'string' | 'number' | 'operator' | 'other';

export interface Token {
	kind: TokenKind;
	text: string;
	at: number;
}

export const CATEGORIES = ['process', 'file', 'network', 'rtsec', 'any'];
const WORDS = new Set([
	'where', 'and', 'or', 'not', 'in', 'in~', 'like', 'like~', 'regex', 'regex~', 'null', 'true',
	'false', 'any', 'sequence', 'sample', 'by', 'with', 'maxspan', 'until', 'child', 'descendant', 'of',
]);
const PATTERN =
	/(\s+)|((?<=^|[\s()[\]|,"])(?:\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)))|("""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`[^`]*`?)|([@?]?[A-Za-z_][\w.@]*~?)|(\d+(?:\.\d+)?(?![\w.:]))|(==|!=|<=|>=|[<>:=|~+\-*/%,()[\]])|([\s\S])/g;

/** Cuts @text into tokens that joined give @text again. */
export function tokens(text: string): Token[] {
	const out: Token[] = [];
	for (const m of text.matchAll(PATTERN)) {
		const [all, space, comment, string, word, number, operator] = m;
		let kind: TokenKind = 'other';
		if (space) kind = 'space';
		else if (comment) kind = 'comment';
		else if (string) kind = 'string';
		else if (word) kind = WORDS.has(word.toLowerCase()) ? 'word' : 'field';
		else if (number) kind = 'number';
		else if (operator) kind = 'operator';
		out.push({ kind, text: all, at: m.index });
	}
	return colourPipes(colourHead(out));
}

function colourHead(list: Token[]): Token[] {
	const solid = list.filter((t) => t.kind !== 'space');
	if (solid[0] && solid[1]?.text === 'where') solid[0].kind = 'word';
	return list;
}

const PIPE_NAMES = new Set(PIPES.map(([name]) => name));
const FUNCTION_NAMES = new Set([...FUNCTIONS.map(([name]) => name), 'bucket']);

function colourPipes(list: Token[]): Token[] {
	const solid = list.filter((t) => t.kind !== 'space' && t.kind !== 'comment');
	let pipe = '';
	solid.forEach((t, i) => {
		const name = t.text.toLowerCase();
		if (t.text === '|') {
			t.kind = 'pipe';
			pipe = '?';
		} else if (pipe === '?') {
			pipe = PIPE_NAMES.has(name) ? name : '';
			if (pipe) t.kind = 'word';
		} else if (t.kind === 'field' && pipe === 'sort' && (name === 'asc' || name === 'desc')) {
			t.kind = 'word';
		} else if (t.kind === 'field' && pipe && pipe !== 'where' && FUNCTION_NAMES.has(name)) {
			if (solid[i + 1]?.text === '(' || (name === 'count' && pipe === 'stats')) t.kind = 'function';
		}
	});
	return list;
}

/** A value as the query language writes it. */
export function literal(value: unknown): string {
	if (typeof value === 'number' || typeof value === 'boolean') return String(value);
	const escaped = String(value).replace(/[\\"]/g, '\\$&').replace(
		/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
		(c) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[c] ?? `\\u{${c.charCodeAt(0).toString(16).padStart(4, '0')}}`,
	);
	return `"${escaped}"`;
}

const ALWAYS_THERE = /^(event\.|host\.|process\.(?!parent|Ext|exit|child)|@timestamp$)/;

/** The condition that keeps (or, with @exclude, removes) events whose @field is @value.  Removing
 * keeps events that have no such field: a comparison with null is not true. */
export function condition(field: string, value: unknown, exclude: boolean): string {
	if (value === null) return `${field} ${exclude ? '!=' : '=='} null`;
	if (!exclude) return `${field} == ${literal(value)}`;
	const differs = `${field} != ${literal(value)}`;
	return ALWAYS_THERE.test(field) ? differs : `(${differs} or ${field} == null)`;
}

/** @query narrowed by @extra before its first pipe: "cat where a or b | head" becomes
 * "cat where (a or b) and extra | head". */
export function narrowed(query: string, extra: string): string {
	const { condition: head, pipes } = splitPipes(query);
	return pipes ? `${narrowedHead(head, extra)} ${pipes.trim()}` : narrowedHead(query, extra);
}

function narrowedHead(query: string, extra: string): string {
	const text = query.trim();
	const head = /^(\w+)\s+where\s+/.exec(text);
	const prefix = head ? head[0] : '';
	const body = text.slice(prefix.length).trim();
	if (body === 'true' || tokens(body).every((t) => t.kind === 'space' || t.kind === 'comment')) return prefix + extra;
	const terms = splitTop(body);
	if (!terms.or && terms.parts.includes(extra)) return text;
	const end = tokens(body).at(-1);
	const whole = end?.kind === 'comment' && end.text.startsWith('//') ? `${body}\n` : body; /* not into the comment */
	return `${prefix}${terms.or ? `(${whole})` : whole}${whole.endsWith('\n') ? '' : ' '}and ${extra}`;
}

/** The conditions that @body joins by "and" at its top level, and whether an "or" is among them. */
function splitTop(body: string): { parts: string[]; or: boolean } {
	const parts: string[] = [];
	let depth = 0;
	let from = 0;
	let or = false;
	for (const t of tokens(body)) {
		if (t.text === '(') depth++;
		else if (t.text === ')') depth--;
		if (depth !== 0 || t.kind !== 'word') continue;
		if (t.text.toLowerCase() === 'or') or = true;
		if (t.text.toLowerCase() !== 'and') continue;
		parts.push(body.slice(from, t.at).trim());
		from = t.at + t.text.length;
	}
	parts.push(body.slice(from).trim());
	return { parts, or };
}

/** Index in UTF-16 units of the byte @offset of @text in UTF-8. */
export function indexOfByte(text: string, offset: number): number {
	let bytes = 0;
	let index = 0;
	for (const c of text) {
		if (bytes >= offset) break;
		const code = c.codePointAt(0) ?? 0;
		bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		index += c.length;
	}
	return index;
}

/** Byte offset of a 1-based line and column (in bytes). */
export function offsetOf(text: string, line: number, column: number): number {
	const before = text.split('\n').slice(0, line - 1).join('\n');
	const newline = line > 1 ? 1 : 0;
	return new TextEncoder().encode(before).length + newline + Math.max(0, column - 1);
}
