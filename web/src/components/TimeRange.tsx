// SPDX-License-Identifier: Apache-2.0
// TimeRange - picks since and until: presets, or any two time words of the search language.
import { useState } from 'preact/hooks';
import { utc } from '../state/prefs';
import { formatMoment, parseTime } from '../lib/time';
import { Button } from './Button';
import { Popover } from './Popover';

const PRESETS: [string, string][] = [
	['-5m', 'Last 5 minutes'], ['-15m', 'Last 15 minutes'], ['-1h', 'Last hour'], ['-6h', 'Last 6 hours'],
	['-24h', 'Last 24 hours'], ['-7d', 'Last 7 days'], ['-30d', 'Last 30 days'],
];

interface Props {
	since: string;
	until: string;
	onChange: (since: string, until: string) => void;
}

/** The range in words. */
export function rangeText(since: string, until: string): string {
	const preset = PRESETS.find(([word]) => word === since);
	if (preset && !until) return preset[1];
	const show = (word: string): string => {
		const ms = /^\d/.test(word) ? parseTime(word, Date.now()) : null;
		return ms === null ? word || 'now' : formatMoment(ms, utc.value);
	};
	return `${show(since)} to ${show(until)}`;
}

function Custom({ since, until, onChange }: Props) {
	const [from, setFrom] = useState(since);
	const [to, setTo] = useState(until);
	const now = Date.now();
	const a = parseTime(from, now);
	const b = parseTime(to, now);
	const wrong = a === null ? 'Since is not a time.' : b === null ? 'Until is not a time.' : a >= b ? 'Since must lie before until.' : '';
	return (
		<form onSubmit={(e) => {
			e.preventDefault();
			if (!wrong) onChange(from.trim(), to.trim() === 'now' ? '' : to.trim());
		}}>
			<label>Since<input value={from} onInput={(e) => setFrom(e.currentTarget.value)} spellcheck={false} /></label>
			<label>Until<input value={to} placeholder="now" onInput={(e) => setTo(e.currentTarget.value)} spellcheck={false} /></label>
			<p class={wrong ? 'note bad' : 'note'} role="status">{wrong || '-2h, 2026-11-22T22:00:00Z, epoch or now'}</p>
			<Button type="submit" kind="primary" label="Apply this range">Apply</Button>
		</form>
	);
}

export function TimeRange(props: Props) {
	const { since, until, onChange } = props;
	return (
		<Popover label="Time range" icon="clock" text={rangeText(since, until)} panel={(close) => {
			const choose = (s: string, u: string): void => {
				onChange(s, u);
				close();
			};
			return (
				<>
					{PRESETS.map(([word, text]) => (
						<button key={word} type="button" class="choice" aria-pressed={word === since && !until}
							onClick={() => choose(word, '')}>
							<span>{text}</span><span class="mono muted">{word}</span>
						</button>
					))}
					<hr />
					<Custom {...props} onChange={choose} />
				</>
			);
		}} />
	);
}
