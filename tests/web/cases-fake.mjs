// SPDX-License-Identifier: Apache-2.0
// cases-fake - what needs a server that does as told: hostile events, 10^6 hits, a lost connection,
// gaps; and how the page looks to eyes and to screen readers.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ask, cell, rows } from './cases-common.mjs';
import { assert, until } from './harness.mjs';

/** Contrast of each pair of tokens that the styles put together. */
function contrasts() {
	const style = getComputedStyle(document.documentElement);
	const canvas = document.createElement('canvas').getContext('2d');
	const light = (name) => {
		canvas.fillStyle = style.getPropertyValue(name).trim();
		const v = parseInt(canvas.fillStyle.slice(1), 16);
		return [v >> 16, (v >> 8) & 255, v & 255]
			.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
			.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	};
	const pairs = [];
	for (const ground of ['--ground', '--surface', '--raised', '--sunken', '--hover', '--selected'])
		for (const ink of ['--text', '--text-2']) pairs.push([ink, ground]);
	for (const ground of ['--ground', '--surface', '--raised'])
		for (const ink of ['--text-3', '--accent', '--danger', '--warn', '--ok', '--syntax-word', '--syntax-string', '--syntax-number', '--syntax-field'])
			pairs.push([ink, ground]);
	pairs.push(['--on-accent', '--accent'], ['--warn', '--warn-soft'], ['--danger', '--danger-soft'], ['--accent-strong', '--accent-soft'], ['--accent-strong', '--surface'], ['--ok', '--ok-soft'],
		...['--sunken', '--hover', '--selected'].map((ground) => ['--text-3', ground]), ...['--hover', '--selected'].flatMap((ground) => [['--danger', ground], ['--warn', ground]]), ['--ground', '--text']);
	return pairs.map(([a, b]) => {
		const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
		return { pair: `${a} on ${b}`, ratio: (x + 0.05) / (y + 0.05) };
	});
}

