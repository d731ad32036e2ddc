// SPDX-License-Identifier: Apache-2.0
// IncidentsView - alerts that belong together, the gravest first; one of them is read as a story.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { Level, levelRank } from '../../components/Level';
import { Notice } from '../../components/Notice';
import { Score } from '../../components/Score';
import { Line } from '../../components/Text';
import { TimeRange } from '../../components/TimeRange';
import { formatCompact, plural } from '../../lib/text';
import { formatDuration } from '../../lib/time';
import { when } from '../../state/prefs';
import { go, setParams } from '../../state/url';
import type { Incident } from '../../api/types';
import { bindIncidentKeys } from './keys';
import * as m from './model';
import { Story } from './Story';

const COLUMNS: DataColumn<Incident>[] = [
	{ title: 'Score', width: '96px', cell: (i) => <Score score={i.score} />, sort: (i) => -i.score },
	{ title: 'Level', width: '90px', narrow: true, cell: (i) => <Level level={i.level} />, sort: (i) => -levelRank(i.level) },
	{ title: 'Incident', width: 'minmax(200px, 2fr)', cell: (i) => <b><Line value={i.title} max={160} /></b>, sort: (i) => i.title },
	{ title: 'Nodes', width: 'minmax(110px, 1fr)', cell: (i) => <Line value={i.nodes.join(' → ')} max={120} />, sort: (i) => i.nodes.length },
	{ title: 'Alerts', width: '64px', number: true, cell: (i) => formatCompact(i.alerts), sort: (i) => i.alerts },
	{ title: 'Techniques', width: 'minmax(110px, 0.8fr)', narrow: true, cell: (i) => <span class="muted"><Line value={i.techniques.join(' ')} max={80} /></span> },
	{ title: 'Began', width: '150px', cell: (i) => when.value(i.first, true), sort: (i) => i.first },
	{ title: 'Lasted', width: '96px', number: true, narrow: true, cell: (i) => formatDuration(i.last - i.first), sort: (i) => i.last - i.first },
];

function Bar() {
	const { since, until } = m.range.value;
	return (
		<div class="view-bar">
			<h2>{plural(m.list.value?.length ?? 0, 'incident')}</h2>
			<span class="muted wide">alerts that belong together, the gravest first</span>
			<span class="grow" />
			<TimeRange since={since} until={until} onChange={(s, u) => setParams({ since: s, until: u })} />
		</div>
	);
}

function Nothing() {
	return (
		<Empty title="No incident in this time" text="Alerts are joined to one when their processes, connections, files or users are the same; a grave one alone is one, too. Widen the range, or look at what stands alone:">
			<Button label="Last 7 days" onClick={() => setParams({ since: '-7d', until: '' })}>Last 7 days</Button>
			<Button label="All alerts" onClick={() => go('alerts', { status: 'all' })}>All alerts</Button>
			<Button label="Rules" onClick={() => go('rules')}>Rules</Button>
		</Empty>
	);
}

function List() {
	return (
		<div class="column">
			<Bar />
			{m.cut.value && <Notice kind="warn" text="There are more alerts in this time than are looked at: the newest are. Narrow the range to see others." />}
			<div class="split-body">
				{m.list.value?.length === 0
					? <Nothing />
					: <DataTable label="Incidents" rows={m.list.value ?? []} columns={COLUMNS} keyOf={(i) => i.id} chosen={m.cursor.value} onChoose={(i) => m.choose(i.id)} onMove={(i) => { m.cursor.value = i.id; }} rowPx={36} />}
			</div>
		</div>
	);
}

export function IncidentsView() {
	useEffect(m.startModel, []);
	useEffect(bindIncidentKeys, []);
	const error = m.error.value;
	if (error?.status === 404 && m.chosen.value && !m.whole.value) {
		return (
			<Empty title="No such incident in this time" text="It may lie before the range that is looked at.">
				<Button label="Last 30 days" onClick={() => setParams({ since: '-30d', until: '' })}>Last 30 days</Button>
				<Button label="All incidents" onClick={() => m.choose('')}>All incidents</Button>
			</Empty>
		);
	}
	return (
		<>
			{m.chosen.value ? <Story /> : <List />}
			{error && error.status !== 0 && <Notice kind="danger" text={error.message} action="Try again" onAction={m.refresh} />}
		</>
	);
}
