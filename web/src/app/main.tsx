// SPDX-License-Identifier: Apache-2.0
// main - starts the page.
import { render } from 'preact';
import { takeTokenFromUrl } from '../state/session';
import { applyPrefs } from '../state/prefs';
import { App } from './App';
import './app.css';

takeTokenFromUrl();
applyPrefs();
addEventListener('hashchange', takeTokenFromUrl);
const root = document.querySelector('#app');
if (root) {
	root.replaceChildren();
	render(<App />, root);
}
