// SPDX-License-Identifier: Apache-2.0
// EventDrawer - one event with every field: filter on a value, copy it, go to its process, flow, node.
import { useState } from 'preact/hooks';
import { Button } from './Button';
import type { IconName } from './Icon';
import { Value } from './Text';
import { copyText } from './copy';
import { leaves, text, type Leaf } from '../lib/doc';
import { formatMoment, msOf } from '../lib/time';
import { condition, literal } from '../lib/eql';
import { visible } from '../lib/text';
import { fieldInfo } from '../state/catalog';
import { utc } from '../state/prefs';
import { go, hrefOf } from '../state/url';
import type { Doc, Json } from '../api/types';
import { summary } from '../lib/summary';

const ORDER = ['', 'event', 'process', 'process.parent', 'file', 'source', 'destination', 'network', 'rtsec', 'error', 'user', 'container', 'host', 'agent'];
const OWN = ['process.parent', 'process.session_leader', 'process.entry_leader', 'Target.process'];
const PIVOTS: [string, IconName, string][] = [
	['Parent', 'tree', 'process.parent.entity_id'], ['Flow', 'flow', 'network.community_id'],
	['File', 'search', 'file.path'], ['Host', 'host', 'host.name'], ['Container', 'node', 'container.id'],
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

/** Narrows what is looked at to the events whose @field is @value, or leaves these out. */
export type OnFilter = (field: string, value: Json, exclude: boolean) => void;

/** What asks for @q: in the search view this query, elsewhere the search view. */
export type OnQuery = (q: string) => void;

const toSearch: OnQuery = (q) => go('search', { q });
const filterSearch: OnFilter = (field, value, exclude) => toSearch(condition(field, value, exclude));

function FieldValue({ field, value, onFilter }: { field: string; value: Json; onFilter: OnFilter }) {
	const name = visible(field);
	return (
		<div class="field-value">
			<div class="grow mono"><Value value={asText(value)} /></div>
			<div class="field-tools">
				<Button icon="plus" kind="quiet" class="small" label={`Keep only events with this ${name}`} onClick={() => onFilter(field, value, false)} />
				<Button icon="minus" kind="quiet" class="small" label={`Leave out events with this ${name}`} onClick={() => onFilter(field, value, true)} />
				<Button icon="copy" kind="quiet" class="small" label={`Copy this ${name}`} onClick={() => void copyText(asText(value))} />
			</div>
		</div>
	);
}

function Field({ leaf, onFilter }: { leaf: Leaf; onFilter: OnFilter }) {
	const onKeyDown = (e: KeyboardEvent): void => {
		const value = leaf.values[0];
		if (value === undefined || (e.key !== 'f' && e.key !== 'x') || e.ctrlKey || e.metaKey || e.altKey) return;
		e.preventDefault();
		onFilter(leaf.field, value, e.key === 'x');
	};
	return (
		<div class="field" tabIndex={0} onKeyDown={onKeyDown} role="group" aria-label={visible(leaf.field)}>
			<dt title={fieldInfo(leaf.field)?.help}>{visible(leaf.field)}</dt>
			<dd>{leaf.values.map((v, i) => <FieldValue key={i} field={leaf.field} value={v} onFilter={onFilter} />)}</dd>
		</div>
	);
}

/** The query that finds this event alone, and the range to look in. */
function placeOf(doc: Doc): { q: string; since: string; until: string } {
	const q = `event.sequence == ${text(doc, 'event.sequence')} and host.name == ${literal(text(doc, 'host.name'))} and host.boot.id == ${literal(text(doc, 'host.boot.id'))}`;
	const since = text(doc, '@timestamp');
	return { q, since, until: new Date(msOf(since) + 1000).toISOString() };
}

const quoted = (word: string): string => `'${word.replace(/'/g, `'\\''`)}'`;

/** Ways to take the event elsewhere: what the button says, and what it copies. */
const COPIES: [string, string, (doc: Doc) => string][] = [
	['JSON', 'Copy the event as JSON', (doc) => JSON.stringify(doc, null, 2)],
	['query', 'Copy the query that finds this event', (doc) => placeOf(doc).q],
	['rtsecctl', 'Copy a rtsecctl command for this event', (doc) => {
		const { q, since, until } = placeOf(doc);
		return `rtsecctl query ${quoted(q)} --since ${since} --until ${until} -o json`;
	}],
	['curl', 'Copy a curl command for this event; it takes the token from RTSEC_TOKEN', (doc) => {
		const place = Object.entries(placeOf(doc)).map(([k, v]) => `--data-urlencode ${quoted(`${k}=${v}`)}`).join(' ');
		return `curl -sG -H "Authorization: Bearer $RTSEC_TOKEN" ${place} ${quoted(`${location.origin}/api/v1/search`)}`;
	}],
	['link', 'Copy a link to this event', (doc) => location.origin + hrefOf(placeOf(doc))],
];

function Pivots({ doc, onQuery }: { doc: Doc; onQuery: OnQuery }) {
	const id = text(doc, 'process.entity_id');
	return (
		<>
			{id && <Button class="small" icon="tree" label="Its process: tree and everything it did" onClick={() => go('process', { id })}>Process</Button>}
			{PIVOTS.filter(([, , field]) => text(doc, field)).map(([label, icon, field]) => (
				<Button key={field} class="small" icon={icon} label={`${label}: all its events`}
					onClick={() => onQuery(`${field} == ${literal(text(doc, field))}`)}>{label}</Button>
			))}
		</>
	);
}

interface Props {
	doc: Doc;
	onClose: () => void;
	onFilter?: OnFilter;
	onQuery?: OnQuery;
}

export function EventDrawer({ doc, onClose, onFilter = filterSearch, onQuery = toSearch }: Props) {
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
				<Pivots doc={doc} onQuery={onQuery} />
			</div>
			<div class="drawer-tools copies" role="group" aria-label="Copy as">
				<span class="muted">Copy as</span>
				{COPIES.map(([name, label, make]) => (
					<Button key={name} class="tiny" kind="quiet" label={label} onClick={() => void copyText(make(doc))}>{name}</Button>
				))}
			</div>
			<input class="drawer-find" type="search" placeholder="Find a field or value" aria-label="Find a field or value" value={wanted}
				onInput={(e) => setWanted(e.currentTarget.value)} />
			<div class="drawer-fields">
				{groups(doc, wanted).map(([group, list]) => (
					<section key={group} aria-label={visible(group || 'time')}>
						{group && <h3>{visible(group)}</h3>}
						<dl>{list.map((leaf) => <Field key={leaf.field} leaf={leaf} onFilter={onFilter} />)}</dl>
					</section>
				))}
			</div>
		</aside>
	);
}
