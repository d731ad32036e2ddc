// SPDX-License-Identifier: Apache-2.0
// session - the API token: taken once from #token=..., kept for this tab only, never in the URL.
import { computed, signal } from '@preact/signals';

/** Whose token it is. */
export interface Identity {
	name: string;
	role: string; /* viewer, analyst, operator or admin */
	scope: string; /* "": every node */
	created: number; /* ms */
	expires: number; /* NaN: never */
}

const KEY = 'rtsec.token';

export const token = signal(sessionStorage.getItem(KEY) ?? '');
export const signInNote = signal('');

/** Takes the token out of the address bar.  Must run before anything reads the URL. */
export function takeTokenFromUrl(): void {
	const found = /^#token=([^&]+)/.exec(location.hash);
	if (!found) return;
	signIn(decodeURIComponent(found[1] ?? ''));
	history.replaceState(null, '', location.pathname + location.search);
}

export function signIn(value: string): void {
	sessionStorage.setItem(KEY, value.trim());
	signInNote.value = '';
	identity.value = null;
	token.value = value.trim();
}

export function signOut(note = ''): void {
	sessionStorage.removeItem(KEY);
	signInNote.value = note;
	token.value = '';
}

/** What the collector says of the token; null until it has, then all is offered and it refuses. */
export const identity = signal<Identity | null>(null);

const rank = computed(() => ['viewer', 'analyst', 'operator', 'admin'].indexOf(identity.value?.role ?? ''));
const atLeast = (n: number) => computed(() => rank.value < 0 || rank.value >= n);

/** Whether the role allows exceptions and work on alerts; changes of rules; tokens and settings. */
export const mayExcept = atLeast(1);
export const mayWrite = atLeast(2);
export const mayAdmin = atLeast(3);
