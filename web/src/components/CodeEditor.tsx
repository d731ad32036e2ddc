// SPDX-License-Identifier: Apache-2.0
// CodeEditor - a text of many lines with their numbers; a fault marks its line and says what it is.
import { useRef } from 'preact/hooks';
import { visible } from '../lib/text';
import { Icon } from './Icon';

export interface CodeFault {
	line: number; /* 1-based */
	column: number;
	text: string;
	grave: boolean; /* false: a hint */
}

interface Props {
	label: string;
	value: string;
	faults: CodeFault[];
	readOnly?: boolean;
	onInput: (text: string) => void;
	onSave?: () => void; /* Ctrl+Enter */
}

const LINE_PX = 20;

export function CodeEditor({ label, value, faults, readOnly = false, onInput, onSave }: Props) {
	const area = useRef<HTMLTextAreaElement>(null);
	const lines = value.split('\n').length;
	const byLine = new Map(faults.map((f) => [f.line, f]));
	const goTo = (f: CodeFault): void => {
		const before = value.split('\n').slice(0, f.line - 1).reduce((n, l) => n + l.length + 1, 0);
		area.current?.focus();
		area.current?.setSelectionRange(before + Math.max(0, f.column - 1), before + Math.max(0, f.column - 1));
	};
	return (
		<div class="code-editor">
			<div class="code-scroll">
				<div class="code-lines" style={{ height: `${lines * LINE_PX + 16}px` }}>
					<ol class="code-numbers mono" aria-hidden="true">
						{Array.from({ length: lines }, (_, i) => {
							const fault = byLine.get(i + 1);
							return <li key={i} class={fault ? (fault.grave ? 'grave' : 'hint') : ''} title={fault ? visible(fault.text) : undefined}>{i + 1}</li>;
						})}
					</ol>
					<textarea ref={area} class="mono" aria-label={label} spellcheck={false} autocomplete="off" autocapitalize="off" wrap="off" readOnly={readOnly} value={value}
						aria-invalid={faults.some((f) => f.grave)} onInput={(e) => onInput(e.currentTarget.value)}
						onKeyDown={(e) => {
							if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) onSave?.();
							else if (e.key === 'Escape') e.currentTarget.blur();
							else return;
							e.preventDefault();
							e.stopPropagation();
						}} />
				</div>
			</div>
			{faults.length > 0 && (
				<ul class="code-faults" role="alert">
					{faults.map((f, i) => (
						<li key={i} class={f.grave ? 'grave' : 'hint'}>
							<button type="button" onClick={() => goTo(f)}><Icon name="warn" /><b>{f.line ? `line ${f.line}${f.column ? `:${f.column}` : ''}` : 'the rule'}</b> {visible(f.text)}</button>
						</li>
					))}
				</ul>
			)}
		</div>
	);
}
