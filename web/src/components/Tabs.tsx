// SPDX-License-Identifier: Apache-2.0
// Tabs - one of several parts of a panel.

export function Tabs({ label, tabs, chosen, onChoose }: { label: string; tabs: [string, string][]; chosen: string; onChoose: (name: string) => void }) {
	const step = (by: number): void => {
		const at = tabs.findIndex(([name]) => name === chosen);
		const next = tabs[(at + by + tabs.length) % tabs.length];
		if (next) onChoose(next[0]);
	};
	return (
		<div class="tabs" role="tablist" aria-label={label} onKeyDown={(e) => {
			if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
			e.preventDefault();
			e.stopPropagation();
			step(e.key === 'ArrowRight' ? 1 : -1);
		}}>
			{tabs.map(([name, title]) => (
				<button key={name} type="button" role="tab" aria-selected={name === chosen} tabIndex={name === chosen ? 0 : -1} onClick={() => onChoose(name)}>{title}</button>
			))}
		</div>
	);
}
