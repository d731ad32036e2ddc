// SPDX-License-Identifier: Apache-2.0
// ProcessPanel - the chosen process: what it is, what it ran, and everything it did.
import { useCallback, useRef } from 'preact/hooks';
import { Button } from '../../components/Button';
import { copyText } from '../../components/copy';
import { EventDot } from '../../components/EventDot';
import { Facts } from '../../components/Facts';
import { Level } from '../../components/Level';
import { memo } from '../../components/memo';
import { Line, Value } from '../../components/Text';
import { VirtualList } from '../../components/VirtualList';
import { text } from '../../lib/doc';
import { literal } from '../../lib/eql';
import { summary } from '../../lib/summary';
import { clip, formatCompact, plural, visible } from '../../lib/text';
import { formatDuration, formatMoment, msOf } from '../../lib/time';
import { utc } from '../../state/prefs';
import { go, setParams } from '../../state/url';
import type { Doc, ProcessFacts } from '../../api/types';
import * as m from './model';

const ROW_PX = 24;

const ending = (p: ProcessFacts): string =>
	p.exitSignal ? `ended by ${p.exitSignal}` : p.exitCode === null ? 'ended' : `ended with ${p.exitCode}`;

function lifeOf(p: ProcessFacts): string {
	const start = formatMoment(p.start, utc.value);
	if (!Number.isFinite(p.end)) return `${start} · no end known`;
	return `${start} · ${ending(p)} after ${formatDuration(p.end - p.start)}`;
}

function Alerts({ id }: { id: string }) {
	const list = m.alertsOf.value.get(id);
	if (!list) return null;
	return (
		<ul class="process-alerts" aria-label="Alerts">
			{list.map((a) => (
				<li key={a.id}><button type="button" onClick={() => go('alerts', { status: 'all', sel: a.id })}><Level level={a.rule.level} /><b><Line value={a.rule.title} max={120} /></b><span class="muted">{a.status}</span></button></li>
			))}
		</ul>
	);
}

function Programs({ facts }: { facts: ProcessFacts }) {
	if (facts.programs.length < 2) return null;
	return (
		<ol class="programs" aria-label="What it ran">
			{facts.programs.map((p, i) => <li key={i} class="mono"><Line value={p.args.join(' ') || p.executable} max={200} /></li>)}
		</ol>
	);
}

const Did = memo(function Did({ doc, top, index, start, open, foreign }: { doc: Doc | undefined; top: number; index: number; start: number; open: boolean; foreign: string }) {
	const place = { transform: `translateY(${top}px)` };
	if (!doc) return <div class="did pending" role="row" aria-rowindex={index + 1} style={place} />;
	const after = msOf(doc['@timestamp']) - start;
	const failed = text(doc, 'event.outcome') === 'failure';
	const line = summary(doc);
	return (
		<div class={`did${open ? ' open' : ''}${failed ? ' failed' : ''}`} role="row" aria-rowindex={index + 1} data-index={index} style={place} title={visible(clip(line, 300))}>
			<div role="gridcell" class="did-time">{Number.isFinite(after) ? `+${formatDuration(Math.max(0, after))}` : ''}</div>
			<div role="gridcell"><EventDot category={text(doc, 'event.category')} />{text(doc, 'event.action')}{failed && <span class="badge danger">failed</span>}</div>
			<div role="gridcell"><span class="muted">{foreign && <Line value={`${foreign}  `} max={30} />}</span><Line value={line} max={300} /></div>
		</div>
	);
});

function Timeline({ start }: { start: number }) {
	const scroller = useRef<HTMLDivElement>(null);
	const pager = m.pager.value;
	void pager?.version.value;
	const opened = m.opened.value;
	const count = pager?.count(0) ?? 0;
	const onRange = useCallback((from: number, to: number) => pager?.want(from, to), [pager]);
	const onClick = (e: MouseEvent): void => {
		const row = (e.target as HTMLElement).closest<HTMLElement>('[data-index]');
		if (row) m.opened.value = pager?.get(Number(row.dataset['index'])) ?? null;
	};
	if (pager?.error.value) return <p class="note bad" role="alert">{visible(pager.error.value.message)}</p>;
	if (pager?.end === 0) return <p class="note">No event of it is stored.</p>;
	return (
		<div class="dids" onClick={onClick}>
			<VirtualList count={count} rowHeight={ROW_PX} scroller={scroller} onRange={onRange} aria-label="What it did" aria-rowcount={count}
				render={(index, top) => {
					const doc = pager?.get(index);
					const foreign = doc && m.below.value && text(doc, 'process.entity_id') !== m.chosen.value ? text(doc, 'process.name') : '';
					return <Did key={index} doc={doc} top={top} index={index} start={start} open={doc !== undefined && doc === opened} foreign={foreign} />;
				}} />
		</div>
	);
}

function Head({ facts }: { facts: ProcessFacts }) {
	const here = facts.id === m.id.value;
	return (
		<header>
			<div class="grow">
				<h2><Line value={facts.name || String(facts.pid)} max={80} /> <span class="muted">{facts.pid} on {visible(facts.host)}</span></h2>
				<p class="mono command"><Value value={facts.args.join(' ') || facts.executable} max={400} /></p>
			</div>
			{!here && <Button class="small" icon="tree" label="Make the tree about this process (o)" onClick={() => m.focus(facts.id)}>Tree of it</Button>}
			<Button class="small" icon="search" label="Its events in the search view" onClick={() => go('search', { q: `process.entity_id == ${literal(facts.id)}`, since: '-30d', until: '' })}>Search</Button>
			<Button class="small" icon="clock" label="Its time on the timeline" onClick={() => go('timeline', {
				lane: 'process', q: `host.name == ${literal(facts.host)}`, since: new Date(facts.start - 5000).toISOString(),
				until: new Date((Number.isFinite(facts.end) ? facts.end : facts.lastSeen) + 5000).toISOString(),
			})}>Timeline</Button>
		</header>
	);
}

export function ProcessPanel() {
	const facts = m.facts.value;
	if (!facts) return <aside class="process-panel" aria-label="Process" aria-busy="true" />;
	return (
		<aside class="process-panel" aria-label="Process">
			<Head facts={facts} />
			<Facts list={[
				['User', facts.user + (facts.group && facts.group !== facts.user ? `, group ${facts.group}` : '')],
				['Life', lifeOf(facts)],
				['Executable', facts.executable],
				['SHA-256', facts.sha256],
				['Directory', facts.cwd],
				['Terminal', facts.tty],
				['Container', facts.container],
				...m.prevalence.value,
			]} onCopy={(value) => void copyText(value)} />
			<Alerts id={facts.id} />
			<Programs facts={facts} />
			<div class="actions" role="group" aria-label="Its events by action">
				{facts.actions.map(([action, n]) => (
					<button key={action} type="button" title={`Search: ${action} of this process`}
						onClick={() => go('search', { q: `process.entity_id == ${literal(facts.id)} and event.action == ${literal(action)}`, since: '-30d', until: '' })}>
						{visible(action)} <b>{formatCompact(n)}</b>
					</button>
				))}
				<span class="grow" />
				<Button class="small" pressed={m.below.value} label={`With what the ${plural(facts.children, 'process', 'processes')} below it did`} onClick={() => setParams({ below: m.below.value ? '' : '1' }, false)}>With below</Button>
			</div>
			<Timeline start={facts.start} />
		</aside>
	);
}
