// SPDX-License-Identifier: Apache-2.0
// prefs - what a person chose for this browser: theme and clock.
import { computed, effect, signal } from '@preact/signals';
import { formatAgo, formatTime } from '../lib/time';

export type Theme = 'auto' | 'light' | 'dark';
export type Clock = 'utc' | 'local' | 'ago'; /* ago: lists tell how long ago */

const stored = (key: string): string => localStorage.getItem(`rtsec.${key}`) ?? '';

export const theme = signal<Theme>((stored('theme') || 'auto') as Theme);
export const clock = signal<Clock>((stored('clock') || 'utc') as Clock);
export const utc = computed(() => clock.value !== 'local');
/** The time that "ago" counts from, ms; moves now and then while it is shown. */
export const now = signal(Date.now());
const AGO_STEP_MS = 5000;
export const dark = signal(false);
export const me = signal(stored('me')); /* who makes notes and exceptions */

const wantsDark = matchMedia('(prefers-color-scheme: dark)');

/** Keeps <html data-theme> and localStorage in step with the choices, from now on. */
export function applyPrefs(): void {
	const apply = (): void => {
		dark.value = theme.value === 'dark' || (theme.value === 'auto' && wantsDark.matches);
		document.documentElement.dataset['theme'] = dark.value ? 'dark' : 'light';
	};
	wantsDark.addEventListener('change', apply);
	effect(() => {
		localStorage.setItem('rtsec.theme', theme.value);
		apply();
	});
	effect(() => localStorage.setItem('rtsec.clock', clock.value));
	effect(() => localStorage.setItem('rtsec.me', me.value));
	effect(() => {
		if (clock.value !== 'ago') return undefined;
		now.value = Date.now();
		const timer = setInterval(() => { now.value = Date.now(); }, AGO_STEP_MS);
		return () => clearInterval(timer);
	});
}

export function nextClock(): void {
	clock.value = ({ utc: 'local', local: 'ago', ago: 'utc' } as const)[clock.value];
}

/** How lists write a time now: a function that is another one when the same time would read otherwise. */
export const when = computed<(ms: number, withDate?: boolean) => string>(() => {
	const [how, from] = [clock.value, now.value];
	return how === 'ago' ? (ms) => formatAgo(ms, from) : (ms, withDate) => formatTime(ms, how === 'utc', withDate);
});

export function nextTheme(): void {
	theme.value = dark.value ? 'light' : 'dark';
}
