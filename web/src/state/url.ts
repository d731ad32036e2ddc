// SPDX-License-Identifier: Apache-2.0
// url - the query string is the state: a link reproduces a view.  `view` names the view (none:
// search); the other parameters belong to it.
import { signal } from '@preact/signals';

export const params = signal(new URLSearchParams(location.search));

addEventListener('popstate', () => {
	params.value = new URLSearchParams(location.search);
});

export const param = (name: string): string => params.value.get(name) ?? '';

/** Sets (or with "" removes) parameters; @push makes a step that Back undoes. */
export function setParams(changes: Record<string, string>, push = true): void {
	const next = new URLSearchParams(params.value);
	for (const [key, value] of Object.entries(changes)) {
		if (value === '') next.delete(key);
		else next.set(key, value);
	}
	if (next.toString() === params.value.toString()) return;
	const text = next.toString();
	const url = location.pathname + (text ? `?${text}` : '');
	if (push) history.pushState(null, '', url);
	else history.replaceState(null, '', url);
	params.value = next;
}
