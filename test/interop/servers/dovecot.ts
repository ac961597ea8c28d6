import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCertificate } from '../../support/certificates.ts';
import { type Mailbox, openMaildir } from '../mailbox.ts';
import { freePort, makeFolder, makePlace, OWNER, startServer, writeIn } from './chroot.ts';

/**
 * Dovecot 2.3: LMTP, and the passwords of Postfix. It knows `bob@` and `carol@`; `full@` has a mailbox without room, which
 * it only says when the message has arrived.
 */
export interface Dovecot {
  /** LMTP with STARTTLS and CHUNKING. */
  readonly port: number;
  /** The same on a socket. */
  readonly socket: string;
  /** Where Postfix asks for logins: USER with PASSWORD. */
  readonly authPort: number;
  readonly bob: Mailbox;
  readonly carol: Mailbox;
  log(): string;
  stop(): Promise<void>;
}

export const USER = 'ann@example.org';
export const PASSWORD = 'pa55 w\u00f6rd = \\0';

export async function startDovecot(certificate: TestCertificate): Promise<Dovecot> {
  const place = makePlace('dovecot');
  const [port, authPort] = [await freePort(), await freePort()];
  makeFolder(place, 'mail', OWNER.mailbox);
  makeFolder(place, 'run', 0);
  chmodSync(join(place.outside, 'run'), 0o755);
  const user = (name: string, extra = '') =>
    `${name}@example.org::${OWNER.mailbox}:${OWNER.mailbox}::${place.inside}/mail::${extra}\n`;
  writeIn(place, {
    'tls.pem': `${certificate.cert}${certificate.key}`,
    users: `${user('bob')}${user('carol')}${user('full', 'userdb_quota_rule=*:bytes=100')}`,
    passwords: `${USER}:{PLAIN}${PASSWORD}\n`,
    'dovecot.conf': `
base_dir = ${place.inside}/run
protocols = lmtp
log_path = ${place.inside}/log
default_login_user = dovenull
default_internal_user = dovecot
mail_location = maildir:${place.inside}/mail/%n
mail_plugins = quota
first_valid_uid = 1
ssl = yes
ssl_cert = <${place.inside}/tls.pem
ssl_key = <${place.inside}/tls.pem
hostname = mx.example.org
postmaster_address = postmaster@example.org
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${place.inside}/passwords
}
userdb {
  driver = passwd-file
  args = ${place.inside}/users
}
plugin {
  quota = maildir:Mailbox
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
  unix_listener lmtp {
    mode = 0666
  }
}
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${authPort}
  }
}
`,
  });
  const words = ['/usr/sbin/dovecot', '-F', '-c', `${place.inside}/dovecot.conf`];
  const running = await startServer({ place, words, ports: [port, authPort] });
  const mailbox = (name: string) => openMaildir(join(place.outside, 'mail', name, 'new'));
  const socket = join(place.outside, 'run/lmtp');
  return { port, socket, authPort, bob: mailbox('bob'), carol: mailbox('carol'), ...running };
}
