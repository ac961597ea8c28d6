import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.ts';

/* A mail server with TLS from the first octet that asks whoever knows whether a bearer token is good. */

export interface BearerSmtpOptions {
  readonly offered: readonly ('XOAUTH2' | 'OAUTHBEARER' | 'PLAIN')[];
  accepts(token: string): boolean;
  readonly user: string;
}

export interface BearerSmtp {
  readonly port: number;
  /** The mechanism of each login that was tried, and how it ended: `XOAUTH2 235`. */
  readonly logins: readonly string[];
  readonly messages: readonly string[];
  readonly connections: () => number;
  close(): Promise<void>;
}

/** What is shown, checked to the octet; undefined where it is not what the mechanism says. */
function bearerOf(mechanism: string, payload: string, port: number): { user: string; token: string } | undefined {
  const text = Buffer.from(payload, 'base64').toString();
  const [, user, token] =
    mechanism === 'XOAUTH2'
      ? (/^user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01$/.exec(text) ?? [])
      : (new RegExp(`^n,a=([^,]+),\x01host=127\\.0\\.0\\.1\x01port=${port}\x01auth=Bearer ([^\x01]+)\x01\x01$`).exec(
          text,
        ) ?? []);
  return user === undefined || token === undefined ? undefined : { user, token };
}

export async function startBearerSmtp({ offered, accepts, user }: BearerSmtpOptions): Promise<BearerSmtp> {
  const logins: string[] = [];
  const messages: string[] = [];
  const sockets = new Set<TLSSocket>();
  let connections = 0;

  function converse(socket: TLSSocket): void {
    const reply = (line: string): void => void socket.write(`${line}\r\n`);
    let refused: string | undefined;
    let loggedIn = false;
    let body: string[] | undefined;
    const line = (text: string): void => {
      if (body !== undefined) {
        if (text === '.') {
          messages.push(body.join('\n'));
          body = undefined;
          reply('250 2.0.0 Ok');
        } else body.push(text);
      } else if (refused !== undefined) {
        // RFC 7628, section 3.2.3; Google's XOAUTH2 has an empty line there.
        const want = refused === 'OAUTHBEARER' ? 'AQ==' : '';
        logins.push(`${refused} ${text === want ? 535 : 501}`);
        refused = undefined;
        reply(text === want ? '535 5.7.8 Username and Password not accepted' : '501 5.5.2 what');
      } else command(text);
    };
    const command = (text: string): void => {
      const [, mechanism, payload = ''] = /^AUTH (\S+)(?: (.*))?$/.exec(text) ?? [];
      if (mechanism !== undefined) login(mechanism, payload);
      else if (text.startsWith('EHLO')) reply(`250-mx.test\r\n250-PIPELINING\r\n250 AUTH ${offered.join(' ')}`);
      else if (text === 'QUIT') socket.end('221 2.0.0 bye\r\n');
      else if (!loggedIn) reply('530 5.7.0 Authentication required');
      else if (text === 'DATA') {
        body = [];
        reply('354 go on');
      } else reply('250 2.0.0 Ok');
    };
    const login = (mechanism: string, payload: string): void => {
      const { port } = server.address() as AddressInfo;
      const shown = bearerOf(mechanism, payload, port);
      loggedIn = shown?.user === user && accepts(shown.token);
      if (loggedIn) logins.push(`${mechanism} 235`);
      else refused = mechanism;
      const why = Buffer.from('{"status":"401","schemes":"bearer"}').toString('base64');
      reply(loggedIn ? '235 2.7.0 Accepted' : `334 ${why}`);
    };
    let unread = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (unread + text).split('\r\n');
      unread = lines.pop() ?? '';
      for (const each of lines) line(each);
    });
    reply('220 mx.test');
  }

  const server = createServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, (socket) => {
    sockets.add(socket);
    connections += 1;
    socket.on('error', () => {});
    converse(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    logins,
    messages,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
