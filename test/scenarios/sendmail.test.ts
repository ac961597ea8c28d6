import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GREYLISTED, REFUSED, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';

/* The built command under sendmail's names, as programs call it: with little around it, and with strange things. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'Subject: hi\n\nhello\n';
const isRoot = process.getuid?.() === 0;

let folder = '';
let count = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-sendmail-'));
  chmodSync(folder, 0o755);
  for (const name of ['sendmail', 'mailq', 'newaliases', 'hoststat']) symlinkSync(POSTHASTE, join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A spool of its own, and how the command is called with it. */
function place(spool = join(folder, `spool-${count++}`)) {
  const env = { POSTHASTE_SPOOL: spool, POSTHASTE_LOG: 'none' };
  const path = (name: string): string => join(folder, name);
  const entries = () =>
    readdirSync(join(spool, 'entry'))
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(spool, 'entry', file), 'utf8')));
  const only = () => {
    const [entry, ...more] = entries();
    if (entry === undefined || more.length > 0) throw new Error(`${more.length} entries too many, or none`);
    return { entry, text: readFileSync(join(spool, 'message', entry.id), 'latin1') };
  };
  return {
    spool,
    env,
    entries,
    only,
    call(name: string, words: readonly string[], { input = MESSAGE, more = {} }: Call = {}) {
      const done = spawnSync(path(name), words, { env: { ...env, ...more }, input, timeout: 60_000, cwd: '/' });
      return { status: done.status ?? done.signal, out: done.stdout.toString(), err: done.stderr.toString() };
    },
    /** A line for the shell, in which the command is `sendmail`. */
    shell(line: string) {
      const text = line.replaceAll('sendmail', `'${path('sendmail')}'`);
      const done = spawnSync('/bin/sh', ['-c', text], { env, timeout: 60_000, cwd: folder });
      return { status: done.status ?? done.signal, out: done.stdout.toString(), err: done.stderr.toString() };
    },
  };
}

interface Call {
  readonly input?: string | Buffer;
  readonly more?: Readonly<Record<string, string>>;
}

const SILENT = { status: 0, out: '', err: '' };

