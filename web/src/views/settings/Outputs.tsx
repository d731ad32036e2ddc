// SPDX-License-Identifier: Apache-2.0
// Outputs - where alerts are told to others: how that goes, what did not get through, and silences.
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Icon } from '../../components/Icon';
import { Sure } from '../../components/Sure';
import { Line, Value } from '../../components/Text';
import { formatCount, plural } from '../../lib/text';
import { formatMoment } from '../../lib/time';
import { utc, when } from '../../state/prefs';
import { mayExcept, mayWrite } from '../../state/session';
import { go } from '../../state/url';
import type { Output } from '../../api/types';
import * as m from './model';

const EXAMPLE = `outputs:
  - name: chat
    type: webhook
    url: https://hooks.example.org/x
    template: '{"text":"{{rule.title}} on {{node}}"}'
    level: high
  - { name: siem, type: syslog, url: "tls://siem:6514" }`;

function Teach() {
	return (
		<>
			<p>Alerts are told to nobody yet. Write <code class="mono">outputs.yaml</code> into the collector's folder and start it again:</p>
			<pre class="mono sample">{EXAMPLE}</pre>
			<p class="muted">Types are webhook, alertmanager, syslog and ndjson; docs/outputs.md tells their keys.</p>
		</>
	);
}

function SilenceForm({ name, onDone }: { name: string; onDone: () => void }) {
	const [rule, setRule] = useState('');
	const [node, setNode] = useState('');
	const [ttl, setTtl] = useState('1h');
	const [note, setNote] = useState('');
	return (
		<form class="row wrap token-form" onSubmit={(e) => {
			e.preventDefault();
			void m.silence(name, { rule: rule.trim(), node: node.trim(), ttl: ttl.trim(), note: note.trim() }).then((done) => { if (done) onDone(); });
		}}>
			<label>Rule<input class="text-input mono" placeholder="any" value={rule} onInput={(e) => setRule(e.currentTarget.value)} spellcheck={false} /></label>
			<label>Node<input class="text-input mono" placeholder="any" value={node} onInput={(e) => setNode(e.currentTarget.value)} spellcheck={false} /></label>
			<label>For<input class="text-input mono" size={5} value={ttl} onInput={(e) => setTtl(e.currentTarget.value)} /></label>
			<label class="grow">Why<input class="text-input" value={note} onInput={(e) => setNote(e.currentTarget.value)} /></label>
			<Button type="submit" kind="primary" label={`Silence ${name}`}>Silence</Button>
		</form>
	);
}

function Silences({ of }: { of: Output }) {
	if (!of.silences.length) return null;
	return (
		<ul class="silences" aria-label="Silences">
			{of.silences.map((s) => (
				<li key={s.id || `${s.rule} ${s.node}`} class="row wrap">
					<Icon name="pause" /><span>{s.rule || s.node ? <>alerts {s.rule && <>of <b class="mono"><Line value={s.rule} max={80} /></b></>} {s.node && <>on <b class="mono"><Line value={s.node} max={80} /></b></>}</> : 'all alerts'} are kept back {Number.isFinite(s.until) ? `until ${formatMoment(s.until, utc.value)}` : 'for ever'}</span>
					<span class="muted grow">{s.id ? s.author && <>by <Line value={s.author} max={60} /></> : 'by outputs.yaml'}{s.note && <>: <Line value={s.note} max={200} /></>}</span>
					{s.id && mayExcept.value && <Sure label={`End the silence ${s.id}`} text="End" onSure={() => void m.endSilence(of.name, s.id)} />}
				</li>
			))}
		</ul>
	);
}

function Dead({ of }: { of: Output }) {
	const shown = m.dead.value?.name === of.name ? m.dead.value.letters : null;
	if (!of.dead) return null;
	return (
		<div class="dead" role="group" aria-label="Dead letters">
			<p class="row wrap">
				<span class="status-warn"><Icon name="warn" />{plural(of.dead, 'alert')} did not get through</span>
				{!shown && <Button class="small" label={`Show the dead letters of ${of.name}`} onClick={() => void m.showDead(of.name)}>Show</Button>}
				{mayWrite.value && <Button class="small" icon="refresh" label={`Tell the dead letters of ${of.name} again`} onClick={() => void m.replay(of.name)}>Tell again</Button>}
			</p>
			{shown && (
				<ul>{shown.map((d) => (
					<li key={d.id} class="row wrap"><span class="muted">{when.value(d.created, true)}</span><button type="button" class="link" onClick={() => go('alerts', { status: 'all', sel: d.alert })}>alert {d.alert}</button><Line value={d.error} max={300} /></li>
				))}</ul>
			)}
		</div>
	);
}

function One({ of }: { of: Output }) {
	const [silencing, setSilencing] = useState(false);
	return (
		<article class="output" aria-label={of.name}>
			<header class="row wrap">
				<h3><Line value={of.name} max={80} /></h3><span class="badge">{of.type}</span>
				<span class="grow" />
				{mayExcept.value && <Button class="small" icon="pause" pressed={silencing} label={`Silence ${of.name} for a time`} onClick={() => setSilencing(!silencing)}>Silence</Button>}
				{mayWrite.value && <Button class="small" icon="play" label={`Send a made-up alert to ${of.name}`} onClick={() => void m.testOutput(of.name)}>Test</Button>}
			</header>
			<p class="mono output-to"><Value value={of.to} max={300} /></p>
			<p class="muted">{formatCount(of.sent)} sent, {formatCount(of.failed)} failed since the collector started</p>
			{of.error && <p class="bad" role="status"><Value value={of.error} max={300} /></p>}
			{silencing && <SilenceForm name={of.name} onDone={() => setSilencing(false)} />}
			<Silences of={of} />
			<Dead of={of} />
		</article>
	);
}

export function Outputs() {
	const list = m.outputs.value;
	return (
		<>
			<h2>Outputs</h2>
			{list?.length === 0 ? <Teach /> : list?.map((o) => <One key={o.name} of={o} />)}
		</>
	);
}
