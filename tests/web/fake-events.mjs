// SPDX-License-Identifier: Apache-2.0
// fake-events - made-up events of a small fleet; the same seed gives the same events.

const F = (name, type, help) => ({ name, type, help });
const PROCESS = [['name', 'keyword', 'Last component of the path of the executable'], ['executable', 'keyword', 'Absolute path of the executable'], ['args', 'keyword', 'Arguments, the name of the program first'], ['command_line', 'keyword', 'Arguments joined by blanks'], ['pid', 'long', 'Process id'], ['entity_id', 'keyword', 'One process, fleet-wide'], ['user.name', 'keyword', 'Name of the effective user'], ['user.id', 'long', 'Effective user id'], ['working_directory', 'keyword', 'Current directory at exec'], ['start', 'date', 'When the process started']];
export const FIELDS = [
	F('@timestamp', 'date', 'When it happened'), F('event.category', 'keyword', 'process, file, network or rtsec'), F('event.action', 'keyword', 'What was done'), F('event.type', 'keyword', 'ECS type'),
	F('event.outcome', 'keyword', 'success or failure'), F('event.sequence', 'long', 'Number of the event on its node and boot'), F('error.code', 'keyword', 'Name of the error'),
	...PROCESS.map(([n, t, h]) => F(`process.${n}`, t, h)), ...PROCESS.map(([n, t, h]) => F(`process.parent.${n}`, t, h)),
	F('process.exit_code', 'long', 'Status the process ended with'), F('file.path', 'keyword', 'Absolute path as the kernel resolved it'), F('file.open.flags', 'keyword', 'What was asked'), F('file.name', 'keyword', 'Last component of file.path'),
	F('source.ip', 'ip', 'Address of the side that connected'), F('source.port', 'long', ''), F('destination.ip', 'ip', 'Address connected to'), F('destination.port', 'long', ''), F('network.community_id', 'keyword', 'Community ID v1 of the flow'),
	F('host.name', 'keyword', 'Node name'), F('host.id', 'keyword', 'Node id'), F('host.boot.id', 'keyword', 'Boot id'), F('user.name', 'keyword', 'Name of the effective user'), F('rtsec.gap.count', 'long', 'Events lost'), F('rtsec.gap.cause', 'keyword', ''),
];

export function fieldOf(doc, path) {
	const full = path === 'user.name' ? 'process.user.name' : path;
	return full.split('.').reduce((v, key) => v?.[key], doc);
}

