// SPDX-License-Identifier: Apache-2.0
// NodeFilter - all nodes or one of them.
import { Popover } from '../../components/Popover';
import { Line } from '../../components/Text';
import { allNodes } from '../../state/catalog';
import { setParams } from '../../state/url';
import { visible } from '../../lib/text';
import { scope } from './model';

export function NodeFilter() {
	const chosen = scope.value.node;
	const nodes = allNodes.value;
	return (
		<Popover label="Node" icon="node" text={chosen ? visible(chosen) : 'All nodes'} panel={(close) => {
			const choose = (node: string): void => {
				setParams({ node });
				close();
			};
			return (
				<>
					<button type="button" class="choice" aria-pressed={chosen === ''} onClick={() => choose('')}>
						<span>All nodes</span><span class="muted">{nodes.length}</span>
					</button>
					{nodes.map((n) => (
						<button key={n.id} type="button" class="choice" aria-pressed={chosen === n.name} onClick={() => choose(n.name)}>
							<Line value={n.name} max={60} />
						</button>
					))}
					{nodes.length === 0 && <p class="note">No node has reported yet.</p>}
				</>
			);
		}} />
	);
}
