// SPDX-License-Identifier: Apache-2.0
// keys - one listener for the keyboard; views lend it tables while they are shown.
import { signal, type ReadonlySignal } from '@preact/signals';

export interface KeyEntry {
	keys: string[];
	help: string;
	run: () => void;
	anywhere?: boolean; /* also while typing in a field */
	may?: ReadonlySignal<boolean>; /* whether the role allows it */
}
export type KeyTable = KeyEntry[];

export const tables = signal<{ title: string; table: KeyTable }[]>([]);

/** Lends @table until the returned function is called. */
export function bindKeys(title: string, table: KeyTable): () => void {
	const entry = { title, table };
	tables.value = [...tables.peek(), entry];
	return () => {
		tables.value = tables.peek().filter((t) => t !== entry);
	};
}

const isField = (el: EventTarget | null): boolean =>
	el instanceof HTMLElement && (el.matches('input, textarea, select') || el.isContentEditable);
const isPressable = (el: EventTarget | null): boolean =>
	el instanceof Element && el.closest('button, a, summary, [role="option"], [role="link"]') !== null;

const CHORD_MS = 1500;
let first = ''; /* of two keys that are pressed one after the other, such as "g s" */
let timer: ReturnType<typeof setTimeout> | undefined;

function awaitSecond(key: string): void {
	first = key;
	clearTimeout(timer);
	timer = setTimeout(() => { first = ''; }, CHORD_MS);
}

addEventListener('keydown', (e) => {
	if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.key === 'Shift') return;
	if (document.querySelector('dialog[open]')) return;
	const key = first ? `${first} ${e.key}` : e.key;
	first = '';
	for (const { table } of [...tables.peek()].reverse()) {
		if (!isField(e.target) && table.some((t) => t.keys.some((k) => k.startsWith(`${key} `)))) return awaitSecond(key);
		const hit = table.find((t) => t.keys.includes(key) && (t.may?.peek() ?? true));
		if (!hit || (isField(e.target) && !hit.anywhere)) continue;
		if (isPressable(e.target) && e.key === 'Enter') return;
		e.preventDefault();
		hit.run();
		return;
	}
});
