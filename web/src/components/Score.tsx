// SPDX-License-Identifier: Apache-2.0
// Score - how much an incident weighs, 0 to 100: a number and a bar of it.

export function Score({ score }: { score: number }) {
	return (
		<span class={`score${score >= 70 ? ' grave' : score >= 40 ? ' some' : ''}`} title={`score ${score} of 100`}>
			<b>{score}</b><i aria-hidden="true"><i style={{ width: `${Math.max(0, Math.min(100, score))}%` }} /></i>
		</span>
	);
}
