// SPDX-License-Identifier: Apache-2.0
// HitDrawer - one event with every field: filter on a value, copy it, go to its process, flow, node.
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button';
import { Value } from '../../components/Text';
import { copyText } from '../../components/copy';
import { leaves, text, type Leaf } from '../../lib/doc';
import { formatMoment, msOf } from '../../lib/time';
import { literal } from '../../lib/eql';
import { visible } from '../../lib/text';
import { fieldInfo } from '../../state/catalog';
import { utc } from '../../state/prefs';
import type { Doc, Json } from '../../api/types';
import { summary } from './columns';
import * as m from './model';

const ORDER = ['', 'event', 'process', 'process.parent', 'file', 'source', 'destination', 'network', 'rtsec', 'error', 'user', 'container', 'host', 'agent'];
const OWN = ['process.parent', 'process.session_leader', 'process.entry_leader', 'Target.process'];
const PIVOTS: [string, string][] = [
	['This process', 'process.entity_id'], ['Its parent', 'process.parent.entity_id'],
	['This flow', 'network.community_id'], ['This file', 'file.path'],
];

const groupOf = (field: string): string =>
	OWN.find((g) => field.startsWith(`${g}.`)) ?? (field.includes('.') ? field.slice(0, field.indexOf('.')) : '');

/** The fields of @doc by group, those whose name or value holds @wanted. */
function groups(doc: Doc, wanted: string): [string, Leaf[]][] {
	const low = wanted.toLowerCase();
	const found = new Map<string, Leaf[]>();
	for (const leaf of leaves(doc)) {
		if (low && !leaf.field.toLowerCase().includes(low) && !leaf.values.some((v) => String(v).toLowerCase().includes(low))) continue;
		const key = groupOf(leaf.field);
		found.set(key, [...(found.get(key) ?? []), leaf]);
	}
	const rank = (g: string): number => (ORDER.indexOf(g) + ORDER.length + 1) % (ORDER.length + 1) || (g === '' ? 0 : ORDER.length);
	return [...found].sort((a, b) => rank(a[0]) - rank(b[0]) || a[0].localeCompare(b[0]));
}

const asText = (v: Json): string => (typeof v === 'object' ? JSON.stringify(v) : String(v));

function FieldValue({ field, value }: { field: string; value: Json }) {
	const name = visible(field);
	return (
		<div class="field-value">
			<div class="grow mono"><Value value={asText(value)} /></div>
			<div class="field-tools">
				<Button icon="plus" kind="quiet" class="small" label={`Keep only events with this ${name}`} onClick={() => m.addFilter(field, value, false)} />
				<Button icon="minus" kind="quiet" class="small" label={`Leave out events with this ${name}`} onClick={() => m.addFilter(field, value, true)} />
				<Button icon="copy" kind="quiet" class="small" label={`Copy this ${name}`} onClick={() => void copyText(asText(value))} />
			</div>
		</div>
	);
}

function Field({ leaf }: { leaf: Leaf }) {
	const onKeyDown = (e: KeyboardEvent): void => {
		const value = leaf.values[0];
		if (value === undefined || (e.key !== 'f' && e.key !== 'x') || e.ctrlKey || e.metaKey || e.altKey) return;
		e.preventDefault();
		m.addFilter(leaf.field, value, e.key === 'x');
	};
	return (
		<div class="field" tabIndex={0} onKeyDown={onKeyDown} role="group" aria-label={visible(leaf.field)}>
			<dt title={fieldInfo(leaf.field)?.help}>{visible(leaf.field)}</dt>
			<dd>{leaf.values.map((v, i) => <FieldValue key={i} field={leaf.field} value={v} />)}</dd>
		</div>
	);
}

/** The event's own place in the history, as a command for a shell. */
function asCommand(doc: Doc): string {
	const q = `event.sequence == ${text(doc, 'event.sequence')} and host.name == ${literal(text(doc, 'host.name'))} and host.boot.id == ${literal(text(doc, 'host.boot.id'))}`;
	const time = text(doc, '@timestamp');
	const second = new Date(msOf(time) + 1000).toISOString();
	return `rtsecctl query '${q.replace(/'/g, `'\\''`)}' --since ${time} --until ${second} -o json`;
}

export function HitDrawer({ doc, onClose }: { doc: Doc; onClose: () => void }) {
	const [wanted, setWanted] = useState('');
	return (
		<aside class="drawer" aria-label="Event">
			<header>
				<div class="grow">
					<h2>{visible(text(doc, 'event.action') || 'event')} <span class="muted">{formatMoment(msOf(doc['@timestamp']), utc.value)}</span></h2>
					<p class="mono drawer-summary"><Value value={summary(doc)} max={300} /></p>
				</div>
				<Button icon="close" kind="quiet" label="Close (Esc)" onClick={onClose} />
			</header>
			<div class="drawer-tools">
				{PIVOTS.filter(([, field]) => text(doc, field)).map(([label, field]) => (
					<Button key={field} class="small" label={`${label}: all its events`}
						onClick={() => m.runQuery(`${field} == ${literal(text(doc, field))}`)}>{label}</Button>
				))}
				<span class="grow" />
				<Button class="small" kind="quiet" icon="copy" label="Copy the event as JSON" onClick={() => void copyText(JSON.stringify(doc, null, 2))}>JSON</Button>
				<Button class="small" kind="quiet" icon="copy" label="Copy a rtsecctl command for this event" onClick={() => void copyText(asCommand(doc))}>rtsecctl</Button>
			</div>
			<input class="drawer-find" type="search" placeholder="Find a field or value" aria-label="Find a field or value" value={wanted}
				onInput={(e) => setWanted(e.currentTarget.value)} />
			<div class="drawer-fields">
				{groups(doc, wanted).map(([group, list]) => (
					<section key={group} aria-label={visible(group || 'time')}>
						{group && <h3>{visible(group)}</h3>}
						<dl>{list.map((leaf) => <Field key={leaf.field} leaf={leaf} />)}</dl>
					</section>
				))}
			</div>
		</aside>
	);
}
