// SPDX-License-Identifier: Apache-2.0
// Popover - a button that opens a small panel; closes on Esc, on a click elsewhere and by @close.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './Icon';

interface Props {
	label: string;
	icon: IconName;
	text: ComponentChildren;
	panel: (close: () => void) => ComponentChildren;
}

export function Popover({ label, icon, text, panel }: Props) {
	const [open, setOpen] = useState(false);
	const root = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);
	const close = (): void => {
		setOpen(false);
		button.current?.focus();
	};

	useEffect(() => {
		if (!open) return;
		const outside = (e: Event): void => {
			if (!root.current?.contains(e.target as Node)) setOpen(false);
		};
		addEventListener('pointerdown', outside, true);
		root.current?.querySelector<HTMLElement>('.panel button, .panel input')?.focus();
		return () => removeEventListener('pointerdown', outside, true);
	}, [open]);

	return (
		<div class="popover" ref={root} onKeyDown={(e) => {
			if (e.key !== 'Escape' || !open) return;
			e.stopPropagation();
			close();
		}}>
			<button ref={button} type="button" class="button" aria-haspopup="dialog" aria-expanded={open}
				aria-label={label} title={label} onClick={() => setOpen(!open)}>
				<Icon name={icon} /><span class="popover-text">{text}</span><Icon name="down" />
			</button>
			{open && <div class="panel" role="dialog" aria-label={label}>{panel(close)}</div>}
		</div>
	);
}
