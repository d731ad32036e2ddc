// SPDX-License-Identifier: Apache-2.0
// units - tests of the page's library code without a browser:  node tests/web/units.mjs
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assert, runAll, until } from './harness.mjs';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../web');
const { build } = await import(pathToFileURL(createRequire(join(web, 'package.json')).resolve('esbuild')));

globalThis.sessionStorage = { getItem: () => '', setItem() {}, removeItem() {} };
async function load(file) {
	const { outputFiles } = await build({ entryPoints: [join(web, 'src', file)], bundle: true, write: false, format: 'esm', platform: 'neutral', mainFields: ['module', 'main'], absWorkingDir: web });
	return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
const eql = await load('lib/eql.ts');
const pipes = await load('lib/pipes.ts');
const table = await load('lib/table.ts');
const { completions } = await load('components/completion.ts');
const text = await load('lib/text.ts');
const time = await load('lib/time.ts');
const doc = await load('lib/doc.ts');
const { sseParser } = await load('api/sse.ts');
const nanos = await load('lib/nanos.ts');
const tree = await load('lib/tree.ts');
const retention = await load('lib/retention.ts');
const { splitOf } = await load('api/split.ts');
const client = await load('api/client.ts');
const { Pager, PAGE } = await load('state/pager.ts');

/** A collector with @n hits, cursor = index; some answers hold fewer than asked. */
function fakeSearch(n, short = Infinity) {
	const calls = [];
	const ask = async (_scope, { cursor, limit, fields }) => {
		const from = Number(cursor ?? 0);
		const count = Math.min(limit, n - from, short);
		calls.push({ from, limit, fields });
		const hits = Array.from({ length: count }, (_, i) => ({ _id: String(from + i) }));
		return { hits, cursor: from + count < n ? String(from + count) : null, tookMs: 1, scanned: {}, truncated: false, gaps: [] };
	};
	return { ask, calls };
}

const LAYERS = ['lib', 'core', 'api', 'state', 'components', 'views', 'app'];
const CORE = new Set(['state/session.ts', 'state/connection.ts']); /* what api/client stands on */
const layerOf = (file) => LAYERS.indexOf(CORE.has(file) ? 'core' : file.split('/')[0]);

/** The source files that @file imports, from src/. */
function importsOf(file) {
	return [...readFileSync(join(web, 'src', file), 'utf8').matchAll(/^import (?!type).*?'(\..*?)';/gms)].map(([, to]) => {
		const base = join(dirname(file), to);
		return ['', '.ts', '.tsx', '/index.ts'].map((end) => base + end).find((f) => existsSync(join(web, 'src', f)) && /\.\w+$/.test(f));
	});
}
const sources = readdirSync(join(web, 'src'), { recursive: true }).filter((f) => /\.(tsx?|css)$/.test(f) && !f.endsWith('.d.ts'));

const tests = [
	['layers_given_every_source_when_read_then_imports_go_one_way', () => {
		const code = sources.filter((f) => !f.endsWith('.css'));
		assert.ok(code.length > 30);
		const wrong = code.flatMap((f) => importsOf(f).filter((to) => !to || layerOf(to) > layerOf(f)).map((to) => `${f} imports ${to}`));
		assert.deepEqual(wrong, []);
	}],
	['sources_given_each_file_when_counted_then_under_300_lines', () => {
		const long = sources.filter((f) => readFileSync(join(web, 'src', f), 'utf8').split('\n').length > 300);
		assert.deepEqual(long, []);
	}],
	['eql_given_any_text_when_cut_then_tokens_join_to_it', () => {
		for (const q of ['', 'process where a.b == "x\\"y" and not c in ("1", 2)', '"open', '"""raw', 'ünï\u202e ¿', 'a:b*c', "'q", 'a /* | */ | stats count by b // x', '| top 3 a.b |'])
			assert.equal(eql.tokens(q).map((t) => t.text).join(''), q);
	}],
	['eql_given_or_when_narrowed_then_meaning_is_kept', () => {
		assert.equal(eql.narrowed('', 'a == 1'), 'a == 1');
		assert.equal(eql.narrowed('process where x == 1', 'a == 1'), 'process where x == 1 and a == 1');
		assert.equal(eql.narrowed('process where x == 1 or y == 2', 'a == 1'), 'process where (x == 1 or y == 2) and a == 1');
		assert.equal(eql.narrowed('(x or y) and z', 'a == 1'), '(x or y) and z and a == 1');
		assert.equal(eql.narrowed('n == "this or that"', 'a == 1'), 'n == "this or that" and a == 1');
		assert.equal(eql.narrowed('any where true', 'a == 1'), 'any where a == 1');
	}],
	['eql_given_term_already_there_when_narrowed_then_unchanged_but_not_when_negated', () => {
		assert.equal(eql.narrowed('b == 2 and a == 1', 'a == 1'), 'b == 2 and a == 1');
		assert.equal(eql.narrowed('not a == 1', 'a == 1'), 'not a == 1 and a == 1');
		assert.equal(eql.narrowed('process.a == 12', 'a == 1'), 'process.a == 12 and a == 1');
	}],
	['pipes_given_strings_and_comments_when_split_then_only_real_pipes_count', () => {
		assert.deepEqual(pipes.splitPipes('a == "x|y" | head 3 | keep b'), { condition: 'a == "x|y" ', pipes: '| head 3 | keep b' });
		assert.deepEqual(pipes.pipesOf('a == """x|"y""" // | no\n| stats count /* | */ by `b|c`'), [24]);
		assert.deepEqual(pipes.pipesOf('file.path : /tmp/*|head'), [18]);
		assert.equal(pipes.splitPipes('a').pipes, '');
	}],
	['pipes_given_query_when_asked_then_part_for_the_histogram_and_reason_against_live', () => {
		assert.equal(pipes.streamPart('a | where b | Keep c | top 3 d'), 'a | where b | Keep c');
		assert.equal(pipes.streamPart('| stats count'), '');
		assert.equal(pipes.whyNotLive('a | where b | drop c'), '');
		assert.match(pipes.whyNotLive('a | head 5'), /with head/);
		assert.match(pipes.whyNotLive('a |'), /^Not live/);
	}],
	['eql_given_pipes_when_narrowed_then_before_the_first', () => {
		assert.equal(eql.narrowed('| stats count', 'a == 1'), 'a == 1 | stats count');
		assert.equal(eql.narrowed('file where true | top 2 x', 'a == 1'), 'file where a == 1 | top 2 x');
		assert.equal(eql.narrowed('x or y | where z or w', 'a == 1'), '(x or y) and a == 1 | where z or w');
		assert.equal(eql.narrowed('x == 1 // note\n| head', 'a == 1'), 'x == 1 // note\nand a == 1 | head');
		assert.equal(eql.condition('a', null, false), 'a == null');
	}],
	['eql_given_pipes_when_cut_then_names_and_functions_have_kinds', () => {
		const kinds = (q) => eql.tokens(q).filter((t) => t.kind !== 'space').map((t) => `${t.text}:${t.kind}`).join(' ');
		assert.equal(kinds('stats | stats count, max(a.b) by c // d'), 'stats:field |:pipe stats:word count:function ,:operator max:function (:operator a.b:field ):operator by:word c:field // d:comment');
		assert.equal(kinds('| sort count desc'), '|:pipe sort:word count:field desc:word');
	}],
	['completion_given_pipe_when_typing_then_names_functions_and_by', () => {
		const offered = (q) => completions(q, q.length, () => []).map((c) => c.label);
		assert.deepEqual(offered('a == 1 |').slice(0, 3), ['where', 'stats', 'sort']);
		assert.deepEqual(offered('| s'), ['stats', 'sort']);
		assert.deepEqual(offered('| stats co'), ['count', 'count_distinct']);
		assert.deepEqual(offered('| stats count '), ['by']);
		assert.deepEqual(offered('| stats n = count(), a'), ['avg']);
		assert.deepEqual(offered('a == "x | s'), []);
		assert.deepEqual(offered('a // | s'), []);
	}],
	['table_given_rows_when_sorted_then_null_last_and_third_click_undoes', () => {
		const rows = [['b', 2], [null, 9], ['a', null], ['c', 10]];
		assert.deepEqual(table.sortRows(rows, { column: 1, down: true }).map((r) => r[1]), [10, 9, 2, null]);
		assert.deepEqual(table.sortRows(rows, { column: 0, down: false }).map((r) => r[0]), ['a', 'b', 'c', null]);
		assert.deepEqual(table.sortRows(rows, { column: 0, down: true }).map((r) => r[0]), ['c', 'b', 'a', null]);
		const long = { name: 'count', type: 'long' };
		const [one, two] = [table.nextSorting({ column: -1, down: false }, 1, long), table.nextSorting({ column: 1, down: true }, 1, long)];
		assert.deepEqual([one, two, table.nextSorting(two, 1, long).column], [{ column: 1, down: true }, { column: 1, down: false }, -1]);
	}],
	['table_given_cells_when_written_then_by_type', () => {
		assert.equal(table.cellText(12345, { name: 'count', type: 'long' }, false, true), '12,345');
		assert.equal(table.cellText(12345, { name: 'process.pid', type: 'long' }, true, true), '12345');
		assert.equal(table.cellText(['a', null, 'b'], { name: 'v', type: 'keyword' }, false, true), 'a, -, b');
		assert.equal(table.cellText('2026-11-22T21:13:00.000000000Z', { name: 'at', type: 'date' }, false, true), '11-22 21:13:00.000');
		assert.equal(table.canFilter(null, { name: 'a', type: 'keyword' }), true);
		assert.equal(table.canFilter(2 ** 60, { name: 'a', type: 'long' }), false);
		assert.equal(table.canFilter(['a'], { name: 'a', type: 'keyword' }), false);
	}],
	['pager_given_all_hits_in_one_answer_when_read_anywhere_then_each_is_there', async () => {
		for (const first of [0, 900]) {
			const hits = Array.from({ length: 950 }, (_, i) => ({ _id: String(i) }));
			let calls = 0;
			const p = new Pager({}, async () => {
				calls++;
				return { hits, cursor: null, tookMs: 1, scanned: {}, truncated: false, gaps: [] };
			});
			p.want(first, first + 40);
			await until('it is there', () => p.get(first) && !p.busy.value);
			for (const i of [0, 199, 200, 949]) assert.equal(p.get(i)?._id, String(i));
			assert.equal(p.end, 950);
			assert.ok(calls <= 2);
		}
	}],
	['eql_given_hostile_value_when_written_then_quoted', () => {
		assert.equal(eql.literal('a"b\\c\n\u202e'), '"a\\"b\\\\c\\n\\u{202e}"');
		assert.equal(eql.condition('file.name', 'x', true), '(file.name != "x" or file.name == null)');
		assert.equal(eql.condition('host.name', 'x', true), 'host.name != "x"');
		assert.equal(eql.condition('process.pid', 7, false), 'process.pid == 7');
	}],
	['eql_given_bytes_when_placed_then_index_is_in_characters', () => {
		assert.equal(eql.indexOfByte('äöü == 1', 7), 4);
		assert.equal(eql.indexOfByte('😀x', 4), 2);
		assert.equal(eql.offsetOf('ä\nbc', 2, 2), 4);
	}],
	['text_given_hidden_characters_when_shown_then_visible', () => {
		assert.equal(text.visible('a\u001b[1m\u202eb\u200b\0\n'), 'a\\e[1m\\u{202e}b\\u{200b}\\0\\n');
		assert.equal(text.visible('plain / ünï 😀 אב'), 'plain / ünï 😀 אב');
		assert.equal(text.visible('\ud800x'), '\\u{d800}x');
		assert.equal(text.visible('\u{e0041}'), '\\u{e0041}');
		assert.equal(text.clip('ab😀', 3), 'ab');
	}],
	['time_given_words_when_parsed_then_as_the_query_language', () => {
		const now = Date.UTC(2026, 0, 1);
		assert.equal(time.parseTime('-15m', now), now - 900_000);
		assert.equal(time.parseTime('now', now), now);
		assert.equal(time.parseTime('2026-01-01T00:00:00.123456789Z', now), now + 123);
		assert.equal(time.parseTime('1767225600', now), now);
		assert.equal(time.parseTime('1767225600000000000', now), now);
		assert.equal(time.parseTime('soon', now), null);
		assert.equal(time.formatDuration(5_400_000), '1 h 30 min');
	}],
	['doc_given_nested_document_when_read_then_by_dotted_name', () => {
		const d = { _id: '1', file: { Ext: { original: { path: '/a' } } }, process: { args: ['a', 'b'], 'dotted.key': 1 }, x: null };
		assert.equal(doc.at(d, 'file.Ext.original.path'), '/a');
		assert.equal(doc.at(d, 'process.dotted.key'), 1);
		assert.equal(doc.text(d, 'process.args'), 'a');
		assert.deepEqual(doc.leaves(d).map((l) => l.field), ['file.Ext.original.path', 'process.args', 'process.dotted.key']);
	}],
	['sse_given_any_cut_when_fed_then_the_same_messages', () => {
		const stream = ': hi\n\nid: 7\r\nevent: hit\ndata: {"a":\ndata: 1}\n\ndata:x\r\r\n: beat\n\nid: 9\n: beat\n\n';
		const want = [{ event: 'hit', data: '{"a":\n1}', id: '7' }, { event: 'message', data: 'x', id: '7' }, { event: 'id', data: '', id: '9' }];
		for (let size = 1; size < stream.length; size++) {
			const got = [];
			const feed = sseParser((m) => got.push(m));
			for (let i = 0; i < stream.length; i += size) feed(stream.slice(i, i + size));
			assert.deepEqual(got, want, `pieces of ${size}`);
		}
	}],
	['sse_given_any_bytes_when_fed_in_pieces_then_the_same_as_whole', () => {
		const seeds = join(web, '../tests/fuzz/corpus/sse');
		const pieces = ['data', 'event', 'id', ':', ' ', '\n', '\r', '\r\n', '\0', 'x', '\n\n', 'data: 1\n', 'id: 7\r'];
		let state = 1;
		const below = (n) => (state = (state * 48271) % 2147483647) % n;
		const texts = readdirSync(seeds).map((f) => readFileSync(join(seeds, f), 'latin1'));
		for (let i = 0; i < 2000; i++) texts.push(Array.from({ length: below(30) }, () => pieces[below(pieces.length)]).join(''));
		for (const whole of texts) {
			const want = [];
			sseParser((m) => want.push(m))(whole);
			const got = [];
			const feed = sseParser((m) => got.push(m));
			for (let at = 0, size; at < whole.length; at += size) {
				size = 1 + below(3);
				feed(whole.slice(at, at + size));
			}
			assert.deepEqual(got, want, JSON.stringify(whole));
		}
		assert.ok(texts.length > 2000);
	}],
	['pager_given_a_million_when_jumped_then_strides_and_bounded_memory', async () => {
		const { ask, calls } = fakeSearch(1_000_000);
		const p = new Pager({}, ask);
		p.want(999_990, 1_000_000);
		await until('the last rows are there', () => p.get(999_999));
		assert.equal(p.get(999_999)._id, '999999');
		assert.equal(p.end, 1_000_000);
		assert.ok(calls.length < 110, `${calls.length} calls`);
		for (let i = 0; i < 200; i++) {
			p.want(i * 1000, i * 1000 + 40);
			await until(`row ${i * 1000}`, () => p.get(i * 1000));
			assert.equal(p.get(i * 1000)._id, String(i * 1000));
		}
		assert.ok(p.loaded().length <= 60 * PAGE);
	}],
	['pager_given_short_answers_when_read_then_no_row_is_skipped', async () => {
		const p = new Pager({}, fakeSearch(450, 70).ask);
		p.want(0, 450);
		await until('the end is known', () => p.end);
		await until('all rows are there', () => p.get(449));
		assert.equal(p.end, 450);
		for (let i = 0; i < 450; i++) assert.equal(p.get(i)._id, String(i));
	}],
	['pager_given_failure_when_asked_then_error_is_kept_and_asking_again_works', async () => {
		let fail = true;
		const { ask } = fakeSearch(10);
		const p = new Pager({}, async (...a) => {
			if (fail) throw new Error('away');
			return ask(...a);
		});
		p.want(0, 10);
		await until('it failed', () => p.error.value);
		fail = false;
		p.want(0, 10);
		await until('it worked', () => p.get(9));
		assert.equal(p.error.value, null);
	}],
	['nanos_given_times_when_read_and_written_then_exact', () => {
		const ns = nanos.nsOf('2026-11-28T01:02:03.123456789Z');
		assert.equal(nanos.rfcOf(ns), '2026-11-28T01:02:03.123456789Z');
		assert.equal(nanos.nsOf('2026-11-28T02:02:03.123456789+01:00'), ns);
		assert.equal(nanos.rfcOf(nanos.nsOf('2026-11-28T01:02:03Z')), '2026-11-28T01:02:03Z');
		assert.equal(nanos.rfcOf(nanos.nsOf('2026-11-28T01:02:03.5Z') + 1n), '2026-11-28T01:02:03.500000001Z');
		for (const bad of ['', 'now', '2026-11-28', '2026-13-28T01:02:03Z']) assert.equal(nanos.nsOf(bad), null, bad);
		assert.equal(nanos.msOfNs(nanos.nsOfMs(1_790_000_000_000.5)), 1_790_000_000_000.5);
	}],
	['nanos_given_range_when_zoomed_then_the_point_stays_and_limits_hold', () => {
		const r = { from: 1_000_000_000n, span: 1000 };
		const z = nanos.zoomed(r, 0.5, 0.25);
		assert.deepEqual(z, { from: 1_000_000_125n, span: 500 });
		assert.equal(nanos.shareOf(z, 1_000_000_250n), nanos.shareOf(r, 1_000_000_250n));
		assert.equal(nanos.zoomed(r, 1e-9, 0.5).span, 100);
		assert.equal(nanos.zoomed(r, 1e30, 0.5).span, 366 * 86_400e9);
	}],
	['nanos_given_any_span_when_ticked_then_few_round_ticks_with_texts_that_differ', () => {
		const clock = (ms) => { const t = new Date(ms).toISOString(); return [t.slice(0, 10), t.slice(11, 19)]; };
		for (const span of [100, 4321, 7e5, 3e6, 9e8, 6e9, 4e11, 9e13, 8e15]) {
			const r = { from: nanos.nsOf('2026-11-28T01:02:03.123456789Z'), span };
			const step = nanos.tickStep(span, 8);
			const ticks = nanos.ticksOf(r, step);
			assert.ok(ticks.length >= 2 && ticks.length <= 10, `${span}: ${ticks.length} ticks`);
			assert.ok(ticks.every((t) => t % BigInt(Math.round(step)) === 0n && t >= r.from && t <= nanos.endOf(r)));
			const texts = ticks.map((t) => nanos.tickText(t, step, clock));
			assert.equal(new Set(texts).size, texts.length, texts.join(' '));
		}
	}],
	['tree_given_processes_when_made_rows_then_levels_sizes_and_folding', () => {
		const p = (id, parent, depth, uid = 0) => ({ id, parent, depth, uid, host: 'h', via: [], hop: 0, start: 10, end: NaN, lastSeen: 20 });
		const rows = tree.treeRows([p('a', '', -1), p('b', 'a', 0), p('c', 'b', 1, 5), p('d', 'c', 2, 5), p('e', 'b', 1)]);
		assert.deepEqual(rows.map((r) => [r.level, r.size, r.asUser]), [[0, 4, false], [1, 3, false], [2, 1, true], [3, 0, false], [2, 0, false]]);
		assert.deepEqual(tree.openRows(rows, new Set(['c'])).map((r) => r.process.id), ['a', 'b', 'c', 'e']);
		assert.deepEqual(tree.openRows(rows, new Set(['a'])).map((r) => r.process.id), ['a']);
		assert.deepEqual(tree.lifeSpan(rows, 99), [10, 20]);
		assert.deepEqual(tree.treeRows([]), []);
	}],
	['trace_given_a_clock_that_is_ahead_when_drawn_then_its_processes_stand_by_the_collectors_clock', () => {
		const p = (id, parent, host, depth, start, via = []) => ({ id, parent, host, depth, via, hop: Number(host === 'y'), start, end: start + 10, lastSeen: start + 10 });
		const edge = { key: 'e', time: 1020, connected: { id: 'a', node: 'x', skewMs: 0 }, accepted: { id: 'b', node: 'y', skewMs: 5000 } };
		const list = [p('a', '', 'x', 0, 1000), p('n', 'a', 'x', 1, 1005), p('b', 'a', 'y', 1, 6020, [edge]), p('c', 'b', 'y', 2, 6030)];
		const chart = tree.hopChart(list, 10);
		const y = chart.hosts.find((h) => h.name === 'y');
		assert.equal(y.skewMs, 5000);
		assert.deepEqual(y.rows.map((r) => [r.process.id, r.from, r.to]), [['b', 1020, 1030], ['c', 1030, 1040]]);
		assert.deepEqual(tree.pathsTo(list, new Set(['c'])).map((r) => r.id), ['a', 'b', 'c']);
		assert.deepEqual(tree.pathsTo(list, new Set(['gone'])), []);
	}],
	['retention_given_days_when_limits_are_tried_then_those_go_that_the_collector_would_remove', () => {
		const now = Date.parse('2026-11-28T12:00:00Z');
		const days = ['1970-01-01', '2026-11-20', '2026-11-26', '2026-11-27', '2026-11-28'].map((day) => ({ day, events: 1, bytes: 1000, held: day === '2026-11-20' }));
		const gone = (keepDays, keepBytes) => [...retention.daysThatGo(days, keepDays, keepBytes, now)];
		assert.deepEqual(gone(0, 0), []);
		assert.deepEqual(gone(2, 0), []);
		assert.deepEqual(gone(1, 0), ['2026-11-26']);
		assert.deepEqual(gone(0, 4500), ['2026-11-26']);
		assert.deepEqual(gone(0, 1), ['2026-11-26', '2026-11-27']); /* never today, never what is held */
		for (const [text, bytes] of [['0', 0], ['50G', 50 * 1024 ** 3], ['1.5 T', 1.5 * 1024 ** 4], ['7KiB', 7168], ['12', 12]]) assert.equal(retention.parseSize(text), bytes, text);
		for (const text of ['', 'x', '5Q', '-1', '1e9']) assert.equal(retention.parseSize(text), null, text);
		for (const bytes of [0, 12, 1024, 50 * 1024 ** 3, 1025]) assert.equal(retention.parseSize(retention.sizeText(bytes)), bytes);
	}],
	['progress_given_lines_in_any_pieces_when_read_then_told_and_the_answer_or_the_problem_comes', async () => {
		const text = '{"progress":{"blocks":1,"of":4}}\n{"progress":{"blocks":4,"of":4}}\n{"answer":{"total":7,"s":"ä\\n"}}\n';
		for (const size of [1, 3, 1000]) {
			const bytes = new TextEncoder().encode(text);
			globalThis.fetch = async () => new Response(new ReadableStream({
				start(c) {
					for (let at = 0; at < bytes.length; at += size) c.enqueue(bytes.slice(at, at + size));
					c.close();
				},
			}), { headers: { 'Content-Type': 'application/x-ndjson' } });
			const told = [];
			assert.deepEqual(await client.getJson('/x?a=1', new AbortController().signal, (share) => told.push(share)), { total: 7, s: 'ä\n' });
			assert.deepEqual(told, [0.25, 1]);
		}
		const answer = (body) => { globalThis.fetch = async () => new Response(body, { headers: { 'Content-Type': 'application/x-ndjson' } }); };
		answer('{"problem":{"status":503,"detail":"too many questions wait"}}\n');
		await assert.rejects(client.getJson('/x?a=1', new AbortController().signal, () => {}), (e) => e.status === 503 && e.message === 'too many questions wait');
		answer('{"progress":{"blocks":1,"of":4}}\n');
		await assert.rejects(client.getJson('/x?a=1', new AbortController().signal, () => {}), /broke off/);
	}],
	['split_given_rows_when_put_in_buckets_then_frequent_first_and_the_rest_together', () => {
		const of = { from: 0, to: 3000, intervalMs: 1000 };
		const rows = [...'abcdefghi'].map((v, i) => ['1970-01-01T00:00:01.000000000Z', v, 10 - i]);
		const split = splitOf('x', of, [...rows, ['1970-01-01T00:00:02.000000000Z', null, 100]]);
		assert.deepEqual(split.series.map((s) => s.value), [null, 'a', 'b', 'c', 'd', 'e', 'f', undefined]);
		assert.deepEqual(split.series.at(-1).counts, [0, 4 + 3 + 2, 0]);
		assert.deepEqual(split.series[0].counts, [0, 0, 100]);
	}],
];

process.exit(await runAll(tests));
