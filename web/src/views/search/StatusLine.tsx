// SPDX-License-Identifier: Apache-2.0
// StatusLine - what an answer is worth: how many, how long it took, what was read, what is missing.
import { Button } from '../../components/Button';
import { Icon } from '../../components/Icon';
import { Progress } from '../../components/Progress';
import { formatBytes, formatCount, plural, visible } from '../../lib/text';
import { lostSince } from '../../state/connection';
import * as m from './model';

function Gaps() {
	const list = m.gaps.value;
	if (!list.length) return null;
	const lost = list.reduce((n, g) => n + g.count, 0);
	const nodes = [...new Set(list.map((g) => g.node))].join(', ');
	return (
		<span class="status-warn" title={`On ${nodes}: ${[...new Set(list.map((g) => g.cause))].join(', ')}`}>
			<Icon name="warn" /> {plural(lost, 'event')} lost in {plural(list.length, 'gap')}
		</span>
	);
}

function LiveStatus() {
	const t = m.tail.value;
	if (!t) return null;
	const paused = t.paused.value;
	const state = lostSince.value !== null || t.state.value === 'lost' ? 'Reconnecting' : t.state.value === 'connecting' ? 'Connecting' : paused ? 'Paused' : 'Live';
	return (
		<>
			<strong class={`live-state ${state.toLowerCase()}`}>{state}</strong>
			<span><b>{t.rate.value < 10 ? t.rate.value.toFixed(1) : formatCount(Math.round(t.rate.value))}</b> events/s</span>
			{paused && <span>{formatCount(t.waiting.value)} waiting</span>}
			<span class={t.dropped.value ? 'status-warn' : ''}>{formatCount(t.dropped.value)} dropped</span>
			<Button class="small" icon={paused ? 'play' : 'pause'} label={paused ? 'Resume (p)' : 'Pause (p)'} onClick={() => t.pause(!paused)}>{paused ? 'Resume' : 'Pause'}</Button>
			<Button class="small" kind="quiet" label="Clear the list" onClick={() => t.clear()}>Clear</Button>
		</>
	);
}

/** Shown only when a wait is long enough to want it (StatusLine.css fades it in). */
const Cancel = () => <button type="button" class="link late" onClick={m.cancel}>Cancel</button>;

function SearchStatus() {
	const p = m.pager.value;
	void p?.version.value;
	const first = p?.first;
	const total = m.hist.value?.total ?? 0;
	const table = m.table.value;
	if (p?.error.value) return <span class="muted">{p.error.value.status === 0 ? visible(p.error.value.message) : 'No answer'}</span>;
	if (!p || !first) return <><span class="muted">Searching…</span>{m.progress.value !== null && <Progress label="Searching" share={m.progress.value} />}<Cancel /></>;
	return (
		<>
			<strong>{first.sequences ? plural(first.sequences.length, 'group') : table ? plural(table.rows.length, 'row') : plural(p.end ?? Math.max(total, p.count(total)), 'event')}</strong>
			<span>{first.tookMs < 10 ? Number(first.tookMs.toFixed(1)) : Math.round(first.tookMs)} ms</span>
			<span class="wide" title={`${formatCount(first.scanned.skipped)} of ${formatCount(first.scanned.blocks)} blocks skipped by their filters`}>
				read {formatCount(first.scanned.events)} events, {formatBytes(first.scanned.bytes)}{table ? '' : ' for the first page'}
			</span>
			{first.truncated && first.cursor === null && <span class="status-warn"><Icon name="warn" /> cut short: narrow the time range</span>}
			{table !== undefined && table.leftOut > 0 && <span class="status-warn"><Icon name="warn" /> {plural(table.leftOut, 'event')} had no room</span>}
			{!p.busy.value && m.progress.value !== null && <><Progress label="Counting" share={m.progress.value} /><Cancel /></>}
			{p.busy.value && <><span class="muted">loading…</span><Cancel /></>}
		</>
	);
}

export function StatusLine() {
	return (
		<div class="status" role="status" aria-live="polite">
			{m.live.value ? <LiveStatus /> : <SearchStatus />}
			<Gaps />
		</div>
	);
}
