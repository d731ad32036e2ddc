// SPDX-License-Identifier: Apache-2.0
// TimelineView - the fleet over time, a lane for each node, container, user or process, from days to
// nanoseconds.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Empty } from '../../components/Empty';
import { EventDrawer } from '../../components/EventDrawer';
import { EventDot } from '../../components/EventDot';
import { Icon } from '../../components/Icon';
import { Notice } from '../../components/Notice';
import { SimpleQuery } from '../../components/SimpleQuery';
import { TimeRange } from '../../components/TimeRange';
import { spanText } from '../../lib/nanos';
import { plural } from '../../lib/text';
import { param, setParams } from '../../state/url';
import { Canvas } from './Canvas';
import { flowsInSight } from './draw';
import { bindTimelineKeys, toSearch, zoom } from './keys';
import * as m from './model';
import { pins, startPins } from './pins';

function Bar() {
	const { since, until } = m.scope.value;
	return (
		<div class="view-bar">
			<div class="segments" role="group" aria-label="A lane for each">
				{Object.entries(m.LANES).map(([name, { title }]) => (
					<button key={name} type="button" aria-pressed={m.laneName.value === name} onClick={() => setParams({ lane: name === 'node' ? '' : name })}>{title}</button>
				))}
			</div>
			<SimpleQuery value={param('q')} error={m.error.value?.isAboutQuery ? m.error.value.message : ''} onRun={(q) => setParams({ q })} />
			<TimeRange since={since} until={until} onChange={(s, u) => setParams({ since: s, until: u })} />
			<Button icon="minus" kind="quiet" label="Zoom out (-)" onClick={() => zoom(2)} />
			<Button icon="plus" kind="quiet" label="Zoom in (+)" onClick={() => zoom(0.5)} />
			<Button icon="search" label="These events in the search view (Enter)" onClick={toSearch}>Search</Button>
		</div>
	);
}

function Key() {
	const data = m.data.value;
	const total = data?.lanes.reduce((n, l) => n + l.count, 0) ?? 0;
	const shown = flowsInSight(data, m.view.value).length > 0;
	const lost = data?.gaps.reduce((n, g) => n + g.count, 0) ?? 0;
	return (
		<div class="timeline-key" role="status" aria-live="polite">
			<b>{plural(total, 'event')}</b>
			<span>{spanText(m.view.value.span)}</span>
			{data?.events
				? <span><EventDot category="process" />process <EventDot category="file" />file <EventDot category="network" />network, each by itself</span>
				: <span>the taller and darker, the more; below {plural(3000, 'event')} each is shown by itself</span>}
			{!!data?.flows.length && <span>{plural(data.flows.length, 'connection')} between lanes{shown ? '' : ', drawn when fewer are in sight'}</span>}
			{pins.value.length > 0 && <span class="status-warn"><Icon name="warn" />{plural(pins.value.length, 'alert')}</span>}
			{lost > 0 && <span class="status-warn">{plural(lost, 'event')} lost in {plural(data?.gaps.length ?? 0, 'gap')}</span>}
			{data?.more && <span class="status-warn">the {m.MOST_LANES} busiest lanes are shown</span>}
			{m.busy.value && <span class="muted">loading…</span>}
			<span class="grow" />
			<span class="muted wide">drag: narrow · Ctrl+wheel: zoom · Shift+drag: move</span>
		</div>
	);
}

export function TimelineView() {
	useEffect(m.startModel, []);
	useEffect(startPins, []);
	useEffect(bindTimelineKeys, []);
	const error = m.error.value;
	const empty = m.data.value !== null && m.data.value.lanes.length === 0 && !m.busy.value;
	return (
		<div class="column">
			<Bar />
			{error && !error.isAboutQuery && error.status !== 0 && <Notice kind="danger" text={error.message} action="Try again" onAction={() => { m.again.value++; }} />}
			<Key />
			<div class="split-body">
				{empty
					? (
						<Empty title="No event in this time" text={param('q') ? 'Nothing that the query asks for was stored in it. Widen the range, or ask for less:' : 'Nothing was stored in it: widen the range, or see on the page of nodes whether any sends.'}>
							<Button label="Last 24 hours" onClick={() => setParams({ since: '', until: '' })}>Last 24 hours</Button>
							<Button label="Last 7 days" onClick={() => setParams({ since: '-7d', until: '' })}>Last 7 days</Button>
							{param('q') && <Button label="Remove the query" onClick={() => setParams({ q: '' })}>Remove the query</Button>}
						</Empty>
					)
					: <Canvas />}
				{m.opened.value && <EventDrawer doc={m.opened.value} onClose={() => { m.opened.value = null; }} />}
			</div>
		</div>
	);
}
