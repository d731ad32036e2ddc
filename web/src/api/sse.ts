// SPDX-License-Identifier: Apache-2.0
// sse - reads a text/event-stream body (HTML standard, 9.2.6) from fetch, which unlike EventSource
// can send the Authorization header.

const BUSY_MS = 30; /* then the page may draw and hear keys, however fast events come */

export interface SseMessage {
	event: string;
	data: string;
	id: string;
}

/** A parser that is fed text in pieces of any size and calls @emit for each whole message.  An id
 * without data (a place to resume at, told while nothing happens) comes as an event named "id". */
export function sseParser(emit: (m: SseMessage) => void): (chunk: string) => void {
	let rest = '';
	let event = '';
	let data: string[] = [];
	let id = '';
	let idIsNew = false;

	function line(text: string): void {
		if (text === '') {
			if (data.length) emit({ event: event || 'message', data: data.join('\n'), id });
			else if (idIsNew) emit({ event: 'id', data: '', id });
			event = '';
			data = [];
			idIsNew = false;
			return;
		}
		const colon = text.indexOf(':');
		if (colon === 0) return;
		const name = colon < 0 ? text : text.slice(0, colon);
		const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
		if (name === 'event') event = value;
		else if (name === 'data') data.push(value);
		else if (name === 'id' && !value.includes('\0')) {
			id = value;
			idIsNew = true;
		}
	}

	return (chunk) => {
		const text = rest + chunk;
		const held = text.endsWith('\r') ? 1 : 0; /* may be half of \r\n */
		const lines = text.slice(0, text.length - held).split(/\r\n|\n|\r/);
		rest = (lines.pop() ?? '') + text.slice(text.length - held);
		lines.forEach(line);
	};
}

/** Reads @response to its end; @alive is called for every piece, heartbeats too. */
export async function readSse(response: Response, emit: (m: SseMessage) => void, alive: () => void): Promise<void> {
	const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
	if (!reader) return;
	const feed = sseParser(emit);
	let rested = performance.now();
	for (;;) {
		if (performance.now() - rested > BUSY_MS) {
			await new Promise((wake) => setTimeout(wake));
			rested = performance.now();
		}
		const { done, value } = await reader.read();
		if (done) return;
		alive();
		feed(value);
	}
}
