// SPDX-License-Identifier: Apache-2.0
// NodesView - the fleet's health: who sends, how late, with which clock, what was lost and what it costs.
import { useEffect } from 'preact/hooks';
import { Badge } from '../../components/Badge';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { Facts } from '../../components/Facts';
import { Icon } from '../../components/Icon';
import { NewNode } from '../../components/NewNode';
import { Notice } from '../../components/Notice';
import { Sure } from '../../components/Sure';
import { Line } from '../../components/Text';
import { formatBytes, formatCompact, formatCount, plural, visible } from '../../lib/text';
import { formatAgo, formatDuration, formatMoment, signed } from '../../lib/time';
import { allNodes } from '../../state/catalog';
import { utc } from '../../state/prefs';
import { bindKeys } from '../../state/keys';
import { mayWrite } from '../../state/session';
import { go, param, setParams } from '../../state/url';
import type { NodeInfo, Status } from '../../api/types';
import * as m from './model';

const LATE_MS = 10_000;
const SKEWED_MS = 1000;

const perEvent = (n: NodeInfo): number => (n.sensor.events ? n.sensor.cpuNs / n.sensor.events : NaN);
const costText = (ns: number): string => (!Number.isFinite(ns) ? '-' : ns < 1e6 ? `${(ns / 1e3).toFixed(ns < 1e4 ? 2 : 0)} µs` : `${(ns / 1e6).toFixed(1)} ms`);

function State({ node }: { node: NodeInfo }) {
	return node.state === 'up'
		? <span class="state ok"><i aria-hidden="true" />up</span>
		: <span class="state silent" title={visible(node.alarms.join(', '))}><i aria-hidden="true" />{visible(node.state || 'unknown')}</span>;
}

const warned = (text: string, why: string | false) => (why ? <span class="status-warn" title={why}><Icon name="warn" />{text}</span> : text);

const COLUMNS: DataColumn<NodeInfo>[] = [
	{ title: 'Node', width: 'minmax(120px, 1.2fr)', cell: (n) => <b><Line value={n.name} max={80} /></b>, sort: (n) => n.name },
	{ title: 'State', width: '104px', cell: (n) => <State node={n} />, sort: (n) => n.state },
	{ title: 'Last seen', width: '120px', cell: (n) => formatAgo(n.lastSeen, m.now.value), sort: (n) => n.lastSeen, narrow: true },
	{ title: 'Lag', width: '92px', number: true, cell: (n) => warned(formatDuration(n.lagMs), n.lagMs > LATE_MS && 'events come late'), sort: (n) => n.lagMs },
	{ title: 'Clock', width: '104px', number: true, cell: (n) => warned(signed(n.skewMs), Math.abs(n.skewMs) > SKEWED_MS && 'its clock is off: times of its events are, too'), sort: (n) => Math.abs(n.skewMs) },
	{ title: 'Events', width: '84px', number: true, cell: (n) => formatCompact(n.events), sort: (n) => n.events },
	{ title: 'Lost', width: '92px', number: true, cell: (n) => warned(formatCompact(n.sensor.lost), n.sensor.lost > 0 && `${plural(n.sensor.lost, 'event')} lost since the sensor started`), sort: (n) => n.sensor.lost },
	{ title: 'Waiting', width: '84px', number: true, narrow: true, cell: (n) => (n.sensor.queued ? formatBytes(n.sensor.queuedBytes) : '-'), sort: (n) => n.sensor.queuedBytes },
	{ title: 'CPU an event', width: '96px', number: true, narrow: true, cell: (n) => costText(perEvent(n)), sort: (n) => perEvent(n) || 0 },
	{ title: 'Memory', width: '80px', number: true, narrow: true, cell: (n) => (n.sensor.rssBytes ? formatBytes(n.sensor.rssBytes) : '-'), sort: (n) => n.sensor.rssBytes },
	{ title: 'Kernel', width: 'minmax(110px, 0.9fr)', narrow: true, cell: (n) => <span class="mono"><Line value={n.kernel} max={60} /></span>, sort: (n) => n.kernel },
	{ title: 'Version', width: '72px', narrow: true, cell: (n) => <Line value={n.version} max={30} />, sort: (n) => n.version },
];

function Collector({ status }: { status: Status }) {
	return (
		<div class="figures">
			<div><b>{formatCompact(status.events)}</b><span>events stored</span></div>
			<div><b>{formatBytes(status.bytes)}</b><span>on disk, {status.events ? (status.bytes / status.events).toFixed(1) : '0'} B an event</span></div>
			<div><b>{plural(status.days, 'day')}</b><span>{status.removedDays ? `${plural(status.removedDays, 'day')} removed` : 'none removed'}</span></div>
			<div class={status.diskLow ? 'bad' : ''}><b>{status.diskFree ? formatBytes(status.diskFree) : '-'}</b><span>{status.diskLow ? 'free: too little, events wait at the nodes' : 'disk free'}</span></div>
			<div class={status.lost ? 'warned' : ''}><b>{formatCompact(status.lost)}</b><span>events lost by nodes</span></div>
			<div><b>{formatDuration(status.uptimeMs)}</b><span>collector {visible(status.version)} up</span></div>
		</div>
	);
}

