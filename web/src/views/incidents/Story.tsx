// SPDX-License-Identifier: Apache-2.0
// Story - one incident: what happened step by step and why it belongs together, beside the trace of it.
import { Button } from '../../components/Button';
import { HopTrace } from '../../components/HopTrace';
import { Level } from '../../components/Level';
import { Score } from '../../components/Score';
import { Line } from '../../components/Text';
import { plural, visible } from '../../lib/text';
import { formatDuration, formatMoment, formatTime } from '../../lib/time';
import { utc } from '../../state/prefs';
import { mayExcept } from '../../state/session';
import { go } from '../../state/url';
import type { IncidentStep, IncidentWhole } from '../../api/types';
import * as m from './model';

const AROUND_MS = 60_000;

function Work({ steps }: { steps: IncidentStep[] }) {
	const open = steps.filter((s) => s.alert.status === 'open').length;
	const left = steps.filter((s) => s.alert.status !== 'closed').length;
	if (!mayExcept.value || !left) return null;
	return (
		<div class="row" role="group" aria-label="Work">
			{open > 0 && <Button icon="check" kind="primary" class="small" label={`Acknowledge ${plural(open, 'alert')} (a)`} onClick={() => void m.workAll('ack')}>Acknowledge all</Button>}
			<Button class="small" label={`Close ${plural(left, 'alert')} (c)`} onClick={() => void m.workAll('close')}>Close all</Button>
		</div>
	);
}

function Head({ of }: { of: IncidentWhole }) {
	const around = { since: new Date(of.first - AROUND_MS).toISOString(), until: new Date(of.last + AROUND_MS).toISOString(), node: '' };
	return (
		<header class="incident-head">
			<Button kind="quiet" icon="left" label="All incidents (Esc)" onClick={() => m.choose('')} />
			<div class="grow">
				<h2><Line value={of.title} max={200} /></h2>
				<p class="row wrap">
					<Score score={of.score} /><Level level={of.level} />
					<span>{plural(of.alerts, 'alert')} on {plural(of.nodes.length, 'node')} within {formatDuration(of.last - of.first)}</span>
					<span class="muted">{formatMoment(of.first, utc.value)}</span>
					{of.techniques.map((t) => <span key={t} class="badge">{visible(t)}</span>)}
				</p>
			</div>
			<Work steps={of.steps} />
			<Button class="small" icon="clock" label="The fleet around then, on the timeline" onClick={() => go('timeline', around)}>Timeline</Button>
		</header>
	);
}

function Step({ of, since, active }: { of: IncidentStep; since: number; active: boolean }) {
	const { alert } = of;
	return (
		<li class={active ? 'active' : ''} data-step={alert.id}>
			<button type="button" class="step" aria-pressed={active} onClick={() => m.chooseStep(alert.id)}>
				<span class="step-time">{formatTime(alert.first, utc.value)}<span class="muted">+{formatDuration(Math.max(0, alert.first - since))}</span></span>
				<span class="step-what">
					<span class="row"><Level level={alert.rule.level} /><b><Line value={alert.rule.title} max={160} /></b></span>
					<span class="mono"><b><Line value={alert.node} max={60} /></b> <Line value={of.process} max={300} />{alert.object && !of.process.includes(alert.object) && <> → <Line value={alert.object} max={160} /></>}</span>
					<span class="muted">{of.why ? <><Line value={of.why} max={300} />{of.with && <>, as is “<Line value={of.with} max={100} />”</>}</> : 'where it begins'}</span>
				</span>
			</button>
			{active && (
				<div class="row wrap step-more">
					<span class="muted">{alert.status}{alert.owner && <> · <Line value={alert.owner} max={40} /></>} · {plural(alert.count, 'hit')}</span>
					<Button class="small" icon="bell" label="The alert: evidence, notes, work on it" onClick={() => go('alerts', { status: 'all', sel: alert.id })}>Alert</Button>
					{alert.entity && <Button class="small" icon="tree" label="The process: its tree and all it did (Enter)" onClick={() => go('process', { id: alert.entity })}>Process</Button>}
				</div>
			)}
		</li>
	);
}

/** A click on a process chooses the first step that is about it, or opens the process. */
function onProcess(entity: string): void {
	const alert = m.alertsOf.peek().get(entity)?.[0];
	if (alert) m.chooseStep(alert.id);
	else go('process', { id: entity });
}

export function Story() {
	const of = m.whole.value;
	if (!of) return <div class="column" aria-busy="true" />;
	return (
		<div class="column">
			<Head of={of} />
			<div class="split-body incident-body">
				<section class="story" aria-label="What happened">
					{of.truncated && <p class="status-warn">There is more than is looked at: narrow the range</p>}
					<ol>{of.steps.map((s) => <Step key={s.alert.id} of={s} since={of.first} active={s.alert.id === m.step.value} />)}</ol>
				</section>
				{m.processes.value === null
					? <p class="muted story-wait" role="status">Following its processes over hosts…</p>
					: m.chart.value.hosts.length > 0 && <HopTrace chart={m.chart.value} chosen={m.chosenStep.value?.alert.entity ?? ''} alertsOf={m.alertsOf.value} onChoose={onProcess} onPin={(a) => m.chooseStep(a.id)} />}
			</div>
		</div>
	);
}
