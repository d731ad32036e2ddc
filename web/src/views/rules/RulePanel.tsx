// SPDX-License-Identifier: Apache-2.0
// RulePanel - one rule: its text with faults in place, a backtest before it is applied, its history
// and its exceptions.
import { Button } from '../../components/Button';
import { CodeEditor, type CodeFault } from '../../components/CodeEditor';
import { Diff } from '../../components/Diff';
import { ExceptionForm } from '../../components/ExceptionForm';
import { Facts } from '../../components/Facts';
import { Level } from '../../components/Level';
import { Sure } from '../../components/Sure';
import { Tabs } from '../../components/Tabs';
import { Line, Value } from '../../components/Text';
import { visible } from '../../lib/text';
import { formatMoment } from '../../lib/time';
import { utc } from '../../state/prefs';
import { mayWrite, mayExcept } from '../../state/session';
import { setParams } from '../../state/url';
import type { RuleWhole } from '../../api/types';
import { BacktestBar, BacktestResult } from './Backtest';
import * as m from './model';

function faultsOf(): CodeFault[] {
	return (m.lint.value?.rules ?? []).flatMap((r) => [
		...r.problems.map((p) => ({ ...p, grave: r.status === 'wrong' })),
		...r.tests.filter((t) => !t.passed).map((t) => ({ line: r.line, column: 0, text: `test "${t.name}" ${t.reason || (t.fires ? 'does not fire' : 'fires, and should not')}`, grave: true })),
	]);
}

function Verdict() {
	const lint = m.lint.value;
	if (m.linting.value || !lint) return <span class="muted">checking…</span>;
	const tests = lint.rules.flatMap((r) => r.tests);
	if (lint.wrong) return <span class="bad">not a valid rule: see the marked lines</span>;
	const told = lint.rules.some((r) => r.status === 'unmapped') ? 'valid, but it cannot fire: our events lack what it asks for' : 'valid';
	return <span class={lint.failedTests ? 'bad' : 'good'}>{told}{tests.length ? `, ${tests.length - lint.failedTests} of ${tests.length} tests pass` : ', no tests'}</span>;
}

function Source() {
	const ready = m.changed.value && !m.linting.value && m.lint.value !== null && !m.lint.value.wrong && !m.lint.value.failedTests && !m.working.value;
	const isNew = m.chosen.value === m.NEW;
	return (
		<>
			<CodeEditor label="Text of the rule" value={m.draft.value} faults={m.linting.value ? [] : faultsOf()} readOnly={!mayWrite.value}
				onInput={(text) => { m.draft.value = text; }} onSave={() => { if (ready) void m.apply(); }} />
			<div class="row wrap rule-tools">
				<Verdict />
				<span class="grow" />
				<BacktestBar />
			</div>
			<BacktestResult />
			{mayWrite.value && m.changed.value && (
				<section aria-label="Change">
					{!isNew && <Diff before={m.source.value} after={m.draft.value} label="What changes" />}
					<form class="row rule-apply" onSubmit={(e) => {
						e.preventDefault();
						if (ready) void m.apply();
					}}>
						<input class="text-input grow" placeholder="Why (kept with the revision)" aria-label="Why it is changed" value={m.note.value} onInput={(e) => { m.note.value = e.currentTarget.value; }} />
						{!isNew && <Button label="Back to what is in force" onClick={() => { m.draft.value = m.source.value; }}>Discard</Button>}
						<Button type="submit" kind="primary" disabled={!ready} label="Put it in force (Ctrl+Enter)">Apply</Button>
					</form>
				</section>
			)}
		</>
	);
}

