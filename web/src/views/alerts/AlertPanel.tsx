// SPDX-License-Identifier: Apache-2.0
// AlertPanel - one alert: who did what, the evidence, what may be missing of it, and the work on it.
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button';
import { EventDot } from '../../components/EventDot';
import { ExceptionForm } from '../../components/ExceptionForm';
import { Facts } from '../../components/Facts';
import { Icon } from '../../components/Icon';
import { Level } from '../../components/Level';
import { Line } from '../../components/Text';
import { text } from '../../lib/doc';
import { literal } from '../../lib/eql';
import { summary } from '../../lib/summary';
import { formatCount, plural } from '../../lib/text';
import { formatMoment, formatTime, msOf } from '../../lib/time';
import { utc, when } from '../../state/prefs';
import { mayExcept } from '../../state/session';
import { go, setParams } from '../../state/url';
import type { AlertProcess, AlertWhole } from '../../api/types';
import * as m from './model';

const AROUND_MS = 60_000;

function Work({ alert }: { alert: AlertWhole }) {
	if (!mayExcept.value) return null;
	return (
		<div class="row wrap" role="group" aria-label="Work">
			{alert.status === 'open' && <Button icon="check" kind="primary" class="small" label="Acknowledge: I look at it (a)" onClick={() => void m.work('ack')}>Acknowledge</Button>}
			{alert.status !== 'closed'
				? <Button class="small" label="Close (c)" onClick={() => void m.work('close')}>Close</Button>
				: <Button class="small" label="Open it again" onClick={() => void m.work('reopen')}>Reopen</Button>}
			<Button class="small" pressed={m.excepting.value} label="Exception: the rule should not tell of this (e)" onClick={() => { m.excepting.value = !m.excepting.value; }}>Exception</Button>
		</div>
	);
}

function Pivots({ alert }: { alert: AlertWhole }) {
	const around = { since: new Date(alert.first - AROUND_MS).toISOString(), until: new Date(alert.last + AROUND_MS).toISOString() };
	return (
		<div class="row wrap" role="group" aria-label="Look further">
			{alert.entity && <Button class="small" icon="tree" label="The process: its tree and all it did (Enter)" onClick={() => go('process', { id: alert.entity })}>Process</Button>}
			{alert.entity && <Button class="small" icon="flow" label="Where it came from and went, over hosts" onClick={() => go('process', { id: alert.entity, as: 'hops' })}>Hops</Button>}
			<Button class="small" icon="search" label="What it did around then" onClick={() => go('search', { ...around, node: alert.node, q: alert.entity ? `process.entity_id == ${literal(alert.entity)}` : '' })}>Events</Button>
			<Button class="small" icon="clock" label="The node around then, on the timeline" onClick={() => go('timeline', { ...around, node: alert.node, lane: 'process' })}>Timeline</Button>
			<Button class="small" label="The rule" onClick={() => go('rules', { sel: alert.rule.id })}>Rule</Button>
		</div>
	);
}

/** Topmost first, each a step in; the process itself last. */
function Chain({ alert }: { alert: AlertWhole }) {
	if (!alert.process) return null;
	const chain: AlertProcess[] = [...alert.ancestry].reverse().concat(alert.process);
	return (
		<ol class="chain" aria-label="Who started it">
			{chain.map((p, i) => (
				<li key={p.id || i} style={{ paddingLeft: `${Math.min(i, 10) * 14}px` }} class={i === chain.length - 1 ? 'last' : ''}>
					<button type="button" class="mono" onClick={() => p.id && go('process', { id: p.id })}><b><Line value={p.name || String(p.pid)} max={40} /></b> <Line value={p.args.join(' ')} max={160} /></button>
					{p.user && <span class="muted">{p.user}</span>}
				</li>
			))}
		</ol>
	);
}

