// SPDX-License-Identifier: Apache-2.0
// fleet - a real collector on a folder of its own that holds the recorded fleet:
//   node tests/web/fleet.mjs [--bin build/dev/bin]      prints its address; ends with Ctrl-C
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeStory, RULES } from './fleet-story.mjs';

const BIN = join(dirname(fileURLToPath(import.meta.url)), '../../build/dev/bin');
const READY_MS = 60_000;

function tokensOf(bin, dir) {
	return Object.fromEntries(['viewer', 'analyst', 'operator', 'admin'].map((role) =>
		[role, execFileSync(join(bin, 'rtsec-collector'), ['token', 'create', '--dir', dir, '--name', `tests ${role}`, '--role', role], { encoding: 'utf8' }).trim()]));
}

/** Starts the collector of @dir on @http ("127.0.0.1:0": any port).  Returns { url, stop }. */
async function serve(bin, dir, http) {
	const child = spawn(join(bin, 'rtsec-collector'), ['--dir', dir, '--http', http, '--http-plain', '--listen', 'tls+tcp://127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
	let log = '';
	const ended = new Promise((done) => child.on('exit', done));
	const address = await new Promise((found, failed) => {
		const timer = setTimeout(() => failed(new Error(`the collector said no address:\n${log}`)), READY_MS);
		const read = (piece) => {
			log += piece;
			const m = /collector\.READY .*http=(\S+) port=(\d+)/.exec(log);
			if (m) clearTimeout(timer), found(`${m[1]}:${m[2]}`);
		};
		child.stdout.on('data', read);
		child.stderr.on('data', read);
		ended.then(() => failed(new Error(`the collector ended:\n${log}`)));
	});
	return { url: `http://${address}`, stop: async () => { child.kill('SIGTERM'); await ended; } };
}

async function applyRules(url, token) {
	const answer = await fetch(`${url}/api/v1/rules`, {
		method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: JSON.stringify({ source: RULES, note: 'with the fleet' }),
	});
	if (!answer.ok) throw new Error(`the rules are not taken: ${await answer.text()}`);
}

/** A webhook for alerts that answers @status and keeps what it got. */
async function startHook() {
	const hook = { status: 503, got: [] };
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (piece) => { body += piece; });
		request.on('end', () => {
			if (hook.status < 300) hook.got.push(...JSON.parse(body).alerts);
			response.writeHead(hook.status).end();
		});
	});
	await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
	return Object.assign(hook, { port: server.address().port, close: () => { server.closeAllConnections(); server.close(); } });
}

const outputsOf = (dir, port) => `outputs:
  - { name: chat, type: webhook, url: "http://127.0.0.1:${port}/alerts", tries: 1 }
  - { name: file, type: ndjson, path: ${dir}/alerts.ndjson, level: high }
`;

/** A collector to which nothing has happened yet.  Returns { url, token, close }. */
export async function startEmpty({ bin = BIN } = {}) {
	const dir = mkdtempSync(join(tmpdir(), 'rtsec-empty-'));
	const { admin } = tokensOf(bin, dir);
	const running = await serve(bin, dir, '127.0.0.1:0');
	return {
		url: running.url, token: admin,
		close: async () => {
			await running.stop();
			rmSync(dir, { recursive: true, force: true });
		},
	};
}

/** Fills a folder and serves it.  Returns { url, tokens, dir, hook, restart, close }; the webhook
 * that alerts are told to answers hook.status, 503 at first, and keeps hook.got; restart() calls what it is
 * given while no collector runs, with a function that stores more lines. */
export async function startFleet({ bin = BIN, compilers = 5000, now = Date.now() } = {}) {
	const dir = mkdtempSync(join(tmpdir(), 'rtsec-fleet-'));
	const tokens = tokensOf(bin, dir);
	const hook = await startHook();
	writeFileSync(join(dir, 'outputs.yaml'), outputsOf(dir, hook.port));
	const empty = await serve(bin, dir, '127.0.0.1:0');
	await applyRules(empty.url, tokens.admin); /* before there are events, so that these give alerts */
	await empty.stop();
	const add = (lines) => execFileSync(process.env.RTSEC_FLEET ?? join(bin, '../tests/fleet'), [dir], { input: lines.map((l) => JSON.stringify(l)).join('\n') });
	add(makeStory(now, compilers));
	let running = await serve(bin, dir, '127.0.0.1:0');
	return {
		url: running.url, tokens, dir, hook,
		restart: async (whileAway = () => {}) => {
			await running.stop();
			await whileAway(add);
			running = await serve(bin, dir, running.url.slice('http://'.length));
		},
		close: async () => {
			await running.stop();
			hook.close();
			rmSync(dir, { recursive: true, force: true });
		},
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const at = process.argv.indexOf('--bin');
	const fleet = await startFleet(at < 0 ? {} : { bin: process.argv[at + 1] });
	console.log(`${fleet.url}/#token=${fleet.tokens.admin}`);
	process.on('SIGINT', () => void fleet.close().then(() => process.exit(0)));
	process.on('SIGTERM', () => void fleet.close().then(() => process.exit(0)));
}
