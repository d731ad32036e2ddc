// SPDX-License-Identifier: Apache-2.0
// Sure - a button for what cannot easily be undone: the first press asks, the second does it.
import { useState } from 'preact/hooks';
import { Button } from './Button';

export function Sure({ label, text, onSure }: { label: string; text: string; onSure: () => void }) {
	const [asked, setAsked] = useState(false);
	return (
		<span onFocusOut={() => setAsked(false)}>
			<Button class="small" kind={asked ? 'primary' : 'plain'} label={asked ? `Really: ${label}` : label} onClick={() => {
				if (asked) onSure();
				setAsked(!asked);
			}}>{asked ? `Really ${text.toLowerCase()}?` : text}</Button>
		</span>
	);
}
