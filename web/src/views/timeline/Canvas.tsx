// SPDX-License-Identifier: Apache-2.0
// Canvas - the timeline's drawing, what the pointer does on it, and the names of its lanes.
import { computed, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Line } from '../../components/Text';
import { moved, spanText, zoomed, type Range } from '../../lib/nanos';
import { summary } from '../../lib/summary';
import { text } from '../../lib/doc';
import { clip, formatCompact, plural, visible } from '../../lib/text';
import { clockParts, formatTime } from '../../lib/time';
import { allNodes } from '../../state/catalog';
import { dark, utc } from '../../state/prefs';
import { go } from '../../state/url';
import type { Lane } from '../../api/types';
import { AXIS_PX, draw, inkOf, lanePxOf, type Ink, type Scene } from './draw';
import { find, inWords, type Found } from './find';
import * as m from './model';
import { pins } from './pins';

const SKEWED_MS = 100;
const CLICK_PX = 4;

/** Nodes whose clock is off, in ms. */
const skews = computed<ReadonlyMap<string, number>>(() => new Map(allNodes.value.filter((n) => Math.abs(n.skewMs) > SKEWED_MS).map((n) => [n.name, n.skewMs])));

export function laneText(lane: Lane): string {
	if (lane.key === null) return 'none';
	return lane.names.some(Boolean) ? lane.names.filter(Boolean).join(' ') : String(lane.key);
}

function Label({ lane, index, top, height, chosen }: { lane: Lane; index: number; top: number; height: number; chosen: boolean }) {
	const name = laneText(lane);
	const more = lane.names.some(Boolean) || m.laneName.value === 'user' ? (lane.hosts.length === 1 ? lane.hosts[0] ?? '' : plural(lane.hosts.length, 'node')) : '';
	const skew = lane.hosts.length === 1 ? skews.value.get(lane.hosts[0] ?? '') : undefined;
	return (
		<button type="button" class={`lane${chosen ? ' active' : ''}`} style={{ top: `${top}px`, height: `${height}px` }} aria-pressed={chosen} data-lane={index}
			title={visible(`${name}${more ? ` on ${more}` : ''}: ${plural(lane.count, 'event')}`)} onClick={() => { m.chosen.value = chosen ? -1 : index; }}>
			<span class="lane-name mono"><Line value={name} max={60} /></span>
			{more && <span class="muted"><Line value={more} max={30} /></span>}
			{skew !== undefined && <span class="lane-skew" title={`its clock is ${Math.round(skew)} ms off`}>clock {skew < 0 ? '−' : '+'}{spanText(Math.abs(skew) * 1e6)}</span>}
			<span class="lane-count">{formatCompact(lane.count)}</span>
		</button>
	);
}

function tipText(found: Found): string {
	const lost = found.gap ? `${plural(found.gap.count, 'event')} lost here (${found.gap.cause})` : '';
	if (found.pin) return `${found.pin.level} alert: ${found.pin.text}`;
	if (found.flow && !found.doc) return found.flow.text;
	if (found.doc) return `${text(found.doc, '@timestamp').slice(11)}  ${text(found.doc, 'event.action')}  ${summary(found.doc)}${lost ? ` · ${lost}` : ''}`;
	const when = formatTime(found.ms, utc.value, true);
	return [found.count === undefined ? when : `${when}  ${plural(found.count, 'event')}`, lost].filter(Boolean).join(' · ');
}

