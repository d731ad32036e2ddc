// SPDX-License-Identifier: Apache-2.0
// FacetPanel - the most frequent values of some fields among the hits: what stands out, and a click
// to keep it or leave it out.
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/Button';
import { FieldPicker } from '../../components/FieldPicker';
import { Line } from '../../components/Text';
import { formatCompact, formatCount, visible } from '../../lib/text';
import { fieldInfo } from '../../state/catalog';
import { setParams } from '../../state/url';
import type { Facet, Json } from '../../api/types';
import * as f from './facets';
import * as m from './model';

function ValueRow({ field, value, count, most }: { field: string; value: Json; count: number; most: number }) {
	const text = value === null ? 'no value' : String(value);
	const name = visible(text.slice(0, 80));
	return (
		<li class="facet-value">
			<button type="button" class="facet-name mono" title={`${name}: ${formatCount(count)}`} aria-label={`Keep ${visible(field)} ${name}, ${formatCount(count)} events`}
				onClick={() => m.addFilter(field, value, false)}>
				<i class="facet-bar" aria-hidden="true" style={{ width: `${Math.max(1, (count / Math.max(1, most)) * 100)}%` }} />
				<span class={value === null ? 'muted' : ''}><Line value={text} max={120} /></span>
				<b>{formatCompact(count)}</b>
			</button>
			<span class="facet-tools">
				<Button icon="plus" kind="quiet" class="tiny" label={`Keep only ${name}`} onClick={() => m.addFilter(field, value, false)} />
				<Button icon="minus" kind="quiet" class="tiny" label={`Leave out ${name}`} onClick={() => m.addFilter(field, value, true)} />
			</span>
		</li>
	);
}

function FacetBox({ facet }: { facet: Facet }) {
	const wide = f.widened.value === facet.field;
	const values = wide ? facet.values : facet.values.slice(0, 6);
	const most = Math.max(facet.nulls, ...facet.values.map((v) => v.count), 1);
	const rest = facet.distinct - values.length;
	const split = m.splitBy.value === facet.field;
	return (
		<section class="facet" aria-label={visible(facet.field)}>
			<header>
				<h3 title={fieldInfo(facet.field)?.help}>{visible(facet.field)}</h3>
				<span class="facet-distinct" title="different values">{facet.complete ? '' : '≥ '}{formatCompact(facet.distinct)}</span>
				<Button icon="split" kind="quiet" class="tiny" pressed={split} label={split ? 'Histogram of all events' : `Histogram by ${facet.field}`}
					onClick={() => setParams({ by: split ? '' : facet.field }, false)} />
				<Button icon="close" kind="quiet" class="tiny" label={`No counts of ${facet.field}`} onClick={() => f.removeField(facet.field)} />
			</header>
			<ul>
				{values.map((v) => <ValueRow key={String(v.value)} field={facet.field} value={v.value} count={v.count} most={most} />)}
				{facet.nulls > 0 && <ValueRow field={facet.field} value={null} count={facet.nulls} most={most} />}
			</ul>
			{(rest > 0 || wide) && (
				<button type="button" class="link facet-more" onClick={() => { f.widened.value = wide ? '' : facet.field; }}>
					{wide ? 'fewer' : `${formatCount(rest)} more`}
				</button>
			)}
		</section>
	);
}

export function FacetPanel() {
	useEffect(f.startFacets, []);
	if (!f.shown.value || m.table.value || m.sequences.value) return null;
	const error = f.error.value;
	return (
		<aside class={`facets${f.busy.value ? ' busy' : ''}`} aria-label="Values" aria-busy={f.busy.value}>
			{error && error.status !== 0 && !error.isAboutQuery && <p class="facet-note">{visible(error.message)}</p>}
			{f.found.value.filter((x) => f.fields.value.includes(x.field)).map((x) => <FacetBox key={x.field} facet={x} />)}
			<FieldPicker label="Count another field" onPick={f.addField} />
		</aside>
	);
}
