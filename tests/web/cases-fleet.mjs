// SPDX-License-Identifier: Apache-2.0
// cases-fleet - each view on a real collector that holds the recorded fleet (fleet-story.mjs).
import { alertPanel, alertTests } from './cases-alerts.mjs';
import { costOfFrames, entityOf, inUrl, path, rows } from './cases-common.mjs';
import { eventTests } from './cases-events.mjs';
import { makeOpens } from './fleet-story.mjs';
import { assert, until } from './harness.mjs';

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

export const fleetTests = (world) => [...rareTests(world), ...keyboardTests(world), ...settingsTests(world), ...restartTests(world), ...alertTests(world), ...hopTests(world), ...eventTests(world), ...processTests(world), ...nodeTests(world)];
