// SPDX-License-Identifier: Apache-2.0
// Icon - the few line icons of the UI.  Always beside text or a label; never speaks alone.

const PATHS = {
	search: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10Zm3.7-1.3L14 14',
	clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-9v3l2 1.5',
	sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
	moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
	close: 'm4 4 8 8m0-8-8 8',
	plus: 'M8 3v10M3 8h10',
	minus: 'M3 8h10',
	copy: 'M6 5.5h7.5v8H6zM10 5.5v-3H2.5v8H6',
	pause: 'M5.5 3v10M10.5 3v10',
	play: 'm5 3 8 5-8 5Z',
	down: 'm4 6 4 4 4-4',
	zoomOut: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10Zm3.7-1.3L14 14M5 7h4',
	left: 'm10 4-4 4 4 4',
	right: 'm6 4 4 4-4 4',
	node: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
	warn: 'M8 2 1.5 13.5h13ZM8 6.5v3M8 11.5h.01',
	refresh: 'M13.5 8A5.5 5.5 0 1 1 11.8 4M13.5 1.5V5H10',
	split: 'M3 13V8M6.5 13V3M10 13V6M13.5 13V9.5',
	columns: 'M2.5 3h11v10h-11zM6.5 3v10',
	tree: 'M3 3h4M5 3v10h4M5 8h4M11 8h2.5M11 13h2.5',
	host: 'M2.5 3h11v8h-11zM6 14h4M8 11v3',
	flow: 'M2 5h9M8.5 2.5 11 5 8.5 7.5M14 11H5M7.5 8.5 5 11l2.5 2.5',
	bell: 'M8 2a4 4 0 0 0-4 4c0 4-1.5 5-1.5 5h11S12 10 12 6a4 4 0 0 0-4-4ZM6.5 13.5h3',
	check: 'm3 8.5 3.5 3.5L13 4.5',
	link: 'M6.5 9.5l3-3M7 4.5 8.5 3A3 3 0 0 1 13 7.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
	out: 'M6 2.5H3v11h3M10.5 11 13.5 8l-3-3M13 8H6.5',
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
	return (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none"
			stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">
			<path d={PATHS[name]} />
		</svg>
	);
}
