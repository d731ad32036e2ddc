// SPDX-License-Identifier: Apache-2.0
// RulesView - the detection rules: what is in force, and one of them to read, try and change.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { FindBox } from '../../components/FindBox';
import { Level, levelRank } from '../../components/Level';
import { Notice } from '../../components/Notice';
import { Line } from '../../components/Text';
import { plural } from '../../lib/text';
import { when } from '../../state/prefs';
import { mayWrite } from '../../state/session';
import { setParams } from '../../state/url';
import type { Rule } from '../../api/types';
import { bindRuleKeys } from './keys';
import * as m from './model';
import { RulePanel } from './RulePanel';

const STATE = { ok: '', partial: 'in part', unmapped: 'cannot fire', wrong: 'wrong' } as Record<string, string>;

function Title({ rule }: { rule: Rule }) {
	const state = rule.enabled ? STATE[rule.status] ?? rule.status : 'disabled';
	return (
		<>
			<b><Line value={rule.title} max={160} /></b>
			{state && <span class={`badge ${rule.enabled ? 'warn' : ''}`} title={rule.problems[0]?.text}>{state}</span>}
		</>
	);
}

const COLUMNS: DataColumn<Rule>[] = [
	{ title: 'Rule', width: 'minmax(220px, 2fr)', cell: (r) => <Title rule={r} />, sort: (r) => r.title },
	{ title: 'Level', width: '104px', cell: (r) => <Level level={r.level} />, sort: (r) => -levelRank(r.level) },
	{ title: 'Technique', width: '130px', narrow: true, cell: (r) => <span class="mono"><Line value={r.techniques.join(', ')} max={60} /></span>, sort: (r) => r.techniques[0] ?? '~' },
	{ title: 'Language', width: '90px', narrow: true, cell: (r) => r.language, sort: (r) => r.language },
	{ title: 'Exceptions', width: '84px', number: true, narrow: true, cell: (r) => r.exceptions || '-', sort: (r) => r.exceptions },
	{ title: 'Revision', width: '70px', number: true, narrow: true, cell: (r) => r.revision, sort: (r) => r.revision },
	{ title: 'Changed', width: '150px', narrow: true, cell: (r) => when.value(r.changed, true), sort: (r) => r.changed },
];

function Bar() {
	const all = m.list.value ?? [];
	const silent = all.filter((r) => r.status !== 'ok').length;
	return (
		<div class="view-bar">
			<h2>{plural(all.length, 'rule')}</h2>
			<span class="muted">{plural(all.filter((r) => r.enabled).length, 'rule')} enabled{silent ? ` · ${silent} cannot fire` : ''}</span>
			<span class="grow" />
			<FindBox label="Find a rule" value={m.find.value} onFind={(text) => setParams({ find: text }, false)} />
			{mayWrite.value && <Button icon="plus" label="Write a new rule (n)" onClick={() => setParams({ sel: m.NEW, tab: '' })}>New rule</Button>}
		</div>
	);
}

export function RulesView() {
	useEffect(m.startModel, []);
	useEffect(bindRuleKeys, []);
	const error = m.error.value;
	if (error?.status === 404 || error?.status === 503) return <Empty title="No rules here" text={error.message} />;
	return (
		<div class="column">
			<Bar />
			{error && error.status !== 0 && <Notice kind="danger" text={error.message} action="Dismiss" onAction={() => { m.error.value = null; }} />}
			<div class="split-body">
				{m.list.value?.length === 0 && !m.chosen.value
					? (
						<Empty title="No rule yet" text="Write one here, or put a folder of Sigma or EQL rules in force with: rtsecctl rules apply DIR">
							{mayWrite.value && <Button kind="primary" label="Write a new rule" onClick={() => setParams({ sel: m.NEW })}>New rule</Button>}
						</Empty>
					)
					: <DataTable label="Rules" rows={m.shown.value} columns={COLUMNS} keyOf={(r) => r.id} chosen={m.chosen.value} onChoose={(r) => setParams({ sel: r.id }, false)} />}
				{m.chosen.value && <RulePanel />}
			</div>
		</div>
	);
}
