// SPDX-License-Identifier: Apache-2.0
// VirtualList - rows of one fixed height, of which only those in sight exist.  When all rows together
// would be taller than browsers can lay out, the scrollbar is scaled.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren, RefObject } from 'preact';

const MAX_PX = 15_000_000; /* Firefox gives up beyond 17.8 million */
const SPARE = 8;
const WINDOW = 256;

interface Props {
	count: number;
	rowHeight: number;
	render: (index: number, top: number) => ComponentChildren;
	onRange?: (from: number, to: number) => void;
	scroller: RefObject<HTMLDivElement | null>;
	scrollTo?: { index: number; nonce: number } | undefined;
	children?: ComponentChildren;
	role?: 'grid' | 'treegrid';
	[aria: `aria-${string}`]: string | number | undefined;
	onKeyDown?: (e: KeyboardEvent) => void;
}

export function VirtualList(props: Props) {
	const { count, rowHeight, render, onRange, scroller, scrollTo, children, role = 'grid', ...rest } = props;
	const [top, setTop] = useState(0);
	const [height, setHeight] = useState(600);
	const head = useRef<HTMLDivElement>(null);
	const full = count * rowHeight;
	const shownPx = Math.min(full, MAX_PX);
	const headPx = head.current?.offsetHeight ?? 0;
	const seen = Math.max(rowHeight, height - headPx);
	const factor = full > shownPx ? (full - seen) / Math.max(1, shownPx - seen) : 1;
	const virtualTop = top * factor;
	const from = Math.max(0, Math.floor(virtualTop / rowHeight) - SPARE);
	const to = Math.min(count, Math.ceil((virtualTop + seen) / rowHeight) + SPARE);

	useLayoutEffect(() => {
		const el = scroller.current;
		if (!el) return;
		const measure = new ResizeObserver(() => setHeight(el.clientHeight));
		measure.observe(el);
		setHeight(el.clientHeight);
		return () => measure.disconnect();
	}, []);
	useLayoutEffect(() => onRange?.(from, to), [from, to, count, onRange]);
	useLayoutEffect(() => {
		const el = scroller.current;
		if (!el || !scrollTo || scrollTo.index < 0) return;
		const at = scrollTo.index * rowHeight;
		if (at < virtualTop) el.scrollTop = at / factor;
		else if (at + rowHeight > virtualTop + seen) el.scrollTop = (at + rowHeight - seen) / factor;
	}, [scrollTo?.nonce]);

	/* Rows stand in a window that moves; only when it starts at another row do they move in it. */
	const base = Math.floor(from / WINDOW) * WINDOW;
	const shift = base * rowHeight - virtualTop + top;
	const rows: ComponentChildren[] = [];
	for (let i = from; i < to; i++) rows.push(render(i, (i - base) * rowHeight));
	return (
		<div class="vlist" role={role} tabIndex={0} ref={scroller} {...rest}
			onScroll={(e) => setTop(e.currentTarget.scrollTop)}>
			<div class="vlist-head" role="rowgroup" ref={head}>{children}</div>
			<div class="vlist-body" role="rowgroup" style={{ height: `${shownPx}px` }}>
				<div class="vlist-window" role="none" style={{ transform: `translateY(${shift}px)` }}>{rows}</div>
			</div>
		</div>
	);
}
