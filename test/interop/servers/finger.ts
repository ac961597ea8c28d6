import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../support/run.ts';
import { makePlace, ROOT } from './chroot.ts';

/** Postfix's own client, with DANE. */
export interface Finger {
  /** What it says of the TLS to the mail server of a domain; no mail is sent. */
  ask(domain: string, port: number): Promise<Said>;
  close(): void;
}

export interface Said {
  /** As in its log: `Verified` by TLSA records, or `Untrusted`; `none` without TLS. */
  readonly level: string;
  readonly log: string;
}

/** `nameServer` is an address, at whose port 53 it asks. */
export async function openFinger(nameServer: string): Promise<Finger> {
  const place = makePlace('finger');
  // The C library knows one resolv.conf only: a root of its own, of links to what is in the other one.
  const root = join(place.outside, 'root');
  mkdirSync(join(root, 'tmp'), { recursive: true });
  const folders = ['bin', 'dev', 'etc', 'lib', 'lib64', 'sbin', 'usr'].map((name) => join(ROOT, name));
  const copied = await run('cp', ['-al', ...folders, root]);
  if (copied.status !== 0) throw new Error(`Cannot open posttls-finger: ${copied.stderr}`);
  // Removed first: it is a link to the file of the other root.
  rmSync(join(root, 'etc/resolv.conf'));
  writeFileSync(join(root, 'etc/resolv.conf'), `nameserver ${nameServer}\noptions edns0 trust-ad\n`);
  mkdirSync(join(root, 'conf'));
  writeFileSync(join(root, 'conf/main.cf'), 'compatibility_level = 3.6\ninet_protocols = ipv4\ndnssec_probe =\n');
  return {
    async ask(domain, port) {
      const words = ['/usr/sbin/posttls-finger', '-c', '-l', 'dane', '-t', '10', `${domain}:${port}`];
      const ran = await run('chroot', [root, ...words], {
        env: { PATH: process.env.PATH ?? '', MAIL_CONFIG: '/conf' },
      });
      const log = `${ran.stdout}${ran.stderr}`;
      return { log, level: /: (\w+) TLS connection established/.exec(log)?.[1] ?? 'none' };
    },
    close: () => rmSync(place.outside, { recursive: true, force: true }),
  };
}
