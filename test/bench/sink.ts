import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from '../support/certificate.ts';

/** The end of a message after DATA. */
const FINAL_DOT = '\r\n.\r\n';
const REPLIES: Readonly<Record<string, string>> = {
  HELO: '250 sink\r\n',
  MAIL: '250 2.1.0 Ok\r\n',
  RCPT: '250 2.1.5 Ok\r\n',
  DATA: '354 Go on\r\n',
  RSET: '250 2.0.0 Ok\r\n',
  STARTTLS: '220 2.0.0 Go ahead\r\n',
  QUIT: '221 2.0.0 Bye\r\n',
};
const CHALLENGE = '334 \r\n';
const WELCOME = '235 2.7.0 Welcome\r\n';
const ACCEPTED = '250 2.0.0 Ok: queued\r\n';

/** Takes all mail and forgets it, as fast as a server in Node can. */
function serve(first: Socket) {
  let socket = first;
  /** Bytes that are a part of a command line, or the last ones of a body that may begin the final dot. */
  let kept: Buffer = Buffer.alloc(0);
  let mode: 'command' | 'dotted' | 'counted' = 'command';
  let left = 0;
  /** Lines of AUTH that are still to come. */
  let challenges = 0;
  /** Replies to what came in one piece leave in one piece, as servers with PIPELINING send them (RFC 2920, section 3.2). */
  let replies = '';

  function flush() {
    if (replies !== '') socket.write(replies);
    replies = '';
  }

  function hello() {
    const tls = socket instanceof TLSSocket ? '250-AUTH PLAIN LOGIN\r\n' : '250-STARTTLS\r\n';
    return `250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-CHUNKING\r\n${tls}250 ENHANCEDSTATUSCODES\r\n`;
  }

  function secure() {
    socket.removeAllListeners('data');
    socket = new TLSSocket(socket, { isServer: true, cert: TEST_CERTIFICATE, key: TEST_KEY });
    listen();
  }

  function obey(line: string): string {
    if (challenges > 0) {
      challenges -= 1;
      return challenges > 0 ? CHALLENGE : WELCOME;
    }
    const verb = line.slice(0, 8).split(' ')[0]?.toUpperCase() ?? '';
    if (verb === 'EHLO') return hello();
    if (verb === 'DATA') mode = 'dotted';
    if (verb === 'AUTH') {
      const [, mechanism = '', initial] = line.split(' ');
      challenges = (/^login$/i.test(mechanism) ? 2 : 1) - (initial === undefined ? 0 : 1);
      return challenges > 0 ? CHALLENGE : WELCOME;
    }
    if (verb === 'BDAT') {
      mode = 'counted';
      left = Number.parseInt(line.slice(5), 10);
      return '';
    }
    return REPLIES[verb] ?? '500 5.5.2 What?\r\n';
  }

  /** Takes what it can from the front, and returns what remains to be taken. */
  function takeCommand(bytes: Buffer): Buffer | undefined {
    const all = kept.length === 0 ? bytes : Buffer.concat([kept, bytes]);
    const end = all.indexOf('\r\n');
    kept = end < 0 ? Buffer.from(all) : Buffer.alloc(0);
    if (end < 0) return undefined;
    const line = all.toString('latin1', 0, end);
    replies += obey(line);
    if (line === 'QUIT' || line === 'STARTTLS') flush();
    if (line === 'QUIT') socket.end();
    if (line === 'STARTTLS') secure();
    return all.subarray(end + 2);
  }

  function takeDotted(bytes: Buffer): Buffer | undefined {
    const seam = Buffer.concat([kept, bytes.subarray(0, FINAL_DOT.length - 1)]);
    const atSeam = seam.indexOf(FINAL_DOT);
    const end = atSeam >= 0 ? atSeam - kept.length : bytes.indexOf(FINAL_DOT);
    if (end < 0 && atSeam < 0) {
      const tail = bytes.length < 4 ? seam : bytes;
      kept = Buffer.from(tail.subarray(-4));
      return undefined;
    }
    kept = Buffer.alloc(0);
    mode = 'command';
    replies += ACCEPTED;
    return bytes.subarray(end + FINAL_DOT.length);
  }

  function takeCounted(bytes: Buffer): Buffer | undefined {
    if (bytes.length < left) {
      left -= bytes.length;
      return undefined;
    }
    const rest = bytes.subarray(left);
    mode = 'command';
    replies += ACCEPTED;
    return rest;
  }

  function listen() {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      let rest: Buffer | undefined = bytes;
      while (rest !== undefined && rest.length > 0) {
        if (mode === 'command') rest = takeCommand(rest);
        else if (mode === 'dotted') rest = takeDotted(rest);
        else rest = takeCounted(rest);
      }
      flush();
    });
  }

  socket.setNoDelay(true);
  listen();
  socket.write('220 sink ESMTP\r\n');
}

/** Starts the sink on a free port of loopback. */
export async function startSink(): Promise<number> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}
