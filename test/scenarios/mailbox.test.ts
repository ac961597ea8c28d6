import {
  chmodSync,
  chownSync,
  cpSync,
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../support/run.ts';

/*
 * Root delivers into the folder of another user, with the built command: what is there is that user's, and nobody is led
 * into what is root's. Only root can be somebody else, so these are for root's tests alone.
 */

const NOBODY = 65_534;
const OK = { status: 0, stdout: '', stderr: '' };
/** What the unit of `install --system` leaves to root's runner, and what it has to for this. */
const UNIT = ['--bounding-set', '-all,+dac_read_search'];
const MORE = ['--bounding-set', '-all,+dac_read_search,+setuid,+setgid'];

describe.runIf(process.getuid?.() === 0)('a mailbox in the folder of a user', () => {
  let host = '';
  let homes = '';
  let home = '';

  beforeAll(() => {
    host = mkdtempSync(join(tmpdir(), 'posthaste-mailbox-'));
    // He may not get into the folder that the sources are in.
    for (const name of ['bin', 'dist']) {
      cpSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), join(host, name), { recursive: true });
    }
    // Not below /tmp, where everybody could have put it.
    homes = mkdtempSync('/run/posthaste-homes-');
    home = join(homes, 'nobody');
    for (const path of [host, homes]) chmodSync(path, 0o755);
    mkdirSync(home, { mode: 0o700 });
    chownSync(home, NOBODY, NOBODY);
  });
  afterAll(() => {
    for (const path of [host, homes]) rmSync(path, { recursive: true, force: true });
  });

  async function call(words: readonly string[], { via = '', caps = MORE, message = 'Subject: hi\n\nFrom here\n' }) {
    const config = join(host, 'config.toml');
    writeFileSync(config, `[[route]]\nvia = "${via}"\n`);
    const env = { PATH: process.env.PATH ?? '', POSTHASTE_LOG: 'none', POSTHASTE_SPOOL: join(host, 'spool') };
    const program = [...caps, '--inh-caps', '-all', '--no-new-privs', join(host, 'bin/posthaste')];
    return run('setpriv', [...program, ...words, '--config', config], { stdin: message, env, cwd: '/' });
  }
  const SEND = ['-f', 'ann@example.org', 'Nobody@example.net', '--no-queue'];

  /** What is in a file of his, whose it is, and who may read it. */
  function seen(path: string) {
    const { uid, gid, mode } = statSync(path);
    return { uid, gid, mode: (mode & 0o7777).toString(8), text: readFileSync(path, 'latin1') };
  }

  it('takes mail as his own, of root and of root’s queue, in a Maildir', async () => {
    const via = `maildir:${homes}/%u/Maildir`;
    expect(await call(SEND, { via })).toEqual(OK);
    expect(await call(['-odq', ...SEND.slice(0, 3)], { via })).toEqual(OK);
    expect(await call(['queue', 'run'], { via })).toEqual(OK);
    const folder = join(home, 'Maildir/new');
    const files = readdirSync(folder).map((name) => seen(join(folder, name)));
    const text = expect.stringMatching(/^Return-Path: <ann@example\.org>\n[\s\S]*\n\nFrom here\n$/);
    expect(files).toEqual(Array(2).fill({ uid: NOBODY, gid: NOBODY, mode: '600', text }));
  });

  it('takes mail in an mbox, one after the other, and a large one whole', async () => {
    const via = `mbox:${homes}/%u/mbox`;
    const large = `Subject: large\n\n${'0123456789'.repeat(7).concat('\n').repeat(60_000)}`;
    expect(await call(SEND, { via })).toEqual(OK);
    expect(await call(SEND, { via, message: large })).toEqual(OK);
    const { text, ...rest } = seen(join(home, 'mbox'));
    expect(rest).toEqual({ uid: NOBODY, gid: NOBODY, mode: '600' });
    expect(text.match(/^From /gm)).toHaveLength(2);
    expect(text).toContain('\n>From here\n');
    expect(text.endsWith(`${large.slice(large.indexOf('\n\n'))}\n`)).toBe(true);
    expect(readdirSync(home)).not.toContain('mbox.lock');
  });

  it('leads root nowhere by a link of his', async () => {
    const secret = join(homes, 'roots');
    mkdirSync(secret, { mode: 0o700 });
    mkdirSync(join(home, 'trap'));
    symlinkSync(secret, join(home, 'trap/new'));
    writeFileSync(join(homes, 'file'), 'root’s\n', { mode: 0o600 });
    symlinkSync(join(homes, 'file'), join(home, 'box'));
    for (const via of [`maildir:${homes}/%u/trap`, `mbox:${homes}/%u/box`]) {
      expect((await call(SEND, { via })).stderr).toMatch(/^posthaste: Nobody@example\.net: (deferred|failed) \(/);
    }
    expect([readdirSync(secret), readFileSync(join(homes, 'file'), 'utf8')]).toEqual([[], 'root’s\n']);
  });

  it('is deferred where the unit lets no process be his', async () => {
    const { status, stderr } = await call(SEND, { via: `maildir:${homes}/%u/Maildir`, caps: UNIT });
    expect([status, stderr]).toEqual([
      75,
      expect.stringContaining(`is for a process of user id ${NOBODY}: spawn EPERM`),
    ]);
  });

  it('is never root’s errand', async () => {
    const words = [join(host, 'dist/start.cjs'), 'posthaste-errand'];
    const { status, stderr } = await run(process.execPath, words, { stdin: 'x\n', env: {}, cwd: '/' });
    expect([status, stderr]).toEqual([64, 'posthaste: Cannot deliver: an errand is never root’s\n']);
  });
});