function AddNode() {
	return (
		<aside class="side-panel" aria-label="New node">
			<header>
				<h2 class="grow">A new node</h2>
				<Button icon="close" kind="quiet" class="small" label="Close (Esc)" onClick={() => setParams({ sel: '' }, false)} />
			</header>
			<NewNode />
		</aside>
	);
}

function NodePanel({ node }: { node: NodeInfo }) {
	const shared = { since: param('since'), until: param('until'), node: node.name };
	return (
		<aside class="side-panel" aria-label="Node">
			<header>
				<h2 class="grow"><Line value={node.name} max={120} /></h2>
				<Button icon="close" kind="quiet" class="small" label="Close (Esc)" onClick={() => setParams({ sel: '' }, false)} />
			</header>
			<div class="row wrap">
				<Button class="small" icon="search" label="Its events" onClick={() => go('search', shared)}>Events</Button>
				<Button class="small" icon="clock" label="Its processes over time" onClick={() => go('timeline', { ...shared, lane: 'process' })}>Timeline</Button>
				<Button class="small" icon="warn" label="What was wrong with it" onClick={() => go('search', { q: 'rtsec where event.action == "alarm"', node: node.name, since: '-7d', until: '' })}>Alarms</Button>
				<Button class="small" icon="warn" label="What it lost" onClick={() => go('search', { q: 'rtsec where event.action == "gap"', node: node.name, since: '-7d', until: '' })}>Losses</Button>
				{mayWrite.value && <Sure label={`Shut ${node.name} out: its certificates are good no more`} text="Shut out" onSure={() => void m.shutOut(node.id, node.name)} />}
			</div>
			<Facts list={[
				['Alarms', node.alarms.join(', ')],
				['Id', node.id], ['Kernel', `${node.kernel} ${node.architecture}`], ['Sensor', node.version],
				['First seen', formatMoment(node.firstSeen, utc.value)], ['Last seen', formatMoment(node.lastSeen, utc.value)],
				['Events', `${formatCount(node.events)} in ${plural(node.batches, 'batch', 'batches')}`],
				['Lost', `${formatCount(node.sensor.lost)}${node.sensor.malformed ? `, ${formatCount(node.sensor.malformed)} malformed` : ''}`],
				['Waiting', node.sensor.queued ? `${plural(node.sensor.queued, 'batch', 'batches')}, ${formatBytes(node.sensor.queuedBytes)}` : 'nothing'],
				['CPU', `${costText(node.sensor.cpuNs)} in all, ${costText(perEvent(node))} an event`],
				['Processes', node.sensor.processes ? formatCount(node.sensor.processes) : ''],
			]} />
			<h3>How it probes</h3>
			<ul class="tiers">{node.sensor.tiers.map((t) => <li key={t} class="mono"><Line value={t.split('=')[0] ?? t} max={60} /> <b><Line value={t.split('=')[1] ?? ''} max={60} /></b></li>)}</ul>
			{node.sensor.tiers.length === 0 && <p class="muted">It has not said.</p>}
		</aside>
	);
}

export function NodesView() {
	useEffect(m.startModel, []);
	useEffect(() => bindKeys('Nodes', [{ keys: ['Escape'], help: 'Close the node', run: () => setParams({ sel: '' }, false), anywhere: true }]), []);
	const nodes = allNodes.value;
	const chosen = nodes.find((n) => n.id === param('sel'));
	const down = nodes.filter((n) => n.state === 'silent' || n.state === 'stopped').length;
	const unwell = nodes.filter((n) => n.state !== 'up').length - down;
	const adding = mayWrite.value && param('sel') === '+';
	if (!nodes.length) {
		return (
			<div class="split-body">
				<Empty title="No node has reported yet" text="Start rtsec-sensor on a machine and point it at this collector; it appears here within a second.">
					{mayWrite.value && <Button icon="plus" label="Add a node" onClick={() => setParams({ sel: '+' }, false)}>Add a node</Button>}
				</Empty>
				{adding && <AddNode />}
			</div>
		);
	}
	return (
		<div class="column">
			<div class="view-bar">
				<h2>{plural(nodes.length, 'node')}</h2>
				<Badge kind="ok" label={`${plural(nodes.length - down - unwell, 'node')} up`}>{nodes.length - down - unwell} up</Badge>
				{down > 0 && <Badge kind="warn" label={`${plural(down, 'node')} silent or stopped`}>{down} silent</Badge>}
				{unwell > 0 && <Badge kind="warn" label={`${plural(unwell, 'node')} with something wrong`}>{unwell} with alarms</Badge>}
				<span class="grow" />
				{mayWrite.value && <Button icon="plus" label="Add a node" pressed={adding} onClick={() => setParams({ sel: adding ? '' : '+' }, false)}>Add a node</Button>}
			</div>
			{m.error.value && <Notice kind="danger" text={m.error.value} action="Dismiss" onAction={() => { m.error.value = ''; }} />}
			{m.status.value && <Collector status={m.status.value} />}
			<div class="split-body">
				<DataTable label="Nodes" rows={nodes} columns={COLUMNS} keyOf={(n) => n.id} chosen={param('sel')} onChoose={(n) => setParams({ sel: n.id }, false)} />
				{adding ? <AddNode /> : chosen && <NodePanel node={chosen} />}
			</div>
		</div>
	);
}
