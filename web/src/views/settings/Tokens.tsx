// SPDX-License-Identifier: Apache-2.0
// Tokens - API tokens: making and revoking them.  A secret is shown once.
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button';
import { DataTable, type DataColumn } from '../../components/DataTable';
import { Secret } from '../../components/Secret';
import { Sure } from '../../components/Sure';
import { Line } from '../../components/Text';
import { formatMoment } from '../../lib/time';
import { utc } from '../../state/prefs';
import type { TokenInfo } from '../../api/types';
import * as m from './model';

const ROLES: [string, string][] = [
	['viewer', 'viewer: reads'], ['analyst', 'analyst: works on alerts too'], ['operator', 'operator: changes rules and nodes too'], ['admin', 'admin: tokens and audit log too'],
];

const ends = (t: TokenInfo): string => (Number.isFinite(t.revoked) ? 'revoked' : Number.isFinite(t.expires) ? formatMoment(t.expires, utc.value) : 'never');

const COLUMNS: DataColumn<TokenInfo>[] = [
	{ title: 'Token', width: 'minmax(140px, 1.5fr)', cell: (t) => <b><Line value={t.name} max={80} /></b>, sort: (t) => t.name },
	{ title: 'Role', width: '90px', cell: (t) => t.role, sort: (t) => t.role },
	{ title: 'Nodes', width: 'minmax(90px, 1fr)', cell: (t) => <Line value={t.scope || 'all'} max={80} />, sort: (t) => t.scope },
	{ title: 'Made', width: '150px', narrow: true, cell: (t) => formatMoment(t.created, utc.value), sort: (t) => t.created },
	{ title: 'By', width: '110px', narrow: true, cell: (t) => <Line value={t.createdBy || '-'} max={40} />, sort: (t) => t.createdBy },
	{ title: 'Expires', width: '150px', cell: (t) => (Number.isFinite(t.revoked) ? <span class="badge">revoked</span> : ends(t)), sort: (t) => t.expires || Infinity },
	{ title: 'Revoke', width: '110px', cell: (t) => (Number.isFinite(t.revoked) ? '' : <Sure label={`Revoke ${t.name}`} text="Revoke" onSure={() => void m.revoke(t.id)} />) },
];

export function Tokens() {
	const [name, setName] = useState('');
	const [role, setRole] = useState('viewer');
	const [scope, setScope] = useState('');
	const [ttl, setTtl] = useState('90d');
	const make = async (): Promise<void> => {
		if (name.trim() && await m.makeToken({ name: name.trim(), role, scope: scope.trim(), ttl })) setName('');
	};
	return (
		<>
			<h2>Tokens</h2>
			<form class="row wrap token-form" onSubmit={(e) => {
				e.preventDefault();
				void make();
			}}>
				<label class="grow">For<input class="text-input" placeholder="what it is for" value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<label>Role<select class="text-input" value={role} onChange={(e) => setRole(e.currentTarget.value)}>{ROLES.map(([r, text]) => <option key={r} value={r}>{text}</option>)}</select></label>
				<label>Nodes<input class="text-input mono" placeholder="all" value={scope} onInput={(e) => setScope(e.currentTarget.value)} /></label>
				<label>Good for<input class="text-input mono" size={6} value={ttl} onInput={(e) => setTtl(e.currentTarget.value)} /></label>
				<Button type="submit" kind="primary" label="Make the token" disabled={!name.trim()}>Make</Button>
			</form>
			{m.made.value && <Secret text={m.made.value} what="The token is made." />}
			<DataTable label="Tokens" rows={m.tokens.value ?? []} columns={COLUMNS} keyOf={(t) => t.id} />
		</>
	);
}
