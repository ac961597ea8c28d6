import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GREYLISTED, type MxServer, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';

/* Which mail goes which way, by the user's own configuration, with the built command and servers on loopback. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const CRON = 'From: root (Cron Daemon)\nTo: admin\nSubject: job\n\nout\n';

let root = '';
let one: MxServer;
let two: MxServer;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'posthaste-routes-'));
  symlinkSync(POSTHASTE, join(root, 'sendmail'));
  const recipients = { 'grey@x.test': GREYLISTED };
  one = await startMx({ host: '127.0.0.1', name: 'one.test', recipients });
  two = await startMx({ host: '127.0.0.1', name: 'two.test' });
});

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  rmSync(root, { recursive: true, force: true });
});

/** A user with a home and a configuration there; `ONE` and `TWO` in it are the servers' URLs. */
function user(config: string) {
  const home = mkdtempSync(join(root, 'home-'));
  mkdirSync(join(home, '.config/posthaste'), { recursive: true });
  const urls = config
    .replaceAll('ONE', `smtp://127.0.0.1:${one.port}`)
    .replaceAll('TWO', `smtp://127.0.0.1:${two.port}`);
  const usual = 'hostname = "client.test"\ndomain = "home.test"\ntls.level = "may"\nrunner.linger = 0\n';
  writeFileSync(join(home, '.config/posthaste/config.toml'), `${usual}${urls}`);
  const env: Record<string, string> = { HOME: home, PATH: process.env.PATH ?? '' };
  return {
    home,
    env,
    send: (words: readonly string[], more: Readonly<Record<string, string>> = {}, stdin = CRON) =>
      run(POSTHASTE, words, { stdin, env: { ...env, ...more }, cwd: home }),
    sendmail: (words: readonly string[]) => run(join(root, 'sendmail'), words, { stdin: CRON, env, cwd: home }),
    files: (folder: string) => readdirSync(join(home, folder)).sort(),
    read: (folder: string) => {
      const [name = ''] = readdirSync(join(home, folder));
      return readFileSync(join(home, folder, name), 'utf8');
    },
  };
}

/** What a server got since this was called: its sender, recipients and From. */
function since(server: MxServer) {
  const start = server.messages.length;
  return () =>
    server.messages.slice(start).map(({ sender, recipients, bytes }) => {
      const [, from = ''] = /^From: (.*)\r$/m.exec(bytes.toString('latin1')) ?? [];
      return [sender.replace(/ .*/, ''), recipients.join(' '), from];
    });
}

const SILENT = { status: 0, stdout: '', stderr: '' };