function random(seed) {
	let a = (seed * 2654435761) >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const NODES = ['web-1', 'web-1', 'web-2', 'db-1', 'edge-2'];
const SHAPES = [
	['exec', 'sh', '/usr/bin/dash', ['sh', '-c', 'run-parts /etc/cron.hourly'], 'root', 'cron'],
	['exec', 'git', '/usr/bin/git', ['git', 'fetch', '--prune', 'origin'], 'deploy', 'bash'],
	['exec', 'python3.11', '/usr/bin/python3.11', ['python3', 'manage.py', 'migrate', '--noinput'], 'app', 'bash'],
	['exec', 'curl', '/usr/bin/curl', ['curl', '-fsSL', 'https://releases.example.org/agent/latest.json'], 'deploy', 'bash'],
	['exec', 'pg_dump', '/usr/lib/postgresql/15/bin/pg_dump', ['pg_dump', '--format=custom', 'orders'], 'postgres', 'sh'],
	['fork', 'nginx', '/usr/sbin/nginx', ['nginx: master process'], 'root', 'systemd'],
	['end', 'sh', '/usr/bin/dash', ['sh', '-c', 'run-parts /etc/cron.hourly'], 'root', 'cron'],
	['end', 'git', '/usr/bin/git', ['git', 'fetch', '--prune', 'origin'], 'deploy', 'bash'],
	['open', 'nginx', '/usr/sbin/nginx', ['nginx: worker process'], 'www-data', 'nginx', '/var/log/nginx/access.log', ['write', 'append', 'create']],
	['open', 'python3.11', '/usr/bin/python3.11', ['gunicorn: worker [shop]'], 'app', 'python3.11', '/srv/shop/templates/cart.html', ['read']],
	['open', 'sshd', '/usr/sbin/sshd', ['sshd: deploy [priv]'], 'root', 'sshd', '/etc/shadow', ['read']],
	['open', 'postgres', '/usr/lib/postgresql/15/bin/postgres', ['postgres: checkpointer'], 'postgres', 'postgres', '/var/lib/postgresql/15/main/pg_wal/000000010000000A000000C4', ['write']],
	['creation', 'python3.11', '/usr/bin/python3.11', ['gunicorn: worker [shop]'], 'app', 'python3.11', '/tmp/upload-7f31c.part', ['write', 'create', 'exclusive']],
	['deletion', 'python3.11', '/usr/bin/python3.11', ['gunicorn: worker [shop]'], 'app', 'python3.11', '/tmp/upload-7f31c.part'],
	['rename', 'dpkg', '/usr/bin/dpkg', ['dpkg', '--configure', '-a'], 'root', 'apt-get', '/usr/bin/rsync'],
	['connection_attempted', 'python3.11', '/usr/bin/python3.11', ['gunicorn: worker [shop]'], 'app', 'python3.11', '10.0.4.21', 5432],
	['connection_accepted', 'postgres', '/usr/lib/postgresql/15/bin/postgres', ['postgres'], 'postgres', 'systemd', '10.0.4.21', 5432],
	['connection_attempted', 'curl', '/usr/bin/curl', ['curl', '-fsSL', 'https://releases.example.org/agent/latest.json'], 'deploy', 'bash', '2001:db8:12::9', 443],
	['disconnect_received', 'nginx', '/usr/sbin/nginx', ['nginx: worker process'], 'www-data', 'nginx', '10.0.4.11', 443],
];
const CATEGORY = { exec: 'process', fork: 'process', end: 'process', open: 'file', creation: 'file', deletion: 'file', rename: 'file' };
const TYPE = { exec: 'start', fork: 'start', end: 'end', open: 'access', creation: 'creation', deletion: 'deletion', rename: 'change' };
const hex = (r, n) => Array.from({ length: n }, () => Math.floor(r() * 16).toString(16)).join('');

function processOf(r, name, executable, args, user, parent) {
	const uid = { root: 0, 'www-data': 33, postgres: 114 }[user] ?? 1000 + user.length;
	return {
		pid: 400 + Math.floor(r() * 30000), entity_id: hex(r, 16), name, executable, args, command_line: args.join(' '), args_count: args.length,
		working_directory: user === 'root' ? '/' : `/srv/${user}`, user: { id: uid, name: user }, group: { id: uid, name: user }, session: { id: 812 },
		parent: { pid: 1 + Math.floor(r() * 900), entity_id: hex(r, 16), name: parent, executable: `/usr/bin/${parent}`, command_line: parent, user: { id: 0, name: 'root' } },
	};
}

/** Event number @n at @ms with the id @id. */
export function makeEvent(n, ms, id) {
	const r = random(n + 7);
	const shape = SHAPES[Math.floor(r() * r() * SHAPES.length * 1.35) % SHAPES.length];
	const [action, name, executable, args, user, parent, what, more] = shape;
	const node = NODES[Math.floor(r() * NODES.length)];
	const category = CATEGORY[action] ?? 'network';
	const whole = Math.floor(ms);
	const time = new Date(whole).toISOString().replace('Z', `${String(Math.floor(r() * 1e6)).padStart(6, '0')}Z`);
	const failed = action === 'open' && r() < 0.06;
	const doc = {
		_id: id, '@timestamp': time,
		event: { sequence: n, category, action, type: TYPE[action] ?? 'start', outcome: failed ? 'failure' : 'success', ingested: new Date(whole + 41).toISOString() },
		process: processOf(r, name, executable, args, user, parent),
		host: { id: `${node}-7c1f`, name: node, boot: { id: '1f0c7a52-7c38-4c0e-9a53-2b8e6f0d9c11' }, architecture: node === 'edge-2' ? 'aarch64' : 'x86_64', os: { kernel: '6.1.0-25' } },
		agent: { version: '0.1.0' },
	};
	if (failed) doc.error = { code: 'EACCES' };
	if (action === 'end') doc.process.exit_code = r() < 0.9 ? 0 : 1;
	if (action === 'fork') doc.process.child = { pid: 31000 + (n % 1000), entity_id: hex(r, 16) };
	if (category === 'file') {
		doc.file = { path: what, name: what.split('/').pop(), directory: what.replace(/\/[^/]*$/, ''), inode: 100000 + (n % 9999), type: 'file' };
		if (more) doc.file.open = { flags: more };
		if (action === 'rename') doc.file.Ext = { original: { path: `${what}.dpkg-new` } };
	}
	if (category === 'network') {
		const six = what.includes(':');
		doc.source = { ip: six ? '2001:db8:12::2' : '10.0.4.11', port: 32768 + Math.floor(r() * 20000) };
		doc.destination = { ip: what, port: more };
		doc.network = { transport: 'tcp', type: six ? 'ipv6' : 'ipv4', direction: action === 'connection_accepted' ? 'ingress' : 'egress', community_id: `1:${Buffer.from(hex(r, 20)).toString('base64')}` };
		if (action === 'disconnect_received') Object.assign(doc.source, { bytes: 1834 }) && Object.assign(doc.destination, { bytes: 90211 });
	}
	return doc;
}

function gapEvent(n, now) {
	const doc = makeEvent(n, now - 371_000, `e-${n}`);
	delete doc.file;
	delete doc.process;
	delete doc.error;
	Object.assign(doc.event, { category: 'rtsec', action: 'gap', type: 'info', outcome: undefined });
	doc.host.name = 'web-2';
	doc.rtsec = { gap: { count: 1284, class: 'bulk', cause: 'ring_full', from: new Date(now - 395_000).toISOString(), to: new Date(now - 371_000).toISOString() } };
	return doc;
}

const HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

function hostileEvent(n, ms) {
	const doc = makeEvent(n, ms, `e-${n}`);
	delete doc.file;
	Object.assign(doc.event, { category: 'process', action: 'exec', type: 'start', outcome: 'success' });
	const args = ['evil', HOSTILE, 'a\u001b[31mred\u0007\nnext', 'invoice\u202Efdp.exe', '\u05d0\u05d1\u05d2 rtl', `${'A'.repeat(1 << 20)}END`];
	doc.process = { ...doc.process, name: 'evil\u200b', executable: '/tmp/evil\u200b', args, command_line: args.slice(1, 5).join(' ') };
	return doc;
}

/** Some thousand events of the last day, oldest first; the younger the denser; one gap, one hostile. */
export function makeHistory(now) {
	const r = random(42);
	const times = Array.from({ length: 1800 }, () => r() ** 1.5 * 86_400_000);
	for (let i = 0; i < 2600; i++) {
		const at = r() * 900_000;
		if (r() < 0.55 + 0.35 * Math.sin(at / 70_000) + (at > 290_000 && at < 330_000 ? 0.6 : 0)) times.push(at);
	}
	times.sort((a, b) => b - a);
	const docs = times.map((ago, n) => makeEvent(n, now - ago, `e-${n}`));
	docs.push(gapEvent(docs.length, now), hostileEvent(docs.length + 1, now - 600_000));
	return docs.sort((a, b) => (a['@timestamp'] < b['@timestamp'] ? -1 : 1)).map((d, n) => {
		d.event.sequence = n;
		return d;
	});
}
