// SPDX-License-Identifier: Apache-2.0
// TreeList - the processes as an indented list in the order of their starts, with what stands out of
// each as badges, and its life as a bar.
import { useRef } from 'preact/hooks';
import { Badge } from '../../components/Badge';
import { memo } from '../../components/memo';
import { Icon } from '../../components/Icon';
import { Line } from '../../components/Text';
import { VirtualList } from '../../components/VirtualList';
import { clip, formatCompact, plural, visible } from '../../lib/text';
import { formatDuration } from '../../lib/time';
import { edgeText, type TreeRow } from '../../lib/tree';
import type { Alert, Process } from '../../api/types';
import { when } from '../../state/prefs';
import * as m from './model';

const ROW_PX = 28;
const INDENT_PX = 16;
const DEEP = 14; /* levels that are still told apart by indentation */

function Badges({ row, alerts }: { row: TreeRow; alerts: Alert[] | undefined }) {
	const { process: p } = row;
	const first = p.via[0];
	const failed = p.exitSignal || (p.exitCode !== null && p.exitCode !== 0);
	return (
		<span class="tree-badges">
			{alerts && <Badge kind="danger" label={alerts.map((a) => `${a.rule.level} alert: ${a.rule.title}`).join('; ')}><Icon name="bell" />{alerts.length}</Badge>}
			{row.asUser && <Badge kind={p.uid === 0 ? 'danger' : 'plain'} label={`runs as ${p.user}, unlike its parent`}>as {visible(clip(p.user, 20))}</Badge>}
			{first && <Badge kind="network" label={`reached over the network: ${edgeText(first)}${p.links > 1 ? `, and ${p.links - 1} more` : ''}; ${p.confidence} % sure`}><Icon name="flow" />{visible(p.host)}{p.confidence < 100 && ` ${p.confidence} %`}</Badge>}
			{p.again && <Badge label="told above already">again</Badge>}
			{!!p.events?.network && <Badge kind="network" label={plural(p.events.network, 'network event')}><i class="dot network" />{formatCompact(p.events.network)}</Badge>}
			{!!p.events?.file && <Badge kind="file" label={plural(p.events.file, 'file event')}><i class="dot file" />{formatCompact(p.events.file)}</Badge>}
			{failed && <Badge kind="warn" label={p.exitSignal ? `ended by ${p.exitSignal}` : `ended with ${p.exitCode}`}>{p.exitSignal || `exit ${p.exitCode}`}</Badge>}
		</span>
	);
}

function lifeText(p: Process): string {
	if (!Number.isFinite(p.start)) return 'start unknown';
	return Number.isFinite(p.end) ? formatDuration(p.end - p.start) : 'still running, as far as is known';
}

/** The life of a process within @from to @to; one without an end fades out. */
function Life({ process: p, from, to }: { process: Process; from: number; to: number }) {
	const share = (ms: number): number => Math.max(0, Math.min(1, (ms - from) / (to - from)));
	const [a, b] = [Number.isFinite(p.start) ? share(p.start) : 0, Number.isFinite(p.end) ? share(p.end) : 1];
	return (
		<span class="tree-life" title={lifeText(p)}>
			<i class={Number.isFinite(p.end) ? '' : 'open'} style={{ left: `${a * 100}%`, width: `max(2px, ${(b - a) * 100}%)` }} />
		</span>
	);
}

interface RowProps {
	row: TreeRow;
	index: number;
	top: number;
	active: boolean;
	subject: boolean;
	closed: boolean;
	from: number;
	to: number;
	when: (ms: number) => string;
	alerts: Alert[] | undefined;
}

const Row = memo(function Row({ row, index, top, active, subject, closed, from, to, when: show, alerts }: RowProps) {
	const { process: p, level, size } = row;
	const line = p.args.join(' ') || p.executable;
	return (
		<div class={`tree-row${active ? ' active' : ''}${p.depth < 0 ? ' ancestor' : ''}`} role="row" id={`tree-${index}`} aria-level={level + 1}
			aria-rowindex={index + 2} aria-selected={active} aria-expanded={size ? !closed : undefined} data-index={index} style={{ transform: `translateY(${top}px)` }}>
			<div role="gridcell" class="tree-name" style={{ paddingLeft: `${Math.min(level, DEEP) * INDENT_PX}px` }} title={visible(clip(line, 400))}>
				{size > 0
					? <button type="button" class={`tree-fold${closed ? ' closed' : ''}`} tabIndex={-1} data-fold={p.id} aria-label={`${closed ? 'Show' : 'Hide'} ${plural(size, 'process', 'processes')} below`}><Icon name="down" /></button>
					: <span class="tree-fold" />}
				<b><Line value={p.name || String(p.pid)} max={60} /></b>{subject && <span class="tree-subject" title="the tree is about this process" />}
				<span class="muted"><Line value={line === p.name ? '' : line} max={300} /></span>
				{closed && <span class="tree-more">+{formatCompact(size)}</span>}
			</div>
			<div role="gridcell"><Badges row={row} alerts={alerts} /></div>
			<div role="gridcell" class="muted tree-user"><Line value={p.user} max={30} /></div>
			<div role="gridcell" class="muted tree-start">{show(p.start)}</div>
			<div role="gridcell"><Life process={p} from={from} to={to} /></div>
		</div>
	);
});

export function TreeList() {
	const scroller = useRef<HTMLDivElement>(null);
	const nonce = useRef({ index: -1, nonce: 0 });
	const rows = m.rows.value;
	const active = m.row.value;
	const [from, to] = m.span.value;
	const show = when.value;
	if (nonce.current.index !== active) nonce.current = { index: active, nonce: nonce.current.nonce + 1 };
	const onClick = (e: MouseEvent): void => {
		const target = e.target as HTMLElement;
		const fold = target.closest<HTMLElement>('[data-fold]')?.dataset['fold'];
		const row = rows[Number(target.closest<HTMLElement>('[data-index]')?.dataset['index'] ?? -1)];
		if (fold) m.toggle(fold);
		else if (row && !getSelection()?.toString()) m.choose(row.process.id);
	};
	return (
		<div class="tree" onClick={onClick} onDblClick={() => m.focus(m.chosen.peek())}>
			<VirtualList role="treegrid" count={rows.length} rowHeight={ROW_PX} scroller={scroller} scrollTo={nonce.current} aria-label="Processes"
				aria-rowcount={rows.length + 1} aria-activedescendant={active >= 0 ? `tree-${active}` : undefined}
				render={(index, top) => {
					const row = rows[index];
					return row && <Row key={index} row={row} index={index} top={top} active={index === active} subject={row.process.id === m.id.value}
						closed={m.closed.value.has(row.process.id)} from={from} to={to} when={show} alerts={m.alertsOf.value.get(row.process.id)} />;
				}}>
				<div class="tree-row head" role="row" aria-rowindex={1}>
					{['Process', '', 'User', 'Start', 'Life'].map((title) => <div key={title} role="columnheader">{title || <span class="sr-only">What stands out</span>}</div>)}
				</div>
			</VirtualList>
		</div>
	);
}
