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

/** The way with its path made absolute, as text that `parseVia` reads again. */
export function absoluteVia(text: string, absolute: (path: string) => string): string {
  const [, scheme, path] = /^(maildir:|mbox:|file:|lmtp\+unix:)(.+)$/is.exec(text) ?? [];
  return scheme === undefined || path === undefined || /^\/\//.test(path) ? text : scheme + absolute(path);
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
