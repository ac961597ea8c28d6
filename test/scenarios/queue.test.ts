import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DnsServer, startDns } from '../support/dns-server.ts';
import { GREYLISTED, type MxServer, REFUSED, startMx } from '../support/mx-server.ts';
import { submit } from '../support/queue-run.ts';
import { run } from '../support/run.ts';
import { testSpool } from '../support/spool.ts';

/* Mail that is not delivered at once, with the built command and real processes: a small internet on loopback. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'Subject: hi\n\nhello\n';
const FULL: readonly string[] = ['452 4.2.2 Mailbox full'];

let folder = '';
let dns: DnsServer;
let mx: MxServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-queue-'));
  mx = await startMx({
    host: '127.0.0.1',
    name: 'mx.example.org',
    recipients: {
      'grey@example.org': GREYLISTED,
      'grey2@example.org': GREYLISTED,
      'full@example.org': FULL,
      'gone@example.org': REFUSED,
    },
  });
  dns = await startDns({ 'example.org': { MX: ['10 mx.example.org'] }, 'mx.example.org': { A: ['127.0.0.1'] } });
  const lines = [
    'hostname = "client.example.org"',
    'domain = "example.org"',
    `dns.servers = ["127.0.0.1:${dns.port}"]`,
    `mx = { port = ${mx.port}, allow_local = true }`,
    // A runner that has nothing to do ends.
    'runner.linger = 0',
    'aliases = { cron = "admin@example.org" }',
  ];
  writeFileSync(join(folder, 'posthaste.toml'), `${lines.join('\n')}\n`);
  symlinkSync(POSTHASTE, join(folder, 'sendmail'));
  symlinkSync(POSTHASTE, join(folder, 'mailq'));
});

afterAll(async () => {
  await Promise.all([mx.close(), dns.close()]);
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;

/** A queue of its own, and the command that uses it. */
function queue(under = '') {
  const spool = join(folder, under, `spool-${count++}`);
  const log = join(folder, `log-${count}`);
  const env = { PATH: process.env.PATH ?? '', POSTHASTE_SPOOL: spool, POSTHASTE_LOG: log, POSTHASTE_STATE: folder };
  const config = ['--config', 'posthaste.toml'];
  const call = (program: string, words: readonly string[]) => run(program, words, { stdin: MESSAGE, env, cwd: folder });
  return {
    spool,
    env,
    send: (...words: readonly string[]) => call(POSTHASTE, [...config, '-f', 'me@example.org', ...words]),
    queue: (command: string, ...words: readonly string[]) => call(POSTHASTE, ['queue', command, ...config, ...words]),
    call: (name: string, ...words: readonly string[]) => call(join(folder, name), words),
    entries: () => readEntries(env),
    events: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').map(eventOf) : []),
  };
}

const eventOf = (line: string): string => JSON.parse(line).event;

async function readEntries(env: Readonly<Record<string, string>>) {
  const { stdout } = await run(POSTHASTE, ['queue', 'list', '--json'], { env });
  return stdout
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text));
}

const got = (recipient: string): number =>
  mx.messages.filter(({ recipients }) => recipients.includes(recipient)).length;
const SILENT = { status: 0, stdout: '', stderr: '' };
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

