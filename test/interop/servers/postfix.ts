import { join } from 'node:path';
import type { TestCertificate } from '../../support/certificates.ts';
import { type Mailbox, openMaildir } from '../mailbox.ts';
import { freePort, makeFolder, makePlace, OWNER, startServer, writeIn } from './chroot.ts';

/**
 * Postfix 3.7 on several ports, all into one Maildir. `nouser@` is refused, `greylist@` deferred, and more than five
 * recipients in a transaction are too many for it.
 */
export interface Postfix {
  /** STARTTLS, and all that Postfix offers else. */
  readonly port: number;
  /** A server of old: no PIPELINING, CHUNKING, 8BITMIME, SMTPUTF8, DSN or STARTTLS. */
  readonly plainPort: number;
  /** TLS from the first octet. */
  readonly tlsPort: number;
  /** Mail only after a login; passwords are checked by `auth`. */
  readonly loginPort: number;
  readonly mailbox: Mailbox;
  log(): string;
  stop(): Promise<void>;
}

export interface PostfixOptions {
  readonly certificate: TestCertificate;
  /** More of what listens on `port`, on other addresses of loopback. */
  readonly others?: readonly Other[];
  /** The port of Dovecot's authentication service. */
  readonly auth?: number;
}

export interface Other {
  readonly address: string;
  /** PEM: its certificate's key, the certificate, and what it sends with it. Without one there is no STARTTLS. */
  readonly chain?: string;
}

const PLAIN = 'PIPELINING,CHUNKING,8BITMIME,SMTPUTF8,DSN,STARTTLS,ENHANCEDSTATUSCODES';

export async function startPostfix({ certificate, auth, others = [] }: PostfixOptions): Promise<Postfix> {
  const place = makePlace('postfix');
  const [port, plainPort, tlsPort, loginPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  for (const name of ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private']) {
    makeFolder(place, `spool/${name}`, OWNER.postfix);
  }
  for (const name of ['saved', 'trace', 'maildrop', 'public', 'pid']) makeFolder(place, `spool/${name}`, OWNER.postfix);
  makeFolder(place, 'state', OWNER.postfix);
  makeFolder(place, 'mail', OWNER.mailbox);
  writeIn(place, {
    'main.cf': `
compatibility_level = 3.6
queue_directory = ${place.inside}/spool
data_directory = ${place.inside}/state
meta_directory = ${place.inside}
maillog_file = ${place.inside}/log
maillog_file_prefixes = /tmp
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
local_header_rewrite_clients =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_base = ${place.inside}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:${OWNER.mailbox}
virtual_gid_maps = static:${OWNER.mailbox}
virtual_mailbox_limit = 0
smtpd_recipient_limit = 5
smtpd_recipient_restrictions =
  check_recipient_access inline:{
    { nouser@example.org = 550 5.1.1 No such user }
    { greylist@example.org = 450 4.7.1 Greylisted }
  } permit_sasl_authenticated permit_mynetworks reject
smtpd_forbid_bare_newline = yes
smtpd_forbid_bare_newline_exclusions =
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${place.inside}/tls.pem
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${auth ?? 0}
`,
    'master.cf': `
127.0.0.1:${port} inet n - n - - smtpd
127.0.0.1:${plainPort} inet n - n - - smtpd -o smtpd_discard_ehlo_keywords=${PLAIN}
127.0.0.1:${tlsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:${loginPort} inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated reject }
${others.map((other) => listener(other, port, place.inside)).join('\n')}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`,
    // The key first, as Postfix wants it.
    'tls.pem': `${certificate.key}${certificate.cert}`,
    'dynamicmaps.cf': '',
    ...Object.fromEntries(others.map(({ address, chain = '' }) => [`${address}.pem`, chain])),
  });
  const words = ['/usr/lib/postfix/sbin/master', '-c', place.inside, '-d'];
  const running = await startServer({ place, words, ports: [port, plainPort, tlsPort, loginPort] });
  const mailbox = openMaildir(join(place.outside, 'mail/all/new'));
  return { port, plainPort, tlsPort, loginPort, mailbox, ...running };
}

function listener({ address, chain }: Other, port: number, folder: string): string {
  const tls = chain === undefined ? 'smtpd_tls_security_level=none' : `smtpd_tls_chain_files=${folder}/${address}.pem`;
  return `${address}:${port} inet n - n - - smtpd -o ${tls}`;
}
