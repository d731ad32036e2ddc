// SPDX-License-Identifier: Apache-2.0
// Badge - a small word beside a name; what it means in full is its title and is spoken.
import type { ComponentChildren } from 'preact';
import { visible } from '../lib/text';

export type BadgeKind = 'plain' | 'ok' | 'warn' | 'danger' | 'network' | 'file' | 'process';

export function Badge({ kind = 'plain', label, children }: { kind?: BadgeKind; label: string; children: ComponentChildren }) {
	return <span class={`badge ${kind}`} title={visible(label)} role="img" aria-label={visible(label)}>{children}</span>;
}
