// SPDX-License-Identifier: Apache-2.0
// Notice - one line that tells what is wrong or under way, and what to do.
import { visible } from '../lib/text';
import { Icon } from './Icon';

interface Props {
	kind: 'warn' | 'danger';
	text: string;
	action?: string;
	onAction?: () => void;
}

export function Notice({ kind, text, action, onAction }: Props) {
	return (
		<div class={`notice ${kind}`} role={kind === 'danger' ? 'alert' : 'status'}>
			<Icon name="warn" /><span>{visible(text)}</span>
			{action && <button type="button" class="link" onClick={onAction}>{action}</button>}
		</div>
	);
}