/** The alerts that one intrusion set off, and why they belong together. */
function Together({ alert }: { alert: AlertWhole }) {
	const found = m.together.value;
	if (!found) return null;
	return (
		<section aria-label="Belongs together">
			<h3>Belongs together <span>{plural(found.alerts, 'alert')} on {plural(found.nodes.length, 'node')}, score {found.score}</span></h3>
			<ol class="together">
				{found.steps.map(({ alert: a, why }) => (
					<li key={a.id} class={a.id === alert.id ? 'active' : ''}>
						<button type="button" aria-current={a.id === alert.id ? 'true' : undefined} onClick={() => m.choose(a.id)}>
							<span class="muted">{formatTime(a.first, utc.value)}</span><Level level={a.rule.level} /><b><Line value={a.rule.title} max={120} /></b>
							<span class="muted why"><Line value={`${a.node}: ${why || 'where it begins'}`} max={200} /></span>
						</button>
					</li>
				))}
			</ol>
			<Button class="small" icon="flow" label="The incident: step by step, and as a trace over hosts" onClick={() => go('incidents', { ...m.aroundOf(alert), node: '', sel: found.id, step: alert.id })}>Read the incident</Button>
		</section>
	);
}

function Evidence({ alert }: { alert: AlertWhole }) {
	return (
		<>
			<h3>Evidence <span>{alert.count > alert.events.length ? `the first ${alert.events.length} of ${formatCount(alert.count)}` : ''}</span></h3>
			<ul class="evidence">
				{alert.events.map((doc, i) => (
					<li key={i}>
						<button type="button" class="mono" onClick={() => { m.opened.value = doc; }}>
							<span class="muted">{formatTime(msOf(doc['@timestamp']), utc.value)}</span> <EventDot category={text(doc, 'event.category')} />{text(doc, 'event.action')} <Line value={summary(doc)} max={200} />
						</button>
					</li>
				))}
			</ul>
			{alert.gaps.length > 0 && (
				<p class="status-warn"><Icon name="warn" />{plural(alert.gaps.reduce((n, g) => n + g.count, 0), 'event')} of this node were lost within ten minutes: evidence may be missing</p>
			)}
		</>
	);
}

function Notes({ alert }: { alert: AlertWhole }) {
	const [note, setNote] = useState('');
	return (
		<>
			<h3>Notes</h3>
			<ul class="notes">
				{alert.notes.map((n, i) => <li key={i}><span class="muted">{when.value(n.created, true)} {n.author}</span><p><Line value={n.note} max={2000} /></p></li>)}
			</ul>
			{mayExcept.value && (
				<form class="row" onSubmit={(e) => {
					e.preventDefault();
					if (note.trim()) void m.work('note', note.trim()).then((done) => { if (done) setNote(''); });
				}}>
					<input id="note" class="text-input grow" placeholder="Add a note (n)" aria-label="Note" value={note} onInput={(e) => setNote(e.currentTarget.value)} />
					<Button type="submit" label="Add the note" disabled={!note.trim()}>Add</Button>
				</form>
			)}
		</>
	);
}

export function AlertPanel() {
	const alert = m.whole.value;
	if (!alert) return <aside class="side-panel" aria-label="Alert" aria-busy="true" />;
	return (
		<aside class="side-panel alert-panel" aria-label="Alert">
			<header>
				<div class="grow">
					<h2><Line value={alert.rule.title} max={200} /></h2>
					<p class="row wrap"><Level level={alert.rule.level} /><span class="muted">{alert.status}{alert.owner && ` · ${alert.owner}`} · {plural(alert.count, 'hit')}</span></p>
				</div>
				<Button icon="close" kind="quiet" class="small" label="Close the panel (Esc)" onClick={() => setParams({ sel: '' }, false)} />
			</header>
			<Work alert={alert} />
			{m.excepting.value && <ExceptionForm optional onAdd={m.except} />}
			<Facts list={[
				['Node', alert.node], ['Object', alert.object], ['Techniques', alert.rule.techniques.join(', ')],
				['First', formatMoment(alert.first, utc.value)], ['Last', formatMoment(alert.last, utc.value)],
				['Rule', `${alert.rule.id}, revision ${alert.rule.revision}`],
			]} />
			<Chain alert={alert} />
			<Pivots alert={alert} />
			<Together alert={alert} />
			<Evidence alert={alert} />
			<Notes alert={alert} />
		</aside>
	);
}
