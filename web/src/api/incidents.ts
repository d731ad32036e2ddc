// SPDX-License-Identifier: Apache-2.0
// incidents - /incidents: alerts that belong together, and why.
import { msOf } from '../lib/time';
import { alertOf } from './alerts';
import { getJson, urlOf } from './client';
import { list, num, str, texts, type Raw } from './raw';
import type { Incident, IncidentStep, IncidentWhole } from './types';

function incidentOf(raw: Raw): Incident {
	return {
		id: str(raw['id']), title: str(raw['title']), score: num(raw['score']), level: str(raw['level']), first: msOf(raw['first']), last: msOf(raw['last']),
		alerts: num(raw['n_alerts']), events: num(raw['n_events']), nodes: texts(raw['nodes']), rules: texts(raw['rules']), techniques: texts(raw['techniques']),
	};
}

/** The steps in the order of time; of each the tie to another is told: its own, or else any that names it. */
function stepsOf(raw: Raw): IncidentStep[] {
	const because = list(raw['because']).map((b) => ({ alert: str(b['alert']), other: str(b['with']), text: str(b['text']) }));
	const alerts = new Map(list(raw['alerts']).map(alertOf).map((a) => [a.id, a]));
	return list(raw['timeline']).flatMap((t, i): IncidentStep[] => {
		const id = str(t['alert']);
		const alert = alerts.get(id);
		const tie = i === 0 ? undefined : because.find((b) => b.alert === id) ?? because.find((b) => b.other === id);
		const other = tie && alerts.get(tie.alert === id ? tie.other : tie.alert);
		return alert ? [{ alert, process: str(t['process']), why: tie?.text ?? '', with: other?.rule.title ?? '' }] : [];
	});
}

export async function incidents(range: { since: string; until: string }, limit: number, signal: AbortSignal): Promise<{ incidents: Incident[]; truncated: boolean }> {
	const raw = await getJson(urlOf('incidents', { ...range, limit }), signal);
	return { incidents: list(raw['incidents']).map(incidentOf), truncated: raw['truncated'] === true };
}

/** The incident that alert @id is part of; only what happened in @range is looked at. */
export async function incident(id: string, range: { since: string; until: string }, signal: AbortSignal): Promise<IncidentWhole> {
	const raw = await getJson(urlOf(`incidents/${encodeURIComponent(id)}`, range), signal);
	return { ...incidentOf(raw), steps: stepsOf(raw), truncated: raw['truncated'] === true };
}
