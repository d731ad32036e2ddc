// SPDX-License-Identifier: Apache-2.0
// model - keeps nodes and the collector's state fresh while the view is shown.
import { effect, signal } from '@preact/signals';
import { status as askStatus } from '../../api/fleet';
import { loadNodes } from '../../state/catalog';
import { resumed } from '../../state/connection';
import type { Status } from '../../api/types';

const EVERY_MS = 3000;

export const status = signal<Status | null>(null);
export const now = signal(Date.now());

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
