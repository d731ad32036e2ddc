// SPDX-License-Identifier: Apache-2.0
// SequenceList - what a query with `sequence` or `sample` found: events that belong together, group
// by group.
import { useMemo, useRef } from 'preact/hooks';
import { Line } from '../../components/Text';
import { VirtualList } from '../../components/VirtualList';
import { text } from '../../lib/doc';
import { plural } from '../../lib/text';
import { formatDuration, msOf } from '../../lib/time';
import { when } from '../../state/prefs';
import type { Doc, Sequence } from '../../api/types';
import { HitHead, HitRow, ROW_PX } from './HitList';
import * as m from './model';

type Item = { of: Sequence; number: number } | { doc: Doc | null };

function spanOf(s: Sequence): string {
	const times = s.events.flatMap((d) => (d ? [msOf(d['@timestamp'])] : []));
	const span = Math.max(...times) - Math.min(...times);
	return Number.isFinite(span) ? `within ${formatDuration(span)}` : '';
}

function GroupRow({ item, top }: { item: { of: Sequence; number: number }; top: number }) {
	const { of, number } = item;
	const nodes = new Set(of.events.flatMap((d) => (d ? [text(d, 'host.name')] : [])));
	return (
		<div class="hit group" role="row" style={{ transform: `translateY(${top}px)` }}>
			<div role="gridcell"><b>{number}</b> <Line value={of.keys.map((k) => (k === null ? 'none' : String(k))).join(' · ')} max={200} />
				<span class="muted">{plural(of.events.length, 'event')} {spanOf(of)}{nodes.size > 1 ? ` on ${nodes.size} nodes` : ''}</span></div>
		</div>
	);
}

export function SequenceList({ list }: { list: Sequence[] }) {
	const scroller = useRef<HTMLDivElement>(null);
	const items = useMemo(() => list.flatMap((s, i): Item[] => [{ of: s, number: i + 1 }, ...s.events.map((doc) => ({ doc }))]), [list]);
	const how = when.value;
	const show = useMemo(() => (ms: number) => how(ms, true), [how]);
	const opened = m.opened.value;
	const onClick = (e: MouseEvent): void => {
		const item = items[Number((e.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index'] ?? -1)];
		if (item && 'doc' in item && item.doc) m.opened.value = item.doc;
	};
	return (
		<div class="hits dated" onClick={onClick}>
			<VirtualList count={items.length} rowHeight={ROW_PX} scroller={scroller} aria-label="Sequences" aria-rowcount={items.length + 1}
				render={(index, top) => {
					const item = items[index];
					if (!item) return null;
					if ('of' in item) return <GroupRow key={index} item={item} top={top} />;
					if (!item.doc) return <div key={index} class="hit missing" role="row" style={{ transform: `translateY(${top}px)` }}><div role="gridcell" class="muted">did not come, as asked</div></div>;
					return <HitRow key={index} doc={item.doc} index={index} top={top} active={false} column={-1} open={item.doc === opened} when={show} gap={false} />;
				}}>
				<HitHead />
			</VirtualList>
		</div>
	);
}
