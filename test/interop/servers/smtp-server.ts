import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  SMTPServer,
  type SMTPServerAuthentication,
  type SMTPServerEnvelope,
  type SMTPServerOptions,
} from 'smtp-server';
import type { TestCertificate } from '../../support/certificates.ts';
import type { Mailbox } from '../mailbox.ts';

/** npm's smtp-server, in the process of the tests. Refuses `nouser@`, defers `greylist@`; knows USER with PASSWORD or TOKEN. */
export interface NpmServer {
  readonly port: number;
  /** With the octets as they came over the wire, CRLF and all. */
  readonly mailbox: Mailbox;
  readonly envelopes: readonly SMTPServerEnvelope[];
  /** The mechanism of each login, and whether it was right. */
  readonly logins: readonly string[];
  stop(): Promise<void>;
}

export const USER = 'ann@example.org';
export const PASSWORD = 'tr\u00fcstno1 "\\';
/** For XOAUTH2. */
export const TOKEN = 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==';

class Refusal extends Error {
  readonly responseCode: number;

  constructor(code: number, text: string) {
    super(text);
    this.responseCode = code;
  }
}

const isRight = ({ username, password, accessToken, ...auth }: SMTPServerAuthentication): boolean =>
  username === USER &&
  (auth.method === 'CRAM-MD5' ? auth.validatePassword(PASSWORD) : password === PASSWORD || accessToken === TOKEN);

export async function startNpmServer(
  certificate: TestCertificate,
  options: SMTPServerOptions = {},
): Promise<NpmServer> {
  const arrived: Buffer[] = [];
  const envelopes: SMTPServerEnvelope[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    name: 'mx.example.org',
    cert: certificate.cert,
    key: certificate.key,
    size: 10 * 2 ** 20,
    authOptional: true,
    authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
    disableReverseLookup: true,
    hideDSN: false,
    hideREQUIRETLS: false,
    onAuth(auth, _session, done) {
      logins.push(`${auth.method} ${isRight(auth) ? 'right' : 'wrong'}`);
      if (isRight(auth)) done(null, { user: auth.username });
      else done(new Refusal(535, 'Not you'));
    },
    onRcptTo({ address }, _session, done) {
      if (address.startsWith('nouser@')) done(new Refusal(550, 'No such user'));
      else if (address.startsWith('greylist@')) done(new Refusal(451, 'Greylisted'));
      else done();
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        envelopes.push(session.envelope);
        done(null, `OK: queued as ${arrived.push(Buffer.concat(chunks))}`);
      });
    },
    ...options,
  });
  // A client that hangs up in a handshake is what some tests are about.
  server.on('error', () => {});
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  let taken = 0;
  return {
    port: (listening.address() as AddressInfo).port,
    envelopes,
    logins,
    mailbox: {
      async take(count = 1) {
        // What was answered is here.
        if (arrived.length - taken !== count) throw new Error(`Cannot take mail: ${arrived.length - taken} messages`);
        taken += count;
        return arrived.slice(-count);
      },
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
