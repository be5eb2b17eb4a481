import type { Block } from '../contract';

/** Which blocks to list, as the service takes it (`model.BlockQuery`); empty fields match all. */
export interface BlockQuery {
  words: string;
  owner: string;
  input: string;
  /** Whether blocks whose newest version is deprecated are listed. */
  deprecated: boolean;
}

/** What was found, and by which question: an answer that is shown may be older than the question. */
export interface Found {
  query: BlockQuery;
  blocks: Block[];
}

export const EVERYTHING: BlockQuery = { words: '', owner: '', input: '', deprecated: true };

/** Rows that are drawn at first, and at each further step down a long list. */
export const PAGE = 60;

export type Filter = 'owner' | 'input';

const TOKEN = /(?:(owner|input):)?(?:"([^"]*)"?|(\S+))/gi;

/**
 * The question that a search field's text asks.
 *
 * `owner:ana` and `input:country` are filters, quoted where they hold spaces (`owner:"Ana Pop"`); the last
 * of a kind counts. All else are words.
 */
export function parseSearch(text: string, deprecated = true): BlockQuery {
  const query: BlockQuery = { ...EVERYTHING, deprecated };
  const words: string[] = [];
  for (const [, field, quoted, bare] of text.matchAll(TOKEN)) {
    const value = (quoted ?? bare ?? '').trim();
    if (field) {
      query[field.toLowerCase() as Filter] = value;
    } else if (/^(owner|input):$/i.test(value)) {
      // A filter that is being typed asks for nothing yet.
      continue;
    } else if (value !== '') {
      words.push(value);
    }
  }
  query.words = words.join(' ');
  return query;
}

/** `text` with a filter set to `value`, in place of another of its kind. */
export function withFilter(text: string, filter: Filter, value: string): string {
  const rest = text.replace(new RegExp(`(^|\\s)${filter}:(?:"[^"]*"?|\\S*)`, 'gi'), ' ').trim();
  const shown = /[\s"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value;
  return `${rest} ${filter}:${shown}`.trim();
}

export function sameQuery(one: BlockQuery, other: BlockQuery): boolean {
  return one.words === other.words && one.owner === other.owner && one.input === other.input && one.deprecated === other.deprecated;
}

/** Whether a question leaves out anything. */
export function isNarrow(query: BlockQuery): boolean {
  return !sameQuery(query, EVERYTHING);
}

/** The address of a web page, or null: only what a browser opens harmlessly becomes a link. */
export function webAddress(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) {
    return null;
  }
  try {
    const address = new URL(text);
    return address.username || address.password ? null : address.href;
  } catch {
    return null;
  }
}

/** An image reference with its digest shortened. */
export function shortReference(reference: string): string {
  const [name, digest] = reference.split('@', 2);
  return digest === undefined ? reference : `${name ?? ''}@${shortDigest(digest)}`;
}

/** `sha256:0123456789ab…`, `0123456789ab`: as much of a digest or commit as people compare. */
export function shortDigest(digest: string, length = 12): string {
  const [algorithm, hash] = digest.includes(':') ? digest.split(':', 2) : ['', digest];
  return `${algorithm ? `${algorithm}:` : ''}${(hash ?? '').slice(0, length)}${(hash ?? '').length > length ? '…' : ''}`;
}