describe('a route', () => {
  it('is the first that matches, and what none takes goes through the relay', async () => {
    const ann = user(
      'relay = "ONE"\n[[route]]\nrecipient = "*.b.test"\nvia = "TWO"\n[[route]]\nrecipient = ["b.test", "x.b.test"]\nvia = "reject:not here"\n',
    );
    const [atOne, atTwo] = [since(one), since(two)];
    const { status, stderr } = await ann.send(['-f', 'ann@a.test', 'a@a.test', 'b@x.b.test', 'c@b.test']);
    expect([status, stderr]).toEqual([69, 'posthaste: c@b.test: failed (5.7.1): not here\n']);
    expect(atOne().map(([, to]) => to)).toEqual(['a@a.test']);
    expect(atTwo().map(([, to]) => to)).toEqual(['b@x.b.test']);
  });

  it('goes to the next way where the first can’t be reached, and not where a recipient is put off', async () => {
    const ann = user('[[route]]\nvia = ["smtp://127.0.0.1:1", "ONE", "TWO"]\n');
    const [atOne, atTwo] = [since(one), since(two)];
    const { status, stderr } = await ann.send(['--no-queue', '-f', 'ann@a.test', 'a@x.test', 'grey@x.test']);
    expect([status, stderr.replace(/\d+(?=\])/, '')]).toEqual([
      75,
      expect.stringMatching(/^posthaste: grey@x\.test: deferred \(4\.7\.1\): .* 450 4\.7\.1 Greylisted/),
    ]);
    expect(atOne().map(([, to]) => to)).toEqual(['a@x.test']);
    expect(atTwo()).toEqual([]);
  });

  it('goes to the next way where the first lacks its password, and says so where all do', async () => {
    const account = (name: string) =>
      `[account.${name}]\nurl = "smtp://me@127.0.0.1:1"\npassword_file = "~/none-${name}"\n`;
    const ann = user(
      `[[route]]\nrecipient = "x.test"\nvia = ["account:a", "ONE"]\n[[route]]\nvia = ["account:a", "account:b"]\n${account('a')}${account('b')}`,
    );
    const atOne = since(one);
    expect(await ann.send(['-f', 'ann@a.test', 'a@x.test'])).toEqual(SILENT);
    expect(atOne().map(([, to]) => to)).toEqual(['a@x.test']);
    expect(await ann.send(['-f', 'ann@a.test', 'a@y.test'])).toEqual({
      status: 78,
      stdout: '',
      stderr: `posthaste: Cannot read password: file "${ann.home}/none-a" does not exist\n`,
    });
  });

  it('keeps mail on this host, in a mailbox of its own for each recipient', async () => {
    const ann = user('[[route]]\nrecipient = "home.test"\nvia = "maildir:~/mail/%u"\n');
    expect(await ann.send(['bob', 'Carl@home.test'])).toEqual(SILENT);
    expect(ann.files('mail')).toEqual(['bob', 'carl']);
    expect(ann.read('mail/bob/new')).toMatch(/^Return-Path: <\S+>\nDelivered-To: bob@home\.test\n[\s\S]*\n\nout\n$/);
  });

  it('may be for one sender or one user', async () => {
    const uid = process.getuid?.() ?? 0;
    const ann = user(`[[route]]\nsender = "b@*"\nvia = "file:~/b"\n[[route]]\nuid = ${uid}\nvia = "file:~/mine"\n`);
    expect(await ann.send(['-f', 'b@b.test', 'x@x.test'])).toEqual(SILENT);
    expect(await ann.send(['-f', 'c@b.test', 'x@x.test'])).toEqual(SILENT);
    expect([ann.files('b').length, ann.files('mine').length]).toEqual([2, 2]);
  });
});

describe('an account', () => {
  const config =
    '[account.work]\nurl = "ONE"\nsender = "work.test"\nfrom = "me@work.test"\n[account.home]\nurl = "TWO"\n';

  it('is taken by its name, or by who the mail is from', async () => {
    const ann = user(`relay = "file:~/rest"\n${config}`);
    const [atOne, atTwo] = [since(one), since(two)];
    expect(await ann.send(['-a', 'home', 'x@x.test'])).toEqual(SILENT);
    const message = 'From: Ann <ann@work.test>\nSubject: hi\n\nhello\n';
    expect(await ann.send(['-f', 'else@b.test', 'y@x.test'], {}, message)).toEqual(SILENT);
    expect(await ann.send(['-f', 'else@b.test', 'z@x.test'])).toEqual(SILENT);
    expect(await ann.send(['w@x.test'], { POSTHASTE_ACCOUNT: 'home' })).toEqual(SILENT);
    expect(atTwo().map(([, to]) => to)).toEqual(['x@x.test', 'w@x.test']);
    expect(atOne()).toEqual([['me@work.test', 'y@x.test', 'Ann <me@work.test>']]);
    expect(ann.files('rest').length).toBe(2);
  });

  it('has to be there', async () => {
    const ann = user(config);
    const { status, stderr } = await ann.send(['-a', 'wrok', 'x@x.test']);
    expect([status, stderr]).toEqual([
      64,
      'posthaste: Cannot use account "wrok": no account is called "wrok": there are work, home\n',
    ]);
  });
});

