// SPDX-License-Identifier: Apache-2.0
// Button - the one button: plain, primary, or quiet; with an icon, a text, or both.
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './Icon';

interface Props {
	label: string; /* spoken, and shown as title when there is no text */
	icon?: IconName;
	kind?: 'plain' | 'primary' | 'quiet';
	pressed?: boolean;
	disabled?: boolean;
	expanded?: boolean;
	type?: 'button' | 'submit';
	class?: string;
	title?: string;
	onClick?: (e: MouseEvent) => void;
	children?: ComponentChildren;
}

export function Button({ label, icon, kind = 'plain', pressed, disabled, expanded, type = 'button', title, onClick, children, ...rest }: Props) {
	return (
		<button type={type} class={`button ${kind} ${children ? '' : 'icon-only'} ${rest.class ?? ''}`}
			aria-label={label} title={title ?? label} aria-pressed={pressed} aria-disabled={disabled} aria-expanded={expanded} onClick={onClick}>
			{icon && <Icon name={icon} />}
			{children && <span>{children}</span>}
		</button>
	);
}
