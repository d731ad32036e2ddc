// SPDX-License-Identifier: Apache-2.0
// Histogram - hits over time (uPlot): drag to narrow the range; a band where events were lost; bars
// cut by the values of a field when told to.
import uPlot from 'uplot';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { dark, utc } from '../state/prefs';
import { Line } from './Text';
import { Button } from './Button';
import { formatDuration, formatMoment, formatTick } from '../lib/time';
import { formatCompact, formatCount, plural, visible } from '../lib/text';
import type { Gap, Histogram as Data, Json, Split } from '../api/types';

const HEIGHT = 104;

interface Props {
	data: Data;
	gaps: Gap[];
	onRange: (from: number, to: number) => void;
	split?: Split | null;
	onValue?: (value: Json, exclude: boolean) => void; /* a click on a value of the split */
	onUnsplit?: () => void;
}

/** Every bucket of the range, the empty ones too. */
function series(data: Data): [number[], number[]] {
	const step = data.intervalMs;
	const first = data.buckets[0]?.from ?? data.from;
	const start = first - Math.max(0, Math.ceil((first - data.from) / step)) * step;
	const n = Math.min(4000, Math.max(1, Math.ceil((data.to - start) / step)));
	const counts = new Array<number>(n).fill(0);
	for (const b of data.buckets) {
		const i = Math.round((b.from - start) / step);
		if (i >= 0 && i < n) counts[i] = (counts[i] ?? 0) + b.count;
	}
	return [counts.map((_, i) => start + i * step), counts];
}

/** Times, and for each series the counts of it and all below it: the topmost first, so that each
 * covers what belongs to those above. */
function stacked(split: Split): [number[], ...number[][]] {
	const sums: number[][] = [];
	split.series.forEach((s, k) => sums.push(s.counts.map((c, i) => c + (sums[k - 1]?.[i] ?? 0))));
	return [split.from, ...sums.reverse()];
}

const valueText = (value: Json | undefined): string => (value === undefined ? 'all others' : value === null ? 'no value' : String(value));

/** What the series count at bucket @i, in words. */
function splitText(split: Split, i: number): string {
	return split.series.map((s): [string, number] => [valueText(s.value), s.counts[i] ?? 0])
		.filter(([, n]) => n > 0).map(([v, n]) => `${visible(v.slice(0, 40))} ${formatCount(n)}`).join(' · ');
}

function drawGaps(u: uPlot, gaps: Gap[], band: string, edge: string): void {
	const { ctx, bbox } = u;
	ctx.save();
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	for (const gap of gaps) {
		const x = u.valToPos(gap.from, 'x', true);
		const w = Math.max(4, u.valToPos(gap.to, 'x', true) - x);
		if (x > bbox.left + bbox.width || x + w < bbox.left) continue;
		ctx.fillStyle = band;
		ctx.fillRect(x, bbox.top, w, bbox.height);
		ctx.fillStyle = edge;
		ctx.fillRect(x, bbox.top, w, 3 * devicePixelRatio);
	}
	ctx.restore();
}

function optionsOf(width: number, data: Data, gaps: Gap[], isUtc: boolean, colours: number, hooks: uPlot.Hooks.Arrays): uPlot.Options {
	const style = getComputedStyle(document.documentElement);
	const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
	const axis = {
		stroke: colour('text-3'), font: `11px ${colour('font')}`,
		grid: { stroke: colour('line'), width: 1 }, ticks: { show: false },
	};
	return {
		width, height: HEIGHT, ms: 1, legend: { show: false }, padding: [8, 16, 0, 0],
		tzDate: (ms) => (isUtc ? uPlot.tzDate(new Date(ms), 'Etc/UTC') : new Date(ms)),
		cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
		scales: { x: { time: true, range: () => [data.from, data.to] }, y: { range: (_u, _a, max) => [0, Math.max(1, max * 1.08)] } },
		axes: [
			{ ...axis, grid: { show: false }, size: 24, gap: 4, values: (_u, ticks, _i, _s, step) => ticks.map((t) => formatTick(t, step, isUtc)) },
			{ ...axis, size: 46, space: 30, values: (_u, ticks) => ticks.map((t) => (Number.isInteger(t) ? formatCompact(t) : '')) },
		],
		series: [{}, ...(colours ? Array.from({ length: colours }, (_, k) => `c-${colours - k}`) : ['bar']).map((name) => ({
			fill: colour(name), stroke: colour(name), width: 0, points: { show: false },
			...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.86, 60], align: 1, radius: colours ? 0 : 0.12 }) } : {}),
		}))],
		hooks: { ...hooks, drawAxes: [(u) => drawGaps(u, gaps, colour('warn-band'), colour('warn'))] },
	};
}

