// SPDX-License-Identifier: Apache-2.0
// fake-server - a small stand-in for the collector, with made-up events that are always the same
// relative to the time it started.  For the browser test, screenshots and work on the page:
//   node tests/web/fake-server.mjs [--port 8099] [--assets DIR] [--live EVENTS_PER_SECOND]
// Understands: conditions "field op value" joined by and, "cat where", a bare word; the query
// "million" has 10^6 hits; "slow" is never answered; a query that ends in an operator is an error with a place; some pipes
// (fake-pipes.mjs).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIELDS, fieldOf, makeEvent, makeHistory } from './fake-events.mjs';
import { cutPipes, refusedPipe, runPipes } from './fake-pipes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const TOKEN = 'a'.repeat(64);
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = { '/': ['index.html', 'text/html; charset=utf-8'], '/app.js': ['app.js', 'text/javascript; charset=utf-8'], '/app.css': ['app.css', 'text/css; charset=utf-8'], '/icon.svg': ['icon.svg', 'image/svg+xml'] };
const MILLION = 1_000_000;
const UNIT = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

class QueryError extends Error {
	constructor(offset, expected, text) {
		super(text);
		Object.assign(this, { offset, expected });
	}
}

function matcher(pattern) {
	const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
	return new RegExp(`^${source}$`, 'is');
}

function parseValue(text) {
	return text.startsWith('"') ? JSON.parse(text.replace(/\\u\{(\w+)\}/g, '\\u$1')) : text;
}

function condition(text) {
	const m = /^\(?\s*([\w.@]+)\s*(==|!=|:)\s*(.+?)\)?$/s.exec(text.trim());
	if (!m) {
		const word = text.trim().toLowerCase();
		return (doc) => word === '' || word === 'true' || JSON.stringify(doc).toLowerCase().includes(word);
	}
	const [, field, op, raw] = m;
	const wanted = raw.startsWith('(') ? raw.slice(1).split(/,\s*/).map(parseValue) : [parseValue(raw.replace(/ or .*$/s, ''))];
	const patterns = wanted.map((w) => (op === ':' ? matcher(String(w)) : null));
	return (doc) => {
		const values = [fieldOf(doc, field)].flat();
		const hit = values.some((v) => v !== undefined && wanted.some((w, i) => (patterns[i] ? patterns[i].test(String(v)) : String(v) === String(w))));
		return op === '!=' ? !hit : hit;
	};
}

function compile(whole) {
	const { condition: q, pipes } = cutPipes(whole);
	const more = pipes.filter((p) => p.name === 'where').map((p) => compileCondition(p.rest));
	const first = compileCondition(q);
	return (doc) => first(doc) && more.every((test) => test(doc));
}

function compileCondition(q) {
	const bad = /(==|!=|:|\band\b|\bwhere\b)\s*$/.exec(q);
	if (bad) throw new QueryError(Buffer.byteLength(q), bad[1] === 'and' || bad[1] === 'where' ? 'a condition' : 'a value', 'The query ends too early.');
	for (const m of q.matchAll(/([a-zA-Z_][\w.]*)\s*(==|!=|:)/g))
		if (!FIELDS.some((f) => f.name === m[1])) throw new QueryError(Buffer.byteLength(q.slice(0, m.index)), 'a field name', `There is no field ${m[1]}.`);
	const head = /^(\w+)\s+where\s+/.exec(q);
	const rest = head ? q.slice(head[0].length) : q;
	const tests = rest.split(/\s+and\s+/).map(condition);
	if (head && head[1] !== 'any') tests.push((doc) => doc.event.category === head[1]);
	return (doc) => tests.every((t) => t(doc));
}

function timeOf(word, now, otherwise) {
	if (!word) return otherwise;
	const m = /^-(\d+)([smhd])$/.exec(word);
	return m ? now - m[1] * UNIT[m[2]] : word === 'now' ? now : Date.parse(word);
}

function gapsOf(history, node) {
	return history.filter((d) => d.event.action === 'gap' && (!node || d.host.name === node)).map((d) => ({
		node: d.host.name, from: d.rtsec.gap.from, to: d.rtsec.gap.to, count: d.rtsec.gap.count, class: d.rtsec.gap.class, cause: d.rtsec.gap.cause,
	}));
}

