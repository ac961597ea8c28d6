/** One connection of a faulty server: the usual dialogue of a mail server, with acts in its place where it has any. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Act, type Point, USUAL, USUAL_EXTENSIONS } from './fault-acts.ts';
import type { Acting } from './fault-server.ts';
import { createVoice, type Voice } from './fault-voice.ts';
import { openWire, type Wire } from './wire.ts';

/** Thrown where a connection is over, whoever ended it. */
const OVER = new Error('the connection is over');

export class FaultSession {
  readonly #socket: Socket;
  readonly #wire: Wire;
  readonly #voice: Voice;
  readonly #acting: Acting;
  readonly #connection: number;
  readonly #heard: string[] = [];
  #gone = false;
  /** Those of this transaction that were told 2xx. */
  #standing: string[] = [];
  /** The lines said since the last command. */
  #said: string[] = [];
  #chunks: Buffer[] = [];
  #introduced = false;
  #hasSender = false;

  constructor(socket: Socket, acting: Acting, connection: number) {
    this.#socket = socket;
    this.#acting = acting;
    this.#connection = connection;
    for (const event of ['close', 'end', 'error']) socket.on(event, () => this.#leave());
    this.#wire = openWire(socket);
    this.#voice = createVoice(this.#wire, acting.behaviour);
  }

  async serve(): Promise<void> {
    try {
      if (this.#acting.behaviour.implicitTls === true) await this.#startTls();
      await this.#perform('greeting', ['220 mx.test ESMTP']);
      for (;;) await this.#command(await this.#line());
    } catch (error) {
      if (error !== OVER) throw error;
      this.#wire.end();
    }
  }

  async #command(line: string): Promise<void> {
    const verb = line.split(' ', 1)[0]?.toUpperCase();
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        return this.#perform(this.#wire.encrypted && this.#introduced ? 'ehloAgain' : 'ehlo', this.#hello());
      case 'HELO':
        return this.#perform('helo', ['250 mx.test']);
      case 'STARTTLS':
        return this.#perform('starttls', ['220 2.0.0 go ahead', { kind: 'tls' }]);
      case 'AUTH':
        return this.#perform('auth', ['235 2.7.0 welcome']);
      case 'MAIL':
        this.#forget();
        await this.#perform('mail', ['250 2.1.0 sender ok']);
        this.#hasSender = this.#said[0]?.startsWith('2') === true;
        return;
      case 'RCPT':
        if (!this.#hasSender) return this.#say(['503 5.5.1 MAIL first']);
        await this.#perform('rcpt', ['250 2.1.5 recipient ok']);
        if (this.#said[0]?.startsWith('2')) this.#standing.push(/<(.*)>/.exec(line)?.[1] ?? '');
        return;
      case 'DATA':
        await this.#perform('data', [this.#standing.length > 0 ? '354 go ahead' : '503 5.5.1 no valid recipients']);
        return this.#said.some((text) => text.startsWith('354')) ? this.#dotted() : undefined;
      case 'BDAT':
        return this.#chunk(line);
      case 'RSET':
        this.#forget();
        return this.#perform('rset', ['250 2.0.0 ok']);
      case 'QUIT':
        return this.#perform('quit', ['221 2.0.0 bye', { kind: 'close' }]);
      case '*':
        return this.#perform('auth', ['501 5.7.0 cancelled']);
      default:
        return this.#say(['500 5.5.2 command not known']);
    }
  }

  #hello(): readonly string[] {
    const { behaviour, tls } = this.#acting;
    this.#introduced = true;
    const offers = [...(behaviour.extensions ?? USUAL_EXTENSIONS)];
    if (tls !== undefined && !this.#wire.encrypted) offers.push('STARTTLS');
    const lines = ['mx.test at your service', ...offers];
    return lines.map((text, at) => `250${at === lines.length - 1 ? ' ' : '-'}${text}`);
  }

  async #dotted(): Promise<void> {
    const bytes = await this.#body((octets) =>
      octets === undefined ? this.#wire.until('\r\n.\r\n') : this.#wire.bytes(octets),
    );
    // The line end before the final dot is the message's own.
    this.#chunks = [bytes, Buffer.from('\r\n')];
    await this.#end('dot', 'dots');
  }

