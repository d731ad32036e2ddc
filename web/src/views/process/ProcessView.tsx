// SPDX-License-Identifier: Apache-2.0
// ProcessView - where a process came from, what came of it, and what it did.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Empty } from '../../components/Empty';
import { EventDrawer } from '../../components/EventDrawer';
import { Notice } from '../../components/Notice';
import { plural, visible } from '../../lib/text';
import { go, setParams } from '../../state/url';
import { bindProcessKeys } from './keys';
import * as m from './model';
import { ProcessPanel } from './ProcessPanel';
import { TreeList } from './TreeList';

function Bar() {
	const tree = m.tree.value;
	const subject = tree?.processes.find((p) => p.id === m.id.value);
	const below = tree?.processes.filter((p) => p.depth > 0).length ?? 0;
	const hosts = new Set(tree?.processes.map((p) => p.host)).size;
	return (
		<div class="view-bar">
			<h1>{subject ? visible(subject.name || String(subject.pid)) : 'Process'}</h1>
			{tree && <span class="muted">on {visible(tree.host)} · {plural(below, 'process', 'processes')} below it{hosts > 1 ? ` · ${hosts} hosts` : ''}</span>}
			{tree?.truncated && <span class="status-warn">the nearest are shown: there are more</span>}
			<span class="grow" />
			<Button class="small" icon="flow" label="Follow connections to processes on other hosts" pressed={m.everywhere.value}
				onClick={() => setParams({ hosts: m.everywhere.value ? '' : 'all' }, false)}>All hosts</Button>
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
				<TreeList />
				{m.opened.value
					? <EventDrawer doc={m.opened.value} onClose={() => { m.opened.value = null; }} />
					: <ProcessPanel />}
			</div>
		</div>
	);
}