describe('sendmail with little around it', () => {
  it('needs nothing of the environment but where the queue is', () => {
    const { call, only } = place();
    expect(call('sendmail', ['-odq', '-i', '-B8BITMIME', 'bob@example.org'])).toEqual(SILENT);
    expect(only().text).toMatch(/\r\n\r\nhello\r?\n$/);
  });

  it('answers in an environment that is empty', () => {
    const { status, stdout } = spawnSync(join(folder, 'sendmail'), ['-bV'], { env: {}, cwd: '/' });
    expect([status, stdout.toString()]).toEqual([0, expect.stringMatching(/^posthaste /)]);
  });

  it.runIf(isRoot)('works for a user id without a name and a home', () => {
    const spool = join(folder, 'nobody');
    mkdirSync(spool);
    const { env, only } = place(spool);
    // The tree itself may lie where that user can't go.
    const copy = join(folder, 'copy');
    for (const part of ['bin', 'dist'])
      cpSync(new URL(`../../${part}`, import.meta.url), join(copy, part), { recursive: true });
    symlinkSync(join(copy, 'bin/posthaste'), join(copy, 'sendmail'));
    chownSync(spool, 12_345, 12_345);
    const as = { uid: 12_345, gid: 12_345, env, input: MESSAGE, cwd: '/' };
    const done = spawnSync(join(copy, 'sendmail'), ['-odq', 'bob@example.org'], as);
    expect([done.status, done.stdout.toString(), done.stderr.toString()]).toEqual([0, '', '']);
    expect(only().entry).toMatchObject({ uid: 12_345, envelope: { sender: { local: 'uid12345' } } });
    const bare = spawnSync(join(copy, 'sendmail'), ['-odq', 'bob@example.org'], { ...as, env: {} });
    expect([bare.status, bare.stderr.toString()]).toEqual([
      75,
      expect.stringMatching(/^sendmail: Cannot open spool: .*\n$/),
    ]);
  });

  it('works with standard output and error closed', () => {
    const { shell, only } = place();
    expect(shell(`printf 'Subject: x\\n\\ny\\n' | sendmail -odq bob@example.org >&- 2>&-`)).toEqual(SILENT);
    expect(only().text).toContain('Subject: x\r\n');
  });

  it('keeps its status where nobody hears what it says', () => {
    expect(place().shell('sendmail -odq -Z </dev/null >&- 2>&-').status).toBe(64);
  });

  it('takes a closed standard input for an empty message', () => {
    const { shell, only } = place();
    expect(shell('sendmail -odq bob@example.org <&-')).toEqual(SILENT);
    expect(only().text).toMatch(/\r\n\r\n$/);
  });

  it('reads a deleted file from where its caller left it', () => {
    const { env, only } = place();
    const path = join(folder, 'unlinked');
    writeFileSync(path, `not of it\n${MESSAGE}`);
    const descriptor = openSync(path, 'r');
    readSync(descriptor, Buffer.alloc(10), 0, 10, null);
    unlinkSync(path);
    const words = ['-odq', '-i', 'bob@example.org'];
    const { status } = spawnSync(join(folder, 'sendmail'), words, { env, stdio: [descriptor, 'ignore', 'ignore'] });
    closeSync(descriptor);
    expect([status, only().text]).toEqual([0, expect.stringMatching(/^Subject: hi\r\n/)]);
  });

  it('makes files for itself alone, under umask 077 too', () => {
    const { shell, spool, only } = place();
    expect(shell(`umask 077; printf 'Subject: x\\n\\ny\\n' | sendmail -odq bob@example.org`)).toEqual(SILENT);
    const { entry } = only();
    expect(statSync(join(spool, 'message', entry.id)).mode & 0o777).toBe(0o600);
  });

  it('tells with its status where the queue can be written by nobody', () => {
    const { call } = place('/proc/posthaste');
    const { status, out, err } = call('sendmail', ['-odq', 'bob@example.org']);
    expect([status, out]).toEqual([73, '']);
    expect(err).toMatch(/^sendmail: Cannot use spool: .*\n$/);
  });

  it('takes 20,000 recipients', () => {
    const { call, only } = place();
    const names = Array.from({ length: 20_000 }, (_, at) => `r${at}@example.org`);
    expect(call('sendmail', ['-odq', '-f', '', '--', ...names])).toEqual(SILENT);
    const { entry } = only();
    expect([entry.recipients.length, entry.recipients.at(-1).recipient.address.local]).toEqual([20_000, 'r19999']);
    expect(entry.envelope.sender).toBeNull();
  });

  it('goes on where a signal comes that its caller ignores', async () => {
    const { env, only } = place();
    const line = `trap '' HUP; exec '${join(folder, 'sendmail')}' -odq bob@example.org`;
    const child = spawn('/bin/sh', ['-c', line], { env, stdio: ['pipe', 'ignore', 'pipe'] });
    child.stdin.write('Subject: one\n');
    // More than a pipe holds: it reads.
    await new Promise((resolve) => child.stdin.write(`\n${`${'x'.repeat(70)}\n`.repeat(50_000)}`, resolve));
    child.kill('SIGHUP');
    child.stdin.end('end\n');
    const [status] = await once(child, 'close');
    expect([status, only().text.endsWith('end\r\n')]).toEqual([0, true]);
  });

  it('is not troubled by what others set for Node', () => {
    const { call, only } = place();
    const more = { NODE_OPTIONS: '--require /nonexistent.js', NODE_EXTRA_CA_CERTS: '/nonexistent', NODE_PATH: '/x' };
    expect(call('sendmail', ['-odq', 'bob@example.org'], { more })).toEqual(SILENT);
    expect(only().entry.recipients).toHaveLength(1);
  });
});

