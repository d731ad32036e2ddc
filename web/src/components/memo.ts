// SPDX-License-Identifier: Apache-2.0
// memo - draws a component anew only when one of its props changed.
import { Component, h, type FunctionComponent } from 'preact';

export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
	class Memo extends Component<P> {
		override shouldComponentUpdate(next: Readonly<P>): boolean {
			const now = this.props as Record<string, unknown>;
			const then = next as Record<string, unknown>;
			return Object.keys(then).some((k) => now[k] !== then[k]);
		}

		override render() {
			return h(inner, this.props as P);
		}
	}
	return Memo as unknown as FunctionComponent<P>;
}
