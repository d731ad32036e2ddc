// SPDX-License-Identifier: Apache-2.0
// prefs - what a person chose for this browser: theme and clock.
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const stored = (key: string): string => localStorage.getItem(`rtsec.${key}`) ?? '';

export const theme = signal<Theme>((stored('theme') || 'auto') as Theme);
export const utc = signal(stored('clock') !== 'local');
export const dark = signal(false);

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
	effect(() => localStorage.setItem('rtsec.clock', utc.value ? 'utc' : 'local'));
}

export function nextTheme(): void {
	theme.value = dark.value ? 'light' : 'dark';
}
