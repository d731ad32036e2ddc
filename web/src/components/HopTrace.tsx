// SPDX-License-Identifier: Apache-2.0
// HopTrace - an intrusion read like a trace: processes of several nodes as bars in time, joined by the
// connections that led from one to the next, with a pin for each alert.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { nsOfMs, tickStep, ticksOf, tickText } from '../lib/nanos';
import { clip, plural, visible } from '../lib/text';
import { clockParts, formatDuration, formatTime, signed } from '../lib/time';
import { edgeText, type HopChart, type HopRow } from '../lib/tree';
import { utc } from '../state/prefs';
import { param, setParams } from '../state/url';
import { levelRank } from './Level';
import type { Alert } from '../api/types';
import { Line } from './Text';

const ROW_PX = 26;
const HEAD_PX = 28;
const LABEL_PX = 300;
const TICK_PX = 110;

interface Place {
	y: number;
	row: HopRow;
}

/** Where each process stands, and the height of all. */
function placesOf(chart: HopChart): { places: Map<string, Place>; heads: { name: string; y: number; n: number; skewMs: number }[]; height: number } {
	const places = new Map<string, Place>();
	const heads: { name: string; y: number; n: number; skewMs: number }[] = [];
	let y = 0;
	for (const host of chart.hosts) {
		heads.push({ name: host.name, y, n: host.rows.length, skewMs: host.skewMs });
		y += HEAD_PX;
		for (const row of host.rows) {
			places.set(row.process.id, { y, row });
			y += ROW_PX;
		}
		y += 6;
	}
	return { places, heads, height: y };
}

/** An alert about a process, above its bar. */
function Pin({ alert, x, y, onPin }: { alert: Alert; x: number; y: number; onPin: (alert: Alert) => void }) {
	const text = `${alert.rule.level} alert: ${visible(alert.rule.title)}`;
	return (
		<g class={`hop-pin ${levelRank(alert.rule.level) >= 3 ? 'grave' : ''}`} role="link" tabindex={0} aria-label={text} transform={`translate(${x} ${y})`}
			onPointerDown={(e) => e.stopPropagation()} onClick={() => onPin(alert)} onKeyDown={(e) => { if (e.key === 'Enter') onPin(alert); }}>
			<title>{text}</title>
			<path d="M0 12-6 1H6Z" />
			<path class="mark" d="M0 3V6.5M0 8.5V9.5" />
		</g>
	);
}

interface Scale {
	from: number;
	to: number;
	width: number;
}

const xOf = (s: Scale, ms: number): number => Math.max(-4, Math.min(s.width + 4, ((ms - s.from) / (s.to - s.from)) * s.width));

function Bar({ place, scale, chosen }: { place: Place; scale: Scale; chosen: boolean }) {
	const { from, to } = place.row;
	const a = Number.isFinite(from) ? xOf(scale, from) : 0;
	const open = !Number.isFinite(to);
	const b = open ? scale.width : xOf(scale, to);
	const early = !Number.isFinite(from) || from < scale.from;
	return <rect class={`hop-bar${chosen ? ' active' : ''}${open || early ? ' open' : ''}`} x={Math.max(0, a)} y={place.y + 7} width={Math.max(3, b - Math.max(0, a))} height={ROW_PX - 14} rx="2" />;
}

function Arrow({ x, y1, y2, sure, title }: { x: number; y1: number; y2: number; sure: boolean; title: string }) {
	const way = y2 > y1 ? 1 : -1;
	const tip = y2 - way * 2;
	return (
		<g class={`hop-arrow${sure ? '' : ' unsure'}`}>
			<title>{title}</title>
			<path class="hop-hit" d={`M${x} ${y1}V${tip}`} />
			<path d={`M${x} ${y1}V${tip - way * 5}`} />
			<circle cx={x} cy={y1} r="3" />
			<path class="hop-tip" d={`M${x} ${tip}l-4 ${-way * 7}h8Z`} />
		</g>
	);
}

function Label({ place, chosen, onChoose }: { place: Place; chosen: boolean; onChoose: (id: string) => void }) {
	const p = place.row.process;
	const line = p.args.join(' ') || p.executable;
	return (
		<button type="button" class={`hop-label mono${chosen ? ' active' : ''}`} style={{ top: `${place.y}px` }} aria-pressed={chosen} title={visible(clip(line, 400))} onClick={() => onChoose(p.id)}>
			<b><Line value={p.name || String(p.pid)} max={40} /></b> <span class="muted"><Line value={line === p.name ? '' : line} max={120} /></span>
		</button>
	);
}

interface Props {
	chart: HopChart;
	chosen: string; /* entity id */
	alertsOf: ReadonlyMap<string, Alert[]>;
	onChoose: (id: string) => void;
	onPin: (alert: Alert) => void;
}

