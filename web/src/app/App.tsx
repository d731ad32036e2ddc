// SPDX-License-Identifier: Apache-2.0
// App - the shell around every view: header, notices, help; or the door when there is no token.
import { useEffect, useState } from 'preact/hooks';
import { whoAmI } from '../api/access';
import { Button } from '../components/Button';
import { Notice } from '../components/Notice';
import { lostSince, resumed } from '../state/connection';
import { clock, dark, nextClock, nextTheme } from '../state/prefs';
import { openAlerts, startAlerts } from '../state/alerts';
import { loadCatalog, loadNodes } from '../state/catalog';
import { identity, signOut, token } from '../state/session';
import { go, hrefOf, onLink, param } from '../state/url';
import { VIEWS, viewNamed } from '../views';
import { Help } from './Help';
import { bindKeys } from '../state/keys';
import { SignIn } from './SignIn';
import { toast } from '../state/toast';

const NODES_MS = 30_000;
const CLOCKS = { utc: 'UTC', local: 'Local', ago: 'Ago' };

function Header({ onHelp }: { onHelp: () => void }) {
	const here = viewNamed(param('view'));
	return (
		<header class="top">
			<a class="brand" href="/" onClick={onLink(() => go('search'))}>
				<img src="/icon.svg" alt="" width="22" height="22" /><span>rtsec</span>
			</a>
			<nav aria-label="Views">
				{VIEWS.filter((v) => v.key || v === here).map((v) => (
					<a key={v.name} href={hrefOf({ view: v.name })} aria-current={v === here ? 'page' : undefined}
						title={v.key ? `${v.title} (g ${v.key})` : v.title} onClick={onLink(() => go(v.name))}>{v.title}{v.name === 'alerts' && openAlerts.value > 0 && <span class="nav-count" title="open">{openAlerts.value >= 100 ? '99+' : openAlerts.value}</span>}</a>
				))}
			</nav>
			<span class="grow" />
			<Button kind="quiet" class="small" label={`Times: ${CLOCKS[clock.value]}; switch (u)`} onClick={nextClock}>{CLOCKS[clock.value]}</Button>
			<Button kind="quiet" class="small" icon={dark.value ? 'sun' : 'moon'} label={dark.value ? 'Light theme' : 'Dark theme'} onClick={nextTheme} />
			<Button kind="quiet" class="small" label="Keyboard help (?)" onClick={onHelp}>?</Button>
			<Button kind="quiet" class="small" icon="out" label="Sign out" onClick={() => signOut()} />
		</header>
	);
}

function Inside() {
	const [help, setHelp] = useState(false);
	useEffect(() => bindKeys('Everywhere', [
		{ keys: ['?'], help: 'This help', run: () => setHelp(true) },
		{ keys: ['u'], help: 'UTC, local time, or how long ago', run: nextClock },
		{ keys: ['d'], help: 'Light or dark', run: nextTheme },
		...VIEWS.filter((v) => v.key).map((v) => ({ keys: [`g ${v.key}`], help: v.title, run: () => go(v.name) })),
	]), []);
	useEffect(() => {
		const abort = new AbortController();
		void loadCatalog(abort.signal);
		whoAmI(abort.signal).then((who) => {
			identity.value = who;
			document.documentElement.dataset['role'] = who.role;
		}, () => {}); /* without it the collector refuses what is not allowed */
		const timer = setInterval(() => void loadNodes(abort.signal), NODES_MS);
		return () => {
			clearInterval(timer);
			abort.abort();
		};
	}, [token.value, resumed.value]);
	useEffect(startAlerts, [token.value]);
	const view = viewNamed(param('view'));
	const Current = view.component;
	useEffect(() => { document.title = `${view.title} · rtsec`; }, [view]);
	return (
		<>
			<Header onHelp={() => setHelp(true)} />
			{lostSince.value !== null && <Notice kind="warn" text="Connection to the collector lost. Trying again; the page goes on by itself." />}
			<main class="view"><h1 class="sr-only">{view.title}</h1><Current /></main>
			{help && <Help onClose={() => setHelp(false)} />}
		</>
	);
}

export function App() {
	return (
		<div class="app">
			{token.value ? <Inside /> : <SignIn />}
			<div class="toast" role="status" aria-live="polite">{toast.value && <span>{toast.value}</span>}</div>
		</div>
	);
}
