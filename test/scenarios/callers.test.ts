import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';

/*
 * The recorded calls of real programs, by the built command: its status and its silence, and what arrives at the relay,
 * which is the envelope, the header and the body of the call. All of them share a queue, as on a host.
 */

interface Call {
  readonly name: string;
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly want: 'smtp' | { recipients: readonly string[]; sender?: string; name?: string; exit?: number };
}

const CALLS: readonly Call[] = JSON.parse(readFileSync(new URL('../callers/calls.json', import.meta.url), 'utf8'));
const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const HOST = 'vm.example.org';

let folder = '';
let sendmail = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-called-'));
  sendmail = join(folder, 'sendmail');
  symlinkSync(POSTHASTE, sendmail);
  writeFileSync(join(folder, 'file'), '');
});
// The runner that delivered the last one may not have ended.
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }));

/** The relay is that of the environment, and of the accounts that some calls name. */
function writeConfig(port: number): string {
  const file = join(folder, `config-${port}.toml`);
  const accounts = ['acct', 'work'].map((name) => `[account.${name}]\nurl = "smtp://127.0.0.1:${port}"\n`);
  writeFileSync(file, `hostname = "${HOST}"\nrunner.linger = 0\n${accounts.join('')}`);
  return file;
}

const environment = (port: number, spool = 'spool') => ({
  PATH: process.env.PATH ?? '',
  USER: 'me',
  POSTHASTE_CONFIG: writeConfig(port),
  POSTHASTE_URL: `smtp://127.0.0.1:${port}`,
  POSTHASTE_TLS: 'none',
  POSTHASTE_SPOOL: join(folder, spool),
  POSTHASTE_LOG: join(folder, 'log'),
});

const server = (recipients: Readonly<Record<string, readonly string[]>> = {}) =>
  startMx({ host: '127.0.0.1', name: 'relay.example.net', recipients });

const atHome = (text: string): string => (text.includes('@') ? text : `${text}@${HOST}`);

const call = ({ argv, stdin }: Call, port: number, spool?: string) =>
  run(sendmail, argv, { stdin: Buffer.from(stdin, 'latin1'), env: environment(port, spool), cwd: folder });

/** Fields as they stand, in order, and what follows the empty line. */
function split(message: string): { readonly fields: readonly string[]; readonly body: string } {
  const end = message.indexOf('\n\n');
  const header = end < 0 ? message : message.slice(0, end + 1);
  return { fields: header.match(/^.+\n(?:[ \t].*\n)*/gm) ?? [], body: end < 0 ? '' : message.slice(end + 2) };
}

const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).toLowerCase();

/** What never leaves a submission. */
const DROPPED = ['bcc', 'return-path', 'content-length'];

/** Whether a field goes as it is: it has only ASCII, and no address without a domain. */
const isFinished = (field = ''): boolean =>
  /^[\t\n\x20-\x7e]*$/.test(field) &&
  (!/^(?:from|to|cc|reply-to|sender):/i.test(field) || field.split(',').every((part) => part.includes('@')));

/** The message that standard input holds, by the rules of the dot that the call asks for. */
function textOf({ argv, stdin }: Call): string {
  const lines = stdin
    .replace(/\r+\n/g, '\n')
    .replace(/^(?:>?From .*\n)+/, '')
    .replace(/\n?$/, '\n');
  if (argv.some((word) => word === '-i' || word === '-oi')) return lines;
  return lines.replace(/^\.\n$(?![\s\S])/m, '').replace(/^\.\./gm, '.');
}

/** The message of a dialogue. */
function dataOf(stdin: string): string {
  const data = /^DATA\r\n([\s\S]*?\r\n)\.\r\n/m.exec(stdin)?.[1] ?? '';
  return data.replaceAll('\r\n', '\n').replace(/^\./gm, '');
}

describe('a recorded call, by the built command', () => {
  it.concurrent.each(CALLS.map((each) => [each.name, each] as const))('%s', { timeout: 60_000 }, async (_, each) => {
    const relay = await server();
    try {
      const { status, stdout, stderr } = await call(each, relay.port);
      const { argv, want } = each;
      if (want === 'smtp') {
        expect([status, stderr]).toEqual([0, '']);
        expect(stdout).toMatch(/^220 [\s\S]*^250 [\s\S]*^354 [\s\S]*^250 [\s\S]*^221 /m);
      } else {
        const wanted = want.exit ?? 0;
        expect({ status, stdout }).toEqual({ status: wanted, stdout: '' });
        if (wanted === 0 && !argv.includes('-v')) expect(stderr).toBe('');
        if (wanted !== 0) expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      }
      await vi.waitFor(() => expect(relay.messages).toHaveLength(1), { timeout: 30_000, interval: 20 });
      const [mail] = relay.messages;
      if (want !== 'smtp') {
        const sender = want.sender === '<>' ? '' : want.sender;
        expect(mail?.recipients).toEqual(want.recipients.map(atHome));
        if (sender !== undefined) expect(mail?.sender).toBe(sender === '' ? '' : atHome(sender));
      }
      const bytes = mail?.bytes ?? Buffer.of();
      expect(bytes.toString('latin1')).not.toMatch(/(?<!\r)\n|\r(?!\n)/);
      const given = split(want === 'smtp' ? dataOf(each.stdin) : textOf(each));
      const arrived = split(bytes.toString('latin1').replaceAll('\r\n', '\n'));
      expect(arrived.body).toBe(given.body);
      const kept = given.fields.filter((field) => !DROPPED.includes(nameOf(field)));
      const names = new Set(kept.map(nameOf));
      const same = arrived.fields.filter((field) => names.has(nameOf(field)));
      expect(same.map(nameOf)).toEqual(kept.map(nameOf));
      expect(same.filter((_, at) => isFinished(kept[at]))).toEqual(kept.filter(isFinished));
      expect(arrived.fields.join('')).toMatch(/^[\x09\x0a\x20-\x7e]+$/);
      for (const name of ['date', 'from', 'message-id']) {
        expect(
          arrived.fields.filter((field) => nameOf(field) === name),
          name,
        ).toHaveLength(1);
      }
    } finally {
      await relay.close();
    }
  });
});

describe('where nothing can be stored, the caller is told', () => {
  const named = (text: RegExp) => CALLS.filter(({ name }) => text.test(name)).map((each) => [each.name, each] as const);
  const firstOf = ({ want }: Call): string => (want === 'smtp' ? '' : (want.recipients[0] ?? ''));

  it.each(named(/rc67$/))('of a refusal, with 67: %s', async (_, each) => {
    const relay = await server({ [firstOf(each)]: ['550 5.1.1 No such user here'] });
    try {
      const { status, stdout, stderr } = await call(each, relay.port, 'file');
      expect([status, stdout]).toEqual([67, '']);
      expect(stderr).toContain('No such user here');
    } finally {
      await relay.close();
    }
  });

  it.each(named(/rc75$/))('to come again, with 75: %s', async (_, each) => {
    const relay = await server({ [firstOf(each)]: ['450 4.2.1 Mailbox busy'] });
    try {
      const { status, stdout, stderr } = await call(each, relay.port, 'file');
      expect([status, stdout]).toEqual([75, '']);
      expect(stderr).toContain('Mailbox busy');
    } finally {
      await relay.close();
    }
  });
});