describe('sendmail and its caller', () => {
  it('reads all of standard input before it refuses an option', () => {
    const { shell } = place();
    const { status, err } = shell('(head -c 3000000 /dev/zero && echo written >&2) | sendmail -Z bob@example.org');
    expect([status, err]).toEqual([64, 'written\nsendmail: Cannot read command line: unknown option "-Z"\n']);
  });

  it('has syslog call it by the name of -L', () => {
    const { call, env } = place();
    const bin = join(folder, 'bin');
    const heard = join(folder, 'heard');
    mkdirSync(bin);
    // Stands for logger(1).
    writeFileSync(join(bin, 'logger'), `#!/bin/sh\n{ echo "$@"; cat; } >'${heard}'\n`, { mode: 0o755 });
    const more = { ...env, POSTHASTE_LOG: 'syslog', PATH: `${bin}:/usr/bin:/bin` };
    expect(call('sendmail', ['-odq', '-L', 'my-cron', 'bob@example.org'], { more })).toEqual(SILENT);
    expect(readFileSync(heard, 'utf8')).toMatch(/^-t my-cron -p mail\.info\n\{.*"event":"accepted".*\}\n$/);
  });

  it('begins what it says with the name that it was called by', () => {
    const { call } = place();
    expect(call('mailq', ['-Z']).err).toBe('mailq: Cannot read command line: unknown option "-Z"\n');
    expect(call('sendmail', ['-odq']).err).toBe('sendmail: Cannot send: no recipient was given\n');
    expect(call('mailq', [])).toEqual({ status: 0, out: 'Mail queue is empty\n', err: '' });
    expect(call('hoststat', [])).toMatchObject({ status: 0, err: '' });
  });

  it('makes cron’s message one that servers take and people can read', () => {
    const { call, only } = place();
    const input = Buffer.from(
      'From: root (Cron Daemon)\nTo: alice\nSubject: Cron <alice@vm> échø\nContent-Transfer-Encoding: 8bit\n\n.\n..\nü\n',
    );
    const words = ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', '-odq', 'alice'];
    expect(call('sendmail', words, { input })).toEqual(SILENT);
    const [header = '', body] = only().text.split('\r\n\r\n');
    expect(header).toMatch(/^From: Cron Daemon <root@[^>]+>\r\nTo: alice@\S+\r\nSubject: [ -~]*=\?utf-8\?[ -~]+/i);
    expect(header).not.toMatch(/[^\r\n\t -~]/);
    expect(header).toContain('\r\nContent-Type: text/plain; charset=utf-8\r\n');
    expect(body).toBe(Buffer.from('.\r\n..\r\nü\r\n').toString('latin1'));
  });

  it('reads dots as Sendmail does where it is not told -i', () => {
    const { call, only } = place();
    expect(call('sendmail', ['-odq', 'bob@example.org'], { input: 'Subject: x\n\n..a\n.\nb\n.\n' })).toEqual(SILENT);
    expect(only().text.split('\r\n\r\n')[1]).toBe('.a\r\n.\r\nb\r\n');
  });

  const hasScript = spawnSync('script', ['--version']).error === undefined;
  it.runIf(hasScript)('ends at a lone dot on a terminal', () => {
    const { env, only } = place();
    const command = `'${join(folder, 'sendmail')}' -odq bob@example.org`;
    const input = 'Subject: typed\n\nhello\n.\nnot of it\n';
    const { status } = spawnSync('script', ['-qec', command, '/dev/null'], { env, input, timeout: 30_000 });
    expect([status, only().text.split('\r\n\r\n')[1]]).toEqual([0, expect.stringMatching(/^hello\r?\n$/)]);
  });

  it.each([
    ['-oep', 65, 0],
    ['-oeq', 65, 0],
    ['-oem', 65, 1],
    ['-oew', 65, 1],
    ['-oee', 0, 1],
  ])('%s: status %i, and %i letters to the sender', (mode, status, letters) => {
    const { call, entries, spool } = place();
    const done = call('sendmail', ['-odq', mode, '-f', 'ann@example.net', 'a..b@example.org'], {
      input: 'Subject: lost?\n\nthe body\n',
    });
    const line = 'sendmail: a..b@example.org: failed (5.1.3): local part has a dot too many: quote it\n';
    expect(done).toEqual({ status, out: '', err: mode === '-oep' ? line : '' });
    if (letters === 0) return;
    const [entry, ...more] = entries();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ envelope: { sender: null }, report: { kind: 'failed' } });
    expect(entry.recipients[0].recipient.address).toEqual({ local: 'ann', domain: 'example.net' });
    const text = readFileSync(join(spool, 'message', entry.id), 'utf8');
    expect(text).toContain('Subject: Not accepted: lost?\r\n');
    expect(text).toContain('\r\n    a..b@example.org: failed (5.1.3): local part has a dot too many: quote it\r\n');
    expect(text).toContain('\r\n\r\nthe body\r\n');
  });

  it('prints what it can tell nobody by mail', () => {
    const { call } = place();
    const words = ['-odq', '-oem', '-f', '<>', 'a..b@example.org'];
    expect(call('sendmail', words)).toMatchObject({ status: 65, err: expect.stringMatching(/^sendmail: a\.\.b@/) });
    const { call: unstored } = place('/proc/posthaste');
    expect(unstored('sendmail', ['-odq', '-oem', 'a..b@example.org']).err.split('\n')).toEqual([
      expect.stringMatching(/^sendmail: a\.\.b@/),
      expect.stringMatching(/^sendmail: Cannot mail this to the sender: Cannot use spool: /),
      '',
    ]);
  });
});

