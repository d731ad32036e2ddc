// SPDX-License-Identifier: Apache-2.0
// hook - a webhook for alerts: appends each that it is told to FILE, a line of JSON each.
//   node hook.mjs PORT FILE
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);

createServer((request, response) => {
	let body = '';
	request.on('data', (piece) => { body += piece; });
	request.on('end', () => {
		for (const alert of JSON.parse(body).alerts) appendFileSync(file, `${JSON.stringify(alert)}\n`);
		response.writeHead(200).end();
	});
}).listen(Number(port), '127.0.0.1');
