// SPDX-License-Identifier: Apache-2.0
// model - the state of the settings: the part that is shown and what it lists.
import { batch, computed, effect, signal } from '@preact/signals';
import * as api from '../../api/access';
import { asApiError, isAbort, type ApiError } from '../../api/client';
import { status as askStatus } from '../../api/fleet';
import { resumed } from '../../state/connection';
import { say } from '../../state/toast';
import { param } from '../../state/url';
import type { AuditRow, Status, TokenInfo } from '../../api/types';

const AUDIT_ROWS = 200;
const never = new AbortController().signal;

export const part = computed(() => param('part') || 'you');
export const tokens = signal<TokenInfo[] | null>(null);
export const audit = signal<AuditRow[] | null>(null);
export const older = signal<string | null>(null);
export const status = signal<Status | null>(null);
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

export const makeJoinToken = (node: string, ttl: string): Promise<boolean> => trying(async () => {
	made.value = (await api.makeJoinToken({ node_id: node, ttl }, never)).token;
});

export const olderRows = (): Promise<boolean> => trying(async () => {
	const page = await api.audit(AUDIT_ROWS, older.peek() ?? '', never);
	batch(() => {
		audit.value = [...(audit.peek() ?? []), ...page.rows];
		older.value = page.cursor;
	});
});

const LOAD: Record<string, (abort: AbortSignal) => Promise<void>> = {
	tokens: async (abort) => { tokens.value = await api.tokens(abort); },
	storage: async (abort) => { status.value = await askStatus(abort); },
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
		}),
	];
	return () => stops.forEach((stop) => stop());
}
