// SPDX-License-Identifier: Apache-2.0
// cases-looks - each view in both themes: contrast of all text as it is drawn, the accessibility tree,
// the keyboard's way through it, and narrow screens.  On a real collector with the recorded fleet.
import { entityOf, inUrl, path, rows } from './cases-common.mjs';
import { assert, until } from './harness.mjs';

/** Each view: its address, and what is there when it is. */
const views = async (world) => [
	['search', { since: '-1h' }, '.vlist-body .hit:not(.pending)', (page) => rows(page).first().click()],
	['search by a field', { since: '-1h', by: 'process.name' }, '.legend .swatch'],
	['table', { since: '-1h', q: '| stats count() by process.name' }, '.vlist-body .table-row'],
	['live', { live: '1' }, '.live-state.live'],
	['timeline', { view: 'timeline', since: '-15m' }, '.lane'],
	['process', { view: 'process', id: await entityOf(world, 'sudo'), hosts: 'all' }, '.tree-row.active'],
	['hops', { view: 'process', id: await entityOf(world, 'kworkerd'), as: 'hops' }, '.hop-pin'],
	['incidents', { view: 'incidents' }, '.data-row[data-index]'],
	['incident', { view: 'incidents', sel: '2', step: '2' }, '.hop-pin'],
	['alerts', { view: 'alerts', status: 'all', sel: '2' }, '.together li'],
	['rules', { view: 'rules', sel: 'shm-exec' }, '.rule-panel .tabs'],
	['rare', { view: 'rare' }, '.data-row[data-index]'],
	['nodes', { view: 'nodes', sel: 'web-2' }, '.tiers li'],
	...['', 'storage', 'outputs', 'node', 'tokens', 'audit'].map((part) => [`settings ${part}`, { view: 'settings', part }, '.settings-part h2']),
	['nothing found', { q: 'process.name == "nothing at all"' }, '.empty'],
];

/** Texts whose contrast with what is behind them is below 4.5, as they are drawn. */
function poorTexts() {
	const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
	const rgba = (css) => {
		probe.clearRect(0, 0, 1, 1);
		probe.fillStyle = css;
		probe.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
	const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (el) => {
		const layers = [];
		for (let at = el; at; at = at.parentElement) {
			const c = rgba(getComputedStyle(at).backgroundColor);
			if (c[3] > 0) layers.push(c);
			if (c[3] === 1) break;
		}
		return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]);
	};
	const found = [];
	let n_seen = 0;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		const el = n.parentElement;
		if (!n.data.trim() || el.closest('.sr-only, option, title, textarea, [aria-disabled="true"]')) continue;
		const box = el.getBoundingClientRect();
		const style = getComputedStyle(el);
		if (!box.width || !box.height || style.visibility !== 'visible' || style.opacity === '0') continue;
		const ink = rgba(style.color);
		if (ink[3] === 0) continue; /* drawn by another layer */
		n_seen++;
		const ground = behind(el);
		const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.495) found.push(`${ratio.toFixed(2)} ${el.tagName.toLowerCase()}.${el.className} "${n.data.trim().slice(0, 40)}"`);
	}
	return n_seen < 15 ? [`only ${n_seen} texts are seen`] : [...new Set(found)];
}

const NAMED = new Set(['button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox', 'radio', 'tab', 'image', 'img', 'grid', 'treegrid', 'dialog', 'navigation', 'complementary', 'region', 'group', 'list', 'article', 'search', 'listbox', 'option', 'row', 'heading', 'columnheader']);
const MAY_BE_NAMELESS = new Set(['list', 'group', 'search']); /* what is in them says it */

/** What the accessibility tree of the page lacks. */
async function nameless(page) {
	const cdp = await page.context().newCDPSession(page);
	const { nodes } = await cdp.send('Accessibility.getFullAXTree');
	await cdp.detach();
	const roles = new Map();
	const lacking = [];
	for (const n of nodes) {
		const [role, name] = [n.role?.value ?? '', (n.name?.value ?? '').trim()];
		if (n.ignored) continue;
		roles.set(role, (roles.get(role) ?? 0) + 1);
		if (NAMED.has(role) && !MAY_BE_NAMELESS.has(role) && !name) lacking.push(role);
	}
	for (const must of ['banner', 'navigation', 'main', 'heading']) if (!roles.has(must)) lacking.push(`no ${must}`);
	return lacking;
}

export const looksTests = (world) => [
	['looks_given_each_view_in_both_themes_when_measured_then_every_text_is_aa', async () => {
		for (const [name, query, ready, act] of await views(world)) {
			const page = await world.open(path(query), { ready });
			await act?.(page);
			for (const theme of ['light', 'dark']) {
				await page.evaluate((t) => { document.documentElement.dataset.theme = t; }, theme);
				// settled: what the page draws anew takes its animations away, and those never finish
				await page.evaluate(async () => { await Promise.allSettled(document.getAnimations().map((a) => a.finished)); });
				assert.deepEqual(await page.evaluate(poorTexts), [], `${name}, ${theme}`);
			}
		}
	}],
	['looks_given_each_view_when_read_as_an_accessibility_tree_then_landmarks_and_names', async () => {
		for (const [name, query, ready, act] of await views(world)) {
			const page = await world.open(path(query), { ready });
			await act?.(page);
			let found; // rows that are being drawn have no name yet
			await until(`${name} has names`, async () => (found = await nameless(page)).length === 0).catch(() => {});
			assert.deepEqual(found, [], name);
			assert.match(await page.title(), / · rtsec$/, name);
		}
	}],
	['looks_given_a_phone_when_each_view_is_shown_then_nothing_sticks_out', async () => {
		for (const [name, query, ready] of await views(world)) {
			const page = await world.open(path(query), { ready, size: { width: 380, height: 760 } });
			await until(`${name} fits`, () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
		}
	}],
	['looks_given_tab_when_pressed_through_a_view_then_each_stop_is_seen_and_none_is_a_trap', async () => {
		for (const [name, query, ready] of (await views(world)).filter(([n]) => /^(search|timeline|incident|alerts|rules|nodes|settings tokens)$/.test(n))) {
			const page = await world.open(path(query), { ready });
			await page.evaluate(() => document.activeElement?.blur());
			const stops = [];
			for (let i = 0; i < 25; i++) {
				await page.keyboard.press('Tab');
				stops.push(await page.evaluate(() => {
					const el = document.activeElement;
					const style = getComputedStyle(el);
					return el === document.body ? 'end' : `${el.tagName} ${el.getAttribute('aria-label') ?? el.textContent.slice(0, 30)} ${style.outlineStyle !== 'none' || style.boxShadow !== 'none' || el.matches('textarea, input') ? '' : 'UNSEEN'}`;
				}));
			}
			assert.deepEqual(stops.filter((s) => s.endsWith('UNSEEN')), [], name);
			assert.ok(new Set(stops).size > 6, `${name}: ${stops.join(' | ')}`);
		}
		assert.equal(await inUrl(world.page, 'view'), 'settings');
	}],
];
