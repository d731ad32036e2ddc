// SPDX-License-Identifier: Apache-2.0
// cases-events - search and timeline on a real collector that holds the recorded fleet (fleet-story.mjs).
import { ask, costOfFrames, entityOf, inUrl, path, rows } from './cases-common.mjs';
import { startEmpty } from './fleet.mjs';
import { assert, until } from './harness.mjs';

/** The number that @locator's text begins with. */
const numberOf = async (locator) => Number((await locator.innerText()).replace(/[^\d].*$/s, '').replace(/,/g, '') || NaN);

const searchTests = (world) => [
	['facets_given_fleet_when_a_value_is_kept_and_another_left_out_then_counts_and_rows_follow', async () => {
		const page = await world.open(path({ since: '-24h' }));
		const facet = (name) => page.getByRole('region', { name, exact: true });
		await facet('process.name').getByRole('button', { name: /^Keep process.name x86_64-linux-gnu-gcc-12, / }).waitFor();
		assert.equal(await facet('host.name').locator('.facet-distinct').innerText(), '6');
		await facet('host.name').getByRole('button', { name: /^Keep host.name db-1, / }).click();
		await until('the query has it', async () => (await inUrl(page, 'q')) === 'host.name == "db-1"');
		await until('counts are of it', async () => (await facet('host.name').locator('.facet-value').count()) === 1);
		await facet('process.name').locator('.facet-value').first().hover();
		await facet('process.name').getByRole('button', { name: 'Leave out postgres', exact: true }).click();
		await until('the query leaves it out', async () => (await inUrl(page, 'q')).includes('process.name != "postgres"'));
		await until('its count is gone', async () => !(await facet('process.name').innerText()).includes('postgres'));
		await facet('process.name').getByRole('button', { name: /^Keep process.name dash, / }).waitFor();
	}],
	['facets_given_a_field_when_added_widened_and_closed_then_url_and_panel_follow', async () => {
		const page = await world.open(path({ since: '-24h', q: 'file where true' }));
		const panel = page.getByRole('complementary', { name: 'Values' });
		await panel.getByLabel('Count another field').fill('file.path');
		const added = page.getByRole('region', { name: 'file.path', exact: true });
		await added.locator('.facet-value').first().waitFor();
		assert.match(await inUrl(page, 'facets'), /,file\.path$/);
		await added.getByRole('button', { name: /^[\d,]+ more$/ }).click();
		await until('more are told', async () => (await added.locator('.facet-value').count()) > 20);
		await page.keyboard.press('Escape');
		await page.locator('.vlist').focus();
		await page.keyboard.press('v');
		await panel.waitFor({ state: 'detached' });
		assert.equal(await inUrl(page, 'facets'), '-');
	}],
	['histogram_given_a_field_when_chosen_then_split_with_a_legend_that_filters', async () => {
		const page = await world.open(path({ since: '-1h' }));
		const region = page.getByRole('region', { name: 'process.name', exact: true });
		await region.hover();
		await region.getByRole('button', { name: 'Histogram by process.name' }).click();
		const legend = page.getByRole('group', { name: 'Colours by process.name' });
		await legend.getByRole('button', { name: 'all others' }).waitFor();
		assert.equal(await inUrl(page, 'by'), 'process.name');
		assert.equal(await legend.locator('.swatch').count(), 8);
		await legend.getByRole('button', { name: 'make', exact: true }).click();
		await until('only make', async () => (await inUrl(page, 'q')) === 'process.name == "make"');
		await until('one colour is left', async () => (await legend.locator('.swatch').count()) === 1);
		await legend.getByRole('button', { name: 'Histogram of all events' }).click();
		await legend.waitFor({ state: 'detached' });
	}],
	['completion_given_a_value_that_no_row_shows_when_typed_then_the_collector_knows_it', async () => {
		const page = await world.open(path({ since: '-24h', q: 'process.name == "make"' }));
		await rows(page).first().waitFor();
		await page.locator('#query').fill('');
		await page.locator('#query').pressSequentially('process.name == "kwor');
		await page.getByRole('option', { name: /^kworkerd/ }).waitFor();
		await page.keyboard.press('Tab');
		assert.equal(await page.locator('#query').inputValue(), 'process.name == "kworkerd"');
	}],
	['drawer_given_event_when_copied_then_query_curl_and_rtsecctl_find_it_again', async () => {
		const page = await world.open(path({ since: '-24h', q: 'process.name == "kworkerd" and event.action == "exec"' }));
		await page.evaluate(() => { navigator.clipboard.writeText = async (t) => { window.copied = t; }; });
		await rows(page).first().click();
		const copies = page.getByRole('group', { name: 'Copy as' });
		const copy = async (name) => {
			await page.evaluate(() => { window.copied = ''; });
			await copies.getByRole('button', { name }).click();
			return until('it is copied', () => page.evaluate(() => window.copied));
		};
		const q = await copy(/the query/);
		assert.match(await copy(/rtsecctl/), /^rtsecctl query 'event\.sequence == \d+ and host\.name == "web-1" and .*' --since \S+Z --until \S+Z -o json$/);
		assert.match(await copy(/curl/), /^curl -sG -H "Authorization: Bearer \$RTSEC_TOKEN" --data-urlencode 'q=event\./);
		assert.match(await copy(/link/), /\/\?q=event/);
		await page.keyboard.press('Escape');
		await ask(page, q);
		await until('one event', async () => (await numberOf(page.locator('.status strong'))) === 1);
	}],
];

const pivotTests = (world) => [
	['drawer_given_a_connection_when_pivoted_then_to_both_sides_of_the_flow_and_to_the_host', async () => {
		const q = 'process.name == "pg_dump" and event.action == "connection_attempted"';
		const page = await world.open(path({ since: '-24h', q }));
		await rows(page).first().click();
		await page.getByRole('complementary', { name: 'Event' }).getByRole('button', { name: 'Flow: all its events' }).click();
		await until('the query is of the flow', async () => /^network\.community_id == "1:/.test(await inUrl(page, 'q')));
		await until('both sides are there', async () => new Set(await rows(page).locator('.c-process').allInnerTexts()).size === 2);
		await page.goBack();
		await rows(page).first().click();
		await page.getByRole('complementary', { name: 'Event' }).getByRole('button', { name: 'Host: all its events' }).click();
		await until('the query is of the host', async () => (await inUrl(page, 'q')) === 'host.name == "db-1"');
	}],
	['drawer_given_an_open_event_when_its_link_is_opened_elsewhere_then_the_same_event_is_open', async () => {
		const drawer = () => world.page.getByRole('complementary', { name: 'Event' });
		const links = [
			[{ since: '-24h', q: 'process.name == "sudo" and event.action == "uid_change"' }, '.vlist-body .hit:not(.pending)', (page) => rows(page).first().click()],
			[{ view: 'process', id: await entityOf(world, 'sudo') }, '.dids .did[data-index]', (page) => page.locator('.did', { hasText: 'uid_change' }).click()],
		];
		for (const [query, ready, open] of links) {
			let page = await world.open(path(query), { ready });
			await open(page);
			await drawer().getByText('uid_change').first().waitFor();
			await until('the URL has it', async () => /^\d{4}-\S+Z\/db-1:\S+:\d+$/.test(await inUrl(page, 'event')));
			const link = await page.evaluate(() => location.pathname + location.search);
			page = await world.open(link, { ready: '.drawer' });
			await drawer().getByText('uid_change').first().waitFor();
			await page.keyboard.press('Escape');
			await drawer().waitFor({ state: 'detached' });
			assert.equal(await inUrl(page, 'event'), '');
		}
	}],
	['gap_given_lost_events_on_a_real_collector_when_shown_then_band_count_and_marked_rows', async () => {
		const page = await world.open(path({ since: '-15m', node: 'web-2', order: 'asc' }));
		await page.getByText('1,284 events lost in 1 gap').waitFor();
		await until('the histogram says it', async () => /1,284 events lost in 1 gap/.test(await page.locator('.histogram-plot').getAttribute('aria-label')));
		await until('rows of that time are marked', async () => (await page.locator('.vlist-body .hit.in-gap').count()) > 0);
		assert.ok((await page.locator('.vlist-body .hit:not(.in-gap)').count()) > 0);
	}],
	['hostile_given_a_value_of_a_megabyte_when_found_and_opened_then_cut_until_asked_for', async () => {
		const page = await world.open(path({ since: '-24h', q: 'process.executable : "/tmp/evil*" and event.action == "exec"' }));
		const row = rows(page).first();
		await row.waitFor();
		assert.ok((await row.innerText()).length < 3000);
		await row.click();
		const drawer = page.getByRole('complementary', { name: 'Event' });
		const more = drawer.getByRole('button', { name: /show more \((999 kB|1\.0 MB) left\)/ }).first();
		await more.waitFor();
		assert.ok((await drawer.innerText()).length < 20_000);
		await more.click();
		await until('more is shown', async () => (await drawer.innerText()).length > 20_000);
		assert.equal(await page.evaluate(() => window.pwned), undefined);
	}],
	['empty_given_a_new_collector_when_each_view_is_opened_then_it_teaches_the_next_step', async () => {
		const empty = await startEmpty({ bin: world.bin });
		world.other = empty.url;
		for (const [view, words] of [['search', /event/], ['timeline', /No event/], ['process', /No process is chosen/], ['incidents', /No incident/], ['alerts', /Nothing is open/], ['rare', /Nothing/], ['nodes', /No node has reported/]]) {
			const page = await world.open(path(view === 'search' ? {} : { view }), { url: empty.url, token: empty.token, ready: '.empty' });
			const box = page.locator('.empty');
			assert.match(await box.locator('h2').innerText(), words, view);
			assert.ok((await box.locator('p').first().innerText()).length > 20, view);
			assert.ok((await box.locator('button, code').count()) > 0, `${view} offers nothing`);
		}
		const page = await world.open(path({ view: 'settings', part: 'outputs' }), { url: empty.url, token: empty.token, ready: '.sample' });
		await page.getByText('outputs.yaml').first().waitFor();
		await world.page.close();
		await empty.close();
	}],
];

const sequenceTests = (world) => [
	['search_given_a_sequence_when_run_then_groups_with_their_events', async () => {
		const q = 'sequence by process.entity_id with maxspan=5m [process where event.action == "exec" and process.name == "kworkerd"] [file where file.path == "/etc/shadow"]';
		const page = await world.open(path({ since: '-24h', q }), { ready: '.hit.group' });
		assert.equal(await page.locator('.status strong').innerText(), '1 group');
		assert.match(await page.locator('.hit.group').innerText(), /2 events within 4.8 s/);
		await page.locator('.vlist-body .hit', { hasText: '/etc/shadow' }).click();
		await page.getByRole('complementary', { name: 'Event' }).getByText('EACCES').first().waitFor();
		assert.match(await page.locator('.live-toggle').getAttribute('title'), /^Not live: sequences/);
	}],
];

export const TIMELINE = '.timeline-canvas';

/** Whether anything of @colour (a token) is drawn on the canvas. */
export const drawn = (page, token) => page.locator(TIMELINE).evaluate((el, name) => {
	const probe = document.createElement('canvas').getContext('2d');
	probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	probe.fillRect(0, 0, 1, 1);
	const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
	const { data } = el.getContext('2d').getImageData(0, 0, el.width, el.height);
	for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) return true;
	return false;
}, token);

const timelineTests = (world) => [
	['timeline_given_a_day_when_brushed_then_events_arrows_and_the_gap_and_back_undoes', async () => {
		const page = await world.open(path({ view: 'timeline' }), { ready: '.lane' });
		assert.equal(await page.locator('.lane').count(), 6);
		await page.getByText('the taller and darker, the more').waitFor();
		await until('density is drawn', async () => (await page.locator(TIMELINE).getAttribute('aria-label')).includes('6 lanes'));
		const before = await inUrl(page, 'since');
		const box = await page.locator(TIMELINE).boundingBox();
		await page.mouse.move(box.x + box.width * 0.985, box.y + 60);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.999, box.y + 80, { steps: 4 });
		await page.mouse.up();
		await until('the URL has the range', async () => /^\d{4}-.*Z$/.test(await inUrl(page, 'since')));
		await page.getByText('each by itself').waitFor();
		await until('events are drawn', async () => (await drawn(page, '--process')) && (await drawn(page, '--file')) && (await drawn(page, '--network')));
		await until('the gap has an edge', () => drawn(page, '--warn'));
		await page.getByText(/^\d+ connections between lanes$/).waitFor();
		await page.goBack();
		await until('Back undoes it', async () => (await inUrl(page, 'since')) === before);
	}],
	['timeline_given_one_event_when_zoomed_in_by_keys_then_nanoseconds_on_the_axis', async () => {
		const answer = await fetch(`${world.url}/api/v1/search?${new URLSearchParams({ q: 'process.name == "sudo" and event.action == "exec"', since: '-24h', limit: 1 })}`, { headers: { Authorization: `Bearer ${world.token}` } });
		const time = (await answer.json()).hits[0]['@timestamp'];
		const ns = BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, 29));
		const rfc = (t) => `${new Date(Number(t / 1_000_000n)).toISOString().slice(0, 19)}.${String(t % 1_000_000_000n).padStart(9, '0')}Z`;
		const page = await world.open(path({ view: 'timeline', since: rfc(ns - 2000n), until: rfc(ns + 2000n) }), { ready: '.lane' });
		await page.getByText('4 µs', { exact: true }).waitFor();
		await page.keyboard.press('+');
		await page.getByText('2 µs', { exact: true }).waitFor();
		await until('the URL has nanoseconds', async () => /\.\d{7,9}Z$/.test(await inUrl(page, 'since')));
		await until('the event is drawn', () => drawn(page, '--process'));
		const box = await page.locator(TIMELINE).boundingBox();
		await page.mouse.click(box.x + box.width / 2, box.y + 28 + 26);
		await page.getByRole('complementary', { name: 'Event' }).getByText('sudo -n bash -p').first().waitFor();
	}],
	['timeline_given_a_clock_that_is_off_when_shown_then_band_and_arrow_at_the_corrected_time', async () => {
		const answer = await fetch(`${world.url}/api/v1/edges?state=joined&since=-1h`, { headers: { Authorization: `Bearer ${world.token}` } });
		const edge = (await answer.json()).edges.find((e) => e.accepted.node.name === 'bastion');
		assert.equal(edge.accepted.clock_offset_ns, 1.5e9);
		const at = Date.parse(edge.time);
		const page = await world.open(path({ view: 'timeline', since: new Date(at - 3000).toISOString(), until: new Date(at + 3000).toISOString() }), { ready: '.lane' });
		const lane = page.locator('.lane', { hasText: 'bastion' });
		await lane.getByText('clock +1.5 s').waitFor();
		await page.getByText(/^[1-9] connections? between lanes$/).waitFor();
		const [canvas, to, from] = [await page.locator(TIMELINE).boundingBox(), await lane.boundingBox(), await page.locator('.lane', { hasText: 'db-1' }).boundingBox()];
		const middle = (from.y + to.y + to.height) / 2;
		await page.mouse.move(canvas.x + canvas.width / 2 + 1, middle);
		await page.locator('.timeline-tip').getByText(/^ssh on db-1 → sshd on bastion, port 22.* 100 % sure, accepted 300 µs after by corrected clocks$/).waitFor();
		await page.mouse.move(canvas.x + canvas.width * 0.75 + 1, to.y + to.height / 2); /* by its own clock the event is 1.5 s later */
		await page.locator('.timeline-tip').getByText(/connection_accepted/).waitFor();
		for (const token of ['--warn', '--network']) await until(`${token} is drawn`, () => drawn(page, token));
	}],
	['timeline_given_lanes_by_container_when_shown_then_pins_of_their_alerts', async () => {
		const page = await world.open(path({ view: 'timeline', lane: 'container', since: '-15m' }), { ready: '.lane' });
		await page.locator('.lane', { hasText: '3f1c9a6be20d' }).waitFor();
		await page.getByText(/^[1-9] alerts$/).waitFor();
		await until('a grave one is drawn', () => drawn(page, '--danger'));
	}],
	['timeline_given_two_hundred_lanes_when_zoomed_and_scrolled_then_frames_keep_up', async () => {
		const page = await world.open(path({ view: 'timeline', lane: 'process' }), { ready: '.lane' });
		await until('200 lanes', async () => (await page.locator('.lane-head').innerText()).includes('200 of more'));
		assert.ok((await page.locator('.lane').count()) < 60);
		const zooming = await costOfFrames(page, `document.querySelector('${TIMELINE}').dispatchEvent(new WheelEvent('wheel', { ctrlKey: true, deltaY: i % 40 < 20 ? -12 : 12, clientX: 1000, bubbles: true, cancelable: true }))`);
		const scrolling = await costOfFrames(page, "document.querySelector('.timeline').scrollTop += 30");
		console.log(`     ${zooming.toFixed(1)} ms zooming, ${scrolling.toFixed(1)} ms scrolling: CPU of the page's thread a frame`);
		for (const ms of [zooming, scrolling]) assert.ok(ms > 0.1 && ms < 20, `${ms} ms a frame`); /* 20 ms: 50 frames/s */
	}],
	['timeline_given_lanes_by_user_when_one_is_chosen_then_enter_searches_it', async () => {
		const page = await world.open(path({ view: 'timeline' }), { ready: '.lane' });
		await page.getByRole('group', { name: 'A lane for each' }).getByRole('button', { name: 'Users' }).click();
		await page.locator('.lane', { hasText: 'postgres' }).click();
		await page.locator('.lane.active', { hasText: 'postgres' }).waitFor();
		await page.locator('.lane.active').evaluate((el) => el.blur());
		await page.keyboard.press('Enter');
		await until('the search view asks for it', async () => (await inUrl(page, 'q')) === 'process.user.name == "postgres"' && (await inUrl(page, 'view')) === '');
	}],
];

export const eventTests = (world) => [...sequenceTests(world), ...timelineTests(world), ...searchTests(world), ...pivotTests(world)];
