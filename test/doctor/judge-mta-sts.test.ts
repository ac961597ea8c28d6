import { describe, expect, test } from 'vitest';
import type { FoundPolicy } from '../../src/delivery/sts-find.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { judgeMtaSts } from '../../src/doctor/judge-mta-sts.ts';
import type { ShownHost } from '../../src/doctor/probe.ts';
import type { StsPolicy } from '../../src/tls/mta-sts.ts';

const TLS = { version: 'TLSv1.3', cipher: 'x' };
const GOOD = { tls: { ...TLS, verified: true } };
const SELF_SIGNED = { tls: { ...TLS, verified: false, reason: 'it is self-signed' } };
const BARE = { offersStartTls: false };
const DOWN = { refusals: [] };

const policy = (more: Partial<StsPolicy> = {}): FoundPolicy => ({
  ...{ kind: 'policy', id: '7' },
  policy: { mode: 'enforce', mx: ['*.b.test'], maxAge: 604_800, ...more },
});
const host = (name: string, facts?: ShownHost['facts']): ShownHost => ({
  name,
  ...(facts === undefined ? {} : { facts }),
});
const lines = (found: readonly Finding[]): readonly string[] =>
  found.map(({ verdict, subject, text }) => `${verdict} ${subject}: ${text}`);
const judged = (found: FoundPolicy, ...hosts: readonly ShownHost[]) => lines(judgeMtaSts('b.test', found, hosts));

describe('judgeMtaSts()', () => {
  test('is content where every server keeps the policy', () => {
    expect(judged(policy(), host('mx1.b.test', GOOD), host('mx2.b.test', GOOD))).toEqual([
      'ok b.test: the policy is enforce (id 7, for 7 days), and every server keeps it',
    ]);
    expect(judged(policy(), host('mx1.b.test', GOOD), host('mx2.b.test', DOWN))).toEqual([
      'ok b.test: the policy is enforce (id 7, for 7 days); 1 of 2 servers were seen to keep it',
    ]);
    expect(judged(policy({ mode: 'none', mx: [], maxAge: 60 }), host('a.test', BARE))).toEqual([
      'ok b.test: the policy is none (id 7, for 60 s): it asks for nothing',
    ]);
    expect(judged({ kind: 'none' })).toEqual(['ok b.test: there is no MTA-STS policy']);
  });

  test('warns where one server of several does not keep it', () => {
    expect(judged(policy(), host('mx1.b.test', GOOD), host('mx.other.test', GOOD))).toEqual([
      'warning b.test: the policy is enforce (id 7, for 7 days), and 1 of 2 servers do not keep it',
      'warning mx.other.test: the policy does not name it (it names *.b.test)',
    ]);
  });

  test('fails where no server keeps a policy that is enforced', () => {
    const [first, ...rest] = judged(policy(), host('mx1.b.test', SELF_SIGNED), host('mx2.b.test', BARE));
    expect(first).toBe(
      'failure b.test: the policy is enforce (id 7, for 7 days), and no server keeps it: senders that heed it send nothing',
    );
    expect(rest).toEqual([
      'failure mx1.b.test: the policy wants a valid certificate: it is self-signed',
      'failure mx2.b.test: the policy wants TLS, and it offers no STARTTLS',
    ]);
    expect(judged(policy({ mode: 'testing' }), host('mx1.b.test', SELF_SIGNED))).toEqual([
      'warning b.test: the policy is testing (id 7, for 7 days), and its server does not keep it',
      'warning mx1.b.test: the policy wants a valid certificate: it is self-signed',
    ]);
  });

  test('does not know where no server was seen', () => {
    expect(judged(policy(), host('mx1.b.test', DOWN))).toEqual([
      'unknown b.test: the policy is enforce (id 7, for 7 days); its servers were not seen with TLS',
    ]);
    expect(judged({ kind: 'unknown', text: 'SERVFAIL' })).toEqual(['unknown b.test: SERVFAIL']);
  });

  test('says why what is published does not count', () => {
    const broken = (where: 'record' | 'fetch' | 'policy') =>
      judged({ kind: 'broken', where, reason: 'because' }, host('mx1.b.test', GOOD));
    const url = 'https://mta-sts.b.test/.well-known/mta-sts.txt';
    expect(broken('record')).toEqual(['warning b.test: the record at _mta-sts.b.test does not count: because']);
    expect(broken('fetch')).toEqual([`warning b.test: there is a record, and no policy at ${url}: because`]);
    expect(broken('policy')).toEqual([`warning b.test: the policy at ${url} does not count: because`]);
  });

  test('says what is to be done wherever something is wrong', () => {
    const all = [
      ...judgeMtaSts('b.test', policy(), [
        host('mx1.a.test', GOOD),
        host('mx2.b.test', BARE),
        host('mx3.b.test', SELF_SIGNED),
      ]),
      ...judgeMtaSts('b.test', { kind: 'broken', where: 'fetch', reason: 'x' }, []),
    ];
    expect(all.filter(({ advice }) => advice === undefined)).toEqual([]);
    expect(all.map(({ advice }) => advice)).toContain(
      'Its operator has to add "mx: mx1.a.test" to the policy and change the id of the record',
    );
  });
});
