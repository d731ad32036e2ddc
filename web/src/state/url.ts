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

/** Another view, with nothing but @changes in the URL; what all views share (range, node) stays. */
export function go(view: string, changes: Record<string, string> = {}): void {
	const shared = { since: param('since'), until: param('until'), node: param('node') };
	const gone = Object.fromEntries([...params.value.keys()].map((k) => [k, '']));
	setParams({ ...gone, ...shared, view: view === 'search' ? '' : view, ...changes });
}

/** The address that shows @changes alone. */
export function hrefOf(changes: Record<string, string>): string {
	const given = Object.entries(changes).filter(([k, v]) => v !== '' && !(k === 'view' && v === 'search'));
	return given.length ? `/?${new URLSearchParams(given).toString()}` : '/';
}

/** A click on a link that the page follows itself; with a modifier key the browser does. */
export const onLink = (run: () => void) => (e: MouseEvent): void => {
	if (e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
	e.preventDefault();
	e.stopPropagation();
	run();
};
