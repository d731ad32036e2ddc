// SPDX-License-Identifier: Apache-2.0
// bench - how fast the page is, in Chromium, on a real collector; run by bench/web.sh:
//   node tests/web/bench.mjs --bin build/dev/bin [--hits 1000000]
// The first view: from the navigation to the first rows, in a new tab without a cache.  Frames: those
// that Chromium's tracing says were shown, while a script scrolls or zooms on each; and, which other work on
// the machine does not change, the CPU time of the page's own thread for one.
import { costOfFrames } from './cases-common.mjs';
import { openBrowser } from './chromium.mjs';
import { startFleet } from './fleet.mjs';
import { makeOpens } from './fleet-story.mjs';

const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const HITS = Number(option('--hits', 1_000_000));
const PIECE = 100_000;
const LOADS = 15;
const MOVE_MS = 4000;
const LATE_MS = 20; /* 50 frames/s */

const MOVES = {
	list: { query: { since: '-24h', q: 'process.name == "latecomer"' }, ready: '.vlist-body .hit:not(.pending)', step: "document.querySelector('.vlist').scrollTop += 90" },
	lanes: { query: { view: 'timeline', lane: 'process' }, ready: '.lane', step: "document.querySelector('.timeline').scrollTop += 30" },
	zoom: {
		query: { view: 'timeline', lane: 'process' }, ready: '.lane',
		step: "document.querySelector('.timeline-canvas').dispatchEvent(new WheelEvent('wheel', { ctrlKey: true, deltaY: i % 40 < 20 ? -12 : 12, clientX: 1000, bubbles: true, cancelable: true }))",
	},
	tree: { query: { view: 'process', id: 'make' }, ready: '.tree-row.active', step: "document.querySelector('.tree .vlist').scrollTop += 90" },
};

async function entityOf(fleet, name) {
	const q = new URLSearchParams({ q: `process where process.name == "${name}" and event.action == "exec"`, since: '-24h', limit: 1 });
	const answer = await fetch(`${fleet.url}/api/v1/search?${q}`, { headers: { Authorization: `Bearer ${fleet.tokens.admin}` } });
	return (await answer.json()).hits[0].process.entity_id;
}

/** ms from the navigation of a new tab to its first rows, LOADS times, sorted. */
async function firstViews(browser, fleet) {
	const times = [];
	await browser.context.addInitScript(() => {
		const watch = new MutationObserver(() => {
			if (!document.querySelector('.vlist-body .hit:not(.pending)')) return;
			watch.disconnect();
			requestAnimationFrame(() => { window.usable = performance.now(); });
		});
		watch.observe(document, { childList: true, subtree: true });
	});
	for (let i = 0; i < LOADS; i++) {
		const page = await browser.context.newPage();
		const cdp = await browser.context.newCDPSession(page);
		await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
		await page.goto(`${fleet.url}/#token=${fleet.tokens.viewer}`);
		await page.waitForFunction(() => window.usable);
		times.push(await page.evaluate(() => window.usable));
		await page.close();
	}
	return times.sort((a, b) => a - b);
}

/** Runs @step in each frame for MOVE_MS under Chromium's tracing. */
async function framesOf(browser, page, step) {
	const cdp = await browser.context.newCDPSession(page);
	const events = [];
	cdp.on('Tracing.dataCollected', ({ value }) => events.push(...value));
	await cdp.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', 'disabled-by-default-display.framedisplayed'] } });
	const asked = await page.evaluate(async ([text, ms]) => {
		const run = new Function('i', text);
		const end = performance.now() + ms;
		let n = 0;
		for (; performance.now() < end; n++) {
			run(n);
			await new Promise(requestAnimationFrame);
		}
		return n;
	}, [step, MOVE_MS]);
	const done = new Promise((complete) => cdp.once('Tracing.tracingComplete', complete));
	await cdp.send('Tracing.end');
	await done;
	const shown = events.filter((e) => e.name === 'Display::FrameDisplayed').map((e) => e.ts / 1000).sort((x, y) => x - y);
	const apart = shown.slice(1).map((t, i) => t - shown[i]);
	const tasks = events.filter((e) => e.name === 'RunTask' && e.dur).map((e) => e.dur / 1000);
	return { asked, rate: (apart.length * 1000) / (shown.at(-1) - shown[0]), late: apart.filter((ms) => ms > LATE_MS).length, shown: shown.length, longest: Math.max(0, ...tasks) };
}

const fleet = await startFleet({ bin: option('--bin', 'build/dev/bin') });
const browser = await openBrowser();
try {
	await fleet.restart((add) => {
		for (let at = 0; at < HITS; at += PIECE) add(makeOpens('edge-2', Date.now() - 3_600_000 + at, Math.min(PIECE, HITS - at), 5_000_000 + at));
	});
	const times = await firstViews(browser, fleet);
	console.log(`first view: median ${Math.round(times[Math.floor(times.length / 2)])} ms, slowest ${Math.round(times.at(-1))} ms of ${times.length} cold loads (goal: 300)`);
	for (const [name, move] of Object.entries(MOVES)) {
		const page = await browser.context.newPage();
		const query = { ...move.query, ...(move.query.id ? { id: await entityOf(fleet, move.query.id) } : {}) };
		await page.goto(`${fleet.url}/?${new URLSearchParams(query)}#token=${fleet.tokens.viewer}`);
		await page.locator(move.ready).first().waitFor();
		await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {}); /* the watch of alerts never ends */
		const told = (await page.locator('.status strong, .lane-head, .view-bar .muted').first().innerText()).replace(/\s+/g, ' ');
		const f = await framesOf(browser, page, move.step);
		const cpu = await costOfFrames(page, move.step);
		console.log(`${name} (${told}): ${f.rate.toFixed(1)} frames/s shown (goal: 50), ${f.late} of ${f.shown} later than ${LATE_MS} ms; ${cpu.toFixed(1)} ms CPU of the page's thread a frame, longest task ${f.longest.toFixed(0)} ms`);
		await page.close();
	}
} finally {
	await browser.close();
	await fleet.close();
}
