/*
 * What an old program's configuration becomes. Each format has a file of its own, pure, that gives an `Imported`; `render`
 * writes it as ours. What can't be said in ours, or would mean something else, is left out and told, line by line: a
 * configuration that silently does less is worse than one that has to be looked at. A password is never in it but as a
 * `password` of an account, which `render` never writes.
 */

export type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };

/** Keys of ours in the order in which they are written; those that are undefined are none. */
export type Fields = Readonly<Record<string, Value | undefined>>;

export interface ImportedAccount {
  readonly name: string;
  readonly fields: Fields;
  readonly password?: string;
}

/** Of a line that may be anything, a password too. */
export const UNKNOWN = 'it begins with no word that is known';

/** What was not taken over; without any value that could be secret. */
export interface LeftOut {
  /** From 1; 0 where it is no line's. */
  readonly line: number;
  readonly text: string;
}

export interface Imported {
  readonly root: Fields;
  readonly accounts: readonly ImportedAccount[];
  readonly routes: readonly Fields[];
  readonly left: readonly LeftOut[];
}

/** Reads another file that the configuration names or that lies beside it; undefined where it can't be read. */
export type ReadBeside = (name: string) => string | undefined;

export interface Import {
  readonly text: string;
  readonly beside: ReadBeside;
}

export interface Server {
  readonly host: string;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly protocol: 'smtp' | 'smtp+starttls' | 'smtps' | 'lmtp';
}

/** The URL of a relay. The port is said where it is not that of the scheme. */
export function urlOf({ host, port, user, protocol }: Server): string {
  const login = user === undefined || user === '' ? '' : `${encodeURIComponent(user)}@`;
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${protocol}://${login}${name}${port === undefined || port === PORTS[protocol] ? '' : `:${port}`}`;
}

const PORTS: Readonly<Record<Server['protocol'], number>> = { smtp: 25, 'smtp+starttls': 587, smtps: 465, lmtp: 24 };

/** The port that a program means where it says none. */
export const portOr = (text: string | undefined, usual: number): number =>
  text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : usual;

/** SHA-256 in hexadecimal digits, with or without colons: the only digest that ours takes. */
export const isSha256 = (text: string): boolean => /^(?:[0-9a-f]{2}:?){32}$/i.test(text);

export interface Line {
  readonly number: number;
  readonly text: string;
}

/** The lines that say something; `#` begins a comment only at the start. */
export const linesOf = (text: string): readonly Line[] =>
  text
    .split(/\r\n|\n|\r/)
    .map((each, index) => ({ number: index + 1, text: each.trim() }))
    .filter((each) => each.text !== '' && !each.text.startsWith('#'));
