// SPDX-License-Identifier: Apache-2.0
// Facts - names and values in two columns; those without a value are left out.
import { Button } from './Button';
import { Value } from './Text';

export function Facts({ list, onCopy }: { list: [string, string][]; onCopy?: (value: string) => void }) {
	return (
		<dl class="facts">
			{list.filter(([, value]) => value).map(([name, value]) => (
				<div key={name}>
					<dt>{name}</dt>
					<dd class="mono">
						<Value value={value} max={300} />
						{onCopy && <Button icon="copy" kind="quiet" class="tiny" label={`Copy: ${name}`} onClick={() => onCopy(value)} />}
					</dd>
				</div>
			))}
		</dl>
	);
}
