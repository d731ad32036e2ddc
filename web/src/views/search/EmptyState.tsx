// SPDX-License-Identifier: Apache-2.0
// EmptyState - nothing to list: says why, and teaches the next step.
import { tokens } from '../../lib/eql';
import { rangeText } from '../../components/TimeRange';
import { Button } from '../../components/Button';
import { allNodes } from '../../state/catalog';
import * as m from './model';

export const EXAMPLES: [string, string][] = [
	['Programs that were started', 'process where event.action == "exec"'],
	['Tools that fetch or listen', 'process where process.name : ("curl", "wget", "nc", "socat")'],
	['Writes below /etc', 'file where file.path : "/etc/*" and file.open.flags == "write"'],
	['Connections that leave the private networks', 'network where event.action == "connection_attempted" and not cidrmatch(destination.ip, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")'],
	['What failed', 'any where event.outcome == "failure"'],
	['What was started from a remote shell', 'process where process.parent.name : "sshd*" and event.action == "exec"'],
	['Lost events', 'rtsec where event.action == "gap"'],
];

const TITLE = {
	none: 'No event matches',
	waiting: 'Waiting for the next event',
	fault: 'The query has a fault',
};

function hint(why: keyof typeof TITLE): string {
	const { since, until, q } = m.scope.value;
	if (why === 'fault') return 'It is marked above, with what was expected there. These work:';
	if (why === 'waiting') return `Live events ${q ? 'that match the query ' : ''}appear here at once. Ideas for a query:`;
	if (!allNodes.value.length) return 'No node has reported to this collector yet: start rtsec-sensor on one. Then ask, for example:';
	return `Range: ${rangeText(since, until)}. Widen it, or ask something else:`;
}

export function EmptyState({ why }: { why: keyof typeof TITLE }) {
	return (
		<div class="empty">
			<h2>{TITLE[why]}</h2>
			<p class="muted">{hint(why)}</p>
			{why === 'none' && (
				<div class="row">
					<Button label="Last 24 hours" onClick={() => m.setRange('-24h', '')}>Last 24 hours</Button>
					<Button label="Last 7 days" onClick={() => m.setRange('-7d', '')}>Last 7 days</Button>
					{m.scope.value.q && <Button label="Remove the query" onClick={() => m.runQuery('')}>Remove the query</Button>}
				</div>
			)}
			<ul>
				{EXAMPLES.map(([what, q]) => (
					<li key={q}>
						<button type="button" onClick={() => m.runQuery(q)}>
							<span>{what}</span>
							<code class="mono">{tokens(q).map((t) => <span key={t.at} class={`t-${t.kind}`}>{t.text}</span>)}</code>
						</button>
					</li>
				))}
			</ul>
		</div>
	);
}
