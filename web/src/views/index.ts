// SPDX-License-Identifier: Apache-2.0
// views - the one table of views.  A view is a folder here: its component, its model (signals), its
// keys and its CSS.  A new one is a folder and a line; the shell, URL and help follow.
import type { FunctionComponent } from 'preact';
import { AlertsView } from './alerts/AlertsView';
import { IncidentsView } from './incidents/IncidentsView';
import { NodesView } from './nodes/NodesView';
import { ProcessView } from './process/ProcessView';
import { RareView } from './rare/RareView';
import { RulesView } from './rules/RulesView';
import { SearchView } from './search/SearchView';
import { SettingsView } from './settings/SettingsView';
import { TimelineView } from './timeline/TimelineView';

export interface View {
	name: string; /* ?view=name; the first one needs none */
	title: string;
	key?: string; /* `g` and this letter; without one it is reached from others, not from the head */
	component: FunctionComponent;
}

export const VIEWS: [View, ...View[]] = [
	{ name: 'search', title: 'Search', key: 's', component: SearchView },
	{ name: 'timeline', title: 'Timeline', key: 't', component: TimelineView },
	{ name: 'process', title: 'Process', component: ProcessView },
	{ name: 'incidents', title: 'Incidents', key: 'i', component: IncidentsView },
	{ name: 'alerts', title: 'Alerts', key: 'a', component: AlertsView },
	{ name: 'rules', title: 'Rules', key: 'r', component: RulesView },
	{ name: 'rare', title: 'Rare', key: 'o', component: RareView },
	{ name: 'nodes', title: 'Nodes', key: 'n', component: NodesView },
	{ name: 'settings', title: 'Settings', key: 'e', component: SettingsView },
];

export const viewNamed = (name: string): View => VIEWS.find((v) => v.name === name) ?? VIEWS[0];
