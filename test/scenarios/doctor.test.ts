import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keyDigest } from '../../src/tls/dane.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';
import { createAuthority } from '../support/certificates.ts';
import { type DnsServer, startDns } from '../support/dns-server.ts';
import { type MxServer, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';
import { startSocksServer } from '../support/socks-server.ts';

/* `posthaste doctor` and `explain` with the built command, a name server and a mail server on loopback. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));

let folder = '';
let dns: DnsServer;
let mx: MxServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-doctor-'));
  mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org', tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
  dns = await startDns({
    'example.org': { MX: ['10 mx.example.org'] },
    'mx.example.org': { A: ['127.0.0.1'] },
    'nomail.example': { MX: ['0 .'] },
    'me.example': { MX: ['10 mx.example.org'], TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
    'strict.example': { MX: ['10 mx.example.org'], TXT: ['v=spf1 -all'] },
    '_dmarc.me.example': { TXT: ['v=DMARC1; p=quarantine'] },
    'client.me.example': { A: ['127.0.0.1'] },
    '1.0.0.127.in-addr.arpa': { PTR: ['client.me.example'] },
  });
  writeFileSync(join(folder, 'ca.pem'), TEST_CERTIFICATE);
  const lines = [
    'hostname = "client.me.example"',
    'domain = "me.example"',
    `dns.servers = ["127.0.0.1:${dns.port}"]`,
    `mx = { port = ${mx.port}, allow_local = true }`,
    '[account.pinned]',
    `url = "smtp://127.0.0.1:${mx.port}"`,
    `tls.fingerprints = ["${'00:'.repeat(31)}00"]`,
    '[account.trusted]',
    `url = "smtp://127.0.0.1:${mx.port}"`,
    `tls.ca = "${join(folder, 'ca.pem')}"`,
    '[[route]]',
    'recipient = "here.example"',
    `via = "file:${join(folder, 'out')}"`,
  ];
  writeFileSync(join(folder, 'posthaste.toml'), `${lines.join('\n')}\n`);
});

afterAll(async () => {
  await Promise.all([mx.close(), dns.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const posthaste = (...words: readonly string[]) => remembering(folder, ...words);
const remembering = (state: string, ...words: readonly string[]) =>
  run(POSTHASTE, words, {
    stdin: 'Subject: hi\n\nhello\n',
    env: { PATH: process.env.PATH ?? '', POSTHASTE_CONFIG: join(folder, 'posthaste.toml'), POSTHASTE_STATE: state },
  });

describe('posthaste doctor', () => {
  it('finds that mail would go to a domain, and sends none', async () => {
    const { status, stdout, stderr } = await posthaste('doctor', 'example.org', '--from', 'ann@me.example');
    expect([stderr, status]).toEqual(['', 0]);
    for (const line of [
      /^ {2}ok {7}resolver {4}name servers answer$/m,
      /^For {9}postmaster@example\.org$/m,
      /^ {2}ok {7}mx {10}example\.org: 10 mx\.example\.org$/m,
      /^ {2}ok {7}connect {5}mx\.example\.org: 127\.0\.0\.1 answers on port \d+$/m,
      /^ {2}ok {7}starttls {4}mx\.example\.org: TLSv1\.3, /m,
      /^ {2}ok {7}certificate mx\.example\.org: not verified: it is self-signed; without a policy/m,
      /^ {2}ok {7}session {5}mx\.example\.org: it would take mail \(TLSv1\.3, not verified\)$/m,
      /^ {2}ok {7}reverse {5}127\.0\.0\.1: its name is client\.me\.example, which leads back to it$/m,
      /^ {2}ok {7}ehlo {8}client\.me\.example: our name in EHLO leads to 127\.0\.0\.1$/m,
      /^ {2}ok {7}spf {9}me\.example: 127\.0\.0\.1 may send for it: /m,
      /^ {2}ok {7}dmarc {7}me\.example: the policy is quarantine/m,
      /^Result {6}mail would go \(1 warning\)$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(mx.messages).toEqual([]);
    expect(mx.commands.filter((command) => /^(?:MAIL|RCPT|DATA|BDAT)/i.test(command))).toEqual([]);
  });

  it('fails for what would stop it, and says what to do', async () => {
    const nomail = await posthaste('doctor', 'ann@nomail.example', '--from', 'ann@me.example');
    expect([nomail.status, nomail.stdout]).toEqual([69, expect.stringMatching(/failure {2}mx .*null MX/)]);
    const spf = await posthaste('doctor', 'example.org', '--from', 'ann@strict.example');
    expect(spf.status).toBe(69);
    expect(spf.stdout).toMatch(
      /^ {2}failure {2}spf {9}strict\.example: fail: .*\n {23}Add ip4:127\.0\.0\.1 to the SPF record/m,
    );
    const pinned = await posthaste('doctor', 'pinned');
    expect(pinned.status).toBe(69);
    expect(pinned.stdout).toMatch(
      /failure {2}certificate 127\.0\.0\.1: it does not have the fingerprint.*\n +.*pin [0-9a-f:]{95}$/m,
    );
  });

  it('looks at an account, with the policy that it has', async () => {
    const { status, stdout } = await posthaste('doctor', 'trusted');
    expect(stdout).toMatch(/certificate 127\.0\.0\.1: the name and the issuer are right, \d+ days left$/m);
    expect(stdout).toMatch(/session {5}127\.0\.0\.1: it would take mail \(TLSv1\.3, verified\)$/m);
    expect(status).toBe(0);
  });

  it('is one JSON object when asked for', async () => {
    const { status, stdout } = await posthaste('doctor', '--json', 'ann@here.example');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ version: 1, exit: 0, goes: true, common: [], sender: [] },
      subjects: [
        {
          ...{ name: 'ann@here.example', goes: true },
          ways: [
            {
              ...{ way: `file:${join(folder, 'out')}`, goes: true },
              findings: [{ check: 'way', verdict: 'ok', text: `put into file:${join(folder, 'out')}` }],
            },
          ],
        },
      ],
    });
  });

  it('says what it wants to be asked', async () => {
    const nobody = await posthaste('doctor', 'nobody');
    expect([nobody.status, nobody.stderr]).toEqual([
      64,
      expect.stringMatching(/no account: there are pinned, trusted$/m),
    ]);
    const bad = await posthaste('doctor', 'a@@b');
    expect([bad.status, bad.stderr]).toEqual([65, expect.stringMatching(/^posthaste: Cannot examine "a@@b"/)]);
    expect((await posthaste('doctor', 'a.test', 'b.test')).status).toBe(64);
    expect((await posthaste('doctor', '--dkim-selector', '../x', 'a.test')).status).toBe(64);
    expect((await posthaste('doctor', '--help')).stdout).toMatch(/^Usage: posthaste doctor /);
  });
});

describe('posthaste doctor on what a domain publishes', () => {
  const digest = Buffer.from(keyDigest(new X509Certificate(TEST_CERTIFICATE)), 'hex');
  const tlsa = (certificate: Buffer) => ({ TLSA: [{ usage: 3, selector: 1, matchingType: 1, certificate }] });

  /** The result for a domain with this policy, whose record is of this key; the proxy finds the way to port 443. */
  async function examine(policy: string, key: Buffer) {
    const authority = createAuthority();
    const https = createServer(authority.issue({ names: ['DNS:mta-sts.safe.example'] }), (request, response) => {
      response.writeHead(request.url === '/.well-known/mta-sts.txt' ? 200 : 404, { 'content-type': 'text/plain' });
      response.end(policy);
    });
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
    const { port } = https.address() as AddressInfo;
    const proxy = await startSocksServer({ routes: { '127.0.0.9': port }, clientFirst: true });
    const names = await startDns({
      'safe.example': { MX: ['10 mail.example.org'], authentic: true },
      'mail.example.org': { A: ['127.0.0.1'] },
      'mta-sts.safe.example': { A: ['127.0.0.9'] },
      '_mta-sts.safe.example': { TXT: ['v=STSv1; id=20260101T000000;'] },
      [`_${mx.port}._tcp.mail.example.org`]: { ...tlsa(key), authentic: true },
      'me.example': { MX: ['10 mail.example.org'] },
    });
    onTestFinished(async () => {
      authority.close();
      https.closeAllConnections();
      https.close();
      await names.close();
    });
    writeFileSync(join(folder, 'both.pem'), TEST_CERTIFICATE + authority.ca);
    const lines = [
      `dns.servers = ["127.0.0.1:${names.port}"]`,
      `mx = { port = ${mx.port}, allow_local = true }`,
      `tls.ca = "${join(folder, 'both.pem')}"`,
      `proxy = "socks5://127.0.0.1:${proxy.port}"`,
    ];
    const config = join(folder, 'published.toml');
    writeFileSync(config, `${lines.join('\n')}\n`);
    // Of the policy of another test nothing is to be known.
    const state = mkdtempSync(join(folder, 'state-'));
    return remembering(state, 'doctor', '--config', config, 'safe.example', '--from', 'ann@me.example');
  }

  it('finds that the servers keep to it', async () => {
    const { status, stdout } = await examine(
      'version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n',
      digest,
    );
    expect(stdout).toMatch(
      /^ {2}ok {7}mta-sts {5}safe\.example: the policy is enforce \(id 20260101T000000, for 7 days\), and every server/m,
    );
    expect(stdout).toMatch(
      /^ {2}ok {7}tlsa {8}mail\.example\.org: one TLSA record \(3 1 1\), and the certificate is as they say, authentic/m,
    );
    expect(status).toBe(0);
  });

  it('says that no mail goes where they do not', async () => {
    const { status, stdout } = await examine(
      'version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n',
      Buffer.alloc(32),
    );
    expect(stdout).toMatch(/failure {2}mta-sts {5}safe\.example: .* no server keeps it.*\n +Its operator has to mend/);
    expect(stdout).toMatch(
      /failure {2}mta-sts {5}mail\.example\.org: the policy does not name it.*\n +.*add "mx: mail/,
    );
    expect(stdout).toMatch(/failure {2}tlsa {8}mail\.example\.org: .*no record matches.*\n +.* 3 1 1 [0-9a-f]{64}$/m);
    expect(stdout).toMatch(/failure {2}session {5}mail\.example\.org: .* does not name it$/m);
    expect(stdout).toMatch(/^Result {6}mail would not go/m);
    expect(status).toBe(69);
  });

  it('tells what is wrong with the policy', async () => {
    const { stdout } = await examine('<html>', digest);
    expect(stdout).toMatch(
      /warning {2}mta-sts {5}safe\.example: the policy at https:.* does not count: "<html>" is no line/,
    );
  });
});

