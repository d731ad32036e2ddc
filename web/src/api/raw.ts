// SPDX-License-Identifier: Apache-2.0
// raw - reads what came as JSON, whatever it is, as the type that is wanted.

export type Raw = Record<string, unknown>;

export const obj = (v: unknown): Raw => (v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Raw) : {});
export const list = (v: unknown): Raw[] => (Array.isArray(v) ? (v as Raw[]) : []);
export const num = (v: unknown): number => (typeof v === 'number' ? v : Number(v ?? 0) || 0);
export const str = (v: unknown): string => (v === null || v === undefined ? '' : String(v));
export const texts = (v: unknown): string[] => (Array.isArray(v) ? v.map(str) : []);