describe('posthaste send', () => {
  it('delivers without a queue', async () => {
    const { send, spool } = queue();
    expect(await send('ann@example.org')).toEqual(SILENT);
    expect([got('ann@example.org'), existsSync(spool)]).toEqual([1, false]);
  });

  it('keeps what is deferred, in silence, and a flush delivers it', async () => {
    const box = queue();
    expect(await box.send('grey@example.org', 'anna@example.org')).toEqual(SILENT);
    expect([got('anna@example.org'), got('grey@example.org')]).toEqual([1, 0]);
    expect(await box.entries()).toMatchObject([
      { sender: 'me@example.org', recipients: [{ recipient: 'grey@example.org', state: 'pending', attempts: 1 }] },
    ]);
    const { stdout } = await box.queue('flush');
    expect(stdout).toBe('1 message tried: 1 delivered, 0 deferred, 0 failed; 0 messages left in the queue\n');
    expect(got('grey@example.org')).toBe(1);
    expect((await box.call('mailq')).stdout).toBe('Mail queue is empty\n');
    expect(box.events()).toEqual(['accepted', 'attempt', 'delivered', 'done']);
  });

  it('tells the queue’s id with -v and --json', async () => {
    const box = queue();
    const { stdout, status } = await box.send('--json', 'full@example.org', 'gone@example.org');
    const { recipients } = JSON.parse(stdout);
    expect([status, recipients.map(({ queued }: { queued?: string }) => typeof queued)]).toEqual([
      67,
      ['string', 'undefined'],
    ]);
    const { stderr } = await box.send('-v', 'full@example.org');
    const [first, second] = await box.entries();
    expect(recipients[0].queued).toBe(first.id);
    expect(stderr).toContain(`posthaste: full@example.org: queued as ${second.id}: `);
    const { stdout: shown } = await box.queue('show', first.id);
    expect(shown).toMatch(/452 4\.2\.2 Mailbox full/);
    expect((await box.queue('remove', '--reason', 'mailbox full')).stdout).toBe('2 messages, 2 recipients removed\n');
  });

  it('never stores with --no-queue', async () => {
    const { send, spool } = queue();
    const { status, stderr } = await send('--no-queue', 'full@example.org');
    expect([status, existsSync(spool)]).toEqual([75, false]);
    expect(stderr).toMatch(/^posthaste: full@example\.org: deferred \(4\.2\.2\): .*\n$/);
  });

  it('stores with -odq, and delivers when the queue is run', async () => {
    const box = queue();
    expect(await box.send('-odq', 'quinn@example.org')).toEqual(SILENT);
    expect([got('quinn@example.org'), (await box.entries()).length]).toEqual([0, 1]);
    expect(await box.queue('run')).toEqual(SILENT);
    expect([got('quinn@example.org'), await box.entries()]).toEqual([1, []]);
  });

  it('reports success from the queue where that was asked for and the server has no DSN', async () => {
    const plain = await startMx({ host: '127.0.0.1', name: 'plain.example.org', extensions: ['8BITMIME'] });
    const box = queue();
    expect(
      await box.send('--relay', `smtp://127.0.0.1:${plain.port}`, '--tls', 'none', '-N', 'success', 'ann@example.org'),
    ).toEqual(SILENT);
    await soon(() =>
      expect(plain.messages.map(({ recipients }) => recipients[0])).toEqual(['ann@example.org', 'me@example.org']),
    );
    await plain.close();
    expect(plain.messages[1]?.sender).toBe('');
    expect(plain.messages[1]?.bytes.toString()).toMatch(/Action: relayed/);
  });

  it('delivers where there can be no queue, and says what was lost by that', async () => {
    writeFileSync(join(folder, 'file'), '');
    const box = queue('file');
    expect(await box.send('otto@example.org')).toEqual(SILENT);
    expect(await box.send('-odb', 'olga@example.org')).toEqual(SILENT);
    expect([got('otto@example.org'), got('olga@example.org')]).toEqual([1, 1]);
    for (const mode of ['-odi', '-odb']) {
      const { status, stderr } = await box.send(mode, 'full@example.org');
      expect(status).toBe(75);
      expect(stderr).toMatch(/^posthaste: full@example\.org: deferred .*\nposthaste: Cannot .*spool-\d+"?\n$/);
    }
    const { status, stderr } = await box.send('-odq', 'otto@example.org');
    expect([status, stderr.split('\n').length, got('otto@example.org')]).toEqual([73, 2, 1]);
  });
});

describe('in the background', () => {
  it('hands over at once, delivers, and bounces what is refused', async () => {
    const box = queue();
    expect(await box.send('-odb', 'bea@example.org', 'gone@example.org')).toEqual(SILENT);
    await soon(() => expect([got('bea@example.org'), got('me@example.org')]).toEqual([1, 1]));
    const bounce = mx.messages.find(({ recipients }) => recipients.includes('me@example.org'));
    expect(bounce?.sender).toBe('');
    expect(bounce?.bytes.toString()).toMatch(/Action: failed\r\nStatus: 5\.1\.1/);
    await soon(async () => expect(await box.entries()).toEqual([]));
    await soon(() => expect(box.events().filter((event) => event === 'done').length).toBe(2));
  });

  it('gives the bounce of a local sender to the person its alias names', async () => {
    const box = queue();
    expect(await box.send('-odb', '-f', 'cron', 'gone@example.org')).toEqual(SILENT);
    await soon(() => expect(got('admin@example.org')).toBe(1));
    const bounce = mx.messages.find(({ recipients }) => recipients.includes('admin@example.org'));
    expect([bounce?.sender, /^To: (.*)\r$/m.exec(bounce?.bytes.toString() ?? '')?.[1]]).toEqual([
      '',
      'cron@example.org',
    ]);
    await soon(async () => expect(await box.entries()).toEqual([]));
  });

  it('takes cron’s mail by the name of sendmail', async () => {
    const box = queue();
    // Cron's sendmail has no option for it, so the relay stands in the place of the network.
    expect(await box.call('sendmail', '-FCronDaemon', '-i', '-B8BITMIME', '-odq', '-oem', 'carl@example.org')).toEqual(
      SILENT,
    );
    expect(await box.entries()).toMatchObject([{ recipients: [{ recipient: 'carl@example.org' }] }]);
    expect((await box.call('sendmail', '-bp')).stdout).toMatch(/carl@example\.org {2}waiting, due now\n/);
    expect(await box.queue('run')).toEqual(SILENT);
  });

  it('reads standard input to its end before it refuses what it does not know', async () => {
    const box = queue();
    const { status, stderr } = await box.call('sendmail', '-Z', 'carl@example.org');
    expect([status, stderr]).toEqual([64, 'sendmail: Cannot read command line: unknown option "-Z"\n']);
  });

  it('is tried again by the runner that a retry starts', async () => {
    const box = queue();
    await box.send('grey2@example.org');
    expect((await box.queue('retry', '--all')).stdout).toBe('1 message, 1 recipient to be tried now\n');
    await soon(() => expect(got('grey2@example.org')).toBe(1));
  });
});

describe('posthaste queue run', () => {
  it('says nothing of hundreds either, and delivers each once', async () => {
    const box = queue();
    const { spool } = await testSpool({ folder: box.spool });
    const all = Array.from({ length: 600 }, (_none, at) => `many${at}@example.org`);
    const way = { config: join(folder, 'posthaste.toml') };
    for (const one of all) await submit(spool, { to: [one], queued: Date.now(), way });
    expect(await box.queue('run')).toEqual(SILENT);
    const received = mx.messages.flatMap(({ recipients }) => recipients).filter((name) => name.startsWith('many'));
    expect(received.sort()).toEqual(all.sort());
  });
});

describe('posthaste queue run --forever', () => {
  it('delivers what comes, until a signal', async () => {
    const box = queue();
    const child = spawn(POSTHASTE, ['queue', 'run', '--forever', '--config', 'posthaste.toml'], {
      cwd: folder,
      env: box.env,
      stdio: 'ignore',
    });
    const ended = once(child, 'close');
    await soon(() => expect(existsSync(join(box.spool, 'claim', 'lock.runner'))).toBe(true));
    await box.send('-odq', 'fay@example.org');
    await soon(() => expect(got('fay@example.org')).toBe(1));
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
