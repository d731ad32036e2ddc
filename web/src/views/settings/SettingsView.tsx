// SPDX-License-Identifier: Apache-2.0
// SettingsView - what the token may see and change: itself, other tokens, new nodes, storage, outputs, the audit log.
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Facts } from '../../components/Facts';
import { NewNode } from '../../components/NewNode';
import { Notice } from '../../components/Notice';
import { formatMoment } from '../../lib/time';
import { clock, me, theme, utc } from '../../state/prefs';
import { identity, mayAdmin, mayWrite } from '../../state/session';
import { setParams } from '../../state/url';
import { Audit } from './Audit';
import * as m from './model';
import { Outputs } from './Outputs';
import { Storage } from './Storage';
import { Tokens } from './Tokens';

function Choice({ label, options, value, onChoose }: { label: string; options: [string, string][]; value: string; onChoose: (v: string) => void }) {
	return (
		<div class="setting">
			<span>{label}</span>
			<div class="segments" role="group" aria-label={label}>
				{options.map(([name, title]) => <button key={name} type="button" aria-pressed={value === name} onClick={() => onChoose(name)}>{title}</button>)}
			</div>
		</div>
	);
}

function You() {
	const who = identity.value;
	return (
		<>
			<h2>You</h2>
			<Facts list={[
				['Token', who ? `${who.name}, ${who.role}` : ''], ['Nodes', who ? who.scope || 'all' : ''],
				['Made', who && Number.isFinite(who.created) ? formatMoment(who.created, utc.value) : ''],
				['Expires', who ? (Number.isFinite(who.expires) ? formatMoment(who.expires, utc.value) : 'never') : ''],
			]} />
			<h2>This browser</h2>
			<Choice label="Theme" options={[['auto', 'As the system'], ['light', 'Light'], ['dark', 'Dark']]} value={theme.value} onChoose={(v) => { theme.value = v as typeof theme.value; }} />
			<Choice label="Times" options={[['utc', 'UTC'], ['local', 'Local'], ['ago', 'How long ago']]} value={clock.value} onChoose={(v) => { clock.value = v as typeof clock.value; }} />
			<label class="setting"><span>Your name, for notes and exceptions</span><input class="text-input" value={me.value} onInput={(e) => { me.value = e.currentTarget.value; }} /></label>
			<p class="muted">Kept in this browser; the token in this tab only.</p>
		</>
	);
}

function JoinNode() {
	return <><h2>New node</h2><NewNode /></>;
}

export function SettingsView() {
	useEffect(m.startModel, []);
	const parts: [string, string, boolean, FunctionComponent][] = [
		['you', 'You', true, You], ['storage', 'Storage', true, Storage], ['outputs', 'Outputs', true, Outputs], ['node', 'New node', mayWrite.value, JoinNode],
		['tokens', 'Tokens', mayAdmin.value, Tokens], ['audit', 'Audit log', mayAdmin.value, Audit],
	];
	const shown = parts.filter(([, , may]) => may);
	const Part = (shown.find(([name]) => name === m.part.value) ?? shown[0])?.[3] ?? You;
	return (
		<div class="settings">
			<nav aria-label="Settings">
				{shown.map(([name, title]) => (
					<Button key={name} kind="quiet" pressed={m.part.value === name} label={title} onClick={() => setParams({ part: name === 'you' ? '' : name })}>{title}</Button>
				))}
			</nav>
			<div class="settings-part column">
				{m.error.value && m.error.value.status !== 0 && <Notice kind="danger" text={m.error.value.message} action="Dismiss" onAction={() => { m.error.value = null; }} />}
				<Part />
			</div>
		</div>
	);
}
