// SPDX-License-Identifier: Apache-2.0
// SimpleQuery - a query in one line, where the query is not the point of the view.
import { useEffect, useState } from 'preact/hooks';
import { visible } from '../lib/text';
import { Icon } from './Icon';

export function SimpleQuery({ value, error, onRun }: { value: string; error: string; onRun: (q: string) => void }) {
	const [text, setText] = useState(value);
	useEffect(() => setText(value), [value]);
	return (
		<form class={`simple-query${error ? ' faulty' : ''}`} role="search" onSubmit={(e) => {
			e.preventDefault();
			onRun(text.trim());
		}}>
			<Icon name="search" />
			<input id="query" class="mono" aria-label="Query" placeholder="All events" spellcheck={false} autocomplete="off" value={text}
				aria-invalid={error !== ''} aria-describedby={error ? 'query-error' : undefined} onInput={(e) => setText(e.currentTarget.value)} />
			{error && <p id="query-error" role="alert">{visible(error)}</p>}
		</form>
	);
}
