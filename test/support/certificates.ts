/** Certificates made by the openssl command, once for each run of a test file, in memory afterwards. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256, lower-case hex pairs with colons. */
  readonly fingerprint: string;
}

export interface CertificateWish {
  readonly commonName?: string;
  /** As openssl writes them: `DNS:mx.test`, `IP:127.0.0.1`. */
  readonly names?: readonly string[];
  /** Of validity; negative has expired. */
  readonly days?: number;
  /** Signed by itself and not by the authority. */
  readonly selfSigned?: boolean;
}

export interface Authority {
  /** The authority's own certificate, PEM. */
  readonly ca: string;
  issue(wish: CertificateWish): TestCertificate;
  /** Removes its files. */
  close(): void;
}

export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-ca-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = (name: string): void =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file(name));
  newKey('ca.key');
  newKey('leaf.key');
  openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    file('ca.key'),
    '-subj',
    '/CN=Test CA',
    '-days',
    '30',
    '-out',
    file('ca.pem'),
  );
  const ca = readFileSync(file('ca.pem'), 'utf8');
  const key = readFileSync(file('leaf.key'), 'utf8');
  return {
    ca,
    issue({ commonName = 'leaf', names = [], days = 30, selfSigned = false }) {
      const extension = names.length > 0 ? `subjectAltName=${names.join(',')}\n` : 'basicConstraints=CA:FALSE\n';
      writeFileSync(file('leaf.ext'), extension);
      openssl('req', '-new', '-key', file('leaf.key'), '-subj', `/CN=${commonName}`, '-out', file('leaf.csr'));
      const signer = selfSigned
        ? ['-key', file('leaf.key')]
        : ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-set_serial', String(1000 + days)];
      const request = ['-req', '-in', file('leaf.csr'), '-extfile', file('leaf.ext'), '-days', String(days)];
      openssl('x509', ...request, ...signer, '-out', file('leaf.pem'));
      const cert = readFileSync(file('leaf.pem'), 'utf8');
      return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256.toLowerCase() };
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
