// SPDX-License-Identifier: Apache-2.0
// screenshots - pictures of every view in both themes, of the recorded fleet, into docs/img:
//   node tests/web/screenshots.mjs [DIR] [--bin build/dev/bin] [--only NAME]
// The fonts are those of this machine: fonts-inter, fonts-jetbrains-mono.
import { mkdirSync } from 'node:fs';
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
	for (const scheme of ['light', 'dark']) await shoot(fleet, scheme);
} finally {
	await fleet.close();
}
