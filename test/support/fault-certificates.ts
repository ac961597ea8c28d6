import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from './certificates.ts';
import type { Certificates } from './fault-server.ts';

/** The certificates that servers can have, and the file of the authority that issued them. */
export function issueCertificates(folder: string): { readonly certificates: Certificates; readonly ca: string } {
  const authority = createAuthority();
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, authority.ca);
  const names = ['DNS:mx1.dest.test', 'DNS:mx2.dest.test', 'IP:127.0.0.1'];
  const good = authority.issue({ names });
  const certificates = {
    good,
    'wrong-name': authority.issue({ names: ['DNS:other.test'] }),
    'self-signed': authority.issue({ names, selfSigned: true }),
    expired: authority.issue({ names, days: -1 }),
    'old-version': good,
    'asks-for-certificate': good,
  };
  authority.close();
  return { certificates, ca };
}
