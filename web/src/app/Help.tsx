// SPDX-License-Identifier: Apache-2.0
// Help - every key that works now, from the tables that make them work.
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../components/Button';
import { tables } from '../state/keys';

const NAMES: Record<string, string> = { ArrowDown: '↓', ArrowUp: '↑', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };

export function Help({ onClose }: { onClose: () => void }) {
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => dialog.current?.showModal(), []);
	return (
		<dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}
			onClick={(e) => { if (e.target === e.currentTarget) dialog.current?.close(); }}>
			<div class="help-body">
				<header><h2 id="help-title">Keyboard</h2><Button icon="close" kind="quiet" class="small" label="Close (Esc)" onClick={() => dialog.current?.close()} /></header>
				{[...tables.value].reverse().map(({ title, table }) => (
					<section key={title}>
						<h3>{title}</h3>
						<dl>
							{table.filter((entry) => entry.may?.value ?? true).map((entry) => (
								<div key={entry.help}><dt>{entry.keys.map((k) => <kbd key={k}>{NAMES[k] ?? k}</kbd>)}</dt><dd>{entry.help}</dd></div>
							))}
						</dl>
					</section>
				))}
			</div>
		</dialog>
	);
}
