import { parseRelay, type Relay } from './relay.ts';

/*
 * What `via` of a route and the URL of an account can be: a relay, the MX hosts of each recipient's domain, or a place on
 * this host. `~/` at the start of a path is the home of the user whose process delivers; `%u` and `%d` in it are the local
 * part and the domain of the recipient.
 */

/** A place on this host. Paths are absolute. */
export type LocalTarget =
  | { readonly kind: 'maildir'; readonly path: string }
  | { readonly kind: 'mbox'; readonly path: string }
  /** One file for each message: what is sent while one develops. */
  | { readonly kind: 'file'; readonly folder: string }
  | { readonly kind: 'discard' }
  | { readonly kind: 'reject'; readonly text: string };

export type Via =
  | { readonly kind: 'mx' }
  | { readonly kind: 'relay'; readonly relay: Relay }
  | { readonly kind: 'account'; readonly name: string }
  | LocalTarget;

export type ViaReading = { readonly via: Via } | { readonly reason: string };

/** All that a way can be, for messages. */
export const FORMS = [
  'mx',
  'a URL (smtp://, smtps://, smtp+starttls://, lmtp://, lmtp+unix:)',
  'account:NAME',
  'maildir:PATH',
  'mbox:PATH',
  'file:FOLDER',
  'discard',
  'reject:TEXT',
].join(', ');

// A reply's line has 512 octets with its code (RFC 5321, section 4.5.3.1.5).
const MAX_TEXT = 400;

/** Reads a way. A reason never holds what stands before the `@` of a URL. */
export function parseVia(text: string): ViaReading {
  const [, word = '', rest = ''] = /^([A-Za-z]+)(?::(.*))?$/.exec(text) ?? [];
  const isBare = !text.includes(':');
  switch (word.toLowerCase()) {
    case 'mx':
      return isBare ? { via: { kind: 'mx' } } : { reason: 'nothing may follow "mx"' };
    case 'discard':
      return isBare ? { via: { kind: 'discard' } } : { reason: 'nothing may follow "discard"' };
    case 'reject':
      return readReject(rest.trim());
    case 'account':
      return isAccountName(rest) ? { via: { kind: 'account', name: rest } } : { reason: NAME };
    case 'maildir':
      return readPath(rest, (path) => ({ kind: 'maildir', path }));
    case 'mbox':
      return readPath(rest, (path) => ({ kind: 'mbox', path }));
    case 'file':
      return readPath(rest, (folder) => ({ kind: 'file', folder }));
    default: {
      if (isBare) return { reason: `it is ${FORMS}` };
      const reading = parseRelay(text);
      return 'relay' in reading ? { via: { kind: 'relay', relay: reading.relay } } : reading;
    }
  }
}

const NAME = 'the name of an account is of letters, digits, ".", "-" and "_"';
const isAccountName = (text: string): boolean => /^[\w.-]{1,64}$/.test(text);

function readReject(text: string): ViaReading {
  if (text.length > MAX_TEXT || /[\0-\x1f\x7f]/.test(text)) {
    return { reason: `the text of a reject has at most ${MAX_TEXT} characters, on one line` };
  }
  return { via: { kind: 'reject', text: text === '' ? 'mail for this address is not accepted' : text } };
}

function readPath(path: string, make: (path: string) => Via): ViaReading {
  if (path === '') return { reason: 'the path is missing' };
  if (/^~[^/]/.test(path)) return { reason: 'of homes, "~/" is one\'s own' };
  return /[\0\r\n]/.test(path) ? { reason: 'the path has control characters in it' } : { via: make(path) };
}

/** The name in `account:NAME`; undefined for any other way. */
export function accountOf(text: string): string | undefined {
  const [scheme, rest] = splitScheme(text);
  return scheme === 'account' ? rest : undefined;
}

const WITH_PATH: readonly string[] = ['maildir', 'mbox', 'file', 'lmtp+unix'];

/** The way with its path made absolute, as text that `parseVia` reads again. */
export function absoluteVia(text: string, absolute: (path: string) => string): string {
  const [scheme, path] = splitScheme(text);
  if (path === '' || path.startsWith('//') || !WITH_PATH.includes(scheme)) return text;
  return text.slice(0, scheme.length + 1) + absolute(path);
}

/** The scheme in lower case and what follows its colon. (A pattern for all cases takes V8 a third of a millisecond.) */
function splitScheme(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? ['', ''] : [text.slice(0, colon).toLowerCase(), text.slice(colon + 1)];
}

/** What the way is called in messages: never with a user. */
export function nameOfVia(via: Via): string {
  switch (via.kind) {
    case 'mx':
    case 'discard':
    case 'reject':
      return via.kind;
    case 'relay':
      return via.relay.display;
    case 'account':
      return `account:${via.name}`;
    case 'maildir':
    case 'mbox':
      return `${via.kind}:${via.path}`;
    case 'file':
      return `file:${via.folder}`;
  }
}
