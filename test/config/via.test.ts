import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLocal, readUrl } from '../../src/config/values.ts';
import { absoluteVia, nameOfVia, parseVia, type Via } from '../../src/config/via.ts';

describe('parseVia()', () => {
  const good = (text: string, via: Partial<Via> & { readonly kind: Via['kind'] }) =>
    test(`reads ${text}`, () => expect(parseVia(text)).toMatchObject({ via }));
  good('mx', { kind: 'mx' });
  good('MX', { kind: 'mx' });
  good('discard', { kind: 'discard' });
  good('reject', { kind: 'reject', text: 'mail for this address is not accepted' });
  good('reject: no, thanks ', { kind: 'reject', text: 'no, thanks' });
  good('account:work.1', { kind: 'account', name: 'work.1' });
  good('maildir:/m/%u', { kind: 'maildir', path: '/m/%u' });
  good('Maildir:~/Mail:1', { kind: 'maildir', path: '~/Mail:1' });
  good('mbox:/var/mail/%u', { kind: 'mbox', path: '/var/mail/%u' });
  good('file:outbox', { kind: 'file', folder: 'outbox' });
  good('smtps://ann@a.test', { kind: 'relay' });
  good('lmtp+unix:/run/lmtp', { kind: 'relay' });

  const bad = (text: string, reason: string) =>
    test(`refuses ${text.slice(0, 40)}`, () => {
      const reading = parseVia(text);
      expect('reason' in reading && reading.reason).toContain(reason);
    });
  bad('', 'it is mx, a URL (');
  bad('mail.a.test', 'it is mx, a URL (');
  bad('mx:', 'nothing may follow "mx"');
  bad('mx:a.test', 'nothing may follow "mx"');
  bad('discard:x', 'nothing may follow "discard"');
  bad(`reject:${'x'.repeat(401)}`, 'at most 400 characters');
  bad('reject:a\u0007', 'on one line');
  bad('account:', 'the name of an account is of letters');
  bad('account:a b', 'the name of an account is of letters');
  bad('maildir:', 'the path is missing');
  bad('mbox:a\n', 'it has blanks or control characters in it');
  bad('mbox:a\0', 'control characters');
  bad('file:~ann/outbox', 'of homes, "~/" is one\'s own');
  bad('ftp://a.test', 'Cannot use relay "ftp://a.test"');
  bad('smtp://ann:secret@a.test', 'a password does not belong in it');

  test('never says what may be a password', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('smtp', 'smtps', 'lmtp', 'socks5', 'x'),
        fc.stringMatching(/^[a-z ?#/]{1,9}$/),
        (scheme, tail) => {
          const reading = parseVia(`${scheme}://ann:geheim@${tail}`);
          expect(JSON.stringify(reading)).not.toContain('geheim');
        },
      ),
      { seed: 3, numRuns: 100 },
    );
  });
});

describe('absoluteVia()', () => {
  const path = (name: string): string => `/etc/${name}`;
  test.each([
    ['maildir:m', 'maildir:/etc/m'],
    ['mbox:m', 'mbox:/etc/m'],
    ['FILE:out', 'FILE:/etc/out'],
    ['lmtp+unix:sock', 'lmtp+unix:/etc/sock'],
    ['lmtp+unix:///run/x', 'lmtp+unix:///run/x'],
    ['mx', 'mx'],
    ['smtp://a.test', 'smtp://a.test'],
    ['reject:file:x', 'reject:file:x'],
    ['account:file', 'account:file'],
  ])('makes of %s %s', (text, want) => expect(absoluteVia(text, path)).toBe(want));
});

describe('nameOfVia()', () => {
  test.each([
    ['mx', 'mx'],
    ['reject:x', 'reject'],
    ['discard', 'discard'],
    ['smtps://ann@a.test', 'smtps://a.test:465'],
    ['account:a', 'account:a'],
    ['maildir:/m', 'maildir:/m'],
    ['mbox:/m', 'mbox:/m'],
    ['file:/m', 'file:/m'],
  ])('of %s is %s', (text, want) => {
    const reading = parseVia(text);
    expect('via' in reading && nameOfVia(reading.via)).toBe(want);
  });
});

describe('readLocal() and readUrl()', () => {
  test.each([
    'relay',
    'reject',
    'reject:gone',
    'maildir:/m',
    'mbox:/m',
    'file:/m',
    'discard',
    'lmtp+unix:/run/lmtp',
    'lmtp://a.test',
  ])('local may be %s', (text) => expect(readLocal(text)).toEqual({ value: text }));
  test.each(['mx', 'smtp://a.test', 'account:a', 'nowhere', ''])('local may not be %s', (text) => {
    expect(readLocal(text)).toEqual({ allowed: '"relay", "reject", "maildir:PATH" or another place here' });
  });
  test('an account is no other account', () => {
    expect(readUrl('account:a')).toEqual({ allowed: 'a way for mail that is no account' });
    expect(readUrl('mx')).toEqual({ value: 'mx' });
  });
});
