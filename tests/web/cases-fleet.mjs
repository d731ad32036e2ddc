// SPDX-License-Identifier: Apache-2.0
// cases-fleet - each view on a real collector that holds the recorded fleet (fleet-story.mjs).
import { rows, ask } from './cases-common.mjs';
import { assert, until } from './harness.mjs';

export const inUrl = (page, name) => page.evaluate((n) => new URLSearchParams(location.search).get(n) ?? '', name);
const path = (params) => `/?${new URLSearchParams(params)}`;

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

export const fleetTests = (world) => [...searchTests(world)];
