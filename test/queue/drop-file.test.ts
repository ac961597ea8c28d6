import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DropHead, formatDropHead, parseDropHead } from '../../src/queue/drop-file.ts';
import { headFor } from '../support/drop.ts';

const read = (text: string | Buffer) => parseDropHead(Buffer.from(text), 'example.com');

describe('parseDropHead()', () => {
  const all: DropHead = {
    envelope: { id: 'Q1', return: 'headers', requireTls: true },
    sender: { local: 'o"d d', domain: 'example.net' },
    isLocalSender: false,
    isNamed: true,
    recipients: [
      { address: { local: 'bob', domain: 'example.org' }, notify: ['success', 'delay'], original: 'rfc822;bob@x' },
      { address: { local: 'root', domain: 'example.com' }, unqualified: true, notify: 'never' },
    ],
    aliases: false,
    gather: true,
  };
  const local: DropHead = { ...headFor('bob'), sender: { local: 'ann', domain: 'example.com' }, isLocalSender: true };

  test.each([
    ['everything', all],
    ['little', headFor('bob')],
    ['nobody', { ...headFor('bob'), sender: null }],
    ['a name', local],
  ])('reads what formatDropHead() has written of %s', (_, head) => {
    const bytes = formatDropHead(head);
    expect(read(Buffer.concat([bytes, Buffer.from('From: ann\r\n')]))).toEqual({ head, offset: bytes.length });
  });

  test('completes names by the domain of who reads', () => {
    const reading = read(formatDropHead({ ...all, sender: { local: 'ann', domain: 'there' }, isLocalSender: true }));
    expect(reading).toMatchObject({
      head: {
        sender: { local: 'ann', domain: 'example.com' },
        recipients: [{}, { address: { domain: 'example.com' } }],
      },
    });
  });

  const row = (fields: object): string =>
    `posthaste-drop 1\n${JSON.stringify({ sender: 'ann', recipients: [{ to: 'bob@example.org' }], ...fields })}\n`;
  test.each(
    [
      ['', 'no file of a drop'],
      ['posthaste-drop 2\n{}\n', 'another version'],
      ['posthaste-drop 1\n', 'no end'],
      ['posthaste-drop 1\n{"sender":"ann"', 'no end'],
      ['posthaste-drop 1\n{"sender"\n', 'no object'],
      ['posthaste-drop 1\n[]\n', 'no object'],
      [`posthaste-drop 1\n${'['.repeat(100_000)}\n`, 'no object'],
      [row({ sender: undefined }), '"sender"'],
      [row({ sender: 1 }), '"sender"'],
      [row({ sender: 'ann\r\nRCPT TO:<x>' }), '"sender"'],
      [row({ sender: 'a@b, c@d' }), "sender can't be used"],
      [row({ recipients: [] }), '"recipients"'],
      [row({ recipients: 'bob@example.org' }), '"recipients"'],
      [row({ recipients: [null] }), '"recipients"'],
      [row({ recipients: [{ to: '' }] }), '"to"'],
      [row({ recipients: [{ to: 'a@b.example, c@d.example' }] }), '"recipients"'],
      [row({ recipients: [{ to: 'bob@example.org\n' }] }), '"to"'],
      [row({ recipients: [{ to: 'bob@example.org', notify: ['success', 'never'] }] }), '"notify"'],
      [row({ recipients: [{ to: 'bob@example.org', original: 'rfc822;a b' }] }), '"original"'],
      [row({ id: 'a b' }), '"id"'],
      [row({ return: 'all' }), '"return"'],
      [row({ requireTls: 'yes' }), '"requireTls"'],
      [row({ aliases: 0 }), '"aliases"'],
      [row({ named: 'yes' }), '"named"'],
      [row({ recipients: Array.from({ length: 100_001 }, () => ({ to: 'b@c.example' })) }), '"recipients"'],
    ].map(([text = '', reason = ''], index) => [index, reason, text] as const),
  )('refuses text %i: %s', (_, reason, text) => {
    expect(read(text)).toEqual({ fault: expect.stringContaining(reason) });
  });

  test('passes over what it does not know', () => {
    expect(read(row({ later: { x: 1 } }))).toMatchObject({ head: { aliases: true } });
  });

  test('never throws, and lets no control character pass', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('bob@example.org'), fc.jsonValue());
    const fields = fc.record({
      sender: value,
      recipients: fc.array(fc.record({ to: value, original: value })),
      id: value,
    });
    const check = (bytes: Buffer): void => {
      const reading = read(bytes);
      if ('fault' in reading) return;
      const { id, original } = {
        id: reading.head.envelope.id ?? '',
        original: reading.head.recipients[0]?.original ?? '',
      };
      const texts = [id, original, ...reading.head.recipients.map(({ address }) => address.local + address.domain)];
      expect(texts.join('')).not.toMatch(/[\0-\x1f\x7f]/);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => check(Buffer.from(bytes))),
      { seed: 1, numRuns: 200 },
    );
    fc.assert(
      fc.property(fields, (each) => check(Buffer.from(row(each)))),
      { seed: 1, numRuns: 300 },
    );
  });
});
