// SPDX-License-Identifier: Apache-2.0
// Empty - nothing to show: says why, and offers the next step.
import type { ComponentChildren } from 'preact';

export function Empty({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<h2>{title}</h2>
			<p class="muted">{text}</p>
			{children && <div class="row wrap">{children}</div>}
		</div>
	);
}
