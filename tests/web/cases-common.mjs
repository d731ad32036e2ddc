// SPDX-License-Identifier: Apache-2.0
// cases-common - what the page must do against any collector that has events.
import { spawn } from 'node:child_process';
import { assert, until } from './harness.mjs';

export const inUrl = (page, name) => page.evaluate((n) => new URLSearchParams(location.search).get(n) ?? '', name);
export const path = (params) => `/?${new URLSearchParams(params)}`;

/** Entity id of the newest process that ran @name. */
export async function entityOf(world, name) {
	const q = new URLSearchParams({ q: `process where process.name == "${name}" and event.action == "exec"`, since: '-24h', limit: 1 });
	const answer = await fetch(`${world.url}/api/v1/search?${q}`, { headers: { Authorization: `Bearer ${world.token}` } });
	return (await answer.json()).hits[0].process.entity_id;
}

/** CPU time in ms that the page's own thread took for each frame while @step ran in each. */
export async function costOfFrames(page, step, frames = 60) {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send('Performance.enable', { timeDomain: 'threadTicks' }); /* other work on the machine does not count */
	const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value;
	const before = await busy();
	await page.evaluate(async ([text, n]) => {
		const run = new Function('i', text);
		for (let i = 0; i < n; i++) {
			run(i);
			await new Promise(requestAnimationFrame);
		}
	}, [step, frames]);
	return ((await busy()) - before) * 1000 / frames;
}

const SINCE = '/?since=-24h';
const inPage = (page, name) => page.evaluate((n) => new URLSearchParams(location.search).get(n) ?? '', name);
export const rows = (page) => page.locator('.vlist-body .hit:not(.pending)');
export const cell = (row, key) => row.locator(`.c-${key}`);

export async function ask(page, q) {
	await page.locator('#query').fill(q);
	await page.keyboard.press('Enter');
	await until('the URL has the query', async () => (await inPage(page, 'q')) === q.trim());
}

async function firstRow(page) {
	await rows(page).first().waitFor();
	return rows(page).first();
}

/** Events shown, as the status line says. */
const total = async (page) => Number((await page.locator('.status strong').first().innerText()).replace(/\D/g, ''));

