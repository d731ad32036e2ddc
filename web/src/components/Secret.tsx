// SPDX-License-Identifier: Apache-2.0
// Secret - what was just made and is told this once.
import { Button } from './Button';
import { copyText } from './copy';

export function Secret({ text, what }: { text: string; what: string }) {
	return (
		<div class="secret" role="status">
			<p>{what} It is shown this once: copy it now.</p>
			<div class="row"><code class="mono grow">{text}</code><Button icon="copy" label="Copy it" onClick={() => void copyText(text)}>Copy</Button></div>
		</div>
	);
}
