// SPDX-License-Identifier: Apache-2.0
// toast - a short word on what was just done; gone by itself.
import { signal } from '@preact/signals';

export const toast = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
	toast.value = text;
	clearTimeout(timer);
	timer = setTimeout(() => { toast.value = ''; }, 1800);
}
