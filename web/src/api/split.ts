// SPDX-License-Identifier: Apache-2.0
// split - counts over time by the values of a field, through the pipe of the query language that counts.
import { msOf } from '../lib/time';
import type { Histogram, Json, Scope, Split } from './types';
import { search } from './events';

const SERIES = 7; /* and one for all others */

/** Rows [time, value, count] as one list of counts for each of the most frequent values. */
export function splitOf(field: string, of: Histogram, rows: Json[][]): Split {
	const step = of.intervalMs;
	const start = Math.floor(of.from / step) * step;
	const n = Math.min(4000, Math.max(1, Math.ceil((of.to - start) / step)));
	const sums = new Map<Json, number>();
	for (const [, value = null, count] of rows) sums.set(value, (sums.get(value) ?? 0) + Number(count));
	const best = [...sums].sort((a, b) => b[1] - a[1]).slice(0, SERIES).map(([value]) => value);
	const series: Split['series'] = best.map((value) => ({ value, counts: new Array<number>(n).fill(0) }));
	if (sums.size > SERIES) series.push({ value: undefined, counts: new Array<number>(n).fill(0) });
	for (const [time, value = null, count] of rows) {
		const i = Math.round((msOf(time) - start) / step);
		const to = series[best.indexOf(value)] ?? series[SERIES];
		if (to && i >= 0 && i < n) to.counts[i] = (to.counts[i] ?? 0) + Number(count);
	}
	return { field, from: Array.from({ length: n }, (_, i) => start + i * step), series };
}

/** Counts of @scope (a query without pipes that count) in the buckets of @of, by the values of @field. */
export async function splitHistogram(scope: Scope, field: string, of: Histogram, signal: AbortSignal): Promise<Split> {
	const q = `${scope.q} | stats count by at = bucket(@timestamp, ${of.intervalMs}ms), value = ${field} | sort -count`;
	const range = { since: new Date(of.from).toISOString(), until: new Date(of.to).toISOString() };
	const answer = await search({ ...scope, ...range, q }, { cursor: null, limit: 1 }, signal);
	return splitOf(field, of, answer.table?.rows ?? []);
}