describe('what the configuration says of sendmail', () => {
  function configured(lines: string) {
    const made = place();
    const file = `${made.spool}.toml`;
    writeFileSync(file, lines);
    const more = { POSTHASTE_CONFIG: file };
    const send = (input: string, ...words: readonly string[]) =>
      made.call('sendmail', ['-odq', ...words, 'bob@example.org'], { input, more });
    return { ...made, more, send };
  }

  it.each([
    ['classic', '.a\r\n'],
    ['eof-only', '.a\r\n.\r\nb\r\n'],
    ['ignore', '..a\r\n.\r\nb\r\n.\r\n'],
  ])('lone_dot = "%s"', (rule, body) => {
    const { send, only } = configured(`sendmail.lone_dot = "${rule}"\n`);
    expect(send('Subject: x\n\n..a\n.\nb\n.\n')).toEqual(SILENT);
    expect(only().text.split('\r\n\r\n')[1]).toBe(body);
  });

  it('skip_empty', () => {
    const { send, entries } = configured('sendmail.skip_empty = true\n');
    expect(send('Subject: x\n\n \n')).toEqual(SILENT);
    expect(send('Subject: x\n\n \ny\n')).toEqual(SILENT);
    expect(entries()).toHaveLength(1);
  });

  it('repeat_window', () => {
    const { send, entries, spool } = configured('sendmail.repeat_window = "1h"\n');
    for (let times = 0; times < 3; times++) expect(send(MESSAGE)).toEqual(SILENT);
    expect(send('Subject: other\n\nhello\n')).toEqual(SILENT);
    const subjects = entries().map(
      ({ id }: { id: string }) => /^Subject: (.*)\r$/m.exec(readFileSync(join(spool, 'message', id), 'latin1'))?.[1],
    );
    expect(subjects.sort()).toEqual(['2 more: hi', 'hi', 'other']);
  });

  it('aliases, in newaliases and -bv', () => {
    const { call, more } = configured('aliases = { ann = "ann@[192.0.2.1]", bad = "|/bin/sh" }\n');
    const { status, err } = call('newaliases', [], { more });
    expect([status, err]).toEqual([65, expect.stringMatching(/^newaliases: .*"\|\/bin\/sh" is a command.*\n$/)]);
    const { out } = call('sendmail', ['-bv', 'ann'], { more });
    expect(out).toMatch(/^Alias {7}ann@\S+ is ann@\[192\.0\.2\.1\] \(configuration\)$/m);
  });

  it('mails back what is wrong with the configuration', () => {
    const { send, entries } = configured('no_such_key = 1\n');
    expect(send(MESSAGE, '-oem')).toEqual({ status: 78, out: '', err: '' });
    expect(entries()).toMatchObject([{ envelope: { sender: null } }]);
  });
});

