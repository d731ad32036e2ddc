// SPDX-License-Identifier: Apache-2.0
// model - the state of the settings: the part that is shown and what it lists.
import { batch, computed, effect, signal } from '@preact/signals';
import * as api from '../../api/access';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { retention as askRetention, setRetention, status as askStatus } from '../../api/fleet';
import * as out from '../../api/outputs';
import { plural } from '../../lib/text';
import { resumed } from '../../state/connection';
import { say } from '../../state/toast';
import { param } from '../../state/url';
import type { AuditRow, DeadLetter, Output, Retention, Status, TokenInfo } from '../../api/types';

const AUDIT_ROWS = 200;
const DEAD_ROWS = 100;
const never = new AbortController().signal;

export const part = computed(() => param('part') || 'you');
export const tokens = signal<TokenInfo[] | null>(null);
export const audit = signal<AuditRow[] | null>(null);
export const older = signal<string | null>(null);
export const status = signal<Status | null>(null);
export const retention = signal<Retention | null>(null);
export const outputs = signal<Output[] | null>(null);
/** The newest dead letters of an output that they were asked of. */
export const dead = signal<{ name: string; letters: DeadLetter[] } | null>(null);
export const error = signal<ApiError | null>(null);
export const made = signal(''); /* the text of a token that was just made */
const again = signal(0);

async function trying(run: () => Promise<void>): Promise<boolean> {
	try {
		await run();
		error.value = null;
		return true;
	} catch (e) {
		if (!isAbort(e)) error.value = asApiError(e);
		return false;
	}
}

export const makeToken = (what: { name: string; role: string; scope: string; ttl: string }): Promise<boolean> => trying(async () => {
	made.value = await api.makeToken(what, never);
	again.value++;
});

export const revoke = (id: string): Promise<boolean> => trying(async () => {
	await api.revokeToken(id, never);
	say('Revoked: it opens nothing any more');
	again.value++;
});

export const olderRows = (): Promise<boolean> => trying(async () => {
	const page = await api.audit(AUDIT_ROWS, older.peek() ?? '', never);
	batch(() => {
		audit.value = [...(audit.peek() ?? []), ...page.rows];
		older.value = page.cursor;
	});
});

export const keep = (what: { keepDays: number; keepBytes: number } | null): Promise<boolean> => trying(async () => {
	retention.value = await setRetention(what, never);
	say(what ? 'Set: it holds within a minute' : 'As configured, within a minute');
});

export const testOutput = (name: string): Promise<boolean> => trying(async () => {
	const why = await out.testOutput(name, never);
	say(why ? `${name}: ${why}` : `${name} has taken a made-up alert`);
	again.value++;
});

export const replay = (name: string): Promise<boolean> => trying(async () => {
	say(`${plural(await out.replayDead(name, never), 'dead letter')} told again`);
	dead.value = null;
	again.value++;
});

export const showDead = (name: string): Promise<boolean> => trying(async () => {
	dead.value = { name, letters: await out.deadLetters(name, DEAD_ROWS, never) };
});

export const silence = (name: string, what: { rule: string; node: string; ttl: string; note: string }): Promise<boolean> => trying(async () => {
	await out.silence(name, what, never);
	say(`${name} keeps these to itself`);
	again.value++;
});

export const endSilence = (name: string, id: string): Promise<boolean> => trying(async () => {
	await out.endSilence(name, id, never);
	say('The silence has ended');
	again.value++;
});

const LOAD: Record<string, (abort: AbortSignal) => Promise<void>> = {
	tokens: async (abort) => { tokens.value = await api.tokens(abort); },
	storage: async (abort) => {
		const [told, kept] = await Promise.all([askStatus(abort), askRetention(abort)]);
		batch(() => {
			status.value = told;
			retention.value = kept;
		});
	},
	outputs: async (abort) => { outputs.value = await out.outputs(abort); },
	audit: async (abort) => {
		const page = await api.audit(AUDIT_ROWS, '', abort);
		batch(() => {
			audit.value = page.rows;
			older.value = page.cursor;
		});
	},
};

/** Runs the view until the returned function is called. */
export function startModel(): () => void {
	const stops = [
		effect(() => {
			const load = LOAD[part.value];
			void [again.value, resumed.value];
			if (!load) return undefined;
			const abort = new AbortController();
			void trying(() => load(abort.signal));
			return () => abort.abort();
		}),
		effect(() => {
			void part.value;
			made.value = '';
			error.value = null;
			dead.value = null;
		}),
	];
	return () => stops.forEach((stop) => stop());
}
