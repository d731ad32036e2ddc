// SPDX-License-Identifier: Apache-2.0
// browser - the page in Chromium.
//   node browser.mjs [--assets DIR]            against the fake server of this folder: everything
//   node browser.mjs --fleet BIN               against a real collector of BIN with the recorded fleet
//   node browser.mjs --url URL --token TOKEN   against a real collector (or RTSEC_URL, RTSEC_TOKEN):
//                                              waits until it has events, then what holds anywhere
// --only TEXT: those whose name has it.  Prints `N passed, N failed`; exit code 0 or 1.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commonTests } from './cases-common.mjs';
import { fakeTests } from './cases-fake.mjs';
import { fleetTests } from './cases-fleet.mjs';
import { looksTests } from './cases-looks.mjs';
import { openBrowser } from './chromium.mjs';
import { assert, runAll, until } from './harness.mjs';

const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const useFleet = process.argv.includes('--fleet');
const useFake = !useFleet && (process.argv.includes('--assets') || !(option('--url', process.env.RTSEC_URL) ?? ''));

/** What the tests share: the server, a browser, and pages that watch for trouble. */
async function makeWorld() {
	const world = { faults: [], foreign: [] };
	if (useFleet) {
		const { startFleet } = await import('./fleet.mjs');
		const fleet = await startFleet({ bin: option('--fleet') });
		Object.assign(world, { fleet, url: fleet.url, token: fleet.tokens.admin, bin: option('--fleet') });
	} else if (useFake) {
		const { startFake, TOKEN } = await import('./fake-server.mjs');
		let assets = option('--assets');
		if (!assets) {
			const { buildTo } = await import('../../web/build.mjs');
			assets = mkdtempSync(join(tmpdir(), 'rtsec-web-'));
			await buildTo(assets);
		}
		Object.assign(world, { assets, startFake, token: TOKEN, fake: await startFake({ assets }) });
		world.url = world.fake.url;
	} else {
		world.url = option('--url', process.env.RTSEC_URL).replace(/\/+$/, '');
		world.token = option('--token', process.env.RTSEC_TOKEN);
	}
	const browser = await openBrowser({ timezoneId: 'Asia/Tokyo', colorScheme: 'light' });
	const { context } = browser;
	await context.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI}`)));
	context.on('request', (r) => {
		if (![world.url, world.other].some((own) => own && r.url().startsWith(`${own}/`)) && !/^(data|blob):/.test(r.url())) world.foreign.push(r.url());
	});

	/** A page at @path, signed in, with the first answer shown.  It is closed by the next open(). */
	world.open = async (path = '/', { signedIn = true, token = world.token, ready = '.status strong, .empty', seen, size, url = world.url } = {}) => {
		await world.page?.close();
		const page = await context.newPage();
		world.page = page;
		page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) world.faults.push(m.text()); });
		if (seen) page.on('response', seen);
		if (size) await page.setViewportSize(size);
		page.on('pageerror', (e) => world.faults.push(String(e)));
		await page.goto(`${url}${path}${signedIn ? `#token=${token}` : ''}`);
		if (signedIn) await page.waitForSelector(ready, { timeout: 30_000 });
		return page;
	};
	world.close = async () => {
		await browser.close();
		await world.fake?.close();
		await world.fleet?.close();
	};
	return world;
}

/** A real collector may have just begun: waits for its first events. */
async function waitForEvents(world) {
	await until('the collector has events', async () => {
		const answer = await fetch(`${world.url}/api/v1/search?limit=1&since=-24h`, { headers: { Authorization: `Bearer ${world.token}` } }).catch(() => null);
		return answer?.ok && (await answer.json()).hits.length > 0;
	}, 60_000);
}

const world = await makeWorld();
const tests = [
	...(useFake || useFleet ? [] : [['collector_given_sensor_when_waited_then_has_events', () => waitForEvents(world)]]),
	...(useFleet ? [...fleetTests(world), ...looksTests(world)] : commonTests(world)),
	...(useFake ? fakeTests(world) : []),
	['page_given_all_tests_when_done_then_no_error_no_csp_violation_no_foreign_request', () => {
		assert.deepEqual(world.faults, []);
		assert.deepEqual(world.foreign, []);
	}],
];
const only = option('--only', '');
const code = await runAll(tests.filter(([name]) => name.includes(only)));
await world.close();
process.exit(code);
