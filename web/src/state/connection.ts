// SPDX-License-Identifier: Apache-2.0
// connection - whether the collector answers.  When it stops, asks /healthz until it is back and
// then tells those who wait.
import { signal } from '@preact/signals';

export const lostSince = signal<number | null>(null); /* ms */
export const resumed = signal(0); /* counts returns: whoever reads it asks again */

const RETRY_MS = 1500;
let timer: ReturnType<typeof setTimeout> | undefined;

export function reachable(): void {
	if (lostSince.value === null) return;
	clearTimeout(timer);
	timer = undefined;
	lostSince.value = null;
	resumed.value++;
}

export function unreachable(): void {
	if (lostSince.value === null) lostSince.value = Date.now();
	timer ??= setTimeout(() => void knock(), RETRY_MS);
}

async function knock(): Promise<void> {
	timer = undefined;
	try {
		const response = await fetch('/healthz', { cache: 'no-store', credentials: 'omit' });
		if (response.ok) return reachable();
	} catch { /* still away */ }
	unreachable();
}
