// SPDX-License-Identifier: Apache-2.0
// opened - the one event that is open in the drawer, whatever the view, in step with `event` of the URL:
// its time and its _id (node, boot, sequence), by which it is found again.
import { effect, signal, untracked } from '@preact/signals';
import { search } from '../api/events';
import { text } from '../lib/doc';
import { literal } from '../lib/eql';
import { endOf, nsOf, rfcOf } from '../lib/nanos';
import type { Doc } from '../api/types';
import { token } from './session';
import { param, setParams } from './url';

export const opened = signal<Doc | null>(null);

const keyOf = (doc: Doc | null): string => (doc && text(doc, '_id') ? `${text(doc, '@timestamp')}/${text(doc, '_id')}` : '');

async function find(key: string, abort: AbortSignal): Promise<void> {
	const m = /^([^/]+)\/(.+):([^:]+):(\d+)$/.exec(key);
	const at = m ? nsOf(m[1] ?? '') : null;
	if (!m || at === null) return;
	const scope = { q: `event.sequence == ${m[4]} and host.id == ${literal(m[2] ?? '')}`, since: rfcOf(at), until: rfcOf(endOf({ from: at, span: 1 })), node: '', order: 'desc' as const };
	const found = await search(scope, { cursor: null, limit: 10 }, abort);
	opened.value = found.hits.find((doc) => keyOf(doc) === key) ?? null;
}

let last: Doc | null = null;

effect(() => { /* opened or closed: the URL follows */
	const doc = opened.value;
	if (doc === last) return;
	last = doc;
	untracked(() => setParams({ event: keyOf(doc) }, false));
});

effect(() => { /* another address: the drawer follows */
	const key = param('event');
	if (!token.value || key === keyOf(opened.peek())) return undefined;
	const abort = new AbortController();
	untracked(() => {
		if (!key) {
			if (keyOf(opened.peek())) opened.value = null;
		} else find(key, abort.signal).catch(() => {}); /* what is gone stays closed */
	});
	return () => abort.abort();
});
