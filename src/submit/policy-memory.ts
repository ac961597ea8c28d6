import { toAscii } from '../mail/domain.ts';
import { isRecord, jsonOf } from '../mail/json.ts';
import { isPolicyId, isStsPolicy, type KnownPolicy, type PolicyMemory } from '../tls/mta-sts.ts';
import { readOwn, WRITABLE_BY_OTHERS } from './own-file.ts';
import { type Asker, statePlace } from './places.ts';
import { replaceState } from './state-file.ts';

/*
 * The policies that domains published by MTA-STS, in a small file that a person can read: JSON with a line for each
 * domain. To take a domain's line away, or the file, is to forget it.
 *
 * It is believed only where nobody but ourselves can have written it: who could, would send mail to a host of his own, or
 * stop it. Every line has to be what we could have written. Several processes may share it; of two that write at the
 * same instant one wins, and what the other had learned is learned again. No trouble with it ever stops mail: what can't
 * be read is not known, and what can't be written is forgotten. There is no secret in it.
 */

/** Octets of the file, and domains. */
const MOST = 524_288;
const MOST_DOMAINS = 1000;
/** Octets of a line, a hundred hosts: a domain with more is not remembered, so that it drives no others out. */
const MOST_LINE = 4096;

interface Failure {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** What is known of a domain. */
interface Line {
  readonly known?: KnownPolicy;
  readonly failure?: Failure;
}

/** By domain, the one that was written last at the end. */
type Lines = ReadonlyMap<string, Line>;

/** The memory of who asks; one that ends with the process where there is no place for it. */
export function policyMemoryOf(asker: Asker): PolicyMemory {
  const place = statePlace('mta-sts.json', asker);
  if ('path' in place) return openPolicyMemory(place.path);
  let text = '';
  return memoryIn({
    read: () => linesOf(text),
    write(written) {
      text = written;
    },
  });
}

export function openPolicyMemory(path: string): PolicyMemory {
  return memoryIn({ read: () => read(path), write: (text) => replaceState(path, text) });
}

interface Storage {
  read(): Lines;
  write(text: string): void;
}

function memoryIn({ read, write }: Storage): PolicyMemory {
  const change = (domain: string, next: (line: Line) => Line): void => {
    const all = new Map(read());
    const line = next(all.get(domain) ?? {});
    all.delete(domain);
    write(textOf(new Map([...all, [domain, line]])));
  };
  return {
    recall: (domain) => read().get(domain)?.known,
    keep: (domain, known) => change(domain, () => ({ known })),
    failed(domain, id) {
      const failure = read().get(domain)?.failure;
      return failure?.id === id ? failure.time : undefined;
    },
    keepFailure: (domain, id, time) => change(domain, (line) => ({ ...line, failure: { id, time } })),
  };
}

function read(path: string): Lines {
  try {
    return linesOf(readOwn({ path, most: MOST, closed: WRITABLE_BY_OTHERS }).toString());
  } catch {
    return new Map();
  }
}

/** What is not as we write it is passed over. */
function linesOf(text: string): Lines {
  const value = jsonOf(text);
  const entries = isRecord(value) ? Object.entries(value) : [];
  return new Map(
    entries.flatMap(([domain, written]) => {
      const line = toAscii(domain) === domain ? readLine(written) : undefined;
      return line === undefined ? [] : [[domain, line] as const];
    }),
  );
}

function readLine(value: unknown): Line | undefined {
  if (!isRecord(value)) return undefined;
  const known = readKnown(value);
  const failure = readFailure(value.failed);
  if (known === undefined && failure === undefined) return undefined;
  return { ...(known === undefined ? {} : { known }), ...(failure === undefined ? {} : { failure }) };
}

function readKnown({
  id,
  fetched,
  mode,
  max_age: maxAge,
  mx,
}: Readonly<Record<string, unknown>>): KnownPolicy | undefined {
  const time = readTime(fetched);
  const policy = { mode, mx, maxAge };
  if (typeof id !== 'string' || !isPolicyId(id) || time === undefined || !isStsPolicy(policy)) return undefined;
  return { id, policy, fetched: time };
}

function readFailure(value: unknown): Failure | undefined {
  if (!isRecord(value) || typeof value.id !== 'string' || !isPolicyId(value.id)) return undefined;
  const time = readTime(value.time);
  return time === undefined ? undefined : { id: value.id, time };
}

function readTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * As many lines as may be, the latest at the end. Of too many, those that have only a failure go first, and then the
 * oldest: what we met with lately is not to drive out what protects mail.
 */
function textOf(lines: Lines): string {
  const all = [...lines];
  const ranked = [...all.filter(([, { known }]) => known === undefined), ...all.filter(([, { known }]) => known)];
  const written: string[] = [];
  // The braces and line ends around them, less the comma that the last has not.
  let left = MOST - 3;
  for (const [domain, line] of ranked.reverse()) {
    const text = lineOf(domain, line);
    const octets = text === undefined ? 0 : Buffer.byteLength(text) + 2;
    if (text === undefined || octets > MOST_LINE) continue;
    if (written.length === MOST_DOMAINS || octets > left) break;
    left -= octets;
    written.unshift(text);
  }
  return `{\n${written.join(',\n')}\n}\n`;
}

/** Only what `readLine` makes the same of: nothing is of a clock that is none. */
function lineOf(domain: string, line: Line): string | undefined {
  const read = toAscii(domain) === domain ? readLine(partsOf(line)) : undefined;
  return read === undefined ? undefined : `  ${JSON.stringify(domain)}: ${JSON.stringify(partsOf(read))}`;
}

function partsOf({ known, failure }: Line): Readonly<Record<string, unknown>> {
  const { mode, maxAge: max_age, mx } = known?.policy ?? {};
  return {
    ...(known === undefined ? {} : { id: known.id, fetched: timeText(known.fetched), mode, max_age, mx }),
    ...(failure === undefined ? {} : { failed: { id: failure.id, time: timeText(failure.time) } }),
  };
}

const timeText = (time: number): string => (Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : '');
