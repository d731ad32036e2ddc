// SPDX-License-Identifier: Apache-2.0
// chromium - starts Debian's Chromium with an empty profile and nothing that calls home.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../web/package.json');
const { chromium } = createRequire(web)('playwright-core');

/** Opens a browser context.  Returns { context, close }. */
export async function openBrowser(options = {}) {
	const profile = mkdtempSync(join(tmpdir(), 'rtsec-chromium-'));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: process.env.RTSEC_CHROMIUM ?? '/usr/bin/chromium',
		headless: true,
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
		viewport: { width: 1360, height: 820 },
		...options,
	});
	return {
		context,
		close: async () => {
			await context.close();
			rmSync(profile, { recursive: true, force: true });
		},
	};
}