describe('sendmail -bs', () => {
  it.each(['alpine', 'nmh-sendmail-smtp', 'symfony-bs'])('takes what %s says', (name) => {
    const { call, only } = place();
    const input = readFileSync(new URL(`../callers/${name}.stdin`, import.meta.url), 'latin1');
    const { status, out, err } = call('sendmail', ['-bs', '-odq'], { input: Buffer.from(input, 'latin1') });
    const { entry, text } = only();
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain(`\r\n250 2.0.0 queued as ${entry.id}\r\n221 2.0.0 Bye\r\n`);
    const named = [...input.matchAll(/^RCPT TO:\s*<(.*?)>/gm)].map(([, address]) => address);
    const whom = entry.recipients.map(
      ({ recipient: { address } }: { recipient: { address: { local: string; domain: string } } }) =>
        `${address.local}@${address.domain}`,
    );
    expect(whom).toEqual(named);
    const [, sent = ''] = /\r\nDATA\r\n(.*?\r\n)\.\r\n/s.exec(input) ?? [];
    expect(text.slice(text.indexOf('\r\n\r\n'))).toBe(sent.slice(sent.indexOf('\r\n\r\n')).replace(/^\.\./gm, '.'));
  });

  it('gives two messages to the queue, and none that was not whole', () => {
    const { call, entries } = place();
    const one = 'MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n';
    const { status, out } = call('sendmail', ['-bs', '-odq'], { input: `HELO x\r\n${one}.\r\n${one}.\r\n${one}` });
    expect([status, out.match(/queued as/g)?.length, entries().length]).toEqual([75, 2, 2]);
  });

  it('defers what the queue can’t take', () => {
    const { call } = place('/proc/posthaste');
    const input = 'MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n';
    const { status, out } = call('sendmail', ['-bs', '-odq'], { input });
    expect([status, out]).toEqual([0, expect.stringMatching(/\r\n451 4\.3\.0 Cannot use spool: .*\r\n221 /)]);
  });

  it('asks the relay at RCPT with --verify-rcpt, and sends it nothing', async () => {
    const { env, entries } = place();
    const recipients = { 'gone@example.org': REFUSED, 'grey@example.org': GREYLISTED };
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org', recipients });
    const stdin =
      'EHLO x\r\nMAIL FROM:<ann@example.net>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<gone@example.org>\r\n' +
      'RCPT TO:<grey@example.org>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n';
    const more = { ...env, POSTHASTE_URL: `smtp://127.0.0.1:${mx.port}`, POSTHASTE_TLS: 'may' };
    const words = ['-bs', '--verify-rcpt', '-odq'];
    const { status, stdout } = await run(join(folder, 'sendmail'), words, { stdin, env: more });
    await mx.close();
    expect([status, mx.messages]).toEqual([0, []]);
    expect(stdout.match(/^\d{3} .*/gm)?.slice(2, 6)).toEqual([
      '250 2.1.0 Ok',
      '250 2.1.5 Ok',
      expect.stringMatching(/^550 5\.1\.1 gone@example\.org: failed .*550 5\.1\.1 No such user here/),
      '250 2.1.5 Ok',
    ]);
    expect(mx.commands.filter((line) => /^(?:MAIL|RCPT|DATA|BDAT)/.test(line))).toEqual(
      ['bob', 'gone', 'grey'].flatMap((name) => [
        expect.stringMatching(/^MAIL FROM:<ann@example\.net>/),
        `RCPT TO:<${name}@example.org>`,
      ]),
    );
    expect(entries()[0].recipients).toHaveLength(2);
  });

  it('asks the next way where the first one can not be reached, as a delivery does, and no mailbox here', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org', recipients: { 'gone@b.test': REFUSED } });
    const [first, second, mailbox] = ['smtp://127.0.0.1:1', `smtp://127.0.0.1:${mx.port}`, 'maildir:/nowhere/%u'];
    const { env, spool } = place();
    const file = `${spool}.toml`;
    writeFileSync(
      file,
      `tls.level = "none"
[[route]]
recipient = ["a.test"]
via = ["${first}", "${mailbox}"]
[[route]]
via = ["${first}", "${second}"]
`,
    );
    const rows = [
      'EHLO x',
      'MAIL FROM:<ann@example.net>',
      ...['b@a', 'b@b', 'gone@b'].map((to) => `RCPT TO:<${to}.test>`),
    ];
    const stdin = `${[...rows, 'QUIT'].join('\r\n')}\r\n`;
    const { stdout } = await run(join(folder, 'sendmail'), ['-bs', '--verify-rcpt'], {
      stdin,
      env: { ...env, POSTHASTE_CONFIG: file },
    });
    await mx.close();
    expect([existsSync(join(spool, 'entry')), mx.messages]).toEqual([false, []]);
    expect(stdout.match(/^\d{3} .*/gm)?.slice(3, 6)).toEqual([
      '250 2.1.5 Ok',
      '250 2.1.5 Ok',
      expect.stringMatching(/^550 5\.1\.1 gone@b\.test: failed .*550 5\.1\.1 No such user here/),
    ]);
  });

  it('gives up on what is no SMTP', () => {
    expect(place().call('sendmail', ['-bs'], { input: 'hello\n'.repeat(50) }).status).toBe(76);
  });
});