/** Which part of the time is shown is in the URL (from, to). */
export function HopTrace({ chart, chosen, alertsOf, onChoose, onPin }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const [width, setWidth] = useState(600);
	const [drag, setDrag] = useState<[number, number] | null>(null);
	const { places, heads, height } = placesOf(chart);
	const [zoomFrom, zoomTo] = [Number(param('from')), Number(param('to'))];
	const scale: Scale = { from: zoomFrom || chart.from, to: zoomTo || chart.to, width };
	useLayoutEffect(() => {
		const el = box.current;
		if (!el) return;
		const watch = new ResizeObserver(() => setWidth(Math.max(100, el.clientWidth - LABEL_PX - 16)));
		watch.observe(el);
		return () => watch.disconnect();
	}, []);
	const step = tickStep((scale.to - scale.from) * 1e6, width / TICK_PX);
	const ticks = ticksOf({ from: nsOfMs(scale.from), span: (scale.to - scale.from) * 1e6 }, step);
	const tickX = (t: bigint): number => xOf(scale, Number(t / 1000n) / 1000);
	const edges = chart.edges.filter((e) => e.edge.time >= scale.from && e.edge.time <= scale.to && places.has(e.from) && places.has(e.to));
	const at = (e: PointerEvent): number => e.clientX - (e.currentTarget as Element).getBoundingClientRect().left;
	const onUp = (): void => {
		if (drag && Math.abs(drag[1] - drag[0]) > 4) {
			const [a, b] = [Math.min(...drag), Math.max(...drag)].map((x) => scale.from + (x / width) * (scale.to - scale.from)) as [number, number];
			setParams({ from: String(Math.floor(a)), to: String(Math.ceil(b)) });
		}
		setDrag(null);
	};
	return (
		<div class="hops" ref={box}>
			<div class="hops-axis">
				<span>{plural(chart.hosts.length, 'host')}, {plural(chart.edges.length, 'hop')}{chart.left ? `; ${plural(chart.left, 'process', 'processes')} more` : ''}
					{zoomFrom > 0 && <button type="button" class="link" onClick={() => setParams({ from: '', to: '' })}>whole</button>}
				</span>
				{ticks.map((t) => <i key={String(t)} style={{ left: `${LABEL_PX + tickX(t)}px` }}>{tickText(t, step, (ms) => clockParts(ms, utc.value))}</i>)}
			</div>
			<div class="hops-body" style={{ height: `${height + 12}px` }}>
				{heads.map((h) => <h3 key={h.name} class="hop-host" style={{ top: `${h.y}px` }}><Line value={h.name} max={60} /><span class="muted">{plural(h.n, 'process', 'processes')}</span>{Math.abs(h.skewMs) > 1 && <span class="status-warn" title="its times are moved by so much, to the collector's clock">clock {signed(h.skewMs)}</span>}</h3>)}
				{[...places.values()].map((p) => <Label key={p.row.process.id} place={p} chosen={p.row.process.id === chosen} onChoose={onChoose} />)}
				<svg class="hops-chart" width={width} height={height} style={{ left: `${LABEL_PX}px` }} role="img" aria-label={`Trace of ${plural(places.size, 'process', 'processes')} on ${plural(chart.hosts.length, 'host')}, ${plural(chart.edges.length, 'connection')} between them, over ${formatDuration(scale.to - scale.from)}`}
					onPointerDown={(e) => { if (e.button === 0) { e.currentTarget.setPointerCapture(e.pointerId); setDrag([at(e), at(e)]); } }} onPointerMove={(e) => drag && setDrag([drag[0], at(e)])} onPointerUp={onUp} onPointerCancel={() => setDrag(null)}>
					{ticks.map((t) => <line key={String(t)} class="hop-grid" x1={tickX(t)} x2={tickX(t)} y1="0" y2={height} />)}
					{heads.map((h) => <rect key={h.name} class="hop-head" x="0" y={h.y} width={width} height={HEAD_PX - 4} />)}
					{[...places.values()].map((p) => <Bar key={p.row.process.id} place={p} scale={scale} chosen={p.row.process.id === chosen} />)}
					{edges.map(({ edge, from, to }) => (
						<Arrow key={`${edge.key} ${from} ${to}`} x={xOf(scale, edge.time)} y1={(places.get(from)?.y ?? 0) + ROW_PX / 2} y2={(places.get(to)?.y ?? 0) + ROW_PX / 2} sure={edge.confidence >= 80}
							title={`${formatTime(edge.time, utc.value)} ${visible(edgeText(edge))}; ${edge.confidence} % sure`} />
					))}
					{[...places.values()].flatMap((p) => (alertsOf.get(p.row.process.id) ?? []).map((alert) => ({ alert, at: alert.first - p.row.skewMs })).filter(({ at }) => at >= scale.from && at <= scale.to)
						.map(({ alert, at }) => <Pin key={alert.id} alert={alert} onPin={onPin} x={xOf(scale, at)} y={p.y - 2} />))}
					{drag && <rect class="hop-drag" x={Math.min(...drag)} y="0" width={Math.abs(drag[1] - drag[0])} height={height} />}
				</svg>
			</div>
			<ol class="sr-only" aria-label="Hops">{chart.edges.map(({ edge, from, to }) => <li key={`${edge.key} ${from} ${to}`}>{formatTime(edge.time, utc.value)} {visible(edgeText(edge))}</li>)}</ol>
		</div>
	);
}