export const fakeTests = (world) => [
	['nodes_given_alarms_when_shown_then_each_node_says_what_is_wrong_with_it', async () => {
		const page = await world.open('/?view=nodes', { ready: '.data-row' });
		for (const text of ['2 up', '1 silent', '1 with alarms']) await page.locator('.view-bar').getByText(text, { exact: true }).waitFor();
		const row = page.getByRole('row', { name: /edge-2/ });
		await row.getByTitle('silent, skewed').waitFor();
		await row.click();
		const panel = page.getByRole('complementary', { name: 'Node' });
		await panel.getByText('silent, skewed', { exact: true }).waitFor();
		await panel.getByRole('button', { name: 'What was wrong with it' }).click();
		await until('its alarms are asked for', async () => (await page.locator('#query').inputValue()).includes('"alarm"'));
	}],
	['assets_given_build_when_summed_then_within_120_kib', () => {
		const sizes = ['index.html', 'app.js', 'app.css', 'icon.svg'].map((f) => statSync(join(world.assets, `${f}.gz`)).size);
		const sum = sizes.reduce((a, b) => a + b);
		console.log(`     ${(sum / 1024).toFixed(1)} KiB gzipped`);
		assert.ok(sum <= 120 * 1024);
	}],
	['page_given_cold_tab_when_opened_then_rows_come_soon', async () => {
		const page = await world.open('/');
		await rows(page).first().waitFor();
		const ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now());
		console.log(`     first paint after ${Math.round(ms)} ms`);
		assert.ok(ms > 0);
	}],
	['hostile_given_markup_and_marks_when_shown_then_harmless_and_visible', async () => {
		const page = await world.open(`/?q=${encodeURIComponent('process.executable : "/tmp/*"')}`);
		const row = rows(page).first();
		await row.waitFor();
		const summary = await cell(row, 'summary').innerText();
		assert.ok(summary.includes('<img src=x onerror="window.pwned=1">'));
		for (const seen of ['\\e[31mred', '\\x07', '\\n', '\\u{202e}fdp']) assert.ok(summary.replace(/\s+(?=\\)/g, '').includes(seen) || summary.includes(seen), seen);
		await row.click();
		await page.locator('.drawer').waitFor();
		assert.equal(await page.evaluate(() => window.pwned), undefined);
		assert.equal(await page.locator('.hits img, .hits script, .drawer img, .drawer script').count(), 0);
		const hidden = await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u200b\u0007\u001b]/.test(document.querySelector('.search-body').innerText.replace(/[\n\t]/g, '')));
		assert.equal(hidden, false);
		const more = page.getByRole('button', { name: /show more \(1\.0 MB left\)/ }).first();
		assert.ok((await page.locator('.drawer').innerText()).length < 20_000);
		await more.click();
		await until('more is shown', async () => (await page.locator('.drawer').innerText()).length > 20_000);
	}],
	['hostile_given_value_when_filtered_then_the_query_finds_it_again', async () => {
		const page = await world.open(`/?q=${encodeURIComponent('process.executable : "/tmp/*"')}`);
		await rows(page).first().locator('.c-process').click();
		await page.locator('.hits .vlist').focus();
		await page.keyboard.press('f');
		await until('the query is narrowed', async () => (await page.locator('#query').inputValue()).endsWith('and process.name == "evil\\u{200b}"'));
		await until('one row', async () => (await rows(page).count()) === 1);
	}],
	['list_given_a_million_hits_when_scrolled_then_few_rows_exist_and_the_end_is_reached', async () => {
		const page = await world.open('/?q=million');
		await page.getByText('1,000,000 events').waitFor();
		assert.equal(await page.locator('.vlist').getAttribute('aria-rowcount'), '1000001');
		await page.locator('.vlist').evaluate((el) => { el.scrollTop = el.scrollHeight; });
		await page.locator('.hit[aria-rowindex="1000001"]:not(.pending)').waitFor({ timeout: 30_000 });
		assert.ok((await page.locator('.vlist-body .hit').count()) < 80);
		await page.locator('.vlist').evaluate((el) => { el.scrollTop = el.scrollHeight / 2; });
		await until('the middle is there', async () => (await page.locator('.vlist-body .hit').count()) > 10 && (await page.locator('.hit.pending').count()) === 0, 20_000);
		await page.keyboard.press('Home');
		await page.locator('.hit.active[aria-rowindex="2"]:not(.pending)').waitFor();
	}],
	['list_given_wheel_over_a_million_hits_when_measured_then_frames_keep_up', async () => {
		const page = await world.open('/?q=million');
		await rows(page).first().waitFor();
		const cdp = await world.page.context().newCDPSession(page);
		await cdp.send('Performance.enable', { timeDomain: 'threadTicks' }); /* CPU time: other work on the machine does not count */
		const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find((x) => x.name === 'TaskDuration').value;
		const before = await busy();
		const frames = await page.evaluate(async () => {
			const el = document.querySelector('.vlist');
			const begin = performance.now();
			let n = 0;
			for (; n < 30 || performance.now() - begin < 1500; n++) {
				el.scrollTop += 90;
				await new Promise(requestAnimationFrame);
			}
			return n;
		});
		const ms = (await busy() - before) * 1000 / frames;
		console.log(`     ${ms.toFixed(1)} ms CPU of the page's thread a frame, ${frames} frames`);
		assert.ok(ms > 0.1 && ms < 20, `${ms} ms a frame`); /* 20 ms: 50 frames/s */
	}],
	['gap_given_lost_events_when_shown_then_band_count_and_marked_rows', async () => {
		const page = await world.open('/?node=web-2&since=-15m&order=asc');
		await page.getByText('1,284 events lost in 1 gap').waitFor();
		await page.waitForSelector('.histogram-plot canvas');
		assert.match(await page.locator('.histogram-plot').getAttribute('aria-label'), /1,284 events lost in 1 gap/);
		await ask(page, 'rtsec where event.action == "gap"');
		const row = rows(page).first();
		await until('it is the gap', async () => (await cell(row, 'summary').innerText()) === '1,284 events lost: bulk, ring_full');
		assert.match(await row.getAttribute('class'), /in-gap/);
	}],
	['connection_given_collector_away_when_back_then_notice_goes_and_nothing_is_missed', async () => {
		const page = await world.open('/?live=1');
		await page.locator('.live-state.live').waitFor();
		world.fake.emit((d) => { d.process.name = 'before-loss'; });
		await page.getByText('before-loss').first().waitFor();
		const { port, history } = world.fake;
		await world.fake.close();
		await page.getByText('Connection to the collector lost').waitFor();
		await page.locator('.live-state.reconnecting').waitFor();
		const missed = { ...structuredClone(history.at(-1)), _id: 'missed-1', '@timestamp': new Date().toISOString() };
		missed.event.sequence = 1_000_000;
		missed.process.name = 'while-away';
		history.push(missed);
		world.fake = await world.startFake({ port, assets: world.assets, history });
		await page.getByText('Connection to the collector lost').waitFor({ state: 'detached', timeout: 15_000 });
		await page.locator('.live-state.live').waitFor();
		await page.getByText('while-away').first().waitFor();
		assert.equal(await rows(page).filter({ hasText: 'while-away' }).count(), 1);
		assert.equal(await rows(page).filter({ hasText: 'before-loss' }).count(), 1);
	}],
	['live_given_a_flood_when_tailing_then_the_page_answers_and_what_it_drops_is_counted', async () => {
		const page = await world.open('/?live=1');
		await page.locator('.live-state.live').waitFor();
		await page.keyboard.press('p');
		for (let i = 0; i < 24_000; i++) {
			world.fake.emit((d) => { d.process.name = 'flood'; });
			if (i % 500 === 0) await new Promise((wake) => setTimeout(wake));
		}
		const told = async (word) => Number((new RegExp(`([\\d,]+) ${word}`).exec(await page.locator('.status').innerText())?.[1] ?? '0').replace(',', ''));
		await until('all have come', async () => (await told('waiting')) + (await told('dropped')) === 24_000, 30_000);
		await page.keyboard.press('p');
		await until('they are shown', async () => (await rows(page).first().innerText()).includes('flood'));
		assert.equal(await page.locator('.vlist').getAttribute('aria-rowcount'), '5001');
		await until('the rest is counted', async () => (await told('dropped')) === 24_000 - 5000);
	}],
	['search_given_no_answer_when_cancelled_then_the_collector_is_left_alone_and_the_next_query_runs', async () => {
		const page = await world.open('/');
		await page.locator('#query').fill('slow');
		await page.keyboard.press('Enter');
		await page.getByText('Searching…').waitFor();
		await page.getByRole('progressbar', { name: 'Searching' }).waitFor();
		assert.equal(await page.getByRole('progressbar').getAttribute('aria-valuenow'), '42');
		await page.getByRole('button', { name: 'Cancel', exact: true }).click();
		await page.locator('.status').getByText('Cancelled.').waitFor();
		await until('its connections are closed', () => world.fake.stats.slow.length > 0 && world.fake.stats.slow.filter((r) => !r.destroyed).length <= 1); /* counts of values may go on */
		await ask(page, 'process where true');
		await rows(page).first().waitFor();
	}],
	['empty_given_no_match_when_shown_then_teaches_and_an_example_runs', async () => {
		const page = await world.open(`/?q=${encodeURIComponent('process.name == "nothing"')}`);
		await page.getByRole('heading', { name: 'No event matches' }).waitFor();
		await page.getByRole('button', { name: /Programs that were started/ }).click();
		await rows(page).first().waitFor();
		assert.equal(await page.locator('#query').inputValue(), 'process where event.action == "exec"');
	}],
	['table_given_stats_when_run_then_sortable_and_a_cell_narrows_the_query', async () => {
		const page = await world.open('/?since=-24h');
		await ask(page, 'file where true | stats count, last = max(@timestamp) by process.name');
		const column = (i) => page.locator(`.vlist-body .table-row > :nth-child(${i})`);
		await column(1).first().waitFor();
		assert.equal(await page.getByRole('columnheader').count(), 3);
		assert.match(await page.locator('.status strong').innerText(), /^\d+ rows$/);
		assert.equal(await column(2).first().evaluate((el) => getComputedStyle(el).textAlign), 'right');
		assert.match(await column(3).first().innerText(), /^\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
		const apart = await page.evaluate(() => [...document.querySelectorAll('.table-head > *')].map((el, i) =>
			Math.abs(el.getBoundingClientRect().right - document.querySelectorAll('.vlist-body .table-row')[0].children[i].getBoundingClientRect().right)));
		assert.ok(apart.every((px) => px < 1), `${apart}`);
		await page.locator('.histogram-plot canvas').first().waitFor(); /* of the part before the pipe */
		assert.equal(await page.locator('.query-fault, .notice').count(), 0);
		const counts = async () => (await column(2).allInnerTexts()).map((t) => Number(t.replace(/,/g, '')));
		const given = await counts();
		assert.ok(given.length > 2);
		await page.getByRole('columnheader', { name: 'count' }).getByRole('button').click();
		await until('greatest first', async () => String(await counts()) === String([...given].sort((a, b) => b - a)));
		await page.getByRole('columnheader', { name: 'count' }).getByRole('button').click();
		await until('least first', async () => String(await counts()) === String([...given].sort((a, b) => a - b)));
		assert.equal(await column(2).getByRole('button').count(), 0);
		await column(1).filter({ hasText: 'nginx' }).getByRole('button').click();
		await until('the query is narrowed', async () => (await page.locator('#query').inputValue()) === 'file where process.name == "nginx" | stats count, last = max(@timestamp) by process.name');
		await until('one row', async () => (await column(1).allInnerTexts()).join() === 'nginx');
	}],
	['table_given_when_live_is_asked_then_refused_with_a_reason', async () => {
		const page = await world.open(`/?live=1&since=-24h&q=${encodeURIComponent('| top 3 process.name')}`);
		await until('three rows', async () => (await page.locator('.vlist-body .table-row').count()) === 3);
		const toggle = page.locator('.live-toggle');
		assert.equal(await toggle.getAttribute('aria-disabled'), 'true');
		assert.match(await toggle.getAttribute('title'), /with top/);
		await toggle.click({ force: true }); /* it is there to tell why */
		await page.getByText('Not live: a query with top').waitFor();
		assert.equal(await page.locator('.live-state').count(), 0);
	}],
	['pipes_given_head_or_where_when_run_then_events_are_shown', async () => {
		const page = await world.open('/?since=-24h');
		await ask(page, 'file where true | head 450');
		await page.getByText('450 events', { exact: true }).waitFor();
		await page.locator('.vlist').evaluate((el) => { el.scrollTop = el.scrollHeight; });
		await page.locator('.hit[aria-rowindex="451"]:not(.pending)').waitFor();
		assert.equal(await page.locator('.query-fault, .notice, .table').count(), 0);
		await ask(page, 'file where true | where process.name == "nginx"');
		await until('only nginx', async () => {
			const names = await rows(page).locator('.c-process').allInnerTexts();
			return names.length > 0 && names.every((t) => t.trim() === 'nginx');
		});
		assert.equal(await page.locator('.live-toggle').getAttribute('aria-disabled'), 'false');
	}],
	['query_given_pipe_when_typed_then_coloured_and_completed', async () => {
		const page = await world.open('/');
		await page.locator('#query').fill('');
		await page.locator('#query').pressSequentially('file where true | st');
		await page.getByRole('option', { name: /^stats/ }).waitFor();
		await page.keyboard.press('Tab');
		assert.equal(await page.locator('#query').inputValue(), 'file where true | stats ');
		assert.equal(await page.locator('.query-colours .t-pipe').innerText(), '|');
		await page.locator('#query').pressSequentially('count_');
		await page.getByRole('option', { name: /^count_distinct/ }).waitFor();
	}],
	['filters_given_node_and_range_when_chosen_then_in_url_and_rows', async () => {
		const page = await world.open('/');
		await page.getByRole('button', { name: 'Node', exact: true }).click();
		await page.getByRole('button', { name: 'db-1', exact: true }).click();
		await until('only db-1', async () => {
			const names = await rows(page).locator('.c-node').allInnerTexts();
			return names.length > 0 && names.every((t) => t.trim() === 'db-1');
		});
		await page.getByRole('button', { name: 'Time range' }).click();
		await page.getByLabel('Since').fill('-2h');
		await page.getByLabel('Until').fill('-9h');
		await page.getByText('Since must lie before until.').waitFor();
		await page.getByLabel('Until').fill('-30m');
		await page.getByRole('button', { name: 'Apply' }).click();
		await until('the URL has it', () => page.evaluate(() => location.search.includes('since=-2h') && location.search.includes('until=-30m') && location.search.includes('node=db-1')));
	}],
	['theme_given_either_when_measured_then_contrast_is_aa', async () => {
		const page = await world.open('/');
		for (const theme of ['light', 'dark']) {
			assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
			const poor = (await page.evaluate(contrasts)).filter((c) => !(c.ratio >= 4.5));
			assert.deepEqual(poor, [], theme);
			await page.keyboard.press('d');
		}
		assert.equal(await page.evaluate(() => localStorage.getItem('rtsec.theme')), 'light');
	}],
	['tree_given_screen_reader_when_read_then_every_control_has_a_name_and_rows_have_roles', async () => {
		const page = await world.open('/');
		await rows(page).first().waitFor();
		assert.equal(await page.getByRole('columnheader').count(), 6);
		await rows(page).first().click();
		const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, textarea, a, [role="grid"], [role="img"]')]
			.filter((el) => !(el.getAttribute('aria-label') || el.textContent.trim() || el.labels?.length)).map((el) => el.outerHTML.slice(0, 120)));
		assert.deepEqual(nameless, []);
		assert.ok((await page.getByRole('grid', { name: 'Events' }).getByRole('row').count()) > 5);
		assert.ok((await page.getByRole('gridcell').count()) > 30);
		await page.getByRole('search').waitFor();
		await page.getByRole('navigation', { name: 'Views' }).waitFor();
	}],
	['narrow_given_phone_when_shown_then_no_sideways_scroll_and_all_tools', async () => {
		const page = await world.open('/');
		await page.setViewportSize({ width: 380, height: 760 });
		await rows(page).first().waitFor();
		await until('nothing sticks out', () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
		for (const name of ['Live tail (t)', 'Search (Enter)', 'Node', 'Time range']) {
			const box = await page.getByRole('button', { name, exact: true }).boundingBox();
			assert.ok(box && box.x >= 0 && box.x + box.width <= 380, name);
		}
		await rows(page).first().click();
		const drawer = await page.locator('.drawer').boundingBox();
		assert.equal(Math.round(drawer.width), 380);
	}],
];
