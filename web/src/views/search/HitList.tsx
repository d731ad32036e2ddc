// SPDX-License-Identifier: Apache-2.0
// HitList - the hits as a grid: stored ones by the page, or the live tail.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { EventDot } from '../../components/EventDot';
import { memo } from '../../components/memo';
import { VirtualList } from '../../components/VirtualList';
import { Line } from '../../components/Text';
import { text } from '../../lib/doc';
import { clip, visible } from '../../lib/text';
import { when } from '../../state/prefs';
import { setParams } from '../../state/url';
import type { Doc } from '../../api/types';
import { COLUMNS } from './columns';
import * as m from './model';

export const ROW_PX = 28;
const DAY_MS = 86_400_000;

interface RowProps {
	doc: Doc | undefined;
	index: number;
	top: number;
	active: boolean;
	column: number; /* active column, -1: none */
	open: boolean;
	when: (ms: number) => string;
	gap: boolean;
}

export const HitRow = memo(function HitRow(p: RowProps) {
	const place = { transform: `translateY(${p.top}px)` };
	if (!p.doc) return <div class="hit pending" role="row" aria-rowindex={p.index + 2} style={place} />;
	const doc = p.doc;
	const category = text(doc, 'event.category');
	const failed = text(doc, 'event.outcome') === 'failure';
	const classes = `hit${p.active ? ' active' : ''}${p.open ? ' open' : ''}${p.gap ? ' in-gap' : ''}${failed ? ' failed' : ''}`;
	return (
		<div class={classes} role="row" id={`hit-${p.index}`} aria-rowindex={p.index + 2} aria-selected={p.active} style={place}
			data-index={p.index} title={p.gap ? 'Events were lost on this node around this time' : undefined}>
			{COLUMNS.map((c, i) => {
				const value = c.show(doc, p.when);
				return (
					<div key={c.key} role="gridcell" data-column={i} class={`cell c-${c.key}${p.column === i ? ' active-cell' : ''}`}
						title={c.key === 'time' ? undefined : visible(clip(value, 300))}>
						{c.key === 'action' && <EventDot category={category} />}
						<Line value={value} />
						{c.key === 'action' && failed && <span class="badge danger">failed</span>}
					</div>
				);
			})}
		</div>
	);
});

export function HitHead() {
	const asc = m.scope.value.order === 'asc';
	return (
		<div class="hit head" role="row" aria-rowindex={1}>
			{COLUMNS.map((c) => (
				<div key={c.key} role="columnheader" class={`cell c-${c.key}`} aria-sort={c.key === 'time' ? (asc ? 'ascending' : 'descending') : undefined}>
					{c.key === 'time' && !m.live.value
						? <button type="button" class="sort" onClick={() => setParams({ order: asc ? '' : 'asc' })}
							title={asc ? 'Oldest first' : 'Newest first'}>Time {asc ? '↑' : '↓'}</button>
						: c.title}
				</div>
			))}
		</div>
	);
}

/** Keeps what is read in place while live events come in above it. */
function useSteady(scroller: { current: HTMLDivElement | null }): void {
	const rows = m.tail.value?.rows.value;
	useLayoutEffect(() => {
		const n = m.tail.peek()?.added.peek() ?? 0;
		const el = scroller.current;
		if (!rows || !n) return;
		if (m.activeRow.peek() >= 0) m.activeRow.value += n;
		if (el && el.scrollTop > 0) el.scrollTop += n * ROW_PX;
	}, [rows]);
}

export function HitList() {
	const scroller = useRef<HTMLDivElement>(null);
	const nonce = useRef({ index: -1, nonce: 0 });
	const tail = m.tail.value;
	const pager = m.pager.value;
	const active = m.activeRow.value;
	const count = m.rowCount.value;
	const range = m.hist.value;
	const withDate = range !== null && range.to - range.from > DAY_MS;
	const gapList = m.gaps.value;
	if (!tail) void pager?.version.value;
	useSteady(scroller);
	if (nonce.current.index !== active) nonce.current = { index: active, nonce: nonce.current.nonce + 1 };

	useEffect(() => { if (scroller.current) scroller.current.scrollTop = 0; }, [pager, tail]);
	const onRange = useCallback((from: number, to: number) => {
		if (!tail) pager?.want(from, to);
	}, [pager, tail]);
	const onClick = (e: MouseEvent): void => {
		const row = (e.target as HTMLElement).closest<HTMLElement>('[data-index]');
		if (!row || getSelection()?.toString()) return;
		const cell = (e.target as HTMLElement).closest<HTMLElement>('[data-column]');
		m.activeRow.value = Number(row.dataset['index']);
		if (cell) m.activeColumn.value = Number(cell.dataset['column']);
		m.opened.value = m.rowAt(m.activeRow.value) ?? null;
	};
	const opened = m.opened.value;
	const column = m.activeColumn.value;
	const how = when.value;
	const show = useMemo(() => (ms: number) => how(ms, withDate), [how, withDate]);
	return (
		<div class={`hits${withDate ? ' dated' : ''}`} onClick={onClick}>
			<VirtualList count={count} rowHeight={ROW_PX} scroller={scroller} onRange={onRange} scrollTo={nonce.current}
				aria-label="Events" aria-rowcount={count + 1} aria-colcount={COLUMNS.length}
				aria-activedescendant={active >= 0 ? `hit-${active}` : undefined}
				render={(index, top) => {
					const doc = m.rowAt(index);
					return <HitRow key={index} doc={doc} index={index} top={top} active={index === active} column={index === active ? column : -1}
						open={doc !== undefined && doc === opened} when={show} gap={gapList.length > 0 && doc !== undefined && m.inGap(doc)} />;
				}}>
				<HitHead />
			</VirtualList>
		</div>
	);
}
