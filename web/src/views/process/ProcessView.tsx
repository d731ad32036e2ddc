// SPDX-License-Identifier: Apache-2.0
// ProcessView - where a process came from, what came of it, and what it did.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Empty } from '../../components/Empty';
import { EventDrawer } from '../../components/EventDrawer';
import { HopTrace } from '../../components/HopTrace';
import { Notice } from '../../components/Notice';
import { Popover } from '../../components/Popover';
import { plural, visible } from '../../lib/text';
import { edgeText, missingText } from '../../lib/tree';
import { go, setParams } from '../../state/url';
import { bindProcessKeys } from './keys';
import * as m from './model';
import { ProcessPanel } from './ProcessPanel';
import { TreeList } from './TreeList';

const SHOWN: [string, string, Record<string, string>][] = [
	['own', 'Tree', { hosts: '', as: '' }], ['all', 'Tree over hosts', { hosts: 'all', as: '' }], ['hops', 'Hops', { hosts: '', as: 'hops' }],
];

/** Connections of which the other end is missing: where an intruder may have gone out of sight. */
function Breaks() {
	const tree = m.tree.value;
	if (!tree || (!tree.breaks.length && !tree.unseenPeers)) return null;
	const text = [tree.breaks.length ? `${plural(tree.breaks.length, 'connection')} lost from sight` : '', tree.unseenPeers ? `${plural(tree.unseenPeers, 'connection')} to addresses without a sensor` : ''].filter(Boolean).join(' · ');
	if (!tree.breaks.length) return <span class="muted">{text}</span>;
	return (
		<Popover label="Connections lost from sight" icon="warn" text={text} panel={() => (
			<ul class="breaks">{tree.breaks.slice(0, 40).map((e) => <li key={e.key}>{visible(edgeText(e))}<br /><span class="muted">{visible(missingText(e))}</span></li>)}</ul>
		)} />
	);
}

function Bar() {
	const how = m.asHops.value ? 'hops' : m.everywhere.value ? 'all' : 'own';
	const tree = m.tree.value;
	const subject = tree?.processes.find((p) => p.id === m.id.value);
	const below = tree?.processes.filter((p) => p.depth > 0).length ?? 0;
	const hosts = new Set(tree?.processes.map((p) => p.host)).size;
	return (
		<div class="view-bar">
			<h2>{subject ? visible(subject.name || String(subject.pid)) : 'Process'}</h2>
			{tree && <span class="muted">on {visible(tree.host)} · {plural(below, 'process', 'processes')} below it{hosts > 1 ? ` · ${hosts} hosts` : ''}</span>}
			{tree?.truncated && <span class="status-warn">the nearest are shown: there are more</span>}
			<span class="grow" />
			{m.everywhere.value && <Breaks />}
			<div class="segments" role="group" aria-label="Shown as">
				{SHOWN.map(([name, title, changes]) => (
					<button key={name} type="button" aria-pressed={name === how} onClick={() => setParams(changes, false)}>{title}</button>
				))}
			</div>
		</div>
	);
}

export function ProcessView() {
	useEffect(m.startModel, []);
	useEffect(bindProcessKeys, []);
	const error = m.error.value;
	if (!m.id.value || (error?.status === 404 && !m.tree.value)) {
		return (
			<Empty title={m.id.value ? 'Nothing is stored of this process' : 'No process is chosen'}
				text="Open an event in the search view and press Process there: its tree, its command line and all that it did come here. Or begin with one of these:">
				<Button label="Programs that were started" onClick={() => go('search', { q: 'process where event.action == "exec"' })}>Programs that were started</Button>
				<Button label="What was started from a remote shell" onClick={() => go('search', { q: 'process where process.parent.name : "sshd*" and event.action == "exec"' })}>From a remote shell</Button>
			</Empty>
		);
	}
	return (
		<div class="column">
			<Bar />
			{error && error.status !== 0 && <Notice kind="danger" text={error.message} />}
			<div class="process-body">
				{m.asHops.value
					? <HopTrace chart={m.hops.value} chosen={m.chosen.value} alertsOf={m.alertsOf.value} onChoose={m.choose} onPin={(a) => go('alerts', { status: 'all', sel: a.id })} />
					: <TreeList />}
				{m.opened.value
					? <EventDrawer doc={m.opened.value} onClose={() => { m.opened.value = null; }} />
					: <ProcessPanel />}
			</div>
		</div>
	);
}
