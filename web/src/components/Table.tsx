// SPDX-License-Identifier: Apache-2.0
// Table - the answer of a query that counts: sorted by a click on a head, a click on a value asks for it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Json, Table as Answer, TableColumn } from '../api/types';
import { canFilter, cellText, isNumeric, nextSorting, sortRows, type Sorting } from '../lib/table';
import { clip, visible } from '../lib/text';
import { fieldInfo } from '../state/catalog';
import { utc } from '../state/prefs';
import { Line } from './Text';
import { VirtualList } from './VirtualList';

const ROW_PX = 28;
const MEASURED_ROWS = 200;
const UNSORTED: Sorting = { column: -1, down: false };

interface Props {
	data: Answer;
	onFilter: (field: string, value: Json) => void;
}

/** Width of each column in characters, after its name and its first values. */
function widths(data: Answer, isUtc: boolean): number[] {
	return data.columns.map((c, i) => data.rows.slice(0, MEASURED_ROWS).reduce(
		(most, row) => Math.max(most, Math.min(56, cellText(row[i], c, false, isUtc).length + 3)),
		Math.max(10, c.name.length + 5),
	));
}

function Head({ columns, sorting, onSort }: { columns: TableColumn[]; sorting: Sorting; onSort: (i: number) => void }) {
	return (
		<div class="table-row table-head" role="row" aria-rowindex={1}>
			{columns.map((c, i) => {
				const on = sorting.column === i;
				return (
					<div key={c.name} role="columnheader" class={`table-cell${isNumeric(c) ? ' number' : ''}`}
						aria-sort={on ? (sorting.down ? 'descending' : 'ascending') : 'none'}>
						<button type="button" title="Sort by this column" onClick={() => onSort(i)}>
							<Line value={c.name} />{on && (sorting.down ? ' ↓' : ' ↑')}
						</button>
					</div>
				);
			})}
		</div>
	);
}

function Cell({ value, column, isUtc, onFilter }: { value: Json | undefined; column: TableColumn; isUtc: boolean; onFilter: Props['onFilter'] }) {
	const known = fieldInfo(column.name) !== undefined;
	const text = cellText(value, column, known, isUtc);
	const none = value === null || value === undefined;
	return (
		<div role="gridcell" class={`table-cell table-body-cell${isNumeric(column) ? ' number' : ''}${none ? ' none' : ''}`} title={visible(clip(text, 300))}>
			{known && canFilter(value, column)
				? <button type="button" title="Keep only events with this value" onClick={() => onFilter(column.name, value ?? null)}><Line value={text} /></button>
				: <Line value={text} />}
		</div>
	);
}

export function Table({ data, onFilter }: Props) {
	const scroller = useRef<HTMLDivElement>(null);
	const [sorting, setSorting] = useState(UNSORTED);
	const isUtc = utc.value;
	const rows = useMemo(() => sortRows(data.rows, sorting), [data, sorting]);
	const wide = useMemo(() => widths(data, isUtc), [data, isUtc]);
	const place = {
		'--table-columns': `${wide.map((w) => `${w}ch`).join(' ')} 1fr`,
		'--table-min': `calc(${wide.reduce((a, b) => a + b, 0)}ch + 2 * var(--s4))`,
	};
	useEffect(() => setSorting(UNSORTED), [data]);
	useEffect(() => { if (scroller.current) scroller.current.scrollTop = 0; }, [rows]);
	const onSort = (i: number): void => {
		const column = data.columns[i];
		if (column) setSorting(nextSorting(sorting, i, column));
	};
	return (
		<div class="table" style={place}>
			<VirtualList count={rows.length} rowHeight={ROW_PX} scroller={scroller} aria-label="Table"
				aria-rowcount={rows.length + 1} aria-colcount={data.columns.length}
				render={(index, top) => (
					<div key={index} class="table-row" role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)` }}>
						{data.columns.map((c, i) => <Cell key={c.name} value={rows[index]?.[i]} column={c} isUtc={isUtc} onFilter={onFilter} />)}
					</div>
				)}>
				<Head columns={data.columns} sorting={sorting} onSort={onSort} />
			</VirtualList>
		</div>
	);
}
