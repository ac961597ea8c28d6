import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MxServer, startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';
import { scratchFolder } from '../support/spool.ts';

/* What a person sees of the queue, with the built command: whose mail, how a flush goes, and what syslog is told. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'Subject: hi\n\nhello\n';
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
const hasScript = ['/usr/bin/script', '/bin/script'].some(existsSync);
const hasLogger = existsSync('/usr/bin/logger') || existsSync('/bin/logger');

let mx: MxServer;
beforeAll(async () => {
  mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org' });
});
afterAll(() => mx.close());

const base = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, POSTHASTE_LOG: 'none' };
const relayed = () => [`--relay=smtp://127.0.0.1:${mx.port}`, '--tls=none'];
const put = async (env: Readonly<Record<string, string>>, ...words: readonly string[]) =>
  expect(await run(POSTHASTE, ['-odq', '-fme@example.org', ...relayed(), ...words], { stdin: MESSAGE, env })).toEqual({
    ...{ status: 0, stdout: '', stderr: '' },
  });

describe('posthaste queue list', () => {
  it.skipIf(!isRoot)('shows root all spools that root owns, each behind its folder, and whose mail it is', async () => {
    const folder = scratchFolder();
    const env = { ...base, HOME: folder, XDG_STATE_HOME: join(folder, 'state') };
    const config = join(folder, 'posthaste.toml');
    const system = join(folder, 'system');
    writeFileSync(config, `spool.dir = "${system}"\n`);
    const own = join(folder, 'state/posthaste/spool');
    mkdirSync(dirname(own), { recursive: true });
    await put(env, `--config=${config}`, 'ann@example.org');
    await put({ ...env, POSTHASTE_SPOOL: own }, 'bob@example.org');
    const list = async (...words: readonly string[]) =>
      (await run(POSTHASTE, ['queue', 'list', ...words], { env })).stdout;
    const text = await list('--config', config);
    expect(text).toMatch(
      new RegExp(`^0\\S+ .* me@example\\.org\\n {4}ann@.*\\n(.*\\n)*In ${own}:\\n0\\S+ .* me@example\\.org\\n {4}bob@`),
    );
    const objects = (await list('--config', config, '--json')).trimEnd().split('\n').map(readObject);
    expect(objects).toContainEqual(expect.objectContaining({ uid: 0, sender: 'me@example.org' }));
    expect(objects.map(({ spool }) => spool)).toEqual(expect.arrayContaining([undefined, own]));
    // Who names a spool sees that one.
    expect(await list('--config', config, '--spool', system)).not.toContain('bob@example.org');
  });

  it.skipIf(!isRoot)('refuses to show somebody a spool of others, and says whose it is', async () => {
    const folder = scratchFolder();
    const spool = join(folder, 'spool');
    await put({ ...base, HOME: folder, POSTHASTE_SPOOL: spool }, 'ann@example.org');
    for (const [mode, status, reason] of [
      [0o711, 77, 'it belongs to the user 0'],
      [0o700, 73, 'no permission \\(EACCES\\)'],
    ] as const) {
      chmodSync(folder, mode);
      const words = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', POSTHASTE, 'queue', '--spool', spool];
      const { stderr, ...rest } = await run('setpriv', words, { env: base, cwd: '/' });
      expect(rest).toEqual({ status, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^posthaste: Cannot use spool: ${reason}: "${spool}[^\\n]*"\\n$`));
    }
  });
});

const readObject = (line: string): Record<string, unknown> => JSON.parse(line);

describe('posthaste queue flush', () => {
  it.skipIf(!hasScript)('shows on a terminal how far it is, and its sum at the end', async () => {
    const folder = scratchFolder();
    const env = { ...base, HOME: folder, POSTHASTE_SPOOL: join(folder, 'spool') };
    await put(env, 'ann@example.org');
    await put(env, 'bob@example.org');
    const { stdout } = await run('script', ['-qec', `'${POSTHASTE}' queue flush`, '/dev/null'], { env });
    const progress = '\\r[12] delivered, 0 deferred, 0 failed, 1 session, \\d+/s\\x1b\\[K';
    const sum = '2 messages tried: 2 delivered, 0 deferred, 0 failed; 0 messages left in the queue';
    expect(stdout).toMatch(new RegExp(`^(${progress})+\\r\\x1b\\[K${sum}\\r\\n$`));
  });
});

describe('log = "syslog"', () => {
  it('gives each event to logger(1), a line of JSON each', async () => {
    const folder = scratchFolder();
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'logger'), `#!/bin/sh\necho "$*" >>${folder}/words\nexec cat >>${folder}/lines\n`);
    chmodSync(join(bin, 'logger'), 0o755);
    const env = { HOME: folder, POSTHASTE_SPOOL: join(folder, 'spool'), POSTHASTE_LOG: 'syslog' };
    await put({ ...env, PATH: `${bin}:${base.PATH}` }, 'ann@example.org');
    expect(readFileSync(join(folder, 'words'), 'utf8')).toBe('-t posthaste -p mail.info\n');
    expect(readFileSync(join(folder, 'lines'), 'utf8')).toMatch(/^\{[^\n]*"event":"accepted"[^\n]*\}\n$/);
  });

  it.each([
    ['there is no logger', '/nowhere'],
    ['nobody listens to logger', undefined],
  ])('never stops mail, as where %s', async (_, path) => {
    if (path === undefined && !hasLogger) return;
    const folder = scratchFolder();
    const bin = join(folder, 'node');
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
    chmodSync(join(bin, 'node'), 0o755);
    const env = { HOME: folder, POSTHASTE_SPOOL: join(folder, 'spool'), POSTHASTE_LOG: 'syslog' };
    await put({ ...env, PATH: path === undefined ? base.PATH : bin }, 'ann@example.org');
  });
});