function facetOf(docs, field, limit, prefix) {
	const counts = new Map();
	for (const value of docs.flatMap((d) => fieldOf(d, field) ?? null)) counts.set(value, (counts.get(value) ?? 0) + 1);
	const nulls = counts.get(null) ?? 0;
	counts.delete(null);
	const all = [...counts].filter(([v]) => String(v).toLowerCase().startsWith(prefix.toLowerCase())).sort((a, b) => b[1] - a[1]).map(([value, count]) => ({ value, count }));
	return { field, type: 'keyword', distinct: counts.size, complete: true, null: nulls, other: all.slice(limit).reduce((n, v) => n + v.count, 0), values: all.slice(0, limit) };
}

/** Starts it.  @options: port, assets, rate (live events a second), history (of one before it).  Returns { url, close, stats }. */
export async function startFake({ port = 0, assets, rate = 0, history = undefined } = {}) {
	const started = Date.now();
	history ??= makeHistory(started); /* oldest first */
	const tails = new Set();
	const stats = { searches: [], requests: 0, slow: [] };
	let serial = history.length;

	function select(params) {
		const now = Date.now();
		const [since, until] = [timeOf(params.get('since'), now, 0), timeOf(params.get('until'), now + 1e9, now + 1e9)];
		const node = params.get('node');
		const test = compile(params.get('q') ?? '');
		return { since, until: Math.min(until, now), docs: history.filter((d) => {
			const ms = Date.parse(d['@timestamp']);
			return ms >= since && ms < until && (!node || d.host.name === node) && test(d);
		}) };
	}

	function search(params) {
		const limit = Math.min(10000, Number(params.get('limit') ?? 100));
		const from = Number(params.get('cursor') ?? 0);
		const slim = params.get('fields');
		stats.searches.push({ limit, from, slim });
		const base = { took_ms: 3.4, scanned: { blocks: 210, blocks_skipped: 170, events: 48211, bytes: 2901440 }, truncated: false };
		if (params.get('q') === 'million') {
			const n = Math.min(limit, MILLION - from);
			const hits = Array.from({ length: n }, (_, i) => (slim ? { _id: `m-${from + i}` } : makeEvent(from + i, started - (from + i) * 0.8, `m-${from + i}`)));
			return { ...base, hits, cursor: from + n < MILLION ? String(from + n) : null, gaps: [] };
		}
		const { docs } = select(params);
		const { pipes } = cutPipes(params.get('q') ?? '');
		const answer = runPipes(params.get('order') === 'asc' ? docs : [...docs].reverse(), pipes);
		if (answer.columns) return { ...base, ...answer, gaps: gapsOf(history, params.get('node')) };
		const all = answer.hits;
		if (pipes.some((p) => /^(head|tail)$/.test(p.name))) return { ...base, hits: all, cursor: null, gaps: [] };
		return { ...base, hits: all.slice(from, from + limit), cursor: from + limit < all.length ? String(from + limit) : null, gaps: gapsOf(history, params.get('node')) };
	}

	/** What counts or follows events cannot take every pipe. */
	function refuse(params) {
		const pipe = refusedPipe(params.get('q') ?? '');
		if (pipe) throw new QueryError(pipe.offset, 'where, keep or drop', `${pipe.name} is not possible here.`);
	}

	function hits(params) {
		refuse(params);
		const { since, until, docs } = select(params);
		const interval = Math.max(1, Math.ceil((until - since) / Number(params.get('buckets') ?? 60) / 1000) * 1000);
		const counts = new Map();
		const million = params.get('q') === 'million';
		for (const d of docs) {
			const at = Math.floor(Date.parse(d['@timestamp']) / interval) * interval;
			counts.set(at, (counts.get(at) ?? 0) + 1);
		}
		if (million) counts.set(Math.floor((until - interval) / interval) * interval, MILLION);
		return {
			from: new Date(since).toISOString(), to: new Date(until).toISOString(), interval_ms: interval,
			buckets: [...counts].sort((a, b) => a[0] - b[0]).map(([at, count]) => ({ from: new Date(at).toISOString(), count })),
			total: million ? MILLION : docs.length, gaps: gapsOf(history, params.get('node')),
		};
	}

	function facets(params, prefix = '') {
		refuse(params);
		const { docs } = select(params);
		return { total: docs.length, fields: (params.get('field') ?? '').split(',').map((field) => facetOf(docs, field, Number(params.get('limit') ?? 10), prefix)), get facets() { return this.fields; } };
	}

	function send(response, status, type, body) {
		response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff' });
		response.end(body);
	}

	function tail(request, response, params) {
		refuse(params);
		const test = compile(params.get('q') ?? '');
		response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
		const client = { test, node: params.get('node'), response };
		const last = Number(request.headers['last-event-id'] ?? NaN);
		response.write(': hello\n\n');
		for (const doc of history) if (doc.event.sequence > last) deliver(client, doc);
		tails.add(client);
		request.on('close', () => tails.delete(client));
	}

	function deliver(client, doc) {
		if (client.test(doc) && (!client.node || doc.host.name === client.node))
			client.response.write(`id: ${doc.event.sequence}\ndata: ${JSON.stringify(doc)}\n\n`);
	}

	/** Makes one more event, now.  @change may alter it before it is stored and sent. */
	function emit(change = () => {}) {
		const doc = makeEvent(serial, Date.now(), `e-${serial}`);
		serial++;
		change(doc);
		history.push(doc);
		tails.forEach((t) => deliver(t, doc));
		return doc;
	}

	const routes = {
		'/api/v1/search': search, '/api/v1/hits': hits, '/api/v1/fields': () => FIELDS,
		'/api/v1/facets': facets, '/api/v1/values': (p) => facets(new URLSearchParams([['field', p.get('field')], ['limit', '50']]), p.get('prefix')),
		'/api/v1/nodes': () => Object.entries({ 'db-1': [], 'edge-2': ['silent', 'skewed'], 'web-1': ['ring_opened'], 'web-2': [] })
			.map(([name, alarms]) => ({ id: name, name, state: alarms[0] ?? 'up', alarms, last_seen: new Date().toISOString() })),
	};

	function handle(request, response) {
		stats.requests++;
		const url = new URL(request.url, 'http://x');
		if (url.pathname === '/healthz') return send(response, 200, 'text/plain', 'ok\n');
		const file = FILES[url.pathname];
		if (file) return send(response, 200, file[1], readFileSync(join(assets, file[0])));
		const problem = (status, more) => send(response, status, 'application/problem+json', JSON.stringify({ type: 'about:blank', status, ...more }));
		if (request.headers.authorization !== `Bearer ${TOKEN}`) return problem(401, { title: 'Unauthorized' });
		try {
			if (url.pathname === '/api/v1/tail') return tail(request, response, url.searchParams);
			if (url.searchParams.get('q') === 'slow') { /* answered never, but it may say how far it is */
				if (url.searchParams.get('progress')) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).write('{"progress":{"blocks":42,"of":100}}\n');
				return stats.slow.push(response);
			}
			const route = routes[url.pathname];
			if (!route) return problem(404, { title: 'Not Found' });
			return send(response, 200, 'application/json', JSON.stringify(route(url.searchParams)));
		} catch (e) {
			if (!(e instanceof QueryError)) return problem(500, { title: String(e) });
			return problem(400, { title: 'Bad query', detail: e.message, line: 1, column: e.offset + 1, offset: e.offset, expected: e.expected });
		}
	}

	const server = createServer(handle);
	await new Promise((done) => server.listen(port, '127.0.0.1', done));
	const timer = rate ? setInterval(() => emit(), 1000 / rate) : undefined;
	const bound = server.address().port;
	return {
		url: `http://127.0.0.1:${bound}`, port: bound, stats, emit, history,
		close: () => new Promise((done) => {
			clearInterval(timer);
			server.close(done);
			server.closeAllConnections();
		}),
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
	const assets = option('--assets', join(here, '../../build/web-dev'));
	const { buildTo } = await import('../../web/build.mjs');
	if (!process.argv.includes('--assets')) await buildTo(assets);
	const fake = await startFake({ port: Number(option('--port', 8099)), assets, rate: Number(option('--live', 5)) });
	console.log(`${fake.url}/#token=${TOKEN}`);
}
