import { join } from 'node:path';
import type { TestCertificate } from '../../support/certificates.ts';
import { type Mailbox, openMaildir } from '../mailbox.ts';
import { freePort, makeFolder, makePlace, OWNER, startServer, writeIn } from './chroot.ts';

/**
 * Exim 4.96 on two ports, into one Maildir. `nouser@` is refused, `greylist@` deferred; `judge@` is only refused when the
 * message has arrived. Inside of TLS it offers logins for USER with PASSWORD; only a login may mail to `closed@`.
 */
export interface Exim {
  /** STARTTLS, CHUNKING, DSN, SMTPUTF8. */
  readonly port: number;
  /** TLS from the first octet. */
  readonly tlsPort: number;
  readonly mailbox: Mailbox;
  log(): string;
  stop(): Promise<void>;
}

export const USER = 'ann';
export const PASSWORD = 'correct "horse" b\u00e4ttery: {1}';

/** Exim expands its settings. */
const literal = (text: string): string => text.replace(/[\\${}"]/g, '\\$&');

export async function startExim(certificate: TestCertificate): Promise<Exim> {
  const place = makePlace('exim');
  const [port, tlsPort] = [await freePort(), await freePort()];
  for (const name of ['spool', 'logs', 'mail']) makeFolder(place, name, OWNER.exim);
  const isUser = `eq{$auth1}{${USER}}`;
  writeIn(place, {
    'tls.pem': `${certificate.cert}${certificate.key}`,
    'exim.conf': `
primary_hostname = mx.example.org
daemon_smtp_ports = ${port} : ${tlsPort}
tls_on_connect_ports = ${tlsPort}
local_interfaces = 127.0.0.1
spool_directory = ${place.inside}/spool
log_file_path = ${place.inside}/logs/%slog
pid_file_path = ${place.inside}/exim.pid
keep_environment =
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
disable_ipv6 = true
message_size_limit = 10M
tls_advertise_hosts = *
tls_certificate = ${place.inside}/tls.pem
tls_privatekey = ${place.inside}/tls.pem
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
auth_advertise_hosts = \${if def:tls_in_cipher {*}}
prdr_enable = true
acl_smtp_mail = accept
acl_smtp_rcpt = check_recipient
acl_smtp_data = check_message
log_selector = +smtp_protocol_error +smtp_syntax_error
begin acl
check_recipient:
  deny  local_parts = nouser
        message = 550 5.1.1 No such user
  defer local_parts = greylist
        message = 451 4.7.1 Greylisted
  deny  local_parts = closed
        !authenticated = *
        message = 550 5.7.1 Not without a login
  accept
check_message:
  deny  condition = \${if match{$recipients}{judge@}}
        message = 554 5.6.0 Not such a message
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{$auth2}{${USER}}}{eq{$auth3}{${literal(PASSWORD)}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{${isUser}}{eq{$auth2}{${literal(PASSWORD)}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if ${isUser} {${literal(PASSWORD)}} fail}
  server_set_id = $auth1
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = ${place.inside}/mail
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
begin retry
* * F,1m,1m
`,
  });
  const words = ['/usr/sbin/exim4', '-C', `${place.inside}/exim.conf`, '-bdf'];
  const running = await startServer({ place, words, ports: [port, tlsPort] });
  return { port, tlsPort, mailbox: openMaildir(join(place.outside, 'mail/new')), ...running };
}
