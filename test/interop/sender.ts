import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResultJson } from '../../src/cli/json.ts';
import { startDns, type Zones } from '../support/dns-server.ts';
import { type Ran, run } from '../support/run.ts';

/**
 * The built command, with a folder and a queue of its own, with a DNS in which all domains are at the server under test, and with a configuration that says where both are.
 */
export interface Sender {
  send(sending: Sending): Promise<Sent>;
  /** Runs the queue once. */
  runQueue(): Promise<Ran>;
  /** Runs another subcommand with the configuration. */
  ask(...words: readonly string[]): Promise<Ran>;
  /** Writes a file beside the configuration, and gives its path. */
  write(name: string, text: string): string;
  close(): Promise<void>;
}

export interface Sending {
  readonly message?: Buffer | string;
  /** Default: `bob@example.org`. */
  readonly to?: readonly string[];
  /** What is deferred is not queued, unless one of them is `-odq`. */
  readonly options?: readonly string[];
  /** Of the MX host. Default: that of the sender. */
  readonly port?: number;
  /** Instead of MX hosts. */
  readonly relay?: string;
  /** In its environment. */
  readonly password?: string;
}

export interface Sent {
  readonly status: number | string;
  readonly json: ResultJson;
  /** What was said, as `C: …` and `S: …`, without the milliseconds. */
  readonly said: readonly string[];
  readonly stderr: string;
}

const COMMAND = new URL('../../bin/posthaste', import.meta.url).pathname;
const ZONES: Zones = {
  'example.org': { MX: ['10 mx.example.org'] },
  'mx.example.org': { A: ['127.0.0.1'] },
  'client.example': { MX: ['10 mx.example.org'] },
  // As if a validating name server had seen its signatures.
  'secure.example': { MX: ['10 mx.secure.example'], authentic: true },
  'mx.secure.example': { A: ['127.0.0.1'], authentic: true },
  'xn--bcher-kva.example': { MX: ['10 mx.example.org'] },
};

/** `nameServer` is asked instead of that DNS. */
export async function createSender(serverPort: number, nameServer?: { readonly port: number }): Promise<Sender> {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-interop-'));
  const environment = { PATH: process.env.PATH ?? '', POSTHASTE_STATE: folder };
  const own = nameServer === undefined ? await startDns(ZONES) : undefined;
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const config = write(
    'posthaste.toml',
    `hostname = "client.example"
log = "${folder}/log"
[dns]
servers = ["127.0.0.1:${(nameServer ?? own)?.port}"]
[mx]
port = ${serverPort}
allow_local = true
[spool]
dir = "${folder}/spool"
`,
  );
  return {
    write,
    async send({ message = 'Subject: hi\n\nhello\n', to = ['bob@example.org'], port, ...more }) {
      const way = port === undefined ? [] : ['--port', String(port)];
      const relay = more.relay === undefined ? [] : ['--relay', more.relay];
      const queue = more.options?.includes('-odq') ? [] : ['--no-queue'];
      const words = ['-v', '--json', '--config', config, ...queue, ...way, ...relay, '-f', 'ann@client.example'];
      const ran = await run(COMMAND, [...words, ...(more.options ?? []), ...to], {
        stdin: typeof message === 'string' ? Buffer.from(message) : message,
        env: { ...environment, ...(more.password === undefined ? {} : { POSTHASTE_PASSWORD: more.password }) },
      });
      const said = ran.stderr.split('\n').flatMap((each) => /\b([CS]: .*)/.exec(each)?.[1] ?? []);
      return { status: ran.status, json: JSON.parse(ran.stdout || '{}') as ResultJson, said, stderr: ran.stderr };
    },
    runQueue: () => run(COMMAND, ['queue', 'run', '--config', config], { env: environment }),
    ask: (...words) => run(COMMAND, [...words, '--config', config], { env: environment }),
    async close() {
      await own?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Each recipient with its outcome, as `bob@example.org delivered 2.0.0`. */
export const outcomes = ({ json }: Sent): readonly string[] =>
  json.recipients.map(({ recipient, outcome, status }) => `${recipient} ${outcome} ${status}`);