export function Canvas() {
	const scroller = useRef<HTMLDivElement>(null);
	const canvas = useRef<HTMLCanvasElement>(null);
	const size = useSignal({ width: 600, height: 400 });
	const top = useSignal(0);
	const pointer = useSignal<{ x: number; y: number } | null>(null);
	const brush = useSignal<[number, number] | null>(null);
	const ink = useRef<{ theme: boolean; ink: Ink } | null>(null);
	const drag = useRef<{ x: number; view: Range; pan: boolean } | null>(null);

	const scene = useComputed<Scene>(() => ({
		data: m.data.value, view: m.view.value, ...size.value, lanePx: m.lanePx.value, top: top.value, hoverX: pointer.value?.x ?? -1, chosen: m.chosen.value,
		brush: brush.value, pins: pins.value, skew: skews.value, clockOf: (ms) => clockParts(ms, utc.value),
	}));
	const frame = useRef(0);
	useSignalEffect(() => {
		const s = scene.value;
		const theme = dark.value;
		cancelAnimationFrame(frame.current);
		frame.current = requestAnimationFrame(() => {
			const el = canvas.current;
			const c = el?.getContext('2d');
			if (!el || !c) return;
			if (ink.current?.theme !== theme) ink.current = { theme, ink: inkOf(getComputedStyle(document.documentElement)) };
			const [w, h] = [Math.round(s.width * devicePixelRatio), Math.round(s.height * devicePixelRatio)];
			if (el.width !== w || el.height !== h) Object.assign(el, { width: w, height: h });
			c.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
			draw(c, s, ink.current.ink);
		});
	});
	useLayoutEffect(() => {
		const el = scroller.current;
		const box = canvas.current;
		if (!el || !box) return;
		const watch = new ResizeObserver(() => { size.value = { width: box.clientWidth, height: el.clientHeight }; });
		watch.observe(el);
		watch.observe(box);
		return () => {
			watch.disconnect();
			cancelAnimationFrame(frame.current);
		};
	}, []);
	useEffect(() => {
		const el = canvas.current;
		if (!el) return;
		const onWheel = (e: WheelEvent): void => {
			const across = e.shiftKey ? e.deltaY : e.deltaX;
			if (!e.ctrlKey && !e.metaKey && Math.abs(across) <= Math.abs(e.shiftKey ? 0 : e.deltaY)) return; /* scrolls the lanes */
			e.preventDefault();
			const share = (e.clientX - el.getBoundingClientRect().left) / el.clientWidth;
			m.look(e.ctrlKey || e.metaKey ? zoomed(m.view.peek(), Math.exp(Math.max(-60, Math.min(60, e.deltaY)) / 120), share) : moved(m.view.peek(), across / el.clientWidth));
		};
		el.addEventListener('wheel', onWheel, { passive: false });
		return () => el.removeEventListener('wheel', onWheel);
	}, []);

	const at = (e: PointerEvent): { x: number; y: number } => {
		const box = canvas.current?.getBoundingClientRect();
		return { x: e.clientX - (box?.left ?? 0), y: e.clientY - (box?.top ?? 0) };
	};
	const onDown = (e: PointerEvent): void => {
		if (e.button !== 0) return;
		canvas.current?.setPointerCapture(e.pointerId);
		drag.current = { x: at(e).x, view: m.view.peek(), pan: e.shiftKey || e.pointerType === 'touch' };
	};
	const onMove = (e: PointerEvent): void => {
		const p = at(e);
		pointer.value = p;
		const d = drag.current;
		if (!d || Math.abs(p.x - d.x) < CLICK_PX) return;
		if (d.pan) m.look(moved(d.view, (d.x - p.x) / size.peek().width));
		else brush.value = [d.x, p.x];
	};
	const onUp = (e: PointerEvent): void => {
		const d = drag.current;
		drag.current = null;
		const marked = brush.peek();
		brush.value = null;
		if (marked) {
			const [a, b] = [Math.min(...marked), Math.max(...marked)];
			const wide = size.peek().width;
			m.look({ ...moved(m.view.peek(), a / wide), span: Math.max(100, (m.view.peek().span * (b - a)) / wide) }, true);
		} else if (d && Math.abs(at(e).x - d.x) < CLICK_PX) onClick(at(e));
	};
	const onClick = ({ x, y }: { x: number; y: number }): void => {
		const found = find(scene.peek(), x, y);
		if (found?.pin) go('alerts', { status: 'all', sel: found.pin.id });
		else if (found?.doc) m.opened.value = found.doc;
		else if (found?.count !== undefined) m.look(zoomed(m.view.peek(), 0.2, x / size.peek().width), true);
	};

	const data = m.data.value;
	const lanes = data?.lanes ?? [];
	const { height } = size.value;
	const lanePx = m.lanePx.value = lanePxOf(lanes.length, height);
	const [from, to] = [Math.floor(top.value / lanePx), Math.min(lanes.length, Math.ceil((top.value + height) / lanePx))];
	const found = pointer.value && !brush.value ? find(scene.value, pointer.value.x, pointer.value.y) : null;
	return (
		<div class="timeline" ref={scroller} onScroll={(e) => { top.value = e.currentTarget.scrollTop; }}>
			<div class="timeline-inner" style={{ height: `${AXIS_PX + lanes.length * lanePx}px` }}>
				<div class="lane-head">{m.laneField.value.title}<span class="muted">{lanes.length}{data?.more ? ' of more' : ''}</span></div>
				<div class="lanes" role="group" aria-label="Lanes">
					{lanes.slice(from, to).map((lane, i) => <Label key={String(lane.key)} lane={lane} index={from + i} top={(from + i) * lanePx} height={lanePx} chosen={m.chosen.value === from + i} />)}
				</div>
				<canvas ref={canvas} class="timeline-canvas" style={{ height: `${height}px` }} role="img" aria-label={inWords(data, m.view.value, spanText(m.view.value.span))}
					onPointerDown={onDown} onPointerMove={onMove} onPointerUp={onUp} onPointerCancel={() => { drag.current = null; brush.value = null; }} onPointerLeave={() => { pointer.value = null; }} />
				{found && pointer.value && (found.doc || found.count !== undefined || found.gap || found.pin || found.flow) && (
					<div class="timeline-tip mono" style={{ left: `${Math.min(pointer.value.x + 14, size.value.width - 320) + 208}px`, top: `${top.value + pointer.value.y + 16}px` }}>
						{(!found.flow || found.doc || found.pin) && <b><Line value={laneText(found.lane)} max={40} /></b>} <Line value={clip(tipText(found), 200)} />
					</div>
				)}
			</div>
		</div>
	);
}
