// SPDX-License-Identifier: Apache-2.0
// Storage - what is kept, for how long, and (admin) a change of that: what would go is marked first.
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Facts } from '../../components/Facts';
import { Sure } from '../../components/Sure';
import { daysThatGo, parseSize, sizeText } from '../../lib/retention';
import { formatBytes, formatCount, plural, visible } from '../../lib/text';
import { formatDuration, formatMoment } from '../../lib/time';
import { utc } from '../../state/prefs';
import { mayAdmin } from '../../state/session';
import type { Retention } from '../../api/types';
import * as m from './model';

const keepText = (days: number, bytes: number): string =>
	[days ? plural(days, 'day') : 'for ever', bytes ? `${sizeText(bytes)} at most` : ''].filter(Boolean).join(', ');

function Days({ kept, going }: { kept: Retention; going: ReadonlySet<string> }) {
	const most = Math.max(1, ...kept.days.map((d) => d.bytes));
	return (
		<ol class="days" aria-label="Days">
			{[...kept.days].reverse().map((d) => (
				<li key={d.day} class={going.has(d.day) ? 'goes' : ''}>
					<span class="mono">{d.day.startsWith('1970') ? 'far off' : d.day}</span>
					<i aria-hidden="true"><i style={{ width: `${(d.bytes / most) * 100}%` }} /></i>
					<span>{formatBytes(d.bytes)}</span><span class="muted">{plural(d.events, 'event')}</span>
					<span>{d.held && <span class="badge">on hold</span>}{going.has(d.day) && <span class="badge danger">goes</span>}</span>
				</li>
			))}
		</ol>
	);
}

function Change({ kept, days, bytes, setDays, setBytes, going }: { kept: Retention; days: string; bytes: string; setDays: (v: string) => void; setBytes: (v: string) => void; going: number }) {
	const [n, size] = [Number(days), parseSize(bytes)];
	const wrong = !/^\d+$/.test(days.trim()) || n > 36_500 ? 'Days: a number from 0 (for ever) to 36500.' : size === null ? 'Bytes: such as 50G, 1.5T, or 0 for no limit.' : '';
	const same = n === kept.keepDays && size === kept.keepBytes;
	return (
		<form class="row wrap token-form" onSubmit={(e) => e.preventDefault()}>
			<label>Keep days<input class="text-input mono" size={8} inputMode="numeric" value={days} onInput={(e) => setDays(e.currentTarget.value)} aria-describedby="keep-note" /></label>
			<label>Keep bytes<input class="text-input mono" size={8} value={bytes} onInput={(e) => setBytes(e.currentTarget.value)} aria-describedby="keep-note" /></label>
			{!wrong && !same && <Sure label={going ? `Keep ${keepText(n, size ?? 0)}: ${plural(going, 'day')} will be removed` : `Keep ${keepText(n, size ?? 0)}`} text={going ? `Set, and remove ${plural(going, 'day')}` : 'Set'} onSure={() => void m.keep({ keepDays: n, keepBytes: size ?? 0 })} />}
			{Number.isFinite(kept.changed) && <Button class="small" label={`As configured: ${keepText(kept.configured.keepDays, kept.configured.keepBytes)}`} onClick={() => void m.keep(null)}>As configured</Button>}
			<p id="keep-note" class={wrong ? 'bad' : 'muted'} role="status">{wrong || '0: no limit. Whole days go, the oldest first; never today, never one on hold.'}</p>
		</form>
	);
}

function Kept({ kept }: { kept: Retention }) {
	const [days, setDays] = useState(String(kept.keepDays));
	const [bytes, setBytes] = useState(sizeText(kept.keepBytes));
	const size = parseSize(bytes);
	const valid = /^\d+$/.test(days.trim()) && size !== null;
	const going = daysThatGo(kept.days, valid ? Number(days) : kept.keepDays, valid ? size : kept.keepBytes, Date.now());
	return (
		<>
			<h2>Kept</h2>
			<Facts list={[
				['Now', keepText(kept.keepDays, kept.keepBytes)],
				['Set', Number.isFinite(kept.changed) ? `${formatMoment(kept.changed, utc.value)} by ${visible(kept.author)}` : 'by the options of the collector'],
			]} />
			{mayAdmin.value && <Change kept={kept} days={days} bytes={bytes} setDays={setDays} setBytes={setBytes} going={going.size} />}
			<Days kept={kept} going={mayAdmin.value ? going : new Set()} />
		</>
	);
}

export function Storage() {
	const s = m.status.value;
	const kept = m.retention.value;
	if (!s) return <h2>Storage</h2>;
	return (
		<>
			<h2>Storage</h2>
			<Facts list={[
				['Events', `${formatCount(s.events)} in ${plural(s.days, 'day')}`],
				['On disk', `${formatBytes(s.bytes)}${s.events ? `, ${(s.bytes / s.events).toFixed(1)} B an event` : ''}`],
				['Disk', s.diskFree ? `${formatBytes(s.diskFree)} free${s.diskLow ? ': too little, events wait at the nodes' : ''}` : ''],
				['Removed', s.removedDays ? `${plural(s.removedDays, 'day')}, ${plural(s.removedEvents, 'event')}` : 'nothing yet'],
				['Collector', `${s.version}, up for ${formatDuration(s.uptimeMs)}`],
			]} />
			{kept && <Kept key={`${kept.keepDays} ${kept.keepBytes}`} kept={kept} />}
		</>
	);
}
