// SPDX-License-Identifier: Apache-2.0
// pipes - what stands behind the first `|` of a query: where it begins, and which requests can take it.

export const PIPES: [string, string][] = [
	['where', 'only events for which this is true, too'],
	['stats', 'one row for each combination of values'],
	['sort', 'rows in this order'],
	['head', 'the first N'],
	['limit', 'the first N'],
	['tail', 'the last N'],
	['keep', 'only these fields'],
	['drop', 'all but these fields'],
	['top', 'the N most frequent values'],
	['rare', 'the N least frequent values'],
];
export const FUNCTIONS: [string, string][] = [
	['count', 'events, or events that have a field'],
	['count_distinct', 'different values'],
	['min', 'least value'],
	['max', 'greatest value'],
	['sum', 'of a number'],
	['avg', 'of a number'],
	['values', 'the different values as a list'],
];
const AS_IT_COMES = new Set(['where', 'keep', 'drop']); /* they leave a stream of events */

/* As the collector's lexer: strings, comments where a word could begin, pipes. */
const MARKS =
	/"""[\s\S]*?(?:"""+|$)|"(?:\\[\s\S]|[^"\\])*"?|`[^`]*`?|(?<=^|[\s()[\]|,"])(?:\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|\|/g;

/** Where the pipes of @query stand: indices of each `|` outside of strings and comments. */
export function pipesOf(query: string): number[] {
	return [...query.matchAll(MARKS)].filter((m) => m[0] === '|').map((m) => m.index);
}

/** The condition before the first pipe, and from that pipe on all the rest. */
export function splitPipes(query: string): { condition: string; pipes: string } {
	const at = pipesOf(query)[0] ?? query.length;
	return { condition: query.slice(0, at), pipes: query.slice(at) };
}

function firstBound(query: string): { at: number; name: string } | null {
	for (const at of pipesOf(query)) {
		const name = /^\|\s*([A-Za-z_]*)/.exec(query.slice(at))?.[1]?.toLowerCase() ?? '';
		if (!AS_IT_COMES.has(name)) return { at, name };
	}
	return null;
}

/** @query up to the first pipe that a histogram or a live tail cannot take. */
export function streamPart(query: string): string {
	return query.slice(0, firstBound(query)?.at ?? query.length).trim();
}

/** Whether @query asks for groups of events; these are searched for and counted, nothing else. */
export const asksForGroups = (query: string): boolean => /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*(sequence|sample)\b/i.test(query);

/** Why @query cannot be followed live; "" when it can. */
export function whyNotLive(query: string): string {
	if (asksForGroups(query)) return 'Not live: sequences and samples are looked for in what is stored';
	const bound = firstBound(query);
	if (!bound) return '';
	return `Not live: a query ${bound.name ? `with ${bound.name}` : 'that goes on after |'} needs all of its events first`;
}
