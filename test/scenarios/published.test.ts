import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority, type TestCertificate } from '../support/certificates.ts';
import { startDns, type ZoneName } from '../support/dns-server.ts';
import { EXTENSIONS, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';
import { startSocksServer } from '../support/socks-server.ts';
import { scratchFolder } from '../support/spool.ts';

/*
 * What `safe.example` publishes about the TLS of its mail servers, and what the built command makes of it. Its MX hosts are
 * mx1 and mx2; a proxy leads from the addresses of mx2 and of its web server, port 443, to ports that are free.
 */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const authority = createAuthority();
afterAll(() => authority.close());

const valid = authority.issue({ names: ['DNS:mx1.safe.example', 'DNS:mx2.safe.example'] });
const selfSigned = authority.issue({ names: ['DNS:elsewhere.example'], selfSigned: true });

const recordOf = ({ cert }: TestCertificate) => ({
  ...{ usage: 3, selector: 0, matchingType: 1 },
  certificate: Buffer.from(new X509Certificate(cert).fingerprint256.replaceAll(':', ''), 'hex'),
});
const policyOf = (mode: string, ...mx: readonly string[]): string =>
  ['version: STSv1', `mode: ${mode}`, ...mx.map((host) => `mx: ${host}`), 'max_age: 604800', ''].join('\n');

interface Scene {
  /** What the MX hosts show; without it, they have no STARTTLS. */
  readonly certificates: readonly (TestCertificate | undefined)[];
  /** Whose keys the TLSA records name, host by host. */
  readonly tlsa?: readonly TestCertificate[];
  /** DNSSEC does not vouch for the MX record. */
  readonly unsigned?: true;
  readonly policy?: string;
}

async function scene({ certificates, tlsa = [], unsigned, policy }: Scene) {
  const folder = scratchFolder();
  const first = await startMx({ host: '127.0.0.1', name: 'mx1.safe.example', ...tlsOf(certificates[0]) });
  const { port } = first;
  const second = await startMx({ host: '127.0.0.1', name: 'mx2.safe.example', ...tlsOf(certificates[1]) });
  let fetched = 0;
  const web = createServer(authority.issue({ names: ['DNS:mta-sts.safe.example'] }), (_request, response) => {
    fetched += 1;
    response.writeHead(200, { 'content-type': 'text/plain' }).end(policy);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port: webPort } = web.address() as AddressInfo;
  const proxy = await startSocksServer({
    routes: { '127.0.0.2': second.port, '127.0.0.9': webPort },
    clientFirst: true,
  });
  const zones: Record<string, ZoneName> = {
    'safe.example': {
      MX: certificates.map((_, index) => `${index} mx${index + 1}.safe.example`),
      ...(unsigned === undefined ? { authentic: true } : {}),
    },
    'mx1.safe.example': { A: ['127.0.0.1'], authentic: true },
    'mx2.safe.example': { A: ['127.0.0.2'], authentic: true },
    'mta-sts.safe.example': { A: ['127.0.0.9'] },
    ...(policy === undefined ? {} : { '_mta-sts.safe.example': { TXT: ['v=STSv1; id=1;'] } }),
  };
  for (const [index, certificate] of tlsa.entries()) {
    zones[`_${port}._tcp.mx${index + 1}.safe.example`] = { TLSA: [recordOf(certificate)], authentic: true };
  }
  let dns = await startDns(zones);
  onTestFinished(async () => {
    web.closeAllConnections();
    web.close();
    await Promise.all([first.close(), second.close(), dns.close()]);
  });
  writeFileSync(join(folder, 'ca.pem'), authority.ca);
  return {
    first,
    second,
    message: 'Subject: x\n\nsecret\n',
    fetched: () => fetched,
    remembered: () => readFileSync(join(folder, 'state/mta-sts.json'), 'utf8'),
    /** From now on there is no record of the policy. */
    async hidePolicy() {
      await dns.close();
      const { '_mta-sts.safe.example': _, ...rest } = zones;
      dns = await startDns(rest);
    },
    async call(...words: readonly string[]) {
      const config = [
        `dns.servers = ["127.0.0.1:${dns.port}"]`,
        `mx = { port = ${port}, allow_local = true }`,
        `tls.ca = "${join(folder, 'ca.pem')}"`,
        `proxy = "socks5://127.0.0.1:${proxy.port}"`,
      ];
      writeFileSync(join(folder, 'posthaste.toml'), `${config.join('\n')}\n`);
      return run(POSTHASTE, [...words, '--config', join(folder, 'posthaste.toml')], {
        stdin: this.message,
        env: { PATH: process.env.PATH ?? '', HOME: folder, POSTHASTE_STATE: join(folder, 'state') },
      });
    },
    /** `0 delivered mx1.safe.example verified dane`, or the status and what is said. */
    async send(...words: readonly string[]): Promise<string> {
      const { status, stdout } = await this.call('--json', '--no-queue', 'ann@safe.example', ...words);
      const [{ outcome, host, tls, status: code, error }] = JSON.parse(stdout).recipients;
      if (outcome !== 'delivered') return `${status} ${outcome} ${code} ${error}`;
      const how = tls === null ? 'in the clear' : tls.verified ? `verified ${tls.policy ?? ''}` : 'not verified';
      return `${status} ${outcome} ${host} ${how}`.trim();
    },
  };
}

const tlsOf = (certificate: TestCertificate | undefined) =>
  certificate === undefined ? {} : { tls: certificate, extensions: [...EXTENSIONS, 'REQUIRETLS'] };

describe('a domain with TLSA records', () => {
  it('gets its mail where the certificate is the one that they name, whatever else it says', async () => {
    const of = await scene({ certificates: [selfSigned], tlsa: [selfSigned] });
    expect(await of.send()).toBe('0 delivered mx1.safe.example verified dane');
    expect(await of.send('--require-tls')).toBe('0 delivered mx1.safe.example verified dane');
    const { stdout } = await of.call('explain', 'ann@safe.example');
    expect(stdout).toMatch(/^ {2}Host {6}0 mx1\.safe\.example: 127\.0\.0\.1; TLS by its TLSA records$/m);
    expect((await of.call('doctor', 'safe.example')).stdout).toMatch(
      / it would take mail \(TLSv1\.3, verified \(DANE\)\)$/m,
    );
  });

  it('gets it at the host whose certificate is as it should be, and nothing at the other', async () => {
    const of = await scene({ certificates: [selfSigned, selfSigned], tlsa: [valid, selfSigned] });
    expect(await of.send()).toBe('0 delivered mx2.safe.example verified dane');
    expect(of.first.commands.filter((line) => /^(?:MAIL|DATA|BDAT)/.test(line))).toEqual([]);
  });

  it('gets none while none is, in the clear neither', async () => {
    const of = await scene({ certificates: [valid], tlsa: [selfSigned] });
    expect(await of.send()).toMatch(
      /^75 deferred 4\.7\.5 .*certificate of mx1\.safe\.example: by its TLSA records: no record matches its certificate/,
    );
    expect(of.first.messages).toEqual([]);
    expect((await of.call('doctor', 'safe.example')).status).toBe(69);
    expect(await of.send('--tls', 'may')).toBe('0 delivered mx1.safe.example verified');
    of.message = `TLS-Required: No\n${of.message}`;
    expect(await of.send()).toBe('0 delivered mx1.safe.example verified');
    expect(await of.send('--require-tls')).toMatch(/^75 deferred 4\.7\.5 /);
  });

  it('gets none without STARTTLS', async () => {
    const of = await scene({ certificates: [undefined], tlsa: [valid] });
    expect(await of.send()).toMatch(/^75 deferred 4\.7\.4 TLS is required, but STARTTLS is not offered/);
    expect(of.first.messages).toEqual([]);
  });

  it('gets it as ever where DNSSEC does not vouch for the way to them', async () => {
    const of = await scene({ certificates: [undefined], tlsa: [valid], unsigned: true });
    expect(await of.send()).toBe('0 delivered mx1.safe.example in the clear');
  });
});

describe('a domain with an MTA-STS policy', () => {
  it('gets its mail at the hosts that it names, with a valid certificate; the policy is asked for once', async () => {
    const of = await scene({ certificates: [valid], unsigned: true, policy: policyOf('enforce', '*.safe.example') });
    expect(await of.send()).toBe('0 delivered mx1.safe.example verified mta-sts');
    expect(await of.send('--tls', 'encrypt')).toBe('0 delivered mx1.safe.example verified mta-sts');
    // Which hosts are the right ones is certain by the policy (RFC 8689, section 4.2.1).
    expect(await of.send('--require-tls')).toBe('0 delivered mx1.safe.example verified mta-sts');
    expect([of.fetched(), of.remembered()]).toEqual([1, expect.stringContaining('"safe.example"')]);
    const { stdout } = await of.call('explain', 'ann@safe.example');
    expect(stdout).toMatch(/^ {2}Host .*; TLS with a valid certificate, by the MTA-STS policy$/m);
  });

  it('gets none at a host that it does not name', async () => {
    const of = await scene({ certificates: [valid, valid], policy: policyOf('enforce', 'mx2.safe.example') });
    expect(await of.send()).toBe('0 delivered mx2.safe.example verified mta-sts');
    expect(of.first.commands).toEqual([]);
  });

  it('gets none where no certificate is valid, nor in the clear, and waits while the policy is hidden', async () => {
    const of = await scene({ certificates: [selfSigned], policy: policyOf('enforce', 'mx1.safe.example') });
    const refused =
      /^75 deferred 4\.7\.5 .*Cannot trust certificate of mx1\.safe\.example: by its MTA-STS policy: it is self-signed/;
    expect(await of.send()).toMatch(refused);
    await of.hidePolicy();
    expect(await of.send()).toMatch(refused);
    expect(of.first.messages).toEqual([]);
    expect(await of.send('--tls', 'may')).toBe('0 delivered mx1.safe.example not verified');
  });

  it('gets it as ever where the policy is only tested, or is none that counts', async () => {
    for (const policy of [policyOf('testing', 'mx9.safe.example'), '<html>']) {
      const of = await scene({ certificates: [selfSigned], unsigned: true, policy });
      expect(await of.send()).toBe('0 delivered mx1.safe.example not verified');
      expect(await of.send('--require-tls')).toMatch(/^69 failed 5\.7\.30 .*neither DNSSEC nor an MTA-STS policy/);
    }
  });

  it('that has TLSA records too gets it by those', async () => {
    const policy = policyOf('enforce', 'mx9.safe.example');
    const of = await scene({ certificates: [selfSigned], tlsa: [selfSigned], policy });
    expect(await of.send()).toBe('0 delivered mx1.safe.example verified dane');
  });
});
