// SPDX-License-Identifier: Apache-2.0
// DataTable - things the page knows, one a row: sorted by a click on a head, one of them chosen.
// (What a query counted is shown by Table.)
import { useMemo, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { VirtualList } from './VirtualList';

export interface DataColumn<T> {
	title: string;
	width: string; /* a track of CSS grid */
	cell: (row: T) => ComponentChildren;
	sort?: (row: T) => number | string; /* without it: not sortable */
	number?: boolean;
	narrow?: boolean; /* left out on narrow screens */
}

interface Props<T> {
	label: string;
	rows: T[];
	columns: DataColumn<T>[];
	keyOf: (row: T) => string;
	chosen?: string;
	onChoose?: (row: T) => void;
	onMove?: (row: T) => void; /* by arrow keys; without it they choose */
	rowPx?: number;
	rowClass?: (row: T) => string;
}

const words = new Intl.Collator('en', { numeric: true });

function sorted<T>(rows: T[], column: DataColumn<T> | undefined, down: boolean): T[] {
	const by = column?.sort;
	if (!by) return rows;
	const order = (a: T, b: T): number => {
		const [x, y] = [by(a), by(b)];
		return typeof x === 'number' && typeof y === 'number' ? (x - y || 0) : words.compare(String(x), String(y));
	};
	return [...rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
}

export function DataTable<T>({ label, rows, columns, keyOf, chosen = '', onChoose, onMove = onChoose, rowPx = 32, rowClass }: Props<T>) {
	const scroller = useRef<HTMLDivElement>(null);
	const nonce = useRef({ key: '', index: -1, nonce: 0 });
	const [by, setBy] = useState({ column: -1, down: false });
	const list = useMemo(() => sorted(rows, columns[by.column], by.down), [rows, columns, by]);
	const index = useMemo(() => list.findIndex((r) => keyOf(r) === chosen), [list, chosen]);
	if (nonce.current.key !== chosen) nonce.current = { key: chosen, index, nonce: nonce.current.nonce + 1 };
	const onSort = (i: number): void => {
		const first = columns[i]?.number ?? false;
		setBy(by.column !== i ? { column: i, down: first } : by.down === first ? { column: i, down: !first } : { column: -1, down: false });
	};
	const classOf = (c: DataColumn<T>): string => `data-cell${c.number ? ' number' : ''}${c.narrow ? ' wide-only' : ''}`;
	const style = {
		'--data-columns': columns.map((c) => c.width).join(' '),
		'--data-narrow': columns.filter((c) => !c.narrow).map((c) => c.width).join(' '),
	};
	return (
		<div class="data-table" style={style} onClick={(e) => {
			const at = (e.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index'];
			const row = at === undefined ? undefined : list[Number(at)];
			if (row && !(e.target as HTMLElement).closest('button, a, input') && !getSelection()?.toString()) onChoose?.(row);
		}}>
			<VirtualList count={list.length} rowHeight={rowPx} scroller={scroller} scrollTo={nonce.current} aria-label={label} aria-rowcount={list.length + 1} aria-colcount={columns.length}
				onKeyDown={(e) => {
					const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[e.key];
					const next = by === undefined ? undefined : list[Math.max(0, Math.min(list.length - 1, index + by))];
					if (!next || e.ctrlKey || e.metaKey || e.altKey) return;
					e.preventDefault();
					onMove?.(next);
				}}
				aria-activedescendant={index >= 0 ? `data-${index}` : undefined}
				render={(i, top) => {
					const row = list[i];
					return row && (
						<div key={keyOf(row)} id={`data-${i}`} role="row" aria-rowindex={i + 2} aria-selected={i === index} data-index={i}
							class={`data-row${i === index ? ' active' : ''} ${rowClass?.(row) ?? ''}`} style={{ transform: `translateY(${top}px)`, height: `${rowPx}px` }}>
							{columns.map((c) => <div key={c.title} role="gridcell" class={classOf(c)}>{c.cell(row)}</div>)}
						</div>
					);
				}}>
				<div class="data-row head" role="row" aria-rowindex={1}>
					{columns.map((c, i) => (
						<div key={c.title} role="columnheader" class={classOf(c)} aria-sort={c.sort ? (by.column === i ? (by.down ? 'descending' : 'ascending') : 'none') : undefined}>
							{c.sort ? <button type="button" onClick={() => onSort(i)}>{c.title}{by.column === i && (by.down ? ' ↓' : ' ↑')}</button> : c.title}
						</div>
					))}
				</div>
			</VirtualList>
		</div>
	);
}