describe('where mail is from', () => {
  it('is the address that the relay takes, with what was there beside it', async () => {
    const ann = user('relay = "ONE"\nfrom = "alerts+%u@example.com"\naliases.admin = "boss@x.test"\n');
    const atOne = since(one);
    const name = (await run('id', ['-un'])).stdout.trim();
    expect(await ann.sendmail(['-odi', '-i', 'admin'])).toEqual(SILENT);
    expect(atOne()).toEqual([
      [`alerts+${name}@example.com`, 'boss@x.test', `Cron Daemon <alerts+${name}@example.com>`],
    ]);
  });

  it('is kept by the queue as it was, and rewritten when it goes', async () => {
    const ann = user('relay = "ONE"\nfrom = "alerts@example.com"\n');
    const atOne = since(one);
    expect(await ann.sendmail(['-odq', '-f', 'bob@b.test', 'x@x.test'])).toEqual(SILENT);
    const { stdout } = await ann.send(['queue', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ sender: 'bob@b.test' });
    expect(await ann.send(['queue', 'run'])).toEqual(SILENT);
    expect(atOne()).toEqual([['alerts@example.com', 'x@x.test', 'Cron Daemon <alerts@example.com>']]);
  });
});

describe('a message without From', () => {
  it.each([
    ['force', 'alerts@example.com', 'alerts@example.com'],
    ['envelope', 'alerts@example.com', 'alerts@example.com'],
    ['keep', 'alerts@example.com', 'alerts@example.com'],
  ])('is from the address of the configuration with from_mode = "%s"', async (mode, sender, from) => {
    const ann = user(`relay = "ONE"\nfrom = "alerts@example.com"\nfrom_mode = "${mode}"\n`);
    const atOne = since(one);
    expect(await ann.send(['x@x.test'], {}, 'Subject: hi\n\nhello\n')).toEqual(SILENT);
    expect(atOne()).toEqual([[sender, 'x@x.test', from]]);
  });

  it.each([
    ['force', 'alerts@example.com', '"ann@b.test" <alerts@example.com>'],
    ['envelope', 'alerts@example.com', 'ann@b.test'],
    ['keep', 'ann@b.test', 'ann@b.test'],
  ])('and with a sender that was named goes by from_mode = "%s"', async (mode, sender, from) => {
    const ann = user(`relay = "ONE"\nfrom = "alerts@example.com"\nfrom_mode = "${mode}"\n`);
    const atOne = since(one);
    expect(await ann.send(['-f', 'ann@b.test', 'x@x.test'], {}, 'Subject: hi\n\nhello\n')).toEqual(SILENT);
    expect(atOne()).toEqual([[sender, 'x@x.test', from]]);
  });
});

describe('the environment', () => {
  it('captures all mail where it says so, whatever the routes say', async () => {
    const ann = user('relay = "ONE"\n[[route]]\nrecipient = "b.test"\nvia = "TWO"\n');
    const [atOne, atTwo] = [since(one), since(two)];
    const env = { POSTHASTE_URL: 'file:outbox', POSTHASTE_FROM: 'dev@example.com' };
    expect(await ann.send(['a@a.test', 'b@b.test'], env)).toEqual(SILENT);
    expect(ann.files('outbox').length).toBe(2);
    expect(ann.read('outbox')).toMatch(/^From: Cron Daemon <dev@example\.com>\r?$/m);
    expect([atOne(), atTwo()]).toEqual([[], []]);
  });

  it('is told of what it says wrongly', async () => {
    const ann = user('');
    const { status, stderr } = await ann.send(['a@a.test'], { POSTHASTE_TLS: 'always' });
    expect([status, stderr]).toEqual([
      78,
      'posthaste: Cannot use POSTHASTE_TLS "always": it must be none, may, encrypt, verify\n',
    ]);
  });
});

describe('users of this host', () => {
  it('have their mail here where the configuration says so, but for those with an alias', async () => {
    const ann = user('relay = "ONE"\nlocal = "mbox:~/box-%u"\naliases.root = "boss@x.test"\n');
    const atOne = since(one);
    expect(await ann.send(['root', 'bob', 'ann@localhost', 'x@home.test'])).toEqual(SILENT);
    expect(ann.files('.').filter((name) => name.startsWith('box-'))).toEqual(['box-ann', 'box-bob']);
    expect(atOne().map(([, to]) => to)).toEqual(['boss@x.test x@home.test']);
  });
});
