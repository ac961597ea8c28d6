import { describe, expect, test } from 'vitest';
import type { Check } from '../../src/doctor/finding.ts';
import { examineSender, isPublic, reverseName, type SenderQuestion } from '../../src/doctor/sender.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const ME = '203.0.113.7';
const GOOD: MockZones = {
  PTR: { '7.113.0.203.in-addr.arpa': ['vm.a.test'] },
  A: { 'vm.a.test': [ME], 'a.test': ['203.0.113.1'] },
  TXT: {
    'a.test': ['v=spf1 ip4:203.0.113.0/24 -all'],
    '_dmarc.a.test': ['v=DMARC1; p=reject; sp=none'],
    's1._domainkey.a.test': ['v=DKIM1; k=rsa; p=MIGf'],
    'old._domainkey.a.test': ['v=DKIM1; p='],
  },
};
const QUESTION: SenderQuestion = {
  domain: 'a.test',
  address: ME,
  helloName: 'vm.a.test',
  selector: 's1',
  allowLocal: false,
};

async function findings(zones: MockZones, over: Partial<SenderQuestion> = {}) {
  const found = await examineSender({ ...QUESTION, ...over }, mockResolver(zones));
  return Object.fromEntries(found.map(({ check, verdict, text }) => [check, `${verdict}: ${text}`]));
}
const one = async (check: Check, zones: MockZones, over: Partial<SenderQuestion> = {}) =>
  (await findings(zones, over))[check];

describe('examineSender()', () => {
  test('finds nothing wrong where all is right', async () => {
    expect(await findings(GOOD)).toEqual({
      address: `ok: servers see us at ${ME}`,
      reverse: 'ok: its name is vm.a.test, which leads back to it',
      ehlo: `ok: our name in EHLO leads to ${ME}`,
      sender: 'ok: our sender’s domain exists',
      spf: `ok: ${ME} may send for it: "ip4:203.0.113.0/24" of a.test`,
      dkim: 'ok: the DKIM key is there',
      dmarc: 'ok: the policy is reject: mail that passes neither SPF nor DKIM for the domain in From is refused',
    });
  });

  test('judges the reverse name', async () => {
    expect(await one('reverse', { ...GOOD, PTR: {} })).toBe(
      'warning: the address has no name: many servers refuse mail from it',
    );
    const elsewhere = { ...GOOD, A: { ...GOOD.A, 'vm.a.test': ['203.0.113.8'] } };
    expect(await one('reverse', elsewhere)).toMatch(/^warning: its name vm\.a\.test does not lead back/);
    expect(await one('ehlo', elsewhere)).toMatch(/^warning: our name in EHLO does not lead to/);
    expect(await one('reverse', { ...GOOD, fail: ['PTR 7.113.0.203.in-addr.arpa'] })).toMatch(/^unknown: /);
    expect(await one('reverse', { ...GOOD, fail: ['A vm.a.test'] })).toMatch(/^unknown: /);
    expect(await one('ehlo', { ...GOOD, fail: ['A vm.a.test'] })).toMatch(/^unknown: /);
    expect(await findings(GOOD, { helloName: undefined as never })).not.toHaveProperty('ehlo');
  });

  test('leaves open what depends on an address that is not known', async () => {
    const found = await findings(GOOD, { address: '10.0.0.4' });
    expect(found.address).toMatch(/^unknown: we are behind address translation \(10\.0\.0\.4\)/);
    expect(found.spf).toMatch(/^unknown: /);
    expect(found).not.toHaveProperty('reverse');
    expect(await one('address', GOOD, { address: '10.0.0.4', allowLocal: true })).toBe(
      'ok: servers see us at 10.0.0.4',
    );
  });

  test('judges the domain of the sender', async () => {
    expect(await one('sender', {})).toMatch(/^failure: our sender’s domain does not exist in DNS/);
    expect(await one('sender', { MX: { 'a.test': ['0 .'] } })).toMatch(/^warning: .*null MX/);
    expect(await one('sender', { MX: { 'a.test': ['0 m.test'] } })).toMatch(/^ok/);
    expect(await one('sender', { fail: ['MX a.test'] })).toMatch(/^unknown/);
  });

  test('judges SPF by its result', async () => {
    const spf = (record: string) => one('spf', { TXT: { 'a.test': [record] } });
    expect(await spf('v=spf1 -all')).toMatch(/^failure: fail: "-all" of a\.test/);
    expect(await spf('v=spf1 ~all')).toMatch(/^warning: softfail/);
    expect(await spf('v=spf1 ?all')).toMatch(/^warning: neutral/);
    expect(await spf('nothing')).toMatch(/^warning: none/);
    expect(await spf('v=spf1 foo')).toMatch(/^warning: permerror/);
    expect(await spf('v=spf1 ptr')).toMatch(/^unknown/);
  });

  test('judges the DKIM key that is named, and says what is known without one', async () => {
    expect(await one('dkim', GOOD, { selector: 'old' })).toBe('warning: the DKIM key is revoked');
    expect(await one('dkim', GOOD, { selector: 'no' })).toBe('warning: there is no DKIM key of this selector');
    expect(await one('dkim', { fail: ['TXT s1._domainkey.a.test'] })).toMatch(/^unknown/);
    expect(await one('dkim', {}, { selector: undefined as never })).toMatch(/^warning: the domain has no DKIM key/);
    const some = { TXT: { '_domainkey.a.test': ['o=-'] } };
    expect(await one('dkim', some, { selector: undefined as never })).toMatch(/^unknown: which key signs/);
  });

  test('finds the DMARC record of a domain above', async () => {
    expect(await one('dmarc', GOOD, { domain: 'mail.b.a.test' })).toBe('ok: the policy is none');
    expect(await one('dmarc', {})).toBe('warning: there is no DMARC record');
    expect(await one('dmarc', { fail: ['TXT _dmarc.a.test'] })).toMatch(/^unknown/);
    expect(await one('dmarc', { TXT: { '_dmarc.test': ['v=DMARC1; p=reject'] } })).toMatch(/^warning/);
  });
});

test('reverseName() is the name in the reverse zone', () => {
  expect(reverseName('192.0.2.1')).toBe('1.2.0.192.in-addr.arpa');
  expect(reverseName('2001:db8::1')).toBe('1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
});

test('isPublic() leaves out this host and private networks', () => {
  for (const each of ['8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '2001:db8::1']) {
    expect(isPublic(each), each).toBe(true);
  }
  for (const each of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.9.9',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '::1',
    'fd00::1',
    'fe80::1',
    'x',
  ]) {
    expect(isPublic(each), each).toBe(false);
  }
});
