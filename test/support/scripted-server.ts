/**
 * The server's side of a script (`script.ts`) over real sockets on loopback: it waits for each line of the client and
 * then says what the script says next. It does not mind pipelining; `play` does.
 *
 *     const server = await startScriptedServer(['S: 220 hi\nC: QUIT\nS: 221 bye']);
 *     ... connect to server.port ...
 *     await server.close();                   throws where a client left the script
 */
import { createServer, type Socket } from 'node:net';
import { type SecureContextOptions, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { matchesLine, parseScript, type ScriptEvent, type ScriptLine } from './script.ts';

export interface ScriptedServerOptions {
  readonly tls?: TLSSocketOptions & SecureContextOptions;
  /** TLS from the first byte. */
  readonly implicitTls?: boolean;
  /** Each write is cut into pieces of so many bytes, each in a turn of the event loop of its own. */
  readonly cut?: number;
  readonly host?: string;
}

export interface ScriptedServer {
  readonly port: number;
  /** Bodies as they came over the wire, in order. */
  readonly messages: readonly Buffer[];
  /** How many connections there were. */
  readonly connections: number;
  /** Waits for the scripts' ends, stops listening, and throws where a client left its script. */
  close(): Promise<void>;
}

/** The first connection plays the first script; the last script is for all that follow. */
export async function startScriptedServer(
  scripts: readonly string[],
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const played = scripts.map(parseScript);
  const messages: Buffer[] = [];
  const errors: unknown[] = [];
  const sockets = new Set<Socket>();
  const runs: Promise<void>[] = [];
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const script = played[Math.min(connections, played.length - 1)] ?? [];
    connections++;
    sockets.add(socket);
    const session = new ServerSession(socket, options, messages);
    runs.push(session.run(script).catch((error: unknown) => void errors.push(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, options.host ?? '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot listen: no port');
  return {
    port: address.port,
    messages,
    get connections() {
      return connections;
    },
    async close() {
      await Promise.all(runs);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      if (errors.length > 0) throw errors[0];
    },
  };
}

class ServerSession {
  #socket: Socket;
  readonly #options: ScriptedServerOptions;
  readonly #messages: Buffer[];
  #received = Buffer.alloc(0);
  #over = false;
  #wake: (() => void) | undefined;
  #chunkSize: number | undefined;

  constructor(socket: Socket, options: ScriptedServerOptions, messages: Buffer[]) {
    this.#socket = socket;
    this.#options = options;
    this.#messages = messages;
    if (options.implicitTls === true) this.#startTls();
    else this.#attach();
  }

  async run(script: readonly ScriptLine[]): Promise<void> {
    let said: Buffer[] = [];
    for (const line of script) {
      if (line.who === 'server') {
        said.push(line.bytes);
        continue;
      }
      await this.#say(said);
      said = [];
      if (line.who === 'client') await this.#expect(line.line, line.at);
      else if (line.who === 'message') await this.#message(line);
      else if (!(await this.#event(line.event))) return;
    }
    await this.#say(said);
  }

  async #say(said: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(said);
    const size = this.#options.cut ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      if (!this.#socket.destroyed) this.#socket.write(bytes.subarray(at, at + size));
      if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #expect(want: string, at: number): Promise<void> {
    const end = await this.#until(() => this.#received.indexOf('\n'));
    if (end === -1) throw new Error(`Cannot play script: line ${at} is ${want}, and the client hung up`);
    const line = this.#received.subarray(0, end + 1).toString();
    this.#received = this.#received.subarray(end + 1);
    if (!line.endsWith('\r\n') || !matchesLine(line.slice(0, -2), want)) {
      throw new Error(`Cannot play script: the client sent ${JSON.stringify(line)}; line ${at} is ${want}`);
    }
    const chunk = /^BDAT (\d+)/i.exec(line);
    this.#chunkSize = chunk === null ? undefined : Number(chunk[1]);
  }

  async #message({ half, at }: { half: boolean; at: number }): Promise<void> {
    const size = this.#chunkSize;
    const whole = (): number => {
      if (half) return this.#received.length > 0 ? this.#received.length : -1;
      if (size !== undefined) return this.#received.length >= size ? size : -1;
      if (this.#received.subarray(0, 3).equals(Buffer.from('.\r\n'))) return 3;
      const dot = this.#received.indexOf('\r\n.\r\n');
      return dot === -1 ? -1 : dot + 5;
    };
    const end = await this.#until(whole);
    if (end === -1) throw new Error(`Cannot play script: line ${at} is the message, and the client hung up`);
    if (!half) this.#messages.push(Buffer.from(this.#received.subarray(0, end)));
    this.#received = this.#received.subarray(end);
  }

  /** False: the script is over. */
  async #event(event: ScriptEvent): Promise<boolean> {
    if (event === 'tls') {
      this.#startTls();
      return true;
    }
    if (event === 'close') this.#socket.end();
    else if (event === 'reset') this.#socket.resetAndDestroy();
    else if (event === 'tls-fails') {
      await this.#until(() => this.#received.length - 1);
      this.#socket.end('this is no handshake\r\n');
    }
    return false;
  }

  /** Reads until `find` gives a place, or the client is gone: -1. */
  async #until(find: () => number): Promise<number> {
    while (find() === -1 && !this.#over) {
      this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#socket.pause();
    }
    return find();
  }

  #startTls(): void {
    this.#socket.removeAllListeners('data');
    this.#socket.removeAllListeners('end');
    this.#socket.removeAllListeners('close');
    this.#socket = new TLSSocket(this.#socket, { isServer: true, ...this.#options.tls });
    this.#attach();
  }

  #attach(): void {
    const over = (): void => {
      this.#over = true;
      this.#wake?.();
    };
    this.#socket.on('error', over);
    this.#socket.on('end', over);
    this.#socket.on('close', over);
    this.#socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake?.();
    });
    this.#socket.pause();
  }
}
