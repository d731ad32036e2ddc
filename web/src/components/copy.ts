// SPDX-License-Identifier: Apache-2.0
// copy - puts text on the clipboard, also where the page is not a secure context (plain http).
import { say } from '../state/toast';

function oldWay(text: string): boolean {
	const area = document.createElement('textarea');
	area.value = text;
	area.className = 'sr-only';
	document.body.append(area);
	area.select();
	const done = document.execCommand('copy');
	area.remove();
	return done;
}

export async function copyText(text: string): Promise<void> {
	let done = false;
	try {
		await navigator.clipboard.writeText(text);
		done = true;
	} catch {
		done = oldWay(text);
	}
	say(done ? 'Copied' : 'The browser did not allow to copy');
}
