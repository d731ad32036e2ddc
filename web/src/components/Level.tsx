// SPDX-License-Identifier: Apache-2.0
// Level - how grave a finding is: a word, and as many bars as it weighs.

export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'];
export const levelRank = (level: string): number => LEVELS.indexOf(level);

export function Level({ level }: { level: string }) {
	const rank = levelRank(level);
	return (
		<span class={`level level-${rank >= 0 ? level : 'unknown'}`}>
			<i aria-hidden="true">{[0, 1, 2, 3].map((n) => <b key={n} class={n < rank ? 'on' : ''} />)}</i>{level === 'informational' ? 'info' : level || '-'}
		</span>
	);
}
