import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { openWire, type Wire } from './wire.ts';

/**
 * A mail server for tests and the demo: real SMTP on a real port, with a table of what each recipient is told.
 *
 *   const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org', recipients: { 'bob@example.org': GREYLISTED } });
 *   … send to mx.port …
 *   mx.messages; await mx.close();
 */
export interface MxOptions {
  /** The address to listen on. */
  readonly host: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** What it calls itself. */
  readonly name: string;
  /** The replies to RCPT: the first time the first, and so on; the last one stays. Default: `ACCEPTED`. */
  readonly recipients?: Readonly<Record<string, readonly string[]>>;
  /** Offers STARTTLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Replaces `EXTENSIONS`; STARTTLS comes by itself. */
  readonly extensions?: readonly string[];
}

export const ACCEPTED: readonly string[] = ['250 2.1.5 Recipient ok'];
export const GREYLISTED: readonly string[] = ['450 4.7.1 Greylisted, please come back later', ...ACCEPTED];
export const REFUSED: readonly string[] = ['550 5.1.1 No such user here'];
export const EXTENSIONS: readonly string[] = [
  'PIPELINING',
  'SIZE 10485760',
  '8BITMIME',
  'ENHANCEDSTATUSCODES',
  'CHUNKING',
  'DSN',
];

/** A message that was accepted. */
export interface Received {
  /** The reverse-path without its brackets, and the parameters behind it. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly encrypted: boolean;
  /** As it came, with CRLF, without the dots that were stuffed. */
  readonly bytes: Buffer;
}

export interface MxServer {
  readonly port: number;
  readonly messages: readonly Received[];
  /** Every command line, in the order of arrival over all connections. */
  readonly commands: readonly string[];
  close(): Promise<void>;
}

interface Transaction {
  readonly sender: string;
  readonly recipients: string[];
  readonly chunks: Buffer[];
}

/** A command with what follows it: `MAIL`, `FROM:<a@b> SIZE=3`. */
function splitCommand(line: string): { verb: string; rest: string } {
  const [, verb = '', rest = ''] = /^(\S*) ?(.*)$/.exec(line) ?? [];
  return { verb: verb.toUpperCase(), rest };
}

const pathOf = (rest: string): string => /<(.*?)>/.exec(rest)?.[1] ?? '';

export async function startMx(options: MxOptions): Promise<MxServer> {
  const messages: Received[] = [];
  const commands: string[] = [];
  const asked = new Map<string, number>();
  const sockets = new Set<Socket>();

  function replyTo(recipient: string): string {
    const replies = options.recipients?.[recipient] ?? ACCEPTED;
    const times = asked.get(recipient) ?? 0;
    asked.set(recipient, times + 1);
    return replies[Math.min(times, replies.length - 1)] ?? '250 OK';
  }

  function sayHello(wire: Wire) {
    const offers = [...(options.extensions ?? EXTENSIONS)];
    if (options.tls !== undefined && !wire.encrypted) offers.push('STARTTLS');
    const lines = [`${options.name} at your service`, ...offers];
    wire.write(lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
  }

  function accept(wire: Wire, transaction: Transaction) {
    messages.push({
      sender: transaction.sender,
      recipients: transaction.recipients,
      encrypted: wire.encrypted,
      bytes: Buffer.concat(transaction.chunks),
    });
    wire.write(`250 2.0.0 Ok: queued as ${options.name.split('.')[0]}-${messages.length}\r\n`);
  }

  /** Reads up to the final dot; false where the connection ended. */
  async function readDotted(wire: Wire, transaction: Transaction): Promise<boolean> {
    wire.write('354 End with a dot on a line of its own\r\n');
    const lines: string[] = [];
    for (let line = await wire.line(); line !== '.'; line = await wire.line()) {
      if (line === null) return false;
      lines.push(`${line.startsWith('.') ? line.slice(1) : line}\r\n`);
    }
    transaction.chunks.push(Buffer.from(lines.join(''), 'latin1'));
    accept(wire, transaction);
    return true;
  }

  async function serve(wire: Wire) {
    let transaction: Transaction | null = null;
    wire.write(`220 ${options.name} ESMTP\r\n`);
    for (let line = await wire.line(); line !== null; line = await wire.line()) {
      commands.push(line);
      const { verb, rest } = splitCommand(line);
      if (verb === 'EHLO') {
        sayHello(wire);
      } else if (verb === 'STARTTLS' && options.tls !== undefined && wire.waiting() === 0) {
        wire.write('220 2.0.0 Go ahead\r\n');
        await wire.startTls(options.tls);
      } else if (verb === 'MAIL') {
        transaction = { sender: pathOf(rest), recipients: [], chunks: [] };
        wire.write('250 2.1.0 Sender ok\r\n');
      } else if (verb === 'RCPT' && transaction !== null) {
        const reply = replyTo(pathOf(rest));
        if (reply.startsWith('2')) transaction.recipients.push(pathOf(rest));
        wire.write(`${reply}\r\n`);
      } else if (verb === 'DATA' && transaction !== null && transaction.recipients.length > 0) {
        if (!(await readDotted(wire, transaction))) return;
        transaction = null;
      } else if (verb === 'BDAT') {
        const chunk = await wire.bytes(Number.parseInt(rest, 10));
        if (chunk === null) return;
        if (transaction === null || transaction.recipients.length === 0) {
          wire.write('503 5.5.1 No valid recipients\r\n');
        } else {
          transaction.chunks.push(chunk);
          if (/ LAST$/i.test(rest)) accept(wire, transaction);
          else wire.write('250 2.0.0 Go on\r\n');
        }
        if (/ LAST$/i.test(rest)) transaction = null;
      } else if (verb === 'RSET' || verb === 'NOOP') {
        if (verb === 'RSET') transaction = null;
        wire.write('250 2.0.0 Ok\r\n');
      } else if (verb === 'QUIT') {
        wire.write('221 2.0.0 Bye\r\n');
        break;
      } else {
        wire.write(verb === 'DATA' ? '503 5.5.1 No valid recipients\r\n' : '500 5.5.2 Command not known here\r\n');
      }
    }
    wire.end();
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    void serve(openWire(socket));
  });
  server.listen(options.port ?? 0, options.host);
  await once(server, 'listening');
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    messages,
    commands,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
