// SPDX-License-Identifier: Apache-2.0
// Progress - how far long work is; it comes into sight only when the wait is long enough to want it.

export function Progress({ label, share }: { label: string; share: number }) {
	const percent = Math.round(share * 100);
	return (
		<span class="progress late" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
			<i aria-hidden="true"><i style={{ width: `${percent}%` }} /></i>{percent} %
		</span>
	);
}
