// SPDX-License-Identifier: Apache-2.0
// ExceptionForm - what a rule should not tell of any more, why, who says so, and until when.
import { useState } from 'preact/hooks';
import { me } from '../state/prefs';
import { Button } from './Button';

export interface NewException {
	condition: string;
	owner: string;
	note: string;
	expires: string;
}

/** @optional: without a condition it is left to the collector.  @onAdd says whether it was taken. */
export function ExceptionForm({ optional = false, onAdd }: { optional?: boolean; onAdd: (what: NewException) => Promise<boolean> }) {
	const [condition, setCondition] = useState('');
	const [note, setNote] = useState('');
	const [expires, setExpires] = useState('');
	const ready = (optional || condition.trim() !== '') && me.value.trim() !== '';
	const add = async (): Promise<void> => {
		if (ready && await onAdd({ condition, note, owner: me.value.trim(), expires })) setCondition('');
	};
	return (
		<form class="exception-form" onSubmit={(e) => {
			e.preventDefault();
			void add();
		}}>
			<label class="wide-field">Condition<input class="text-input mono" placeholder={optional ? 'the same program doing the same to the same object' : 'user.name == "ci"'} value={condition} onInput={(e) => setCondition(e.currentTarget.value)} spellcheck={false} /></label>
			<label class="wide-field">Why<input class="text-input" value={note} onInput={(e) => setNote(e.currentTarget.value)} /></label>
			<label>Your name<input class="text-input" value={me.value} onInput={(e) => { me.value = e.currentTarget.value; }} /></label>
			<label>Expires<input class="text-input mono" placeholder="never" value={expires} onInput={(e) => setExpires(e.currentTarget.value)} spellcheck={false} /></label>
			<Button type="submit" label="Add the exception" disabled={!ready}>Add the exception</Button>
		</form>
	);
}
