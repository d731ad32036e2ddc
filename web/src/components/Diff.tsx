// SPDX-License-Identifier: Apache-2.0
// Diff - how a text changes, with signs as well as colours.
import { diffLines, nearChanges } from '../lib/diff';
import { visible } from '../lib/text';

const SIGN = { same: ' ', gone: '−', new: '+' };
const SPOKEN = { same: '', gone: 'removed: ', new: 'added: ' };

export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
	const lines = nearChanges(diffLines(before, after), 3);
	if (lines.every((l) => l === null)) return <p class="muted">No line differs.</p>;
	return (
		<pre class="diff mono" role="group" aria-label={label} tabIndex={0}>
			{lines.map((l, i) => (l === null
				? <span key={i} class="diff-skip">⋯{'\n'}</span>
				: <span key={i} class={`diff-${l.kind}`}><span aria-hidden="true">{SIGN[l.kind]} </span><span class="sr-only">{SPOKEN[l.kind]}</span>{visible(l.text)}{'\n'}</span>))}
		</pre>
	);
}
