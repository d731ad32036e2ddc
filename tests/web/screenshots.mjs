// SPDX-License-Identifier: Apache-2.0
// screenshots - makes docs/img/search-light.png and search-dark.png:  node tests/web/screenshots.mjs [DIR]
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTo } from '../../web/build.mjs';
import { openBrowser } from './chromium.mjs';
import { startFake, TOKEN } from './fake-server.mjs';

const out = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '../../docs/img');
const SHOTS = {
	'search-light': { scheme: 'light', url: '/?since=-15m', row: 4 },
	'search-dark': { scheme: 'dark', url: '/?since=-15m', row: 4 },
};
const MORE = {
	'fault': { scheme: 'light', url: '/?q=process%20where%20process.nme%20%3D%3D%20%22bash%22' },
	'empty': { scheme: 'light', url: '/?q=process.name%20%3D%3D%20%22nothing%22' },
	'live': { scheme: 'dark', url: '/?live=1' },
	'hostile': { scheme: 'light', url: '/?q=process.executable%20%3A%20%22%2Ftmp%2F*%22', row: 0 },
	'help': { scheme: 'light', url: '/', keys: ['?'] },
	'complete': { scheme: 'dark', url: '/', type: 'process where proc' },
	'narrow': { scheme: 'light', url: '/', size: { width: 400, height: 800 } },
	'narrow-drawer': { scheme: 'dark', url: '/', size: { width: 400, height: 800 }, row: 2 },
	'door': { scheme: 'light', url: '/', token: false },
	'range': { scheme: 'light', url: '/', click: 'Time range' },
};

async function shoot(fake, name, shot) {
	const size = shot.size ?? { width: 1280, height: 740 };
	const browser = await openBrowser({ colorScheme: shot.scheme, viewport: size });
	const page = await browser.context.newPage();
	await page.goto(`${fake.url}${shot.url}${shot.token === false ? '' : `#token=${TOKEN}`}`);
	await page.waitForTimeout(900);
	if (shot.row !== undefined) await page.locator(`[data-index="${shot.row}"]`).click();
	for (const key of shot.keys ?? []) await page.keyboard.press(key);
	if (shot.click) await page.getByRole('button', { name: shot.click }).click();
	if (shot.type) await page.locator('#query').pressSequentially(shot.type);
	await page.waitForTimeout(300);
	await page.screenshot({ path: join(out, `${name}.png`) });
	await browser.close();
}

mkdirSync(out, { recursive: true });
const assets = mkdtempSync(join(tmpdir(), 'rtsec-web-'));
await buildTo(assets);
const fake = await startFake({ assets, rate: 12 });
for (const [name, shot] of Object.entries(process.argv.includes('--all') ? { ...SHOTS, ...MORE } : SHOTS)) await shoot(fake, name, shot);
await fake.close();
