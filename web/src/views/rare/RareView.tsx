// SPDX-License-Identifier: Apache-2.0
// RareView - what few nodes have: programs, hashes, addresses; and what is new and spreads.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { FindBox } from '../../components/FindBox';
import { Notice } from '../../components/Notice';
import { Line, Value } from '../../components/Text';
import { TimeRange } from '../../components/TimeRange';
import { formatCompact, plural } from '../../lib/text';
import { formatDuration } from '../../lib/time';
import { allNodes } from '../../state/catalog';
import { when } from '../../state/prefs';
import { go, param, setParams } from '../../state/url';
import type { Fact } from '../../api/types';
import { bindRareKeys } from './keys';
import * as m from './model';

/** On how many of the fleet's nodes: a number, and a bar of that share. */
function Nodes({ fact }: { fact: Fact }) {
	const all = Math.max(fact.nodes, allNodes.value.length, 1);
	return (
		<span class="rare-nodes" title={`${fact.nodes} of ${plural(all, 'node')}`}>
			<span class="rare-bar" aria-hidden="true"><i style={{ width: `${(fact.nodes / all) * 100}%` }} /></span>{fact.nodes}
		</span>
	);
}

const columns = (): DataColumn<Fact>[] => [
	{ title: m.KINDS.find(([k]) => k === m.kind.value)?.[1] ?? 'What', width: 'minmax(240px, 3fr)', cell: (f) => <b class="mono"><Line value={f.value} max={300} /></b>, sort: (f) => f.value },
	{ title: 'Nodes', width: '130px', cell: (f) => <Nodes fact={f} />, sort: (f) => f.nodes, number: true },
	{ title: 'Times', width: '80px', number: true, cell: (f) => formatCompact(f.count), sort: (f) => f.count },
	...(m.spreading.value ? [{ title: 'Within', width: '100px', cell: (f: Fact) => formatDuration(f.windowMs), sort: (f: Fact) => f.windowMs }] : []),
	{ title: 'First seen', width: '150px', cell: (f) => when.value(f.first, true), sort: (f) => f.first },
	{ title: 'Last seen', width: '150px', narrow: true, cell: (f) => when.value(f.last, true), sort: (f) => f.last },
];

function Bar() {
	return (
		<div class="view-bar">
			<div class="segments" role="group" aria-label="What">
				{m.KINDS.map(([name, title]) => (
					<button key={name} type="button" aria-pressed={m.kind.value === name} onClick={() => setParams({ kind: name === 'executable' ? '' : name, sel: '' })}>{title}</button>
				))}
			</div>
			<Button label={m.spreading.value ? 'What few nodes have' : 'What is new and came to several nodes soon'} pressed={m.spreading.value} onClick={() => setParams({ spread: m.spreading.value ? '' : '1', sel: '' })}>Spreading</Button>
			{!m.spreading.value && (
				<select class="text-input" aria-label="On at most" value={param('max')} onChange={(e) => setParams({ max: e.currentTarget.value })}>
					<option value="">on any number of nodes</option>
					{['1', '2', '5', '10'].map((n) => <option key={n} value={n}>on at most {n}</option>)}
				</select>
			)}
			<span class="grow" />
			<FindBox label="Find" value={m.find.value} onFind={(text) => setParams({ find: text }, false)} />
			<TimeRange since={m.since.value} until="" onChange={(since) => setParams({ since })} />
		</div>
	);
}

function Panel({ fact }: { fact: Fact }) {
	const q = m.queryOf(fact);
	return (
		<aside class="side-panel" aria-label="Seen on">
			<header>
				<h2 class="grow mono"><Value value={fact.value} max={400} /></h2>
				<Button icon="close" kind="quiet" class="small" label="Close (Esc)" onClick={() => setParams({ sel: '' }, false)} />
			</header>
			<div class="row wrap">
				{q && <Button class="small" icon="search" label="Its events (Enter)" onClick={() => go('search', { q, since: '-30d' })}>Events</Button>}
				{q && <Button class="small" icon="clock" label="It over time, by node" onClick={() => go('timeline', { q, since: '-7d' })}>Timeline</Button>}
			</div>
			<h3>Seen on {plural(fact.nodes, 'node')}</h3>
			<ul class="seen-on">
				{(m.whole.value?.seenOn ?? fact.seenOn).map((n) => (
					<li key={n.name}><b><Line value={n.name} max={80} /></b><span class="muted">first {when.value(n.first, true)}</span><span>{plural(n.count, 'time')}</span></li>
				))}
			</ul>
		</aside>
	);
}

export function RareView() {
	useEffect(m.startModel, []);
	useEffect(bindRareKeys, []);
	const error = m.error.value;
	const list = m.shown.value;
	const chosen = list.find((f) => f.value === m.chosen.value);
	if (error?.status === 404) return <Empty title="Nothing is kept here" text="This collector keeps no facts of the fleet." />;
	return (
		<div class="column">
			<Bar />
			{error && error.status !== 0 && <Notice kind="danger" text={error.message} action="Try again" onAction={() => { m.again.value++; }} />}
			{m.truncated.value && <Notice kind="warn" text="There are more: the first 1,000 are shown." />}
			<div class="split-body">
				{m.list.value?.length === 0
					? <Empty title={m.spreading.value ? 'Nothing new spreads' : 'Nothing was seen'} text={m.spreading.value ? 'New is what no node had before the range, and came to several within an hour. Widen the range:' : 'What programs, hashes and addresses the nodes have is kept from their first event on. Widen the range:'}><Button label="Last 7 days" onClick={() => setParams({ since: '-7d' })}>Last 7 days</Button></Empty>
					: <DataTable label="Rare" rows={list} columns={columns()} keyOf={(f) => f.value} chosen={m.chosen.value} onChoose={(f) => setParams({ sel: f.value }, false)} />}
				{chosen && <Panel fact={chosen} />}
			</div>
		</div>
	);
}
