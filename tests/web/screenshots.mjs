// SPDX-License-Identifier: Apache-2.0
// screenshots - pictures of every view in both themes, of the recorded fleet, and of the tokens and
// components, into docs/img:
//   node tests/web/screenshots.mjs [DIR] [--bin build/dev/bin] [--only NAME]
// The fonts are those of this machine: fonts-inter, fonts-jetbrains-mono.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from './chromium.mjs';
import { startFleet } from './fleet.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const out = process.argv[2] && !process.argv[2].startsWith('--') ? process.argv[2] : join(here, '../../docs/img');
const SIZE = { width: 1360, height: 780 };

/** What each shows: its address, what must be there before, and what is pressed. */
const SHOTS = {
	search: { query: { since: '-1h', by: 'process.name' }, ready: '.legend .swatch', act: (page) => page.locator('.vlist-body .hit').nth(4).click() },
	timeline: { query: { view: 'timeline', since: '-12m' }, ready: '.timeline-key .dot' },
	process: { query: { view: 'process', id: 'sudo', hosts: 'all' }, ready: '.tree-row.active' },
	hops: { query: { view: 'process', id: 'kworkerd', as: 'hops' }, ready: '.hop-pin' },
	incidents: { query: { view: 'incidents' }, ready: '.data-row[data-index]' },
	incident: { query: { view: 'incidents', sel: '2', step: '2' }, ready: '.hop-pin' },
	alerts: { query: { view: 'alerts', sel: '2' }, ready: '.together li' },
	rules: { query: { view: 'rules', sel: 'shadow-read' }, ready: '.rule-tools .good', act: async (page) => {
		await page.getByRole('button', { name: /^See what it would/ }).click();
		await page.locator('.backtest canvas').waitFor();
	} },
	rare: { query: { view: 'rare' }, ready: '.data-row[data-index]' },
	nodes: { query: { view: 'nodes', sel: 'web-2' }, ready: '.figures' },
	settings: { query: { view: 'settings', part: 'tokens' }, ready: '.data-row[data-index]' },
	storage: { query: { view: 'settings', part: 'storage' }, ready: '.days li' },
	outputs: { query: { view: 'settings', part: 'outputs' }, ready: '.dead' },
};

async function entityOf(fleet, name) {
	const q = new URLSearchParams({ q: `process where process.name == "${name}" and event.action == "exec"`, since: '-24h', limit: 1 });
	const answer = await fetch(`${fleet.url}/api/v1/search?${q}`, { headers: { Authorization: `Bearer ${fleet.tokens.admin}` } });
	return (await answer.json()).hits[0].process.entity_id;
}

