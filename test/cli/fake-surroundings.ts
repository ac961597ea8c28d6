import { run } from '../../src/cli/run.ts';
import type { Output, Surroundings } from '../../src/cli/surroundings.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Delivery } from '../../src/delivery/deliver.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { memorySource } from '../../src/message/source.ts';
import { scratch } from '../../src/submit/scratch.ts';
import type { World } from '../../src/world.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';
import { delivered } from './support.ts';

/** An output that keeps what is written to it. */
export class Sink implements Output {
  text = '';
  terminal = false;

  write(text: string): void {
    this.text += text;
  }

  writeBytes(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
  }

  isTerminal(): Promise<boolean> {
    return Promise.resolve(this.terminal);
  }

  columns(): number {
    return 80;
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

export interface Fake extends Surroundings {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** What was done, in order. */
  readonly steps: string[];
  readonly log: string[];
  /** What was delivered: the wire's header, and who it was for. */
  readonly sent: {
    readonly header: string;
    readonly recipients: readonly string[];
    readonly delivery: Delivery;
    /** What the way of all mail without a route needs. */
    readonly opened: unknown;
  }[];
  readonly controller: AbortController;
}

export interface FakeOptions {
  readonly message?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly zones?: MockZones;
  /** A pause ends only where it is told to, and not at once. */
  readonly patient?: true;
  /** What becomes of a recipient at an attempt, counted from 1. */
  readonly outcome?: (recipient: Recipient, attempt: number) => DeliveryResult;
}

export type Over = Omit<Partial<Surroundings>, 'stdout' | 'stderr'>;

/** Surroundings without a world: time stands still but in pauses, and delivery is what the test says. */
export function fakeSurroundings(options: FakeOptions = {}, over: Over = {}): Fake {
  const { message = 'Subject: hi\n\nhello\n', files = {}, zones = {}, outcome = (one) => delivered(one) } = options;
  const steps: string[] = [];
  const log: string[] = [];
  const sent: Fake['sent'] = [];
  const controller = new AbortController();
  let clock = 1_700_000_000_000;
  const world = (): World => ({
    now: () => clock,
    monotonic: () => clock,
    random: () => 0.5,
    sleep: async (milliseconds, signal) => {
      if (options.patient === true) await new Promise<void>((wake) => signal?.addEventListener('abort', () => wake()));
      steps.push(`sleep ${milliseconds}`);
      clock += milliseconds;
    },
    resolver: mockResolver(zones),
    systemLookup: async () => ['192.0.2.25'],
    scratch,
    connect: () => Promise.reject(new Error('nobody connects in these tests')),
  });
  const fake: Fake = {
    stdout: new Sink(),
    stderr: new Sink(),
    steps,
    log,
    sent,
    controller,
    env: {},
    surface: {
      hostname: () => 'vm.example.org',
      hosts: () => undefined,
      mailname: () => undefined,
      userName: () => 'me',
      userId: () => 1000,
    },
    cwd: () => '/here',
    program: () => '/usr/bin/posthaste',
    home: () => undefined,
    async startRunner(spool, start) {
      steps.push(`runner ${spool.folder} ${start.words.join(' ')}`);
    },
    now: () => clock,
    zone: () => 0,
    random: () => 0.5,
    async readFile(file) {
      steps.push(`file ${file}`);
      const text = files[file];
      if (text === undefined)
        throw Object.assign(new Error(`ENOENT: no such file or directory, open '${file}'`), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    isTyped: async () => false,
    findConfig: (file) => (files[file] === undefined ? undefined : { bytes: Buffer.from(files[file]), uid: 0 }),
    listFolder: (folder) =>
      Object.keys(files)
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1)),
    userNameOf: () => undefined,
    fullNameOf: () => undefined,
    readAliases(file) {
      steps.push(`aliases ${file}`);
      const text = files[file];
      return text === undefined ? { reason: 'no such file' } : { text };
    },
    async askPassword(prompt) {
      steps.push(`ask ${prompt}`);
    },
    async findSecret({ ownOnly, passwordFile, passwordCommand }) {
      steps.push('secret');
      return ownOnly === true && (passwordFile ?? passwordCommand) === undefined ? undefined : 'opensesame';
    },
    async readMessage() {
      steps.push('message');
      return memorySource(Buffer.from(message));
    },
    converse() {
      steps.push('converse');
      return {
        input: (async function* () {
          yield Buffer.from(message, 'latin1');
        })(),
        write: async (text) => fake.stdout.write(text),
        end: () => void steps.push('end'),
      };
    },
    async drain() {
      steps.push('drain');
    },
    openWorld(_: Settings) {
      steps.push('world');
      return world();
    },
    ownAddresses: () => [],
    async deliver(delivery, recipients) {
      steps.push(`deliver ${recipients.map(({ address }) => address.local).join(' ')}`);
      const names = recipients.map(({ address }) => `${address.local}@${address.domain}`);
      const opened = await delivery.open(delivery.table.rest.outlets[0]);
      sent.push({ header: delivery.message.header.toString(), recipients: names, delivery, opened });
      return recipients.map((recipient) => outcome(recipient, sent.length));
    },
    openLog(file) {
      steps.push(`log ${file}`);
      return (line) => log.push(line);
    },
    catchSignals() {
      steps.push('signals');
      return controller.signal;
    },
    ...over,
  };
  return fake;
}

/** One call of the command, and everything that could be seen of it. */
export async function play(words: readonly string[], options: FakeOptions = {}, over: Over = {}) {
  const fake = fakeSurroundings(options, over);
  const exit = await run(words, fake);
  return { ...fake, exit, out: fake.stdout.text, err: fake.stderr.text };
}

/** The one line of JSON that standard output has. */
export function readJson(text: string): Record<string, unknown> {
  if (text.indexOf('\n') !== text.length - 1) throw new Error(`not one line: ${JSON.stringify(text)}`);
  return JSON.parse(text);
}
