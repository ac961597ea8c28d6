import { describe, expect, test } from 'vitest';
import { localPath } from '../../src/delivery/local-path.ts';

const to = (local: string, domain = 'example.org') => ({ address: { local, domain } });

describe('localPath()', () => {
  test.each([
    ['/var/mail/%u', to('Bob'), '/var/mail/bob'],
    ['/mail/%d/%u/Maildir', to('bob+tag'), '/mail/example.org/bob+tag/Maildir'],
    ['/mail/100%%/%x', to('../etc'), '/mail/100%/%x'],
    ['/mail/%u', to('%d'), '/mail/%d'],
    ['/mail/%u-%u', to('$&'), '/mail/$&-$&'],
    ['/mail/%d', to('a', '[IPv6:2001:db8::1]'), '/mail/[IPv6:2001:db8::1]'],
    ['/mail/%u', to('jürgen'), '/mail/jürgen'],
    ['outbox', to('a/b'), 'outbox'],
  ])('%s is made a path', (pattern, recipient, path) => {
    expect(localPath(pattern, recipient)).toEqual({ path });
  });

  test.each([
    ['..'],
    ['.'],
    ['.ssh'],
    ['a/b'],
    ['../../etc/passwd'],
    ['a\\b'],
    ['a\x1bb'],
    ['a\u202eb'],
    ['a\x7f'],
    [''],
    ['x'.repeat(65)],
    ['ü'.repeat(33)],
  ])('refuses the local part %j', (local) => {
    const found = localPath('/var/mail/%u', to(local));
    expect(found).toMatchObject({ failure: { permanent: true, status: '5.1.1', scope: 'recipient' } });
    expect('failure' in found && found.failure.text).not.toMatch(/[\0-\x1f\x7f\u202e]/);
  });

  test('refuses a domain that could lead elsewhere', () => {
    for (const domain of ['..', 'a/b', '', 'x'.repeat(256)]) {
      expect(localPath('/mail/%d', to('bob', domain))).toHaveProperty('failure');
    }
  });
});
