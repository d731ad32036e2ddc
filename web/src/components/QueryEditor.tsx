// SPDX-License-Identifier: Apache-2.0
// QueryEditor - the query bar: colours, completes and shows where the collector found a fault.
// A textarea with clear letters lies over a copy of its text that has the colours.
import { useEffect, useRef, useState } from 'preact/hooks';
import { tokens } from '../lib/eql';
import { visible } from '../lib/text';
import { completions, valueAt, type Completion } from './completion';
import { Icon } from './Icon';

interface Props {
	value: string;
	onInput: (text: string) => void;
	onRun: (text: string) => void;
	fault: { from: number; text: string; expected: string } | null;
	valuesOf: (field: string) => string[]; /* at hand */
	askValues: (field: string, prefix: string, abort: AbortSignal) => Promise<string[]>; /* stored */
}

const ASK_MS = 120; /* of rest while typing before the collector is asked */

function Coloured({ text, from }: { text: string; from: number | null }) {
	return (
		<pre class="query-colours" aria-hidden="true">
			{tokens(text).map((t) => {
				const bad = from !== null && from >= t.at && from < t.at + t.text.length;
				return <span key={t.at} class={`t-${t.kind}${bad ? ' t-bad' : ''}`}>{t.text}</span>;
			})}
			{'\u200b'}
		</pre>
	);
}

/** The line at fault with a caret under the place, and what was expected there. */
function Fault({ text, fault }: { text: string; fault: NonNullable<Props['fault']> }) {
	const start = text.lastIndexOf('\n', fault.from - 1) + 1;
	const end = text.indexOf('\n', fault.from);
	const before = visible(text.slice(Math.max(start, fault.from - 60), fault.from));
	const line = before + visible(text.slice(fault.from, Math.min(end < 0 ? text.length : end, fault.from + 60)));
	return (
		<div class="query-fault" role="alert" id="query-fault">
			<pre class="mono"><bdi>{line}</bdi>{'\n'}{' '.repeat([...before].length)}<b class="caret">^</b></pre>
			<p><Icon name="warn" /> {visible(fault.text)}{fault.expected && !fault.text.includes(fault.expected) && ` Expected ${visible(fault.expected)}.`}</p>
		</div>
	);
}

export function QueryEditor({ value, onInput, onRun, fault, valuesOf, askValues }: Props) {
	const area = useRef<HTMLTextAreaElement>(null);
	const [list, setList] = useState<Completion[]>([]);
	const [pick, setPick] = useState(-1);
	const asking = useRef<AbortController>(undefined);
	const open = list.length > 0;

	const suggest = (): void => {
		const el = area.current;
		if (!el || el.selectionStart !== el.selectionEnd) return setList([]);
		setList(completions(el.value, el.selectionStart, valuesOf));
		setPick(-1);
		askMore(el.value, el.selectionStart);
	};
	/* What the collector knows joins what is at hand, unless the text has changed meanwhile. */
	const askMore = (text: string, caret: number): void => {
		asking.current?.abort();
		const wanted = valueAt(text, caret);
		if (!wanted) return;
		const abort = asking.current = new AbortController();
		setTimeout(async () => {
			const known = abort.signal.aborted ? [] : await askValues(wanted.field, wanted.prefix, abort.signal);
			const el = area.current;
			if (!known.length || abort.signal.aborted || el?.value !== text || document.activeElement !== el) return;
			setList(completions(text, caret, (field) => [...new Set([...valuesOf(field), ...known])]));
		}, ASK_MS);
	};
	const accept = (c: Completion): void => {
		const el = area.current;
		if (!el) return;
		el.setRangeText(c.insert, c.from, el.selectionStart, 'end');
		onInput(el.value);
		setList([]);
		el.focus();
	};
	useEffect(() => {
		const el = area.current;
		if (el && document.activeElement !== el) el.setSelectionRange(value.length, value.length);
	}, [value]);

	const onKeyDown = (e: KeyboardEvent): void => {
		const chosen = list[Math.max(pick, 0)];
		if (open && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
			setPick(e.key === 'ArrowDown' ? (pick + 1) % list.length : (Math.max(pick, 0) + list.length - 1) % list.length);
		} else if (chosen && (e.key === 'Tab' || (e.key === 'Enter' && pick >= 0))) {
			accept(chosen);
		} else if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
			setList([]);
			onRun(value);
		} else if (e.key === 'Escape') {
			if (open) setList([]);
			else area.current?.blur();
		} else if (e.key === ' ' && e.ctrlKey) {
			suggest();
		} else {
			return;
		}
		e.preventDefault();
		e.stopPropagation();
	};

	return (
		<div class={`query${fault ? ' faulty' : ''}`}>
			<Icon name="search" />
			<div class="query-box">
				<Coloured text={value} from={fault?.from ?? null} />
				<textarea ref={area} id="query" class="query-text" rows={1} value={value} spellcheck={false}
					autocomplete="off" autocapitalize="off" placeholder='Search: a word, or process where process.name == "bash"'
					aria-label="Query" aria-autocomplete="list" aria-controls={open ? 'query-list' : undefined}
					aria-activedescendant={pick >= 0 && open ? `query-list-${pick}` : undefined} aria-invalid={fault !== null}
					aria-describedby={fault ? 'query-fault' : undefined}
					onInput={(e) => { onInput(e.currentTarget.value); suggest(); }}
					onKeyDown={onKeyDown} onClick={() => setList([])} onBlur={() => setList([])} />
			</div>
			{open && (
				<ul class="query-list" role="listbox" id="query-list" aria-label="Completions">
					{list.map((c, i) => (
						<li key={c.label} id={`query-list-${i}`} role="option" aria-selected={i === pick}
							onPointerDown={(e) => { e.preventDefault(); accept(c); }}>
							<span class="mono">{visible(c.label)}</span><span class="muted">{c.detail}</span>
						</li>
					))}
				</ul>
			)}
			{fault && !open && <Fault text={value} fault={fault} />}
		</div>
	);
}
