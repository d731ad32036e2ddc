// SPDX-License-Identifier: Apache-2.0
// table - cells of a table that the collector answered: how they are written and sorted.
import type { Json, TableColumn } from '../api/types';
import { formatCount } from './text';
import { formatTime, msOf } from './time';

export interface Sorting {
	column: number; /* -1: as the collector ordered them */
	down: boolean;
}

const words = new Intl.Collator('en', { numeric: true });
const IDENTITY = /^(min|max|values)\(/; /* these give values of a field, whose digits are not grouped */

export const isNumeric = (c: TableColumn): boolean => c.type === 'long' || c.type === 'double';

/** One cell as text; @known: the column is a field of events. */
export function cellText(value: Json | undefined, column: TableColumn, known: boolean, utc: boolean): string {
	if (value === null || value === undefined) return '-';
	if (Array.isArray(value)) return value.map((v) => cellText(v, column, true, utc)).join(', ');
	if (column.type === 'date') return formatTime(msOf(value), utc, true);
	if (typeof value === 'number' && !known && !IDENTITY.test(column.name)) return formatCount(value);
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function compare(a: Json, b: Json): number {
	if (typeof a === 'number' && typeof b === 'number') return a - b;
	return words.compare(String(a), String(b));
}

/** @rows in the order asked for; null is last both ways, equal rows stay as they were. */
export function sortRows(rows: Json[][], { column, down }: Sorting): Json[][] {
	if (column < 0) return rows;
	return [...rows].sort((x, y) => {
		const [a, b] = [x[column] ?? null, y[column] ?? null];
		if (a === null || b === null) return Number(a === null) - Number(b === null);
		return down ? compare(b, a) : compare(a, b);
	});
}

/** What a click on the head of @column leads to: numbers and times begin with the greatest, and the
 * third click gives back the collector's order. */
export function nextSorting(now: Sorting, column: number, type: TableColumn): Sorting {
	const first = isNumeric(type) || type.type === 'date';
	if (now.column !== column) return { column, down: first };
	return now.down === first ? { column, down: !first } : { column: -1, down: false };
}

/** Whether `field == value` asks for the events of a cell: not of a list, a time that may be cut, or
 * a number that JavaScript cannot hold. */
export function canFilter(value: Json | undefined, column: TableColumn): boolean {
	if (value === undefined || (value !== null && typeof value === 'object') || column.type === 'date') return false;
	return typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value);
}