/** What tokens.css holds, and the components in their states, drawn with the page's own styles. */
const TOKENS = (css) => {
	const names = (pattern) => [...new Set([...css.matchAll(/(--[\w-]+):/g)].map((m) => m[1]))].filter((n) => pattern.test(n));
	const swatch = (n) => `<div class="t"><i style="background:var(${n})"></i><code>${n}</code></div>`;
	const inks = ['--text', '--text-2', '--text-3', '--accent', '--danger', '--warn', '--ok', '--process', '--file', '--network'];
	const button = (kind, more, text) => `<button class="button ${kind}" ${more}><span>${text}</span></button>`;
	const level = (name, n) => `<span class="level level-${name}"><i>${[0, 1, 2, 3].map((i) => `<b class="${i < n ? 'on' : ''}"></b>`).join('')}</i>${name}</span>`;
	return `<style>
		.sheet { display: grid; grid-template-columns: repeat(3, 1fr); gap: 20px 28px; padding: 24px; } .sheet h3 { grid-column: 1 / -1; margin: 4px 0 -10px; color: var(--text-3); font-size: var(--size-2); }
		.t { display: flex; align-items: center; gap: 10px; } .t i { width: 34px; height: 22px; border-radius: 5px; border: 1px solid var(--line); } .t code { font: 400 12px/1 var(--mono); }
		.g { grid-column: 1 / -1; display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; } .r { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 12px; align-items: center; }
	</style><div class="sheet">
		<h3>Grounds and lines</h3><div class="g">${names(/^--(ground|surface|raised|sunken|hover|selected|line|line-strong)$/).map(swatch).join('')}</div>
		<h3>Accent, states, categories, series</h3><div class="g">${names(/^--(accent.*|on-accent|bar|danger.*|warn.*|ok.*|process|file|network|c-\d)$/).map(swatch).join('')}</div>
		<h3>Inks</h3><div class="r">${inks.map((n) => `<span style="color:var(${n});font-weight:500">${n.slice(2)}</span>`).join('')}</div>
		<h3>Type</h3><div class="r">${[1, 2, 3, 4, 5, 6].map((n) => `<span style="font-size:var(--size-${n});font-weight:${n > 4 ? 650 : 400}">size-${n}</span>`).join('')}<span class="mono">mono 0O 1lI</span></div>
		<h3>Space</h3><div class="r">${[1, 2, 3, 4, 5, 6].map((n) => `<span class="row"><i style="display:block;width:var(--s${n});height:14px;background:var(--bar)"></i>s${n}</span>`).join('')}</div>
		<h3>Button</h3><div class="r">${button('primary', '', 'Primary')}${button('plain', '', 'Plain')}${button('quiet', '', 'Quiet')}${button('plain', 'aria-pressed="true"', 'Pressed')}${button('plain', 'aria-disabled="true"', 'Not now')}${button('plain small', '', 'Small')}</div>
		<h3>Badge, Level, Score, state, kbd</h3><div class="r"><span class="badge">plain</span><span class="badge ok">ok</span><span class="badge warn">warn</span><span class="badge danger">danger</span>
			${level('low', 1)}${level('medium', 2)}${level('high', 3)}${level('critical', 4)}<span class="score grave"><b>87</b><i><i style="width:87%"></i></i></span><span class="score some"><b>45</b><i><i style="width:45%"></i></i></span>
			<span class="state ok"><i></i>up</span><span class="state silent"><i></i>silent</span><kbd>g</kbd><kbd>i</kbd><span class="ctl">\\e</span></div>
		<h3>Fields, segments, tabs, Notice</h3><div class="r"><input class="text-input" value="a value"><div class="segments"><button aria-pressed="true">One</button><button>Two</button></div>
			<div class="tabs"><button aria-selected="true">Text</button><button>History</button></div></div><div class="notice warn" style="grid-column:1/-1"><span>What is under way.</span></div><div class="notice danger" style="grid-column:1/-1"><span>What is wrong, and what to do.</span></div>
	</div>`;
};

async function shootTokens(fleet, scheme) {
	const browser = await openBrowser({ colorScheme: scheme, viewport: { width: 1040, height: 930 } });
	const page = await browser.context.newPage();
	await page.goto(`${fleet.url}/`); /* its sign-in has all styles */
	await page.locator('#token').waitFor();
	await page.evaluate((html) => {
		document.querySelector('#app').innerHTML = html;
		document.querySelector('.sheet').style.overflow = 'auto';
	}, TOKENS(readFileSync(join(here, '../../web/src/styles/tokens.css'), 'utf8')).replace(/<style>[\s\S]*<\/style>/, ''));
	await page.evaluate((css) => {
		const sheet = new CSSStyleSheet(); /* the page's policy has no inline styles */
		sheet.replaceSync(css);
		document.adoptedStyleSheets = [sheet];
		for (const el of document.querySelectorAll('[style]')) el.style.cssText = el.getAttribute('style');
	}, /<style>([\s\S]*)<\/style>/.exec(TOKENS(''))[1]);
	await page.screenshot({ path: join(out, `tokens-${scheme}.png`), fullPage: false });
	await browser.close();
}

async function shoot(fleet, scheme) {
	const browser = await openBrowser({ colorScheme: scheme, viewport: SIZE });
	for (const [name, shot] of Object.entries(SHOTS)) {
		if (option('--only', name) !== name) continue;
		const page = await browser.context.newPage();
		const query = { ...shot.query, ...(shot.query.id ? { id: await entityOf(fleet, shot.query.id) } : {}) };
		await page.goto(`${fleet.url}/?${new URLSearchParams(query)}#token=${fleet.tokens.admin}`);
		await page.locator(shot.ready).first().waitFor();
		await shot.act?.(page);
		await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {}); /* the watch of alerts never ends */
		await page.screenshot({ path: join(out, `${name}-${scheme}.png`) });
		await page.close();
	}
	await browser.close();
}

mkdirSync(out, { recursive: true });
const fleet = await startFleet({ bin: option('--bin', join(here, '../../build/dev/bin')) });
try {
	for (const scheme of ['light', 'dark']) {
		await shoot(fleet, scheme);
		if (option('--only', 'tokens') === 'tokens') await shootTokens(fleet, scheme);
	}
} finally {
	await fleet.close();
}
