/*
 * What a domain publishes by MTA-STS (RFC 8461), read and compared; pure.
 *
 *   readStsRecord(texts)        the TXT records of _mta-sts.DOMAIN: the id of the policy, none, or why it does not count
 *   parseStsPolicy(text)        what https://mta-sts.DOMAIN/.well-known/mta-sts.txt says
 *   isStsPolicy(value)          whether what was written down is such a policy
 *   matchesMx(pattern, host)    whether a host is one that the policy names
 *
 * A record or policy that breaks the grammar is none at all for who sends (section 3): the reasons are for people.
 */
import { isRecord } from '../mail/json.ts';
import { quoted } from '../mail/printable.ts';

export type StsRecord =
  | { readonly kind: 'none' }
  | { readonly kind: 'record'; readonly id: string }
  | { readonly kind: 'broken'; readonly reason: string };

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Lower case: names of hosts, or `*.` and a domain. */
  readonly mx: readonly string[];
  /** Seconds. */
  readonly maxAge: number;
}

/** The policy of a domain as it was when it was last fetched. */
export interface KnownPolicy {
  /** Of the record that it was fetched for. */
  readonly id: string;
  readonly policy: StsPolicy;
  /** Milliseconds since 1970. */
  readonly fetched: number;
}

/** What outlives a process. It knows nothing of time: whoever asks judges what is too old. Nothing of it ever throws. */
export interface PolicyMemory {
  /** The last policy that was kept of a domain, however old. */
  recall(domain: string): KnownPolicy | undefined;
  keep(domain: string, known: KnownPolicy): void;
  /** When the policy of a domain with this record's id last could not be had; milliseconds since 1970. */
  failed(domain: string, id: string): number | undefined;
  keepFailure(domain: string, id: string, time: number): void;
}

/** Where the policy of a domain is, on the host `mta-sts.DOMAIN`. */
export const POLICY_PATH = '/.well-known/mta-sts.txt';

const WHITE = '[ \\t]*';
// Section 3.1: names of 1 to 32, values without `;`, `=` and blanks.
const FIELD = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([!-:<>-~]+)$/;
const DELIMITER = new RegExp(`${WHITE};${WHITE}`);

/** RFC 8461, section 3.1. Other TXT records of the name are passed over. */
export function readStsRecord(texts: readonly string[]): StsRecord {
  const [text, ...more] = texts.filter((one) => /^v=STSv1(?![A-Za-z0-9])/.test(one));
  if (text === undefined) return { kind: 'none' };
  if (more.length > 0) return { kind: 'broken', reason: `there are ${more.length + 1} records, and one is allowed` };
  const [version, ...fields] = text.replace(/[ \t]*;?[ \t]*$/, '').split(DELIMITER);
  if (version !== 'v=STSv1') return { kind: 'broken', reason: `no ";" follows "v=STSv1" in ${quoted(text, 100)}` };
  const bad = fields.find((field) => !FIELD.test(field));
  if (bad !== undefined) return { kind: 'broken', reason: `${quoted(bad, 100)} is no field` };
  const id = fields.find((field) => field.startsWith('id='))?.slice(3);
  if (id === undefined) return { kind: 'broken', reason: 'it has no id' };
  if (!isPolicyId(id)) {
    return { kind: 'broken', reason: `its id ${quoted(id, 100)} is not of 1 to 32 letters and digits` };
  }
  return { kind: 'record', id };
}

export const isPolicyId = (text: string): boolean => /^[A-Za-z0-9]{1,32}$/.test(text);

// Section 3.2: a year.
const LONGEST = 31_557_600;
const LINE = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(\S(?:[^\r\n]*\S)?)[ \t]*$/;
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const PATTERN = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})+$`, 'i');

/** RFC 8461, section 3.2. Fields that are not known are passed over; of one that is there twice, the first counts. */
export function parseStsPolicy(text: string): { readonly policy: StsPolicy } | { readonly reason: string } {
  const fields = new Map<string, string>();
  const mx: string[] = [];
  // Files end with a line end, and some with an empty line.
  for (const line of text.replace(/(?:\r?\n)+$/, '').split(/\r?\n/)) {
    const [, key = '', value = ''] = LINE.exec(line) ?? [];
    if (key === '') return { reason: `${quoted(line, 100)} is no line of "key: value"` };
    if (key === 'mx') {
      if (!isPattern(value)) return { reason: `mx ${quoted(value, 100)} is no host name` };
      mx.push(value.toLowerCase());
    } else if (!fields.has(key)) fields.set(key, value);
  }
  const version = fields.get('version');
  if (version !== 'STSv1') return { reason: wrong('version', version, '"STSv1"') };
  const mode = fields.get('mode');
  if (!isMode(mode)) {
    return { reason: wrong('mode', mode, '"enforce", "testing" or "none"') };
  }
  const age = fields.get('max_age');
  if (age === undefined || !/^[0-9]{1,10}$/.test(age) || Number(age) > LONGEST) {
    return { reason: wrong('max_age', age, `a number of seconds up to ${LONGEST}`) };
  }
  if (mx.length === 0 && mode !== 'none') return { reason: 'it names no mx' };
  return { policy: { mode, mx, maxAge: Number(age) } };
}

const isPattern = (text: string): boolean => PATTERN.test(text) && text.length <= 255;
const isMode = (value: unknown): value is StsPolicy['mode'] =>
  value === 'enforce' || value === 'testing' || value === 'none';

/** Whether it is what `parseStsPolicy` could have read. */
export function isStsPolicy(value: unknown): value is StsPolicy {
  if (!isRecord(value)) return false;
  const { mode, mx, maxAge } = value;
  if (!isMode(mode) || !Array.isArray(mx) || (mx.length === 0 && mode !== 'none')) return false;
  if (!mx.every((one) => typeof one === 'string' && isPattern(one) && one === one.toLowerCase())) return false;
  return typeof maxAge === 'number' && Number.isInteger(maxAge) && maxAge >= 0 && maxAge <= LONGEST;
}

const wrong = (key: string, value: string | undefined, want: string): string =>
  value === undefined ? `it has no ${key}` : `${key} is ${quoted(value, 100)}, and must be ${want}`;

/** RFC 8461, section 4.1: `*` stands for one whole label. */
export function matchesMx(pattern: string, host: string): boolean {
  const [wanted, name] = [pattern.toLowerCase(), host.toLowerCase().replace(/\.$/, '')];
  if (!wanted.startsWith('*.')) return wanted === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === wanted.slice(1);
}