  async #chunk(line: string): Promise<void> {
    const size = Number.parseInt(line.slice(5), 10);
    this.#chunks.push(await this.#body((octets) => this.#wire.bytes(octets ?? size)));
    const isLast = / LAST$/i.test(line);
    if (isLast) return this.#end('bdat', 'plain');
    await this.#perform('bdat', [this.#standing.length > 0 ? '250 2.0.0 go on' : '503 5.5.1 no valid recipients']);
  }

  /** Reads with `read`; before that, a part of it and what is done in the middle. */
  async #body(read: (octets: number | undefined) => Promise<Buffer | null>): Promise<Buffer> {
    const { behaviour } = this.#acting;
    const first = behaviour.middle === undefined ? Buffer.alloc(0) : await read(behaviour.middleAfter ?? 1);
    const keep = (bytes: Buffer | null): void => {
      this.#write({ bytes: bytes ?? Buffer.alloc(0), form: 'dots', ended: false, promised: [] });
    };
    if (behaviour.middle !== undefined) {
      await this.#perform('middle', []).catch((error: unknown) => {
        keep(first);
        throw error;
      });
    }
    const rest = await read(undefined);
    if (rest !== null) return Buffer.concat([first ?? Buffer.alloc(0), rest]);
    keep(first);
    throw OVER;
  }

  async #end(point: 'dot' | 'bdat', form: 'dots' | 'plain'): Promise<void> {
    const isLmtp = this.#heard.some((line) => line.startsWith('LHLO'));
    const usual = isLmtp ? this.#standing.map((name) => `250 2.0.0 <${name}> ok`) : ['250 2.0.0 ok: queued as F00'];
    const none = ['503 5.5.1 no valid recipients'];
    const bytes = Buffer.concat(this.#chunks);
    const recipients = this.#standing;
    try {
      await this.#perform(point, recipients.length > 0 ? usual : none);
    } finally {
      const yes = this.#said.filter((text) => /^\d{3}(?!-)/.test(text)).map((text) => text.startsWith('2'));
      const promised = isLmtp ? recipients.filter((_, at) => yes[at]) : yes[0] === true ? recipients : [];
      this.#write({ bytes, form, ended: true, promised });
      this.#forget();
    }
  }

  #write(message: { bytes: Buffer; form: 'dots' | 'plain'; ended: boolean; promised: readonly string[] }): void {
    this.#acting.log.messages.push({ recipients: [...this.#standing], ...message });
  }

  #forget(): void {
    this.#hasSender = false;
    this.#standing = [];
    this.#chunks = [];
  }

  async #perform(point: Point, usual: readonly Act[]): Promise<void> {
    const acts = this.#acting.next(point) ?? [USUAL];
    await this.#say(acts.flatMap((act) => (act === USUAL ? usual : [act])));
  }

  async #say(acts: readonly Act[]): Promise<void> {
    this.#said = [];
    let text = '';
    for (const act of acts) {
      const line = typeof act === 'function' ? act(this.#heard) : act;
      if (typeof line === 'string') {
        this.#said.push(line);
        text += `${line}\r\n`;
        continue;
      }
      if (line.kind === 'raw') {
        text += line.text;
        this.#said.push(...line.text.split('\n').slice(0, -1));
        continue;
      }
      await this.#voice.say(text);
      text = '';
      await this.#do(line);
    }
    await this.#voice.say(text);
  }

  async #do(act: Exclude<Act, string | ((heard: readonly string[]) => string) | { kind: 'raw' }>): Promise<void> {
    switch (act.kind) {
      case 'usual':
        return;
      case 'close':
        throw OVER;
      case 'reset':
        this.#socket.resetAndDestroy();
        throw OVER;
      case 'hang':
        return this.#untilGone();
      case 'pause':
        return void (await sleep(act.milliseconds));
      case 'drip':
        await this.#voice.drip(act.text, act.milliseconds, () => this.#gone);
        throw OVER;
      case 'hear':
        return void (await this.#line());
      case 'swallow':
        if ((await this.#wire.bytes(act.octets)) === null) throw OVER;
        return;
      case 'call':
        return act.run();
      case 'tls':
        return this.#startTls();
      case 'leave':
        return this.#acting.leave();
    }
  }

  async #untilGone(): Promise<void> {
    if (!this.#gone) await new Promise<void>((resolve) => this.#socket.once('close', resolve).once('end', resolve));
    throw OVER;
  }

  async #startTls(): Promise<void> {
    const { tls } = this.#acting;
    if (tls === undefined) throw new Error('Cannot start TLS: the behaviour names no certificate');
    await this.#wire.startTls(tls);
  }

  async #line(): Promise<string> {
    const octets = await this.#wire.line();
    if (octets === null) throw OVER;
    const line = Buffer.from(octets, 'latin1').toString();
    this.#heard.push(line);
    this.#acting.log.heard.push({ line, encrypted: this.#wire.encrypted, connection: this.#connection });
    return line;
  }

  #leave(): void {
    this.#gone = true;
  }
}
