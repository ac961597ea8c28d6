import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** One message to send, in the same way by every program. */
export interface Job {
  readonly port: number;
  readonly recipients: readonly string[];
  /** STARTTLS with any certificate, and AUTH PLAIN. */
  readonly isSecure: boolean;
  /** The message, with LF; it is on standard input as well. */
  readonly file: string;
  /** A folder for what can't be sent. */
  readonly spool: string;
  /** A file that holds the password. */
  readonly passwordFile: string;
}

export interface Peer {
  readonly name: string;
  readonly isThere: boolean;
  /** The command line, or undefined where it can't do such a job. */
  words(job: Job): readonly string[] | undefined;
}

export const FROM = 'ann@example.org';
const USER = 'ann';
export const PASSWORD = 'secret';

const isInPath = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
const when = (condition: boolean, words: readonly string[]): readonly string[] => (condition ? words : []);

const NODEMAILER = `
const [port, secure, file, ...to] = process.argv.slice(1);
require('nodemailer').createTransport({
  host: '127.0.0.1', port: Number(port), secure: false, ignoreTLS: !secure, requireTLS: !!secure,
  tls: { rejectUnauthorized: false }, ...(secure ? { auth: { user: '${USER}', pass: '${PASSWORD}' } } : {}),
}).sendMail({ envelope: { from: '${FROM}', to }, raw: require('fs').createReadStream(file) },
  (error) => { if (error) { console.error(error); process.exitCode = 1; } });
`;

const NPM_SENDMAIL = `
const [port, file, ...to] = process.argv.slice(1);
require('sendmail')({ silent: true, devHost: '127.0.0.1', devPort: Number(port) })(
  { from: '${FROM}', to: to.join(','), subject: 'hi', text: require('fs').readFileSync(file, 'utf8') },
  (error) => { if (error) process.exitCode = 1; });
`;

const SMTPLIB = `
import smtplib, ssl, sys
port, secure, *to = sys.argv[1:]
server = smtplib.SMTP('127.0.0.1', int(port))
if secure:
    server.starttls(context=ssl._create_unverified_context())
    server.login('${USER}', '${PASSWORD}')
server.sendmail('${FROM}', to, sys.stdin.buffer.read())
server.quit()
`;

export const POSTHASTE: Peer = {
  name: 'posthaste',
  isThere: true,
  words: (job) => [
    'bin/posthaste',
    ...['--relay', job.isSecure ? `smtp+starttls://${USER}@127.0.0.1:${job.port}` : `smtp://127.0.0.1:${job.port}`],
    ...['--tls', job.isSecure ? 'encrypt' : 'none'],
    ...when(job.isSecure, ['--password-file', job.passwordFile]),
    ...['--spool', job.spool, '--file', job.file, '-f', FROM, ...job.recipients],
  ],
};

export const CURL: Peer = {
  name: 'curl',
  isThere: isInPath('curl'),
  words: (job) => [
    ...['curl', '-sS', '--url', `smtp://127.0.0.1:${job.port}/client.example.org`, '--crlf', '-T', job.file],
    ...['--mail-from', FROM, ...job.recipients.flatMap((recipient) => ['--mail-rcpt', recipient])],
    ...when(job.isSecure, ['--ssl-reqd', '-k', '--user', `${USER}:${PASSWORD}`]),
  ],
};

export const NODEMAILER_PEER: Peer = {
  name: 'nodemailer',
  isThere: existsSync('node_modules/nodemailer'),
  words: (job) => [
    ...[process.execPath, '-e', NODEMAILER, `${job.port}`, job.isSecure ? 'yes' : '', job.file],
    ...job.recipients,
  ],
};

export const PEERS: readonly Peer[] = [
  POSTHASTE,
  {
    name: 'msmtp',
    isThere: isInPath('msmtp'),
    words: (job) => [
      ...['msmtp', '--host=127.0.0.1', `--port=${job.port}`, `--from=${FROM}`],
      ...when(job.isSecure, ['--tls=on', '--tls-starttls=on', '--tls-certcheck=off', '--auth=plain']),
      ...when(job.isSecure, [`--user=${USER}`, `--passwordeval=cat ${job.passwordFile}`]),
      ...job.recipients,
    ],
  },
  CURL,
  {
    name: 'swaks',
    isThere: isInPath('swaks'),
    words: (job) => [
      ...['swaks', '--silent', '3', '--pipeline', '--server', '127.0.0.1', '--port', `${job.port}`, '--data', job.file],
      ...['--from', FROM, '--to', job.recipients.join(',')],
      ...when(job.isSecure, ['--tls', '--auth', 'PLAIN', '--auth-user', USER, '--auth-password', PASSWORD]),
    ],
  },
  NODEMAILER_PEER,
  {
    name: 'npm sendmail',
    isThere: existsSync('node_modules/sendmail'),
    words: (job) =>
      job.isSecure ? undefined : [process.execPath, '-e', NPM_SENDMAIL, `${job.port}`, job.file, ...job.recipients],
  },
  {
    name: 'python smtplib',
    isThere: isInPath('/usr/bin/python3'),
    words: (job) => ['/usr/bin/python3', '-c', SMTPLIB, `${job.port}`, job.isSecure ? 'yes' : '', ...job.recipients],
  },
];
