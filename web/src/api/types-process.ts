// SPDX-License-Identifier: Apache-2.0
// types-process - processes, the connections between them, and the lanes of the timeline.

/** A process as its newest row tells it. */
export interface Process {
	id: string;
	parent: string; /* "": unknown */
	depth: number; /* below 0: an ancestor of the one asked for, which is 0 */
	host: string;
	via: Edge[]; /* connections that lead to it from the one above; none: it is a child */
	links: number; /* how many there are */
	hop: number; /* connections on the way to it */
	confidence: number; /* percent */
	again: boolean; /* told before in the same tree */
	pid: number;
	name: string;
	executable: string;
	args: string[];
	cwd: string;
	tty: string;
	sha256: string;
	user: string;
	uid: number | null;
	group: string;
	container: string;
	start: number; /* ms; NaN: unknown, as are the next two */
	end: number;
	lastSeen: number;
	exitCode: number | null;
	exitSignal: string;
	events: { process: number; file: number; network: number } | null; /* null: not counted */
	children: number;
}

/** One end of a connection, by the clock of its node. */
export interface EdgeEnd {
	node: string;
	id: string; /* entity id */
	name: string;
	pid: number;
	time: number; /* ms */
	closed: number; /* ms; NaN: not known */
	skewMs: number; /* how far that clock is ahead of the collector's */
	error: string;
	sent: number; /* bytes, by the side that connected */
	received: number;
}

/** A connection between two processes; with one end null when that was not seen. */
export interface Edge {
	key: string;
	joined: boolean;
	confidence: number; /* percent */
	time: number; /* ms, by the collector's clock */
	community: string;
	transport: string;
	source: { ip: string; port: number };
	destination: { ip: string; port: number };
	connected: EdgeEnd | null;
	accepted: EdgeEnd | null;
	missing: { reason: string; node: string; cause: string } | null;
}

export interface ProcessTree {
	host: string;
	truncated: boolean;
	processes: Process[]; /* each before those below it */
	breaks: Edge[]; /* connections whose other end is missing though its node is known */
	unseenPeers: number; /* addresses without a sensor that were connected to */
}

export interface ProcessFacts extends Process {
	actions: [string, number][];
	programs: (Process & { at: number })[];
}

/** A row of the fleet timeline. */
export interface Lane {
	key: string | number | null; /* value of the field that the lanes are of */
	count: number;
	first: number; /* ms */
	last: number;
	hosts: string[];
	names: string[];
}

export interface LaneCell {
	ms: number;
	lane: Lane['key'];
	count: number;
}

/** A connection from a lane to another. */
export interface LaneFlow {
	from: Lane['key'];
	to: Lane['key'];
	fromNs: bigint; /* by the collector's clock: where it left and where it arrived */
	toNs: bigint;
	fromOwnNs: bigint; /* the same by the clocks of its two nodes */
	toOwnNs: bigint;
	id: string;
	text: string;
}
