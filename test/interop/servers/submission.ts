import type { TestCertificate } from '../../support/certificates.ts';
import { freePort, makeFolder, makePlace, OWNER, startServer, writeIn } from './chroot.ts';
import { PASSWORD, USER } from './dovecot.ts';

/** As in setup-submission.sh. */
const ROOT = '/var/cache/posthaste-submission/root';

/** Dovecot 2.4 as a submission server with STARTTLS, for USER with PASSWORD; it hands mail on to a relay. */
export interface Submission {
  readonly port: number;
  log(): string;
  stop(): Promise<void>;
}

export async function startSubmission(certificate: TestCertificate, relayPort: number): Promise<Submission> {
  const place = makePlace('submission', ROOT);
  const port = await freePort();
  makeFolder(place, 'mail', OWNER.mailbox);
  writeIn(place, {
    'cert.pem': certificate.cert,
    'key.pem': certificate.key,
    passwords: `${USER}:{PLAIN}${PASSWORD}:${OWNER.mailbox}:${OWNER.mailbox}::${place.inside}/mail::\n`,
    'dovecot.conf': `dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = ${place.inside}/run
protocols = submission
log_path = ${place.inside}/log
default_login_user = dovenull
default_internal_user = dovecot
first_valid_uid = 1
mail_driver = maildir
mail_path = ${place.inside}/mail
ssl = required
ssl_server_cert_file = ${place.inside}/cert.pem
ssl_server_key_file = ${place.inside}/key.pem
hostname = mx.example.org
auth_mechanisms = plain scram-sha-1 scram-sha-256 scram-sha-1-plus scram-sha-256-plus
auth_failure_delay = 0
submission_relay_host = 127.0.0.1
submission_relay_port = ${relayPort}
passdb passwd-file {
  passwd_file_path = ${place.inside}/passwords
}
userdb passwd-file {
  passwd_file_path = ${place.inside}/passwords
}
service submission-login {
  inet_listener submission {
    listen = 127.0.0.1
    port = ${port}
  }
  inet_listener submissions {
    port = 0
  }
}
`,
  });
  const words = ['/usr/sbin/dovecot', '-F', '-c', `${place.inside}/dovecot.conf`];
  return { port, ...(await startServer({ place, words, ports: [port] })) };
}
