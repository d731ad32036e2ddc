// SPDX-License-Identifier: Apache-2.0
// AlertsView - the inbox: what the rules have found, by what is left to do.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { EventDrawer } from '../../components/EventDrawer';
import { LEVELS, Level, levelRank } from '../../components/Level';
import { Notice } from '../../components/Notice';
import { Line } from '../../components/Text';
import { formatCompact } from '../../lib/text';
import { when } from '../../state/prefs';
import { go, param, setParams } from '../../state/url';
import type { Alert } from '../../api/types';
import { AlertPanel } from './AlertPanel';
import { bindAlertKeys } from './keys';
import * as m from './model';

const STATUS_CLASS: Record<string, string> = { open: 'warn', acknowledged: 'plain', closed: 'ok' };

function What({ alert }: { alert: Alert }) {
	const of = alert.folded ? 'many more of the same' : [alert.process?.name, alert.object].filter(Boolean).join(' · ');
	return <><b><Line value={alert.rule.title} max={120} /></b> <span class="muted mono alert-of"><Line value={of} max={160} /></span></>;
}

const COLUMNS: DataColumn<Alert>[] = [
	{ title: 'Level', width: '98px', cell: (a) => <Level level={a.rule.level} />, sort: (a) => -levelRank(a.rule.level) },
	{ title: 'What', width: 'minmax(240px, 3fr)', cell: (a) => <What alert={a} />, sort: (a) => a.rule.title },
	{ title: 'Node', width: 'minmax(80px, 0.6fr)', cell: (a) => <Line value={a.node} max={60} />, sort: (a) => a.node },
	{ title: 'Hits', width: '64px', number: true, cell: (a) => formatCompact(a.count), sort: (a) => a.count },
	{ title: 'Last', width: '150px', cell: (a) => when.value(a.last, true), sort: (a) => a.last },
	{ title: 'Status', width: '112px', narrow: true, cell: (a) => <span class={`badge ${STATUS_CLASS[a.status] ?? ''}`}>{a.status}</span>, sort: (a) => a.status },
	{ title: 'Owner', width: '90px', narrow: true, cell: (a) => <Line value={a.owner || '-'} max={40} />, sort: (a) => a.owner || '~' },
];

function Bar() {
	const only = [['rule', param('rule')], ['node', param('node')], ['incident', param('incident')]].filter(([, v]) => v) as [string, string][];
	return (
		<div class="view-bar">
			<div class="segments" role="group" aria-label="Status">
				{m.STATUS.map(([name, title]) => (
					<button key={name} type="button" aria-pressed={m.status.value === name} onClick={() => setParams({ status: name === 'open' ? '' : name, sel: '' })}>{title}</button>
				))}
			</div>
			<select class="text-input" aria-label="Level" value={param('level')} onChange={(e) => setParams({ level: e.currentTarget.value })}>
				<option value="">any level</option>
				{LEVELS.slice(1).map((l) => <option key={l} value={l}>{l} and above</option>)}
			</select>
			{only.map(([name, value]) => (
				<Button key={name} class="small" icon="close" label={`Not only of ${name} ${value}`} onClick={() => setParams({ [name]: '' })}>{name} <Line value={value} max={40} /></Button>
			))}
			<span class="grow" />
			{m.list.value && <span class="muted">{m.list.value.length}{m.cursor.value ? ' and more' : ''}</span>}
		</div>
	);
}

function Nothing() {
	if (m.status.value === 'open' && !param('level') && !param('node') && !param('rule'))
		return (
			<Empty title="Nothing is open" text="What the rules find appears here at once. See what they would have found in history with a backtest:">
				<Button label="Rules" onClick={() => go('rules')}>Rules</Button>
				<Button label="All alerts, closed ones too" onClick={() => setParams({ status: 'all' })}>All alerts</Button>
			</Empty>
		);
	return (
		<Empty title="No alert is like this" text="Ask for less:">
			<Button label="All alerts" onClick={() => setParams({ status: 'all', level: '', node: '', rule: '', incident: '' })}>All alerts</Button>
		</Empty>
	);
}

export function AlertsView() {
	useEffect(m.startModel, []);
	useEffect(bindAlertKeys, []);
	const error = m.error.value;
	const list = m.list.value;
	if (error?.status === 404 && !list) return <Empty title="No alerts here" text="This collector runs no rules." />;
	return (
		<div class="column">
			<Bar />
			{error && error.status !== 0 && <Notice kind="danger" text={error.message} action="Dismiss" onAction={() => { m.error.value = null; }} />}
			<div class="split-body">
				{list?.length === 0
					? <Nothing />
					: (
						<div class="column">
							<DataTable label="Alerts" rows={list ?? []} columns={COLUMNS} keyOf={(a) => a.id} chosen={m.chosen.value} onChoose={(a) => m.choose(a.id)} />
							{m.cursor.value && <div class="table-more"><Button class="small" label="Older alerts" onClick={() => void m.more()}>Older</Button></div>}
						</div>
					)}
				{m.opened.value
					? <EventDrawer doc={m.opened.value} onClose={() => { m.opened.value = null; }} />
					: m.chosen.value && <AlertPanel />}
			</div>
		</div>
	);
}
