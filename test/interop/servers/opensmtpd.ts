import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCertificate } from '../../support/certificates.ts';
import { type Mailbox, openMaildir } from '../mailbox.ts';
import { freePort, makeFolder, makePlace, OWNER, startServer, writeIn } from './chroot.ts';

/**
 * OpenSMTPD 6.8 on two ports, into one Maildir; it knows `bob@` and `carol@` alone. It offers 8BITMIME and DSN, but
 * neither PIPELINING nor CHUNKING.
 */
export interface OpenSmtpd {
  /** Without TLS. */
  readonly port: number;
  /** Offers STARTTLS, but Debian's 6.8 fails in each handshake: its way to the private key doesn't fit OpenSSL 3. */
  readonly brokenTlsPort: number;
  readonly mailbox: Mailbox;
  log(): string;
  stop(): Promise<void>;
}

export async function startOpenSmtpd(certificate: TestCertificate): Promise<OpenSmtpd> {
  const place = makePlace('opensmtpd');
  const [port, brokenTlsPort] = [await freePort(), await freePort()];
  makeFolder(place, 'mail', OWNER.mailbox);
  writeIn(place, {
    'cert.pem': certificate.cert,
    'key.pem': certificate.key,
    'smtpd.conf': `
pki p cert "${place.inside}/cert.pem"
pki p key "${place.inside}/key.pem"
smtp max-message-size "10M"
listen on 127.0.0.1 port ${port} hostname mx.example.org
listen on 127.0.0.1 port ${brokenTlsPort} tls pki p hostname mx.example.org
table known { "bob@example.org" = "mailbox", "carol@example.org" = "mailbox" }
action "keep" maildir "${place.inside}/mail" virtual <known>
match from any for rcpt-to { "bob@example.org", "carol@example.org" } action "keep"
`,
  });
  chmodSync(join(place.outside, 'key.pem'), 0o600);
  const words = ['/usr/sbin/smtpd', '-d', '-f', `${place.inside}/smtpd.conf`];
  const running = await startServer({ place, words, ports: [port, brokenTlsPort] });
  return { port, brokenTlsPort, mailbox: openMaildir(join(place.outside, 'mail/new')), ...running };
}