describe('posthaste explain', () => {
  it('speaks of the way and connects to nobody', async () => {
    const before = mx.commands.length;
    const { status, stdout } = await posthaste('explain', 'ann@example.org', 'bob@here.example');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}Host {6}10 mx\.example\.org: 127\.0\.0\.1$/m);
    expect(stdout).toMatch(/^Route {7}route 1: the recipient matches \*@here\.example\nWay {9}file:/m);
    expect(mx.commands.length).toBe(before);
  });
});

describe('a failure', () => {
  it('says what to pin where a certificate is not trusted, and with that it goes', async () => {
    const words = ['--no-queue', '--relay', `smtp://127.0.0.1:${mx.port}`, 'ann@example.org'];
    const first = await posthaste(...words);
    expect(first.status).toBe(75);
    const [, advice = '', fingerprint = ''] =
      /\((Where its issuer is your own, .* (--tls-fingerprint [0-9a-f:]{95}))\)$/m.exec(first.stderr) ?? [];
    expect(advice).toContain('--tls-ca');
    const second = await posthaste(...fingerprint.split(' '), ...words);
    expect([second.status, second.stderr, mx.messages.length]).toEqual([0, '', 1]);
  });

  it('points to the aliases where a name of this host is no domain', async () => {
    const { status, stdout, stderr } = await posthaste('--no-queue', '--json', 'root@vm');
    expect([status, stderr]).toEqual([68, expect.stringMatching(/^posthaste: root@vm: failed .*\/etc\/aliases/)]);
    expect(JSON.parse(stdout).recipients[0].advice).toContain('/etc/aliases');
  });
});
