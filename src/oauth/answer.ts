import { isRecord, jsonOf } from '../mail/json.ts';
import { quoted } from '../mail/printable.ts';
import type { Answer } from './post.ts';

/** What a token endpoint gave (RFC 6749, section 5.1). */
export interface Granted {
  readonly kind: 'granted';
  readonly access: string;
  /** A new one, in the place of the one that was shown. */
  readonly refresh?: string;
  /** Milliseconds that the access token is good for. */
  readonly lifetime: number;
}

/** What it gave in its place. */
export type Denied =
  /** An error by its name (section 5.2; RFC 8628, section 3.5); `text` is for people, in the provider's own words. */
  | { readonly kind: 'error'; readonly error: string; readonly text: string }
  /** Nothing that it could have said. */
  | { readonly kind: 'nonsense'; readonly reason: string };

/** A device's code (RFC 8628, section 3.2). */
export interface DeviceCode {
  readonly kind: 'device';
  readonly device: string;
  readonly user: string;
  readonly url: string;
  /** Milliseconds between two questions, and until the code is worth nothing. */
  readonly interval: number;
  readonly lifetime: number;
}

/** RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** No more than a login by SMTP can carry (RFC 4954, section 4). */
const MOST_TOKEN = 9000;
/** Where the endpoint does not say: an hour is what all give. */
const USUAL_LIFETIME = 3_600_000;
const MOST_LIFETIME = 30 * 86_400_000;

const nonsense = (reason: string): Denied => ({ kind: 'nonsense', reason });

/** Reads the answer to a request for tokens. */
export function readGrant(answer: Answer): Granted | Denied {
  const fields = readFields(answer);
  if (!('content' in fields)) return fields;
  const { access_token: access, token_type: type, refresh_token: refresh } = fields.content;
  if (typeof access !== 'string' || !TOKEN.test(access) || access.length > MOST_TOKEN) {
    return nonsense('it says yes and gives no access token');
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return nonsense('its token is no bearer token');
  if (refresh !== undefined && !isSecret(refresh)) return nonsense('its refresh token is none');
  const lifetime = milliseconds(fields.content.expires_in, { usual: USUAL_LIFETIME, most: MOST_LIFETIME });
  return { kind: 'granted', access, lifetime, ...(refresh === undefined ? {} : { refresh }) };
}

/** Any text that fits on a line: it is opaque to us. */
const isSecret = (value: unknown): value is string => typeof value === 'string' && /^[ -~]{1,16384}$/.test(value);

/** Reads the answer to a device's request. */
export function readDeviceCode(answer: Answer): DeviceCode | Denied {
  const fields = readFields(answer);
  if (!('content' in fields)) return fields;
  const { device_code: device, user_code: user, interval, expires_in } = fields.content;
  // Google has called it so since before the RFC.
  const url = fields.content.verification_uri ?? fields.content.verification_url;
  if (!isSecret(device)) return nonsense('it gives no device code');
  if (typeof user !== 'string' || !/^[!-~]([ -~]{0,62}[!-~])?$/.test(user)) return nonsense('it gives no code to type');
  if (typeof url !== 'string' || !/^https:\/\/[!-~]{1,500}$/.test(url)) return nonsense('it gives no https:// URL');
  return {
    ...{ kind: 'device', device, user, url },
    // Section 3.5: five seconds where it says nothing. A minute's patience is not for it to try.
    interval: Math.max(1000, milliseconds(interval, { usual: 5000, most: 60_000 })),
    lifetime: milliseconds(expires_in, { usual: 600_000, most: 1_800_000 }),
  };
}

/** A number of seconds; some say it as a text. */
function milliseconds(value: unknown, { usual, most }: { readonly usual: number; readonly most: number }): number {
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds >= 0)) return usual;
  return Math.min(seconds * 1000, most);
}

type Fields = Readonly<Record<string, unknown>>;

function readFields({ status, type, body }: Answer): { readonly content: Fields } | Denied {
  // RFC 6749, section 3.1: an endpoint has one place, and what is shown to it is for it alone.
  if (status >= 300 && status < 400) return nonsense(`it leads elsewhere (status ${status})`);
  if (!/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) {
    return nonsense(`its answer is no JSON (status ${status}, ${type === '' ? 'no type' : quoted(type, 60)})`);
  }
  const content = parse(body);
  if (content === undefined) return nonsense(`its JSON can't be read (status ${status})`);
  if (typeof content.error === 'string') return { kind: 'error', ...wordsOf(content.error, content.error_description) };
  return status === 200 ? { content } : nonsense(`it gives no reason (status ${status})`);
}

function parse(body: string): Fields | undefined {
  const value = jsonOf(body);
  return isRecord(value) ? value : undefined;
}

/** The error's name is compared with others, its description is only shown. */
function wordsOf(error: string, description: unknown): { readonly error: string; readonly text: string } {
  const name = /^[ !#-[\]-~]{1,60}$/.test(error) ? error : 'an error';
  // Microsoft's second line is for its own people.
  const [line = ''] = typeof description === 'string' ? description.split(/[\r\n]/, 1) : [];
  return { error: name, text: line === '' ? name : `${name}: ${quoted(line, 200)}` };
}
