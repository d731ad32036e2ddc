// SPDX-License-Identifier: Apache-2.0
// Audit - what was asked and changed, by whom, newest first.
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Line } from '../../components/Text';
import { clip, visible } from '../../lib/text';
import { when } from '../../state/prefs';
import type { AuditRow } from '../../api/types';
import * as m from './model';

const COLUMNS: DataColumn<AuditRow>[] = [
	{ title: 'Time', width: '150px', cell: (a) => when.value(a.time, true), sort: (a) => a.time },
	{ title: 'Who', width: '130px', cell: (a) => <b><Line value={a.actor || 'nobody known'} max={60} /></b>, sort: (a) => a.actor },
	{ title: 'From', width: '110px', narrow: true, cell: (a) => <span class="mono"><Line value={a.address} max={60} /></span>, sort: (a) => a.address },
	{ title: 'What', width: '190px', cell: (a) => <span class="mono"><Line value={a.action} max={80} /></span>, sort: (a) => a.action },
	{ title: 'Details', width: 'minmax(120px, 1fr)', cell: (a) => <span class="mono muted" title={visible(clip(a.detail, 400))}><Line value={a.detail} max={200} /></span> },
	{ title: 'Answer', width: '70px', number: true, cell: (a) => (a.status >= 400 ? <span class="badge warn">{a.status}</span> : a.status), sort: (a) => a.status },
];

export function Audit() {
	return (
		<>
			<h2>Audit log</h2>
			<DataTable label="Audit log" rows={m.audit.value ?? []} columns={COLUMNS} keyOf={(a) => a.id} rowPx={28} />
			{m.older.value && <div class="table-more"><Button class="small" label="Older entries" onClick={() => void m.olderRows()}>Older</Button></div>}
		</>
	);
}
