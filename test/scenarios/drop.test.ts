import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemDisk } from '../../src/queue/disk.ts';
import { makeDrop } from '../../src/queue/spool-folders.ts';
import { type NpmServer, PASSWORD, startNpmServer } from '../interop/servers/smtp-server.ts';
import { createAuthority } from '../support/certificates.ts';
import { run } from '../support/run.ts';

/*
 * A host that several users share, with the built command: users put messages into the drop of a spool that is root's,
 * and root delivers them through a relay whose password they can't read. Root's tests have two users beside root;
 * where the tests are somebody else's, all three are this one, so that what permissions do can't be tried there, and is
 * expected to be allowed.
 */

const ME = process.getuid?.() ?? 0;
const isRoot = ME === 0;
const [ANN, BOB] = isRoot ? [12_345, 65_534] : [ME, ME];
const MESSAGE = 'Subject: hi\n\nhello\n';

let host = '';
let server: NpmServer;
let spool = '';
let drop = '';

beforeAll(async () => {
  host = mkdtempSync(join(tmpdir(), 'posthaste-host-'));
  // Users may not get into the folder that the sources are in.
  const from = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  for (const name of ['bin', 'dist']) cpSync(from(name), join(host, name), { recursive: true });
  rmSync(join(host, 'dist/cache'), { recursive: true, force: true });
  chmodSync(host, 0o755);
  for (const name of ['sendmail', 'mailq']) symlinkSync(join(host, 'bin/posthaste'), join(host, name));
  const authority = createAuthority();
  const certificate = authority.issue({ names: ['DNS:localhost'] });
  authority.close();
  server = await startNpmServer(certificate, { allowInsecureAuth: true, hideSTARTTLS: true, authOptional: false });
  writeFileSync(join(host, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  const config = [
    ...['domain = "example.org"', 'hostname = "vm.example.org"', 'tls.level = "none"', 'auth = "PLAIN"'],
    ...[`relay = "smtp://ann%40example.org@127.0.0.1:${server.port}"`, 'password_file = "password"'],
    'aliases = { root = "admin@example.org" }',
  ];
  writeFileSync(join(host, 'config.toml'), `${config.join('\n')}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await server.stop();
  rmSync(host, { recursive: true, force: true });
});
beforeEach(async () => {
  spool = mkdtempSync(join(host, 'spool-'));
  drop = join(spool, 'drop');
  await makeDrop({ disk: systemDisk, folder: spool, fsync: true });
});

const PATH = process.env.PATH ?? '';
const as = (uid: number, program: string, words: readonly string[], env = {}) =>
  run(join(host, program), words, { uid, stdin: MESSAGE, cwd: '/', env: { PATH, POSTHASTE_DROP: drop, ...env } });
const sh = (uid: number, script: string) => run('/bin/sh', ['-c', script], { uid, cwd: '/', env: { PATH } });

/** What the unit leaves to root's runner of what root may do. */
const CAPABILITIES = ['--bounding-set', '-all,+dac_read_search', '--inh-caps', '-all', '--no-new-privs'];

/** Root's runner, as the unit starts it; and what it tells. */
async function deliver(config = 'config.toml') {
  const log = join(host, 'log');
  rmSync(log, { force: true });
  const words = ['queue', 'run', `--spool=${spool}`, `--config=${join(host, config)}`];
  const program = join(host, 'bin/posthaste');
  const [command, ...rest] = isRoot ? ['setpriv', ...CAPABILITIES, program, ...words] : [program, ...words];
  const ran = await run(command ?? '', rest, { env: { PATH, POSTHASTE_LOG: log } });
  const events: readonly Record<string, unknown>[] = existsSync(log)
    ? readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((row) => JSON.parse(row))
    : [];
  return { ...ran, events };
}
const OK = { status: 0, stdout: '', stderr: '' };

describe('the mail of a user', () => {
  it('is delivered by root, with a password that the user can’t read, in an empty environment', async () => {
    expect(await as(ANN, 'sendmail', ['-t', 'bob@example.net', 'root'])).toEqual(OK);
    expect(readdirSync(drop)).toEqual([expect.stringMatching(/^[0-9a-z]{15}$/)]);
    if (isRoot) expect((await sh(ANN, `cat ${host}/password ${host}/config.toml`)).stdout).toBe('');
    const { events, ...ran } = await deliver();
    expect(ran).toEqual(OK);
    expect(server.logins).toEqual(['PLAIN right']);
    const [message] = await server.mailbox.take();
    expect(server.envelopes.at(-1)).toMatchObject({
      rcptTo: [{ address: 'bob@example.net' }, { address: 'admin@example.org' }],
    });
    expect(message?.toString()).toContain('hello');
    expect(events.map(({ event }) => event)).toEqual(['accepted', 'attempt', 'delivered', 'delivered', 'done']);
    expect(events[0]).toMatchObject({ uid: ANN, sender: expect.stringMatching(/^[\w-]+@example\.org$/) });
    expect(readdirSync(drop)).toEqual([]);
  });

  it('is taken by SMTP on standard input too, and told by -bs and --json where it is', async () => {
    const rows = [
      'EHLO me',
      'MAIL FROM:<ann@example.net>',
      'RCPT TO:<bob@example.net>',
      'DATA',
      'Subject: x',
      '',
      'y',
      '.',
    ];
    const stdin = `${[...rows, 'QUIT'].join('\r\n')}\r\n`;
    const options = { uid: ANN, cwd: '/', env: { PATH, POSTHASTE_DROP: drop } };
    const spoken = await run(join(host, 'sendmail'), ['-bs'], { ...options, stdin });
    expect(spoken.stdout).toMatch(/^250 .*queued as [0-9a-z]{15}/m);
    const told = await as(ANN, 'bin/posthaste', ['--json', '-odb', '-f', 'me', 'carl@example.net']);
    const names = [/queued as ([0-9a-z]{15})/.exec(spoken.stdout)?.[1], JSON.parse(told.stdout).recipients[0].queued];
    expect(readdirSync(drop).sort()).toEqual(names.sort());
    const { events } = await deliver();
    const accepted = events.filter(({ event }) => event === 'accepted');
    expect(accepted.map(({ id }) => id).sort()).toEqual(names);
    expect(accepted.map(({ sender }) => sender).sort()).toEqual(['ann@example.net', 'me@example.org']);
    await server.mailbox.take(2);
  });

  it('is seen, read, moved and taken away by nobody else', async () => {
    await as(ANN, 'sendmail', ['bob@example.net']);
    const [name = ''] = readdirSync(drop);
    const file = join(drop, name);
    expect(statSync(file).uid).toBe(ANN);
    expect((statSync(file).mode & 0o7777).toString(8)).toBe('600');
    const commands = [
      `ls ${drop}`,
      `cat ${file}`,
      `mv ${file} ${drop}/0mwsabcdefghijk`,
      `ls ${spool}/entry`,
      `rm -f ${file}`,
    ];
    const ended = [];
    for (const command of commands) ended.push((await sh(BOB, command)).status === 0);
    // Who is neither root nor another may do to his own files what he likes, but not look into the folder again.
    expect(ended).toEqual(isRoot ? [false, false, false, false, false] : [true, true, true, true, true]);
    expect(readdirSync(drop)).toEqual(isRoot ? [name] : ['0mwsabcdefghijk']);
  });

  it('of two users goes in the name of each', async () => {
    await as(ANN, 'sendmail', ['one@example.net']);
    await as(BOB, 'sendmail', ['-f', 'boss@example.org', 'two@example.net']);
    const { events } = await deliver();
    const accepted = events.filter(({ event }) => event === 'accepted');
    accepted.sort((one, other) => (String(one.recipients) < String(other.recipients) ? -1 : 1));
    expect(accepted.map(({ uid, recipients }) => ({ uid, recipients }))).toEqual([
      { uid: ANN, recipients: ['one@example.net'] },
      { uid: BOB, recipients: ['two@example.net'] },
    ]);
    expect(accepted[1]).toMatchObject({ sender: 'boss@example.org' });
    await server.mailbox.take(2);
  });

  it('keeps nobody else’s mail, whatever the user puts into the drop', async () => {
    const hostile = [
      ...[`ln -s ${host}/password 0mwsabcdefghij1`, 'mkfifo 0mwsabcdefghij2', 'mkdir -p 0mwsabcdefghij3/x'],
      ...['printf garbage > 0mwsabcdefghij4', 'truncate -s 3G 0mwsabcdefghij5', `ln ${host}/mine 0mwsabcdefghij6`],
    ];
    mkdirSync(join(host, 'home'), { recursive: true });
    writeFileSync(join(host, 'mine'), 'posthaste-drop 1\n{"sender":"x","recipients":[{"to":"root"}]}\n\n');
    chmodSync(join(host, 'mine'), 0o666);
    for (const command of hostile) await sh(ANN, `cd ${drop} && ${command}`);
    expect(await as(BOB, 'sendmail', ['bob@example.net'])).toEqual(OK);
    const { events, ...ran } = await deliver();
    expect(ran).toEqual(OK);
    await server.mailbox.take();
    // The owner is that of the file, and not who has given it another name.
    const owners = isRoot
      ? [
          { uid: ANN, files: 5 },
          { uid: ME, files: 1 },
        ]
      : [{ uid: ME, files: 6 }];
    expect(events.filter(({ event }) => event === 'refused')).toMatchObject(owners);
    expect(readdirSync(drop)).toEqual(['0mwsabcdefghij3']);
    expect(readFileSync(join(host, 'password'), 'utf8')).toBe(`${PASSWORD}\n`);
  });

  it('that says the same again is gathered, for each user and across runs, by sendmail alone', async () => {
    const settings = readFileSync(join(host, 'config.toml'), 'utf8');
    writeFileSync(join(host, 'gather.toml'), `${settings}sendmail.repeat_window = "1h"\n`);
    const send = async (uid: number, program: string, times: number): Promise<void> => {
      for (let time = 0; time < times; time++) {
        expect(await as(uid, program, ['-odb', '-f', `${uid}@example.net`, 'bob@example.net'])).toEqual(OK);
      }
    };
    const subjects = (): readonly unknown[] =>
      readdirSync(join(spool, 'message')).map(
        (id) => /^Subject: (.*)\r$/m.exec(readFileSync(join(spool, 'message', id), 'latin1'))?.[1],
      );
    await send(ANN, 'sendmail', 3);
    await send(BOB, 'sendmail', isRoot ? 1 : 0);
    expect(await deliver('gather.toml')).toMatchObject(OK);
    expect(await server.mailbox.take(isRoot ? 2 : 1)).toHaveLength(isRoot ? 2 : 1);
    expect(subjects()).toEqual(['2 more: hi']);
    await send(ANN, 'sendmail', 1);
    await send(ANN, 'bin/posthaste', 1);
    expect(await deliver('gather.toml')).toMatchObject(OK);
    expect(await server.mailbox.take()).toHaveLength(1);
    expect(subjects()).toEqual(['3 more: hi']);
    expect([readdirSync(drop), readdirSync(join(spool, 'taken'))]).toEqual([[], []]);
  });

  it('goes into the user’s own queue where a way is said, and where no drop is wanted', async () => {
    const state = { XDG_STATE_HOME: mkdtempSync(join(host, 'state-')) };
    if (isRoot) chmodSync(state.XDG_STATE_HOME, 0o777);
    expect(await as(ANN, 'sendmail', ['-odq', 'bob@example.net'], { ...state, POSTHASTE_DROP: '' })).toEqual(OK);
    expect(await as(ANN, 'bin/posthaste', ['-odq', '--relay', 'smtp://127.0.0.1:1', 'bob@example.net'], state)).toEqual(
      OK,
    );
    expect(readdirSync(drop)).toEqual([]);
    const listed = await as(ANN, 'mailq', [], state);
    expect(listed.stdout).toContain('-- 2 messages');
  });
});