export const commonTests = (world) => [
	['session_given_token_in_url_when_opened_then_it_leaves_the_address_bar', async () => {
		const page = await world.open(SINCE);
		assert.equal(await page.evaluate(() => location.hash), '');
		assert.ok(!(await page.evaluate(() => location.href)).includes(world.token));
		await page.reload();
		await (await firstRow(page)).waitFor();
	}],
	['session_given_none_when_opened_then_asks_and_refuses_a_wrong_token', async () => {
		const page = await world.open('/', { signedIn: false });
		await page.getByLabel('API token').fill('wrong');
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.getByText('does not accept this token').waitFor();
		await page.getByLabel('API token').fill(world.token);
		await page.keyboard.press('Enter');
		await page.waitForSelector('#query');
	}],
	['search_given_events_when_opened_then_rows_and_histogram_are_drawn', async () => {
		const page = await world.open(SINCE);
		const row = await firstRow(page);
		for (const key of ['time', 'node', 'action', 'summary']) assert.notEqual((await cell(row, key).innerText()).trim(), '', key);
		assert.ok((await total(page)) > 0);
		await page.waitForSelector('.histogram-plot canvas');
		const drawn = await page.locator('.histogram-plot canvas').evaluate((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v));
		assert.ok(drawn);
		assert.match(await page.locator('.status').innerText(), /ms[\s\S]*read [\d,]+ events/);
	}],
	['search_given_fault_when_run_then_caret_under_the_place_and_what_was_expected', async () => {
		const page = await world.open(SINCE);
		const q = 'process where process.no_such_field == "x"';
		await ask(page, q);
		const fault = page.locator('.query-fault');
		await fault.waitFor();
		const [line, caret] = (await fault.locator('pre').innerText()).split('\n');
		assert.equal(line, q);
		const at = caret.indexOf('^');
		assert.ok(at >= q.indexOf('process.no') && at <= q.indexOf(' =='), `caret at ${at}`);
		assert.ok((await fault.locator('p').innerText()).trim().length > 10);
		await page.locator('#query').fill('');
		await page.keyboard.press('Enter');
		await fault.waitFor({ state: 'detached' });
		await firstRow(page);
	}],
	['search_given_condition_when_run_then_only_matches_are_shown', async () => {
		const page = await world.open(`${SINCE}&q=${encodeURIComponent('process where process.name != null')}`);
		const name = (await cell(await firstRow(page), 'process').innerText()).trim();
		await ask(page, `process.name == "${name}"`);
		await firstRow(page);
		await until('all rows match', async () => (await rows(page).locator('.c-process').allInnerTexts()).every((t) => t.trim() === name));
	}],
	['completion_given_prefix_when_typed_then_tab_takes_the_field', async () => {
		const page = await world.open(SINCE);
		await page.locator('#query').pressSequentially('process where process.na');
		await page.getByRole('option', { name: /process\.name/ }).first().waitFor();
		await page.keyboard.press('Tab');
		assert.equal(await page.locator('#query').inputValue(), 'process where process.name');
		await page.locator('#query').pressSequentially(' == "');
		await page.getByRole('option').first().waitFor();
	}],
	['histogram_given_brush_when_dragged_then_range_is_narrowed_in_the_url', async () => {
		const page = await world.open(SINCE);
		const before = await until('there are events', () => total(page));
		await page.waitForSelector('.u-over');
		const box = await page.locator('.u-over').boundingBox();
		await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 5 });
		await page.mouse.up();
		await until('the URL has the range', async () => /^\d{4}-.*Z$/.test(await inPage(page, 'until')));
		const [a, b] = [Date.parse(await inPage(page, 'since')), Date.parse(await inPage(page, 'until'))];
		assert.ok(b - a > 0.25 * 86_400_000 && b - a < 0.35 * 86_400_000, `${b - a} ms`);
		await until('the answer came', async () => !(await page.locator('.status').innerText()).includes('Searching'));
		await page.goBack();
		await until('Back undoes it', async () => (await inPage(page, 'until')) === '' && (await total(page)) >= before);
	}],
	['drawer_given_row_when_opened_then_every_field_filter_and_copy', async () => {
		const page = await world.open(SINCE);
		await (await firstRow(page)).locator('.c-action').click();
		const drawer = page.getByRole('complementary', { name: 'Event' });
		await drawer.waitFor();
		for (const field of ['@timestamp', 'event.action', 'event.sequence', 'host.name'])
			await drawer.locator('dt', { hasText: new RegExp(`^${field.replaceAll('.', '\\.')}$`) }).waitFor();
		const field = drawer.locator('.field', { has: page.locator('dt', { hasText: /^event\.action$/ }) });
		const action = (await field.locator('dd').innerText()).trim();
		await field.hover();
		await field.getByRole('button', { name: /^Copy/ }).click();
		await page.locator('.toast').getByText('Copied').waitFor();
		await field.hover();
		await field.getByRole('button', { name: /^Keep only/ }).click();
		await until('the filter is in the query', async () => (await inPage(page, 'q')) === `event.action == "${action}"`);
		await firstRow(page);
		await page.keyboard.press('Escape');
		await drawer.waitFor({ state: 'detached' });
	}],
	['keyboard_given_no_mouse_when_used_then_everything_is_reached', async () => {
		const page = await world.open(SINCE);
		await firstRow(page);
		await page.keyboard.press('/');
		assert.equal(await page.evaluate(() => document.activeElement.id), 'query');
		await page.keyboard.press('Escape');
		await page.keyboard.press('j');
		await page.keyboard.press('j');
		await page.keyboard.press('k');
		await page.locator('.hit.active[aria-rowindex="2"]').waitFor();
		await page.keyboard.press('Enter');
		await page.locator('.drawer').waitFor();
		await page.keyboard.press('Escape');
		await page.locator('.drawer').waitFor({ state: 'detached' });
		const action = (await cell(page.locator('.hit.active'), 'action').locator('bdi').innerText()).trim(); /* without the word "failed" */
		await page.keyboard.press('f');
		await until('f keeps', async () => (await inPage(page, 'q')).includes(`event.action == "${action}"`));
		await ask(page, '');
		await firstRow(page);
		await page.keyboard.press('Escape');
		await page.keyboard.press('j');
		await page.keyboard.press('x');
		await until('x leaves out', async () => /event\.action != "/.test(await inPage(page, 'q')));
		await page.keyboard.press('?');
		await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
	}],
	['url_given_link_when_opened_elsewhere_then_the_same_view', async () => {
		const q = 'any where event.action != "no-such"';
		let page = await world.open(`/?since=-6h&order=asc&q=${encodeURIComponent(q)}`);
		assert.equal(await page.locator('#query').inputValue(), q);
		await page.getByRole('button', { name: 'Time range' }).getByText('Last 6 hours').waitFor();
		const until1 = new Date(Date.now() - 1000).toISOString();
		const link = `/?since=${new Date(Date.now() - 86_400_000).toISOString()}&until=${until1}&q=${encodeURIComponent(q)}`;
		let before = '';
		await until('two openings show the same', async () => { /* events of the range may still come in, late */
			page = await world.open(link);
			const first = await (await firstRow(page)).innerText();
			await page.locator('.histogram-plot canvas').first().waitFor();
			const now = `${await total(page)} ${first}`;
			const same = now === before;
			before = now;
			return same;
		}, 60_000);
	}],
	['clock_given_local_when_switched_then_times_move', async () => {
		const page = await world.open('/?since=-24h&order=asc');
		const utc = (await cell(await firstRow(page), 'time').innerText()).match(/(\d\d):\d\d:/)[1];
		await page.keyboard.press('u');
		const local = (await cell(await firstRow(page), 'time').innerText()).match(/(\d\d):\d\d:/)[1];
		assert.equal((Number(utc) + 9) % 24, Number(local));
		await page.keyboard.press('u');
		await until('it tells how long ago', async () => /( ago|now)$/.test((await cell(rows(page).first(), 'time').innerText()).trim()));
		await page.keyboard.press('u');
		await until('UTC again', async () => (await cell(rows(page).first(), 'time').innerText()).includes(`${utc}:`));
	}],
	['live_given_new_events_when_tailing_then_they_appear_at_the_top_and_pause_holds', async () => {
		const page = await world.open('/?since=-5m');
		await page.keyboard.press('t');
		await until('live is in the URL', async () => (await inPage(page, 'live')) === '1');
		await page.locator('.live-state.live').waitFor({ timeout: 15000 });
		const something = setInterval(() => {
			if (world.fake) world.fake.emit();
			else spawn('/bin/true', ['rtsec-browser-test']).on('error', () => {});
		}, 100);
		const newest = () => rows(page).first().innerText().catch(() => '');
		const before = await newest();
		await until('a new row came', async () => (await newest()) !== before, 30_000);
		await until('the rate is told', async () => parseFloat(await page.locator('.status b').first().innerText()) > 0);
		await page.keyboard.press('p');
		await page.locator('.live-state.paused').waitFor();
		const held = await newest();
		await until('events wait', async () => /[1-9][\d,]* waiting/.test(await page.locator('.status').innerText()), 30_000);
		assert.equal(await newest(), held);
		await page.keyboard.press('p');
		await until('they are shown', async () => (await newest()) !== held, 30_000);
		clearInterval(something);
	}],
];
