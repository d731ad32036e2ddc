// SPDX-License-Identifier: Apache-2.0
// Backtest - what the text at hand would have found, drawn before it is put in force.
import { Button } from '../../components/Button';
import { Histogram } from '../../components/Histogram';
import { Progress } from '../../components/Progress';
import { Line } from '../../components/Text';
import { text } from '../../lib/doc';
import { summary } from '../../lib/summary';
import { plural } from '../../lib/text';
import { msOf } from '../../lib/time';
import { when } from '../../state/prefs';
import { go, setParams } from '../../state/url';
import * as m from './model';

const SPANS: [string, string][] = [['-1h', 'last hour'], ['-24h', 'last 24 hours'], ['-7d', 'last 7 days'], ['-30d', 'last 30 days']];
const SAMPLES = 8;

export function BacktestBar() {
	const running = m.backtesting.value;
	const query = m.lint.value?.rules.find((r) => r.query)?.query;
	return (
		<>
			<select class="text-input" aria-label="Backtest over" value={m.backtestSince.value} onChange={(e) => { setParams({ over: e.currentTarget.value === '-24h' ? '' : e.currentTarget.value }, false); }}>
				{SPANS.map(([since, name]) => <option key={since} value={since}>{name}</option>)}
			</select>
			{running
				? <Button label="Cancel the backtest" onClick={() => { running.abort(); m.backtesting.value = null; }}>Cancel</Button>
				: <Button icon="clock" label="See what it would have found (b)" disabled={!query} onClick={() => void m.runBacktest()}>Backtest</Button>}
		</>
	);
}

export function BacktestResult() {
	const found = m.backtest.value;
	if (m.backtesting.value) return <p class="row muted" role="status">Reading history… <Progress label="Backtest" share={m.progress.value} /></p>;
	if (!found) return null;
	const name = SPANS.find(([since]) => since === found.since)?.[1] ?? found.since;
	const hosts = new Set(found.hits.map((d) => text(d, 'host.name')));
	return (
		<section class="backtest" aria-label="Backtest">
			<div class="row wrap">
				<b>{plural(found.matches, found.hist ? 'event' : 'match', found.hist ? 'events' : 'matches')}</b>
				<span class="muted">in the {name}{hosts.size ? ` · ${plural(hosts.size, 'node')}` : ''} · {Math.round(found.tookMs)} ms</span>
				<span class="grow" />
				<Button class="small" icon="search" label="All of them in the search view" onClick={() => go('search', { q: found.query, since: found.since, until: '' })}>Search</Button>
			</div>
			{found.hist && <Histogram data={found.hist} gaps={found.hist.gaps} onRange={(from, to) => go('search', { q: found.query, since: new Date(from).toISOString(), until: new Date(to).toISOString() })} />}
			{found.matches === 0 && <p class="muted">It would have found nothing: quiet, or it does not say what you mean. A test that fires tells which.</p>}
			<ul class="samples">
				{found.hits.slice(0, SAMPLES).map((d, i) => (
					<li key={i} class="mono"><span class="muted">{when.value(msOf(d['@timestamp']), true)}</span> <b><Line value={text(d, 'host.name')} max={40} /></b> <Line value={summary(d)} max={160} /></li>
				))}
			</ul>
		</section>
	);
}
