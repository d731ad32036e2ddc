// SPDX-License-Identifier: Apache-2.0
// Text - a string from an event, shown harmless: markup is text, hidden characters are visible, its
// direction cannot leak out of its box, and a huge one is cut until asked for.
import { useState } from 'preact/hooks';
import { clip, formatBytes, pieces } from '../lib/text';

const MORE = 20_000;

const shown = (s: string) => pieces(s).map((p) => (p.escaped ? <span class="ctl">{p.text}</span> : p.text));

/** One line, at most @max characters. */
export function Line({ value, max = 400 }: { value: string; max?: number }) {
	const cut = clip(value, max);
	return <bdi>{shown(cut)}{cut.length < value.length && '…'}</bdi>;
}

/** A whole value that grows on demand. */
export function Value({ value, max = 600 }: { value: string; max?: number }) {
	const [limit, setLimit] = useState(max);
	const cut = clip(value, limit);
	return (
		<bdi class="value">
			{shown(cut)}
			{cut.length < value.length && (
				<button type="button" class="link" onClick={() => setLimit(limit + MORE)}>
					… show more ({formatBytes(value.length - cut.length)} left)
				</button>
			)}
		</bdi>
	);
}
