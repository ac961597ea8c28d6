import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { TestCertificate } from './certificates.ts';

/*
 * The server's side of SCRAM by RFC 5802, written for the tests alone and strict: it refuses a `y` where it has offered
 * channel binding, a kind that it does not know, and bytes that are not its own.
 */
export interface ScramRules {
  readonly hash: 'sha256' | 'sha1';
  readonly user: string;
  readonly password: string;
  /** It has offered a mechanism with channel binding. */
  readonly offersBinding: boolean;
  /** This exchange is one of those. */
  readonly bound: boolean;
  /** The bytes of each kind that it knows. */
  readonly bindings: Readonly<Record<string, Buffer>>;
}

export type ScramAnswer = { readonly challenge: string } | { readonly refused: string } | 'done';

export function createScramServer(rules: ScramRules): (message: string) => ScramAnswer {
  const { hash, bindings } = rules;
  const salt = Buffer.from('a salt of the test');
  const iterations = 4096;
  let clientFirst = '';
  let serverFirst = '';
  let header = '';
  let proven = false;

  function first(message: string): ScramAnswer {
    const [, flag = '', bare = '', user = '', nonce = ''] =
      /^([yn]|p=[^,]*),,(n=([^,]*),r=([^,]*))$/.exec(message) ?? [];
    if (flag === '' || user !== rules.user) return { refused: 'malformed' };
    if (flag.startsWith('p=') !== rules.bound) return { refused: 'channel-binding-not-supported' };
    if (flag === 'y' && rules.offersBinding) return { refused: 'server-does-support-channel-binding' };
    if (rules.bound && !Object.hasOwn(bindings, flag.slice(2))) return { refused: 'unsupported-channel-binding-type' };
    header = `${flag},,`;
    clientFirst = bare;
    serverFirst = `r=${nonce}SERVER,s=${salt.toString('base64')},i=${iterations}`;
    return { challenge: serverFirst };
  }

  function last(message: string): ScramAnswer {
    const [, withoutProof = '', channel = '', nonce = '', proof = ''] =
      /^(c=([^,]*),r=([^,]*)),p=(.*)$/.exec(message) ?? [];
    const bytes = header.startsWith('p=') ? (bindings[header.slice(2, -2)] ?? Buffer.alloc(0)) : Buffer.alloc(0);
    if (channel !== Buffer.concat([Buffer.from(header), bytes]).toString('base64')) {
      return { refused: 'channel-bindings-dont-match' };
    }
    if (!serverFirst.startsWith(`r=${nonce},`)) return { refused: 'other-error' };
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const salted = pbkdf2Sync(rules.password, salt, iterations, hash === 'sha1' ? 20 : 32, hash);
    const everything = `${clientFirst},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash(hash).update(clientKey).digest(), everything);
    const want = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0))).toString('base64');
    if (proof !== want) return { refused: 'invalid-proof' };
    proven = true;
    return { challenge: `v=${hmac(hmac(salted, 'Server Key'), everything).toString('base64')}` };
  }

  return (message) => {
    if (proven) return message === '' ? 'done' : { refused: 'other-error' };
    return clientFirst === '' ? first(message) : last(message);
  };
}

export interface ScramSmtpOptions {
  readonly certificate: TestCertificate;
  readonly offered: readonly string[];
  readonly user: string;
  readonly password: string;
  /** Kinds of binding that it knows. */
  readonly kinds: readonly ('tls-exporter' | 'tls-server-end-point')[];
  /** The hash of the certificate's signature; default SHA-256. */
  readonly certificateHash?: string;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** A refusal is a challenge `e=…` where there was a proof, as the RFC has it, and not a 535 at once. */
  readonly tellsWhy?: boolean;
}

export interface ScramSmtp {
  readonly port: number;
  /** The mechanism and the channel of each attempt: `SCRAM-SHA-256-PLUS p=tls-exporter`. */
  readonly tried: readonly string[];
}

/** A server with TLS from the first octet that speaks as much SMTP as a login takes. */
export async function startScramSmtp(options: ScramSmtpOptions): Promise<ScramSmtp> {
  const tried: string[] = [];
  const { cert, key } = options.certificate;
  const version = options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion };
  const port = await listening({ cert, key, ...version }, (socket) => converse(socket, options, tried));
  return { port, tried };
}

async function listening(tls: object, greet: (socket: TLSSocket) => void): Promise<number> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(tls, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot test: no port');
  return address.port;
}

/** Somebody in the middle: ends the TLS of clients with a certificate of its own, and passes on what they say. */
export async function startMiddle(
  certificate: TestCertificate,
  connectOn: () => TLSSocket,
  change: (line: string) => string = (line) => line,
): Promise<number> {
  return listening({ cert: certificate.cert, key: certificate.key }, (socket) => {
    const onward = connectOn();
    onward.on('error', () => socket.destroy());
    onward.setEncoding('latin1').on('data', (text: string) => socket.write(change(text)));
    socket.pipe(onward);
  });
}

function bindingsOf(socket: TLSSocket, { kinds, certificate, certificateHash = 'sha256' }: ScramSmtpOptions) {
  const der = Buffer.from(certificate.cert.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const all: Record<string, Buffer> = {};
  for (const kind of kinds) {
    all[kind] =
      kind === 'tls-exporter'
        ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
        : createHash(certificateHash).update(der).digest();
  }
  return all;
}

function converse(socket: TLSSocket, options: ScramSmtpOptions, tried: string[]): void {
  const reply = (line: string): void => void socket.write(`${line}\r\n`);
  let scram: ReturnType<typeof createScramServer> | undefined;
  let why: string | undefined;
  const payload = (text: string): void => {
    if (why !== undefined) {
      reply(`535 5.7.8 ${why}`);
      why = undefined;
      scram = undefined;
      return;
    }
    if (text === '*') {
      scram = undefined;
      return void reply('501 5.0.0 cancelled');
    }
    const answer = scram?.(Buffer.from(text, 'base64').toString());
    if (answer === 'done') reply('235 2.7.0 welcome');
    else if (answer !== undefined && 'challenge' in answer)
      reply(`334 ${Buffer.from(answer.challenge).toString('base64')}`);
    else if (answer !== undefined && options.tellsWhy === true) {
      why = answer.refused;
      return void reply(`334 ${Buffer.from(`e=${answer.refused}`).toString('base64')}`);
    } else reply(`535 5.7.8 ${answer?.refused ?? 'no'}`);
    if (answer === 'done' || (answer !== undefined && 'refused' in answer)) scram = undefined;
  };
  const line = (text: string): void => {
    if (scram !== undefined) return void payload(text);
    const [, mechanism, initial = ''] = /^AUTH (\S+)(?: (.*))?$/.exec(text) ?? [];
    if (text.startsWith('EHLO')) return void reply(`250-mx.test\r\n250 AUTH ${options.offered.join(' ')}`);
    if (text === 'QUIT') return void socket.end('221 bye\r\n');
    if (mechanism === undefined) return void reply('500 5.5.1 what');
    tried.push(`${mechanism} ${Buffer.from(initial, 'base64').toString().split(',')[0]}`);
    if (!mechanism.startsWith('SCRAM-')) return void reply('535 5.7.8 no');
    scram = createScramServer({
      hash: mechanism.startsWith('SCRAM-SHA-256') ? 'sha256' : 'sha1',
      user: options.user,
      password: options.password,
      offersBinding: options.offered.some((name) => name.endsWith('-PLUS')),
      bound: mechanism.endsWith('-PLUS'),
      bindings: bindingsOf(socket, options),
    });
    payload(initial);
  };
  let unread = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = (unread + text).split('\r\n');
    unread = lines.pop() ?? '';
    for (const each of lines) line(each);
  });
  reply('220 mx.test');
}
