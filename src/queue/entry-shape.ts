import { ENTRY_VERSION, type QueueEntry } from '../mail/entry.ts';
import { isRecord } from '../mail/json.ts';
import { isQueueId } from './spool-id.ts';

/*
 * What an entry must be to be worked on, field by field with bounds: nothing that is read from a disk may put a line end
 * into a command or take all memory. Fields that are not known here pass as they are.
 */

/** Why a value is not right, after the path to it; '' where it is. */
type Check = (value: unknown) => string;

const number = (least: number, most: number): Check => {
  const wrong = ` is not a number from ${least} to ${most}`;
  return (value) => (typeof value === 'number' && value >= least && value <= most ? '' : wrong);
};
const count = (most: number): Check => {
  const wrong = ` is not a whole number up to ${most}`;
  return (value) => (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most ? '' : wrong);
};
const truth: Check = (value) => (typeof value === 'boolean' ? '' : ' is neither true nor false');
const one = (...words: readonly unknown[]): Check => {
  const wrong = ` is none of ${words.join(', ')}`;
  return (value) => (words.includes(value) ? '' : wrong);
};
const text = (most: number, form?: RegExp): Check => {
  const wrong = ` is not a text of its form, up to ${most} characters`;
  return (value) =>
    typeof value === 'string' && value.length <= most && (form === undefined || form.test(value)) ? '' : wrong;
};
const list = (check: Check, most: number, least = 0): Check => {
  const wrong = ` is not a list of ${least} to ${most}`;
  return (value) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) return wrong;
    for (let at = 0; at < value.length; at++) {
      const fault = check(value[at]);
      if (fault !== '') return `[${at}]${fault}`;
    }
    return '';
  };
};
const either =
  (first: Check, second: Check): Check =>
  (value) =>
    first(value) === '' ? '' : second(value);

function shape(needed: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check {
  const fields = [
    ...Object.entries(needed).map(([name, check]) => ({ name, check, needed: true })),
    ...Object.entries(optional).map(([name, check]) => ({ name, check, needed: false })),
  ];
  return (value) => {
    if (!isRecord(value)) return ' is no object';
    for (const field of fields) {
      const found = value[field.name];
      if (found === undefined && !field.needed) continue;
      const fault = field.check(found);
      if (fault !== '') return `.${field.name}${fault}`;
    }
    return '';
  };
}

/** The year 10889: far enough, and safe to add to. */
const time = number(0, 2 ** 48);
const octets = count(Number.MAX_SAFE_INTEGER);
const line = (most: number): Check => text(most, /^[^\0-\x08\x0a-\x1f\x7f]*$/);
const words = text(65_536);
const path = line(4096);
const status = text(20, /^[0-9.]+$/);

const address = shape({ local: line(1000), domain: text(300, /^[^\0-\x20\x7f<>]+$/) });
const recipient = shape(
  { address },
  { notify: either(one('never'), list(one('success', 'failure', 'delay'), 3)), original: line(2000), local: one(true) },
);
const reply = shape({ code: count(599), lines: list(words, 1000) }, { status });
const failure = shape(
  {
    scope: one('recipient', 'message', 'host', 'destination'),
    permanent: truth,
    stage: text(20, /^[a-z-]+$/),
    status,
    text: words,
  },
  { reply, host: line(1000), address: line(100), uncertain: truth, advice: words },
);
const past = shape(
  { at: time, outcome: one('delivered', 'deferred', 'failed'), status: text(20), text: words },
  { host: line(1000), address: line(100) },
);
const queued = shape(
  {
    recipient,
    state: one('pending', 'delivered', 'failed', 'removed'),
    attempts: count(1_000_000),
    nextAttempt: time,
    history: list(past, 100),
  },
  { last: failure, warned: one(true) },
);
const way = shape(
  {},
  {
    config: path,
    account: line(200),
    from: line(1000),
    hostname: line(300),
    named: one(true),
    author: address,
    relay: path,
    auth: line(1000),
    passwordFile: path,
    passwordCommand: line(65_536),
    port: count(65_535),
    tls: shape(
      {},
      {
        level: one('none', 'may', 'encrypt', 'verify'),
        ca: path,
        cert: path,
        key: path,
        fingerprints: list(line(200), 1000),
      },
    ),
  },
);
const message = shape(
  {
    headerSize: octets,
    digest: text(64, /^[0-9a-f]{64}$/),
    facts: shape({ size: octets, eightBitHeader: truth, eightBitBody: truth, longestLine: octets, nul: truth }),
  },
  { messageId: line(2000) },
);
const entry = shape(
  {
    version: one(ENTRY_VERSION),
    id: (value) => (typeof value === 'string' && isQueueId(value) ? '' : ' is no queue id'),
    queued: time,
    envelope: shape(
      { sender: either(one(null), address) },
      { id: line(1000), return: one('full', 'headers'), requireTls: truth },
    ),
    message,
    way,
    uid: count(2 ** 32),
    recipients: list(queued, 100_000, 1),
  },
  {
    held: one(true),
    report: shape({ kind: one('failed', 'delayed', 'delivered', 'digest'), passed: count(1000) }),
  },
);

/** Why the value is no entry, such as `.recipients[0].state is none of …`; '' where it is one. */
export const entryFault = (value: unknown): string => entry(value);

export const isEntry = (value: unknown): value is QueueEntry => entryFault(value) === '';
