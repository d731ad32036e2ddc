// SPDX-License-Identifier: Apache-2.0
// doc - reads nested ECS documents by dotted field names.
import type { Doc, Json } from '../api/types';

/** Value at @path; keys that hold dots themselves are found too. */
export function at(doc: Json | undefined, path: string): Json | undefined {
	if (doc === null || typeof doc !== 'object' || Array.isArray(doc)) return undefined;
	const direct = doc[path];
	if (direct !== undefined) return direct;
	for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
		const found = at(doc[path.slice(0, dot)], path.slice(dot + 1));
		if (found !== undefined) return found;
	}
	return undefined;
}

/** One value as text: of a list the first, "" when there is none. */
export function text(doc: Doc, path: string): string {
	const value = at(doc, path);
	const one = Array.isArray(value) ? value[0] : value;
	return one === null || one === undefined ? '' : String(one);
}

export interface Leaf {
	field: string;
	values: Json[]; /* one, or the elements of a list */
	list: boolean;
}

/** Every field with a value, in the document's order. */
export function leaves(doc: Doc): Leaf[] {
	const out: Leaf[] = [];
	const walk = (value: Json | undefined, field: string): void => {
		if (value === null || value === undefined) return;
		if (Array.isArray(value)) {
			if (value.length) out.push({ field, values: value, list: true });
		} else if (typeof value === 'object') {
			for (const [key, inner] of Object.entries(value)) walk(inner, field ? `${field}.${key}` : key);
		} else {
			out.push({ field, values: [value], list: false });
		}
	};
	walk(doc, '');
	return out.filter((l) => l.field !== '_id');
}
