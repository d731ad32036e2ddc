// SPDX-License-Identifier: Apache-2.0
// FindBox - narrows a list to what contains a word; `/` goes there.

export function FindBox({ label, value, onFind }: { label: string; value: string; onFind: (text: string) => void }) {
	return <input id="query" type="search" class="find-box" placeholder={`${label} (/)`} aria-label={label} value={value} onInput={(e) => onFind(e.currentTarget.value)} />;
}
