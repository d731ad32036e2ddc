// SPDX-License-Identifier: Apache-2.0
// harness - runs named tests one after the other and counts; `N passed, N failed` at the end.
import { strict as assert } from 'node:assert';

export { assert };

/** Asks @probe until it answers something true.  Returns that; throws after @ms. */
export async function until(what, probe, ms = 30_000) {
	const end = Date.now() + ms;
	for (;;) {
		const found = await probe();
		if (found) return found;
		if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
		await new Promise((wake) => setTimeout(wake, 40));
	}
}

/** Runs @tests ([name, function] each), prints a line for each, returns the exit code. */
export async function runAll(tests) {
	let failed = 0;
	for (const [name, run] of tests) {
		const begin = Date.now();
		try {
			await run();
			console.log(`ok   ${name} (${Date.now() - begin} ms)`);
		} catch (e) {
			failed++;
			console.log(`FAIL ${name}\n     ${String(e?.stack ?? e).replaceAll('\n', '\n     ')}`);
		}
	}
	console.log(`${tests.length - failed} passed, ${failed} failed`);
	return failed || !tests.length ? 1 : 0;
}
