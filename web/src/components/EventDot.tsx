// SPDX-License-Identifier: Apache-2.0
// EventDot - the category of an event as a small shape of its colour, beside its action.

/** The class that stands for @category: process, file, network, or rtsec for all others. */
export const categoryClass = (category: string): string => (/^(process|file|network)$/.test(category) ? category : 'rtsec');

export function EventDot({ category }: { category: string }) {
	return <i class={`dot ${categoryClass(category)}`} aria-hidden="true" />;
}