function History({ rule }: { rule: RuleWhole }) {
	const compared = m.compared.value;
	return (
		<>
			<ol class="revisions">
				{m.history.value.map((r) => (
					<li key={r.revision} class={compared?.revision === r.revision ? 'active' : ''}>
						<button type="button" class="revision" aria-pressed={compared?.revision === r.revision} onClick={() => void m.compare(rule.id, r.revision)}>
							<b>{r.revision}</b>
							<span>{formatMoment(r.created, utc.value)}</span>
							<span class="muted"><Line value={r.author} max={40} /></span>
							<span class="grow"><Line value={r.note} max={120} /></span>
							{r.current && <span class="badge ok">in force</span>}
						</button>
						{!r.current && mayWrite.value && <Sure label={`Put revision ${r.revision} in force again`} text="Roll back" onSure={() => void m.rollBack(rule.id, r.revision)} />}
					</li>
				))}
			</ol>
			{compared
				? <><h3>From revision {compared.revision} to what is in force</h3><Diff before={compared.source} after={m.source.value} label={`From revision ${compared.revision} to what is in force`} /></>
				: <p class="muted">Choose a revision to see what has changed since.</p>}
		</>
	);
}

function Exceptions({ rule }: { rule: RuleWhole }) {
	return (
		<>
			{rule.exceptionList.length === 0 && <p class="muted">None. Events for which an exception's condition is true give no alert.</p>}
			<ul class="exceptions">
				{rule.exceptionList.map((x) => (
					<li key={x.id}>
						<code class="mono"><Value value={x.condition} max={300} /></code>
						<p class="muted"><Line value={[x.note, x.owner && `by ${x.owner}`, Number.isFinite(x.expires) ? `until ${formatMoment(x.expires, utc.value)}` : 'for ever'].filter(Boolean).join(' · ')} /></p>
						{mayExcept.value && <Sure label="Remove the exception" text="Remove" onSure={() => void m.forgive(rule.id, x.id)} />}
					</li>
				))}
			</ul>
			{mayExcept.value && <ExceptionForm onAdd={(what) => m.except(rule.id, what)} />}
		</>
	);
}

function Head({ rule }: { rule: RuleWhole | null }) {
	return (
		<header>
			<div class="grow">
				<h2>{rule ? <Line value={rule.title} max={200} /> : m.chosen.value === m.NEW ? 'New rule' : visible(m.chosen.value)}</h2>
				{rule && <p class="row wrap"><Level level={rule.level} /><span class="muted mono"><Line value={rule.id} max={80} /></span></p>}
			</div>
			{rule && mayWrite.value && (
				<>
					<Button class="small" pressed={rule.enabled} label={rule.enabled ? 'It is enabled: disable it' : 'It is disabled: enable it'} onClick={() => void m.switchOn(rule.id, !rule.enabled)}>{rule.enabled ? 'Enabled' : 'Disabled'}</Button>
					<Sure label="Delete the rule" text="Delete" onSure={() => void m.remove(rule.id)} />
				</>
			)}
			<Button icon="close" kind="quiet" class="small" label="Close (Esc)" onClick={() => setParams({ sel: '', tab: '' }, false)} />
		</header>
	);
}

export function RulePanel() {
	const rule = m.whole.value;
	return (
		<aside class="side-panel rule-panel" aria-label="Rule">
			<Head rule={rule} />
			{rule && (
				<Facts list={[
					['About', rule.description], ['Techniques', rule.techniques.join(', ')], ['Bypassed by', rule.bypass],
					['False alarms', rule.falsePositives.join('; ')], ['References', rule.references.join('\n')], ['Author', rule.author],
				]} />
			)}
			{rule && (
				<Tabs label="Parts of the rule" chosen={m.tab.value} onChoose={(tab) => setParams({ tab: tab === 'source' ? '' : tab }, false)}
					tabs={[['source', 'Text'], ['history', `History (${m.history.value.length})`], ['exceptions', `Exceptions (${rule.exceptionList.length})`]]} />
			)}
			{m.tab.value === 'history' && rule ? <History rule={rule} /> : m.tab.value === 'exceptions' && rule ? <Exceptions rule={rule} /> : <Source />}
		</aside>
	);
}