function Legend({ split, onValue, onUnsplit }: { split: Split; onValue: Props['onValue']; onUnsplit: Props['onUnsplit'] }) {
	return (
		<div class="legend" role="group" aria-label={`Colours by ${visible(split.field)}`}>
			<b>{visible(split.field)}</b>
			{split.series.map((s, i) => (
				<button key={i} type="button" disabled={s.value === undefined} title={s.value === undefined ? '' : 'Keep only this value'}
					onClick={() => s.value !== undefined && onValue?.(s.value, false)}>
					<i class={`swatch c-${i + 1}`} aria-hidden="true" /><Line value={valueText(s.value)} max={40} />
				</button>
			))}
			<Button icon="close" kind="quiet" class="tiny" label="Histogram of all events" {...(onUnsplit ? { onClick: onUnsplit } : {})} />
		</div>
	);
}

export function Histogram({ data, gaps, onRange, split = null, onValue, onUnsplit }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const [hover, setHover] = useState('');
	const [width, setWidth] = useState(0);

	useLayoutEffect(() => {
		const el = box.current;
		if (!el) return;
		const watch = new ResizeObserver(() => setWidth(el.clientWidth));
		watch.observe(el);
		return () => watch.disconnect();
	}, []);
	useLayoutEffect(() => {
		if (!box.current || width < 50) return;
		const xy: [number[], ...number[][]] = split ? stacked(split) : series(data);
		const plot = new uPlot(optionsOf(width, data, gaps, utc.value, split?.series.length ?? 0, {
			setCursor: [(u) => {
				const i = u.cursor.idx;
				const from = i === null || i === undefined ? undefined : xy[0][i];
				setHover(from === undefined ? '' : `${formatMoment(from, utc.value)} · ${plural(xy[1]?.[i ?? 0] ?? 0, 'event')}${split ? `: ${splitText(split, i ?? 0)}` : ''}`);
			}],
			setSelect: [(u) => {
				if (u.select.width < 3) return;
				const from = u.posToVal(u.select.left, 'x');
				const to = u.posToVal(u.select.left + u.select.width, 'x');
				u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
				onRange(Math.floor(from), Math.ceil(to));
			}],
		}), xy, box.current);
		return () => plot.destroy();
	}, [data, gaps, split, width, dark.value, utc.value, onRange]);

	const lost = gaps.reduce((n, g) => n + g.count, 0);
	const text = `${plural(data.total, 'event')} from ${formatMoment(data.from, utc.value)} to ${formatMoment(data.to, utc.value)}`
		+ (lost ? `; ${plural(lost, 'event')} lost in ${plural(gaps.length, 'gap')}` : '');
	return (
		<div class="histogram">
			<div class="histogram-head">
				<span>{hover || `one bar is ${formatDuration(data.intervalMs)}`}</span>
			</div>
			{split && <Legend split={split} onValue={onValue} onUnsplit={onUnsplit} />}
			<div ref={box} class="histogram-plot" role="img" aria-label={`Histogram: ${text}. Drag to narrow the time range.`} />
		</div>
	);
}
