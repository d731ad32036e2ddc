// SPDX-License-Identifier: Apache-2.0
// SignIn - asks for the API token.
import { useState } from 'preact/hooks';
import { Button } from '../components/Button';
import { signIn, signInNote } from '../state/session';

export function SignIn() {
	const [value, setValue] = useState('');
	const note = signInNote.value;
	return (
		<main class="sign-in">
			<form onSubmit={(e) => {
				e.preventDefault();
				if (value.trim()) signIn(value);
			}}>
				<h1><img src="/icon.svg" alt="" width="28" height="28" /> rtsec</h1>
				<label for="token">API token</label>
				<input id="token" class="mono" type="password" autocomplete="off" autofocus value={value}
					onInput={(e) => setValue(e.currentTarget.value)} aria-describedby="token-note" />
				<p id="token-note" class={note ? 'bad' : 'muted'} role={note ? 'alert' : undefined}>
					{note || 'Printed by ./dev up, or made by rtsec-collector token create. This tab keeps it until it is closed.'}
				</p>
				<Button type="submit" kind="primary" label="Sign in">Sign in</Button>
			</form>
		</main>
	);
}
