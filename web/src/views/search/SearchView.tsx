// SPDX-License-Identifier: Apache-2.0
// SearchView - query bar, histogram, hits, and the drawer with one event.
import { useEffect } from 'preact/hooks';
import { indexOfByte, offsetOf } from '../../lib/eql';
import { QueryEditor } from '../../components/QueryEditor';
import { TimeRange } from '../../components/TimeRange';
import { Histogram } from '../../components/Histogram';
import { Button } from '../../components/Button';
import { Table } from '../../components/Table';
import { Notice } from '../../components/Notice';
import { setParams } from '../../state/url';
import { EventDrawer } from '../../components/EventDrawer';
import { FieldNames } from '../../components/FieldPicker';
import { EmptyState } from './EmptyState';
import { FacetPanel } from './FacetPanel';
import { HitList } from './HitList';
import { NodeFilter } from './NodeFilter';
import { SequenceList } from './SequenceList';
import { StatusLine } from './StatusLine';
import * as facets from './facets';
import * as m from './model';
import { bindSearchKeys } from './keys';

/** Where in the text as typed the fault lies; null when the text was changed since. */
function faultOf() {
	const e = m.queryError.value;
	if (!e || m.draft.value.trim() !== m.scope.value.q) return null;
	const text = m.draft.value;
	const byte = e.offset ?? (e.line && e.column ? offsetOf(text, e.line, e.column) : null);
	return { from: byte === null ? text.length : indexOfByte(text, byte), text: e.message, expected: e.expected };
}

function QueryBar() {
	const { since, until } = m.scope.value;
	return (
		<form class="search-bar" role="search" onSubmit={(e) => { e.preventDefault(); m.runQuery(m.draft.value); }}>
			<QueryEditor value={m.draft.value} onInput={(t) => { m.draft.value = t; }} onRun={m.runQuery} fault={faultOf()} valuesOf={m.valuesAtHand} askValues={m.valuesStored} />
			<div class="search-tools">
				<NodeFilter />
				<TimeRange since={since} until={until} onChange={m.setRange} />
				<Button type="submit" kind="primary" label="Search (Enter)">Search</Button>
				<Button icon={m.live.value ? 'pause' : 'play'} label="Live tail (t)" title={m.notLive.value || 'Live tail (t)'} disabled={m.notLive.value !== ''} class="live-toggle" pressed={m.live.value} onClick={m.toggleLive}>Live</Button>
			</div>
		</form>
	);
}

function Chart() {
	const data = m.hist.value;
	const zoomOut = (): void => {
		if (!data) return;
		const width = data.to - data.from;
		m.setFixedRange(data.from - width / 2, Math.min(data.to + width / 2, Date.now()));
	};
	return (
		<section class="search-chart" aria-label="Events over time">
			<div class="search-chart-tools">
				<Button icon="columns" kind="quiet" class="small" label="Values beside the list (v)" pressed={facets.shown.value} onClick={facets.toggle} />
				<Button icon="zoomOut" kind="quiet" class="small" label="Zoom out" onClick={zoomOut} />
			</div>
			{data
				? <Histogram data={data} gaps={m.gaps.value} onRange={m.setFixedRange} split={m.split.value}
					onValue={(value, exclude) => m.addFilter(m.splitBy.peek(), value, exclude)} onUnsplit={() => setParams({ by: '' }, false)} />
				: <div class="histogram-plot" />}
		</section>
	);
}

function Results() {
	const tail = m.tail.value;
	const pager = m.pager.value;
	const done = pager !== null && pager.version.value > 0;
	if (m.queryError.value) return <EmptyState why="fault" />;
	const table = m.table.value;
	if (table?.rows.length) return <Table data={table} onFilter={(field, value) => m.addFilter(field, value, false)} />;
	const sequences = m.sequences.value;
	if (sequences?.length) return <SequenceList list={sequences} />;
	if (!tail && done && pager.end === 0) return <EmptyState why="none" />;
	if (tail && tail.rows.value.length === 0) return <EmptyState why="waiting" />;
	return <HitList />;
}

export function SearchView() {
	useEffect(m.startModel, []);
	useEffect(bindSearchKeys, []);
	const other = m.otherError.value;
	return (
		<div class={`search${m.opened.value && !m.table.value ? ' with-drawer' : ''}`}>
			<QueryBar />
			<FieldNames />
			{other && other.status !== 0 && (
				<Notice kind="danger" text={other.message} action="Try again" onAction={m.refresh} />
			)}
			<StatusLine />
			<Chart />
			<div class="search-body">
				<FacetPanel />
				<Results />
				{m.opened.value && !m.table.value && <EventDrawer doc={m.opened.value} onClose={() => { m.opened.value = null; }} onFilter={m.addFilter} onQuery={m.runQuery} />}
			</div>
		</div>
	);
}

