// SPDX-License-Identifier: Apache-2.0
// alerts - how many alerts are open, for the head of the page; and a count that moves with each change
// of any, for views that show some.
import { effect, signal } from '@preact/signals';
import { alerts, watchAlerts } from '../api/alerts';
import { ApiError, isAbort } from '../api/client';
import { resumed } from './connection';

const MOST = 100;
const REST_MS = 400;
const RETRY_MS = 3000;

export const openAlerts = signal(0); /* at most MOST */
export const alertChanges = signal(0);
export const alertsKnown = signal(true); /* false: this collector has none */

async function count(abort: AbortSignal): Promise<void> {
	openAlerts.value = (await alerts({ status: 'open' }, MOST, '', abort)).alerts.length;
}

async function watch(abort: AbortController): Promise<void> {
	let rest: ReturnType<typeof setTimeout> | undefined;
	const changed = (): void => {
		rest ??= setTimeout(() => {
			rest = undefined;
			alertChanges.value++;
			void count(abort.signal).catch(() => {});
		}, REST_MS);
	};
	while (!abort.signal.aborted) {
		try {
			await count(abort.signal);
			await watchAlerts(changed, abort.signal);
		} catch (e) {
			if (isAbort(e)) return;
			if (e instanceof ApiError && e.status >= 400 && e.status < 500) {
				alertsKnown.value = e.status !== 404;
				return;
			}
		}
		await new Promise((wake) => setTimeout(wake, RETRY_MS));
	}
}

/** Watches until the returned function is called. */
export function startAlerts(): () => void {
	return effect(() => {
		void resumed.value;
		const abort = new AbortController();
		void watch(abort);
		return () => abort.abort();
	});
}
