// SPDX-License-Identifier: Apache-2.0
// completion - what may stand at the caret of a query: categories, fields, values seen, words.
import { CATEGORIES, literal, tokens, type Token } from '../lib/eql';
import { FUNCTIONS, PIPES } from '../lib/pipes';
import { allFields } from '../state/catalog';

export interface Completion {
	label: string;
	detail: string;
	insert: string;
	from: number; /* begin of what is replaced, up to the caret */
}

const LIMIT = 10;
const COMPARE = new Set(['==', '!=', ':', 'in', 'in~', 'like', 'like~']);

function rankedFields(prefix: string, from: number): Completion[] {
	const low = prefix.toLowerCase();
	const score = (name: string): number => {
		const n = name.toLowerCase();
		if (n.startsWith(low)) return 0;
		return n.split('.').some((part) => part.startsWith(low)) ? 1 : n.includes(low) ? 2 : 9;
	};
	return allFields.value
		.map((f) => ({ f, s: score(f.name) }))
		.filter((x) => x.s < 9)
		.sort((a, b) => a.s - b.s || a.f.name.split('.').length - b.f.name.split('.').length || a.f.name.length - b.f.name.length)
		.map(({ f }) => ({ label: f.name, detail: f.help || f.type, insert: f.name, from }));
}

function fieldBefore(list: Token[]): string {
	const last = list.at(-1);
	if (!last) return '';
	if (COMPARE.has(last.text)) return list.at(-2)?.kind === 'field' ? (list.at(-2)?.text ?? '') : '';
	if (last.text !== '(' && last.text !== ',') return '';
	const open = list.findLastIndex((t) => t.text === '(');
	return open >= 2 && COMPARE.has(list[open - 1]?.text ?? '') ? (list[open - 2]?.text ?? '') : '';
}

function named(list: [string, string][], prefix: string, from: number, end: (name: string) => string): Completion[] {
	return list.filter(([name]) => name.startsWith(prefix.toLowerCase()))
		.map(([name, detail]) => ({ label: name, detail, insert: name + end(name), from }));
}

/** What may stand in a pipe, whose words so far are @words; null: as in a condition. */
function inPipe(words: Token[], prefix: string, from: number): Completion[] | null {
	const name = words[0]?.text.toLowerCase();
	if (name === undefined) return named(PIPES, prefix, from, () => ' ');
	if (name !== 'stats' || words.some((t) => t.text.toLowerCase() === 'by') || words.at(-1)?.text === '(') return null;
	const functions = named(FUNCTIONS, prefix, from, (f) => (f === 'count' ? '' : '('));
	const by = words.length > 1 ? named([['by', 'a row for each value of these fields']], prefix, from, () => ' ') : [];
	return words.at(-1)?.text === 'stats' || /^[,=]$/.test(words.at(-1)?.text ?? '') ? functions : by;
}

interface Place {
	typing: Token | undefined; /* the word that is being typed */
	prefix: string;
	from: number;
	solid: Token[]; /* before it */
}

function placeAt(text: string, caret: number): Place | null {
	const before = tokens(text.slice(0, caret));
	const last = before.at(-1);
	if (last?.kind === 'comment') return null;
	const typing = last && last.kind !== 'space' && last.kind !== 'operator' && last.kind !== 'pipe' ? last : undefined;
	const solid = before.filter((t) => t.kind !== 'space' && t.kind !== 'comment' && t !== typing);
	return { typing, prefix: typing?.text ?? '', from: typing?.at ?? caret, solid };
}

const bareOf = (prefix: string): string => prefix.replace(/^["']/, '');

/** The field whose value stands at the caret, and what there is of the value; null: none does. */
export function valueAt(text: string, caret: number): { field: string; prefix: string } | null {
	const place = placeAt(text, caret);
	const field = place ? fieldBefore(place.solid) : '';
	return place && field ? { field, prefix: bareOf(place.prefix) } : null;
}

/** Suggestions for @text with the caret at @caret, best first; none inside a finished word. */
export function completions(text: string, caret: number, valuesOf: (field: string) => string[]): Completion[] {
	const place = placeAt(text, caret);
	if (!place) return [];
	const { typing, prefix, from, solid } = place;
	const field = fieldBefore(solid);

	if (field) {
		const bare = bareOf(prefix).toLowerCase();
		return valuesOf(field)
			.filter((v) => v.toLowerCase().startsWith(bare) && literal(v) !== prefix)
			.slice(0, LIMIT)
			.map((v) => ({ label: v, detail: 'seen lately', insert: literal(v), from }));
	}
	const pipe = solid.findLastIndex((t) => t.kind === 'pipe');
	const piped = pipe >= 0 && (!typing || /^\w/.test(prefix)) ? inPipe(solid.slice(pipe + 1), prefix, from) : null;
	if (piped) return piped.filter((c) => c.insert !== prefix).slice(0, LIMIT);
	if (!typing || !['field', 'word', 'function'].includes(typing.kind)) return [];
	const heads = solid.length === 0
		? CATEGORIES.filter((c) => c.startsWith(prefix)).map((c) => ({ label: `${c} where`, detail: 'events of this category', insert: `${c} where `, from }))
		: [];
	return [...heads, ...rankedFields(prefix, from)].filter((c) => c.insert !== prefix).slice(0, LIMIT);
}
