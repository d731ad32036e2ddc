// SPDX-License-Identifier: Apache-2.0
// model - keeps nodes and the collector's state fresh while the view is shown.
import { effect, signal } from '@preact/signals';
import { asApiError } from '../../api/client';
import { revokeNode, status as askStatus } from '../../api/fleet';
import { loadNodes } from '../../state/catalog';
import { resumed } from '../../state/connection';
import { say } from '../../state/toast';
import type { Status } from '../../api/types';

const EVERY_MS = 3000;

export const status = signal<Status | null>(null);
export const now = signal(Date.now());

export const error = signal('');

/** Has what the node sends not taken any more, on connections that are open either. */
export async function shutOut(id: string, name: string): Promise<void> {
	try {
		await revokeNode(id, new AbortController().signal);
		say(`${name} is shut out`);
	} catch (e) {
		error.value = asApiError(e).message;
	}
}

async function load(abort: AbortSignal): Promise<void> {
	try {
		const [told] = await Promise.all([askStatus(abort), loadNodes(abort)]);
		status.value = told;
	} catch { /* told by the connection notice */ }
	now.value = Date.now();
}

/** Asks again and again until the returned function is called. */
export function startModel(): () => void {
	return effect(() => {
		void resumed.value;
		const abort = new AbortController();
		void load(abort.signal);
		const timer = setInterval(() => { if (!document.hidden) void load(abort.signal); }, EVERY_MS);
		return () => {
			clearInterval(timer);
			abort.abort();
		};
	});
}
