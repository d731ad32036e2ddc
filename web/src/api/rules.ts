// SPDX-License-Identifier: Apache-2.0
// rules - /rules: the detection rules in force, their text, history and exceptions.
import { msOf } from '../lib/time';
import { getJson, request, sendJson, urlOf } from './client';
import { list, num, obj, str, texts, type Raw } from './raw';
import type { Lint, Revision, Rule, RuleProblem, RuleWhole } from './types';

const problems = (v: unknown): RuleProblem[] => list(v).map((p) => ({ line: num(p['line']), column: num(p['column']), text: str(p['text']) }));

function ruleOf(raw: Raw): Rule {
	return {
		id: str(raw['id']), revision: num(raw['revision']), changed: msOf(raw['changed']), enabled: raw['enabled'] !== false,
		status: str(raw['status']), title: str(raw['title']) || str(raw['id']), language: str(raw['language']), level: str(raw['level']),
		techniques: texts(raw['techniques']), problems: problems(raw['problems']),
		exceptions: Array.isArray(raw['exceptions']) ? raw['exceptions'].length : num(raw['exceptions']),
	};
}

function wholeOf(raw: Raw): RuleWhole {
	return {
		...ruleOf(raw), description: str(raw['description']), author: str(raw['author']), bypass: str(raw['bypass']),
		references: texts(raw['references']), falsePositives: texts(raw['false_positives']), tags: texts(raw['tags']), query: str(raw['query']),
		exceptionList: list(raw['exceptions']).map((x) => ({
			id: str(x['id']), condition: str(x['condition']), note: str(x['note']), owner: str(x['owner']), created: msOf(x['created']), expires: msOf(x['expires']),
		})),
	};
}

const path = (id: string, more = ''): string => urlOf(`rules/${encodeURIComponent(id)}${more}`);

export const rules = async (signal: AbortSignal): Promise<Rule[]> => list((await getJson(urlOf('rules'), signal))['rules']).map(ruleOf);
export const rule = async (id: string, signal: AbortSignal): Promise<RuleWhole> => wholeOf(await getJson(path(id), signal));

/** The YAML in force, or that of a revision. */
export async function ruleSource(id: string, revision: number | null, signal: AbortSignal): Promise<string> {
	const response = await request(urlOf(`rules/${encodeURIComponent(id)}/source`, { revision: revision ?? '' }), signal, { Accept: 'text/yaml, */*' });
	return response.text();
}

export async function revisions(id: string, signal: AbortSignal): Promise<Revision[]> {
	return list((await getJson(path(id, '/revisions'), signal))['revisions']).map((r) => ({
		revision: num(r['revision']), created: msOf(r['created']), author: str(r['author']), note: str(r['note']), current: r['current'] === true,
	}));
}

function lintOf(raw: Raw): Lint {
	return {
		wrong: raw['wrong'] === true, failedTests: num(raw['failed_tests']),
		rules: list(raw['rules']).map((r) => ({
			...ruleOf(r), change: str(r['change']), line: num(r['line']), query: str(r['query']),
			tests: list(r['tests']).map((t) => ({ name: str(t['name']), fires: t['fires'] === true, passed: t['passed'] === true, reason: str(t['reason']) })),
		})),
	};
}

export const lint = async (source: string, signal: AbortSignal): Promise<Lint> => lintOf(await sendJson('POST', urlOf('rules/lint'), { source }, signal));
export const applyRules = async (source: string, note: string, signal: AbortSignal): Promise<Lint> =>
	lintOf(await sendJson('POST', urlOf('rules'), { source, note }, signal));
export const rollback = async (id: string, revision: number, signal: AbortSignal): Promise<RuleWhole> =>
	wholeOf(await sendJson('POST', path(id, '/rollback'), { revision }, signal));
export const switchRule = async (id: string, on: boolean, signal: AbortSignal): Promise<RuleWhole> =>
	wholeOf(await sendJson('POST', path(id, on ? '/enable' : '/disable'), {}, signal));
export const deleteRule = async (id: string, signal: AbortSignal): Promise<Raw> => obj(await sendJson('DELETE', path(id), undefined, signal));
export const addException = async (id: string, what: { condition: string; owner: string; note: string; expires: string }, signal: AbortSignal): Promise<RuleWhole> =>
	wholeOf(await sendJson('POST', path(id, '/exceptions'), Object.fromEntries(Object.entries(what).filter(([, v]) => v)), signal));
export const removeException = async (id: string, exception: string, signal: AbortSignal): Promise<RuleWhole> =>
	wholeOf(await sendJson('DELETE', path(id, `/exceptions/${encodeURIComponent(exception)}`), undefined, signal));
