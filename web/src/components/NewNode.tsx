// SPDX-License-Identifier: Apache-2.0
// NewNode - makes a token with which one node may join, and tells what to run on it.
import { useState } from 'preact/hooks';
import { makeJoinToken } from '../api/access';
import { asApiError } from '../api/client';
import { formatMoment } from '../lib/time';
import { utc } from '../state/prefs';
import { Button } from './Button';
import { Notice } from './Notice';
import { Secret } from './Secret';

export function NewNode() {
	const [node, setNode] = useState('');
	const [ttl, setTtl] = useState('1h');
	const [made, setMade] = useState<{ token: string; expires: number } | null>(null);
	const [error, setError] = useState('');
	const make = async (): Promise<void> => {
		try {
			setMade(await makeJoinToken({ node_id: node.trim(), ttl: ttl.trim() }, new AbortController().signal));
			setError('');
		} catch (e) {
			setError(asApiError(e).message);
		}
	};
	return (
		<>
			<p class="muted">A join token lets one node get its certificate; then its sensor sends here, and it appears in the list within a second.</p>
			<form class="row wrap token-form" onSubmit={(e) => {
				e.preventDefault();
				void make();
			}}>
				<label class="grow">Node<input class="text-input mono" placeholder="any, by its own name" value={node} onInput={(e) => setNode(e.currentTarget.value)} spellcheck={false} /></label>
				<label>Good for<input class="text-input mono" size={6} value={ttl} onInput={(e) => setTtl(e.currentTarget.value)} /></label>
				<Button type="submit" kind="primary" label="Make a join token">Make</Button>
			</form>
			{error && <Notice kind="danger" text={error} />}
			{made && <Secret text={`rtsec-sensor enroll --collector ${location.host} --token ${made.token}`} what={`On the node, as root, until ${formatMoment(made.expires, utc.value)}:`} />}
		</>
	);
}
