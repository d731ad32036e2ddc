// SPDX-License-Identifier: Apache-2.0
// diff - how one text became another, line by line (longest common subsequence between what the ends share).

export interface DiffLine {
	kind: 'same' | 'gone' | 'new';
	text: string;
}

const MOST = 2_000_000; /* cells of the table; beyond, the middle is told as replaced */

/** The fewest lines gone and new that make @after of @before. */
export function diffLines(before: string, after: string): DiffLine[] {
	const [a, b] = [before.split('\n'), after.split('\n')];
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head]) head++;
	let tail = 0;
	while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
	const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }));
	return [...same(a.slice(0, head)), ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)), ...same(a.slice(a.length - tail))];
}

function middle(a: string[], b: string[]): DiffLine[] {
	const gone = (text: string): DiffLine => ({ kind: 'gone', text });
	const fresh = (text: string): DiffLine => ({ kind: 'new', text });
	if (a.length * b.length > MOST) return [...a.map(gone), ...b.map(fresh)];
	const w = b.length + 1;
	const length = new Uint32Array((a.length + 1) * w); /* of the common part from i, j on */
	for (let i = a.length - 1; i >= 0; i--)
		for (let j = b.length - 1; j >= 0; j--)
			length[i * w + j] = a[i] === b[j] ? 1 + (length[(i + 1) * w + j + 1] ?? 0) : Math.max(length[(i + 1) * w + j] ?? 0, length[i * w + j + 1] ?? 0);
	const out: DiffLine[] = [];
	let [i, j] = [0, 0];
	while (i < a.length || j < b.length) {
		if (i < a.length && j < b.length && a[i] === b[j]) out.push({ kind: 'same', text: a[i++] ?? '' }), j++;
		else if (j >= b.length || (i < a.length && (length[(i + 1) * w + j] ?? 0) >= (length[i * w + j + 1] ?? 0))) out.push(gone(a[i++] ?? ''));
		else out.push(fresh(b[j++] ?? ''));
	}
	return out;
}

/** @lines with only @around of what stayed the same beside each change; null: some were left out. */
export function nearChanges(lines: DiffLine[], around: number): (DiffLine | null)[] {
	const out: (DiffLine | null)[] = [];
	lines.forEach((line, i) => {
		const near = lines.slice(Math.max(0, i - around), i + around + 1).some((l) => l.kind !== 'same');
		if (near) out.push(line);
		else if (out.length === 0 || out.at(-1) !== null) out.push(null);
	});
	return out;
}
