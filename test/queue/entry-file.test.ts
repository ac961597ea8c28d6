import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENTRY_VERSION, type QueueEntry } from '../../src/mail/entry.ts';
import { parseEntry, serializeEntry } from '../../src/queue/entry-file.ts';
import { entryFault } from '../../src/queue/entry-shape.ts';
import { draftFor } from '../support/draft.ts';

const ID = '0mwsdvcmn26m70v';
const [pending] = draftFor('bob').recipients;
const full: QueueEntry = {
  version: ENTRY_VERSION,
  id: ID,
  ...draftFor('bob', 'jos\u00e9'),
  envelope: { sender: null, id: 'QQ+1', return: 'headers', requireTls: true },
  message: {
    headerSize: 15,
    digest: 'a'.repeat(64),
    messageId: '<1@example.net>',
    facts: { size: 100, eightBitHeader: false, eightBitBody: true, longestLine: 70, nul: false },
  },
  way: { relay: 'smtps://ann@example.net', port: 465, tls: { level: 'verify', fingerprints: ['aa:bb'] } },
  recipients: [
    { ...pending!, recipient: { ...pending!.recipient, notify: ['failure', 'delay'], original: 'rfc822;bob' } },
    {
      ...pending!,
      state: 'failed',
      attempts: 1,
      warned: true,
      last: {
        scope: 'recipient',
        permanent: true,
        stage: 'rcpt',
        status: '5.1.1',
        text: 'refused',
        reply: { code: 550, status: '5.1.1', lines: ['5.1.1 no \ud800 such user'] },
        host: 'mx.example.org',
      },
      history: [{ at: 1_800_000_000_000, outcome: 'failed', status: '5.1.1', text: '550 5.1.1 no such user' }],
    },
  ],
  held: true,
  report: { kind: 'failed', passed: 1 },
};
const bytes = serializeEntry(full);

describe('parseEntry()', () => {
  test('reads what serializeEntry() wrote, as one line of JSON', () => {
    expect(parseEntry(bytes, ID)).toEqual({ kind: 'entry', entry: full });
    expect(JSON.parse(bytes.toString())).toMatchObject({ check: expect.any(String), id: ID });
    expect(bytes.toString().indexOf('\n')).toBe(bytes.length - 1);
  });

  test('keeps fields that it does not know', () => {
    const more = { ...full, colour: 'red' };
    expect(parseEntry(serializeEntry(more), ID)).toEqual({ kind: 'entry', entry: more });
  });

  test('finds every file damaged that was cut, anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect({ length, kind: parseEntry(bytes.subarray(0, length), ID).kind }).toEqual({ length, kind: 'damaged' });
    }
  });

  test('never takes a file for an entry where one bit was turned round', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(parseEntry(flipped, ID).kind).not.toBe('entry');
    }
  });

  test('never throws, and takes no other bytes for an entry', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(Buffer.from)), (any) => {
        expect(parseEntry(Buffer.from(any), ID).kind).not.toBe('entry');
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('tells other versions apart from what is damaged', () => {
    const version = (text: string) => parseEntry(Buffer.from(text), ID).kind;
    expect(version('{"version":0}')).toBe('version');
    expect(version('{"version":2,"anything":[]}\n')).toBe('version');
    expect(version('{"version":1}')).toBe('damaged');
    expect(version('{"version":"2"}')).toBe('damaged');
    expect(version('[2]')).toBe('damaged');
    expect(version('null')).toBe('damaged');
  });

  test('refuses an entry under the name of another', () => {
    expect(parseEntry(bytes, '0mwsdvcmn26m70w')).toEqual({
      kind: 'damaged',
      reason: `it is the entry ${ID} under another name`,
    });
  });
});

/** The entry with one field replaced: `change('recipients.0.state', 'lost')`. */
function change(path: string, value: unknown): unknown {
  const copy = structuredClone(full);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce<unknown>((at, name) => Reflect.get(Object(at), name), copy);
  Reflect.set(Object(holder), last, value);
  return copy;
}

describe('entryFault()', () => {
  test('names the field that is wrong', () => {
    const bad = (path: string, value: unknown, why: string) =>
      expect({ path, value, why: entryFault(change(path, value)) }).toEqual({ path, value, why });
    expect(entryFault(full)).toBe('');
    bad('id', '../../../etc/pas', '.id is no queue id');
    bad('version', 2, '.version is none of 1');
    bad('recipients', [], '.recipients is not a list of 1 to 100000');
    bad('recipients.0.state', 'lost', '.recipients[0].state is none of pending, delivered, failed, removed');
    bad('recipients.1.nextAttempt', -1, `.recipients[1].nextAttempt is not a number from 0 to ${2 ** 48}`);
    bad('recipients.1.attempts', 1.5, '.recipients[1].attempts is not a whole number up to 1000000');
    bad('held', false, '.held is none of true');
  });

  test('refuses line ends and NUL wherever they could become a command', () => {
    const fields = [
      'recipients.0.recipient.address.local',
      'recipients.0.recipient.address.domain',
      'recipients.0.recipient.original',
      'envelope.id',
      'way.relay',
      'way.passwordCommand',
      'message.messageId',
    ];
    for (const field of fields) {
      for (const text of ['a\r\nRCPT TO:<eve@example.com>', 'a\nb', 'a\rb', 'a\0b']) {
        expect({ field, fault: entryFault(change(field, text)) }).not.toEqual({ field, fault: '' });
      }
    }
  });

  test('refuses values of another kind, whichever field has them', () => {
    const refused = (path: string) =>
      [{}, [[]], 7.5, Symbol.iterator].filter((value) => entryFault(change(path, value)) === '').length;
    for (const path of ['id', 'envelope', 'message.digest', 'message.facts.nul', 'way.tls', 'recipients.0.recipient']) {
      expect({ path, taken: refused(path) }).toEqual({ path, taken: path === 'way.tls' ? 1 : 0 });
    }
  });
});

describe('serializeEntry()', () => {
  test('throws rather than writing what could not be read again', () => {
    expect(() => serializeEntry({ ...full, id: 'x' })).toThrow('Cannot write entry: entry.id is no queue id');
    expect(() => serializeEntry({ ...full, queued: Number.NaN })).toThrow('.queued is not a number');
  });
});
