// SPDX-License-Identifier: Apache-2.0
// catalog - what the collector knows of fields and nodes; fetched once, nodes now and then.
import { computed, signal } from '@preact/signals';
import { fields } from '../api/events';
import { nodes } from '../api/fleet';
import { isAbort } from '../api/client';
import type { FieldInfo, NodeInfo } from '../api/types';

export const allFields = signal<FieldInfo[]>([]);
export const allNodes = signal<NodeInfo[]>([]);

const byName = computed(() => new Map(allFields.value.map((f) => [f.name, f])));

export const fieldInfo = (name: string): FieldInfo | undefined => byName.value.get(name);

/** Fetches both until @signal fires.  A failure leaves what was known; the connection notice tells. */
export async function loadCatalog(signal: AbortSignal): Promise<void> {
	try {
		const [f, n] = await Promise.all([fields(signal), nodes(signal)]);
		allFields.value = f;
		allNodes.value = n;
	} catch (e) {
		if (!isAbort(e)) console.warn('catalog', String(e));
	}
}

export async function loadNodes(signal: AbortSignal): Promise<void> {
	try {
		allNodes.value = await nodes(signal);
	} catch { /* told by the connection notice */ }
}
