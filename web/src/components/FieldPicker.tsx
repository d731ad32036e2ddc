// SPDX-License-Identifier: Apache-2.0
// FieldPicker - an input that takes the name of a field, completed from those there are.
import { useState } from 'preact/hooks';
import { allFields } from '../state/catalog';

export function FieldPicker({ label, value = '', onPick }: { label: string; value?: string; onPick: (field: string) => void }) {
	const [text, setText] = useState(value);
	const take = (name: string): void => {
		setText(name);
		if (!allFields.peek().some((f) => f.name === name)) return;
		setText(value);
		onPick(name);
	};
	return (
		<label class="field-picker">
			<span class="sr-only">{label}</span>
			<input class="mono" list="all-fields" placeholder={label} spellcheck={false} autocomplete="off" value={text} onInput={(e) => take(e.currentTarget.value)} />
		</label>
	);
}

/** The names that every FieldPicker offers; once on the page. */
export function FieldNames() {
	return <datalist id="all-fields">{allFields.value.map((f) => <option key={f.name} value={f.name}>{f.help}</option>)}</datalist>;
}
