import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMx } from '../support/mx-server.ts';
import { run } from '../support/run.ts';

const MESSAGE = 'From: ann@example.org\nTo: bob@example.net\nSubject: hi\n\nHello\n.\n';
const ALLOWED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/posthaste|man\/[\w.-]+\.[1-8]|dist\/(posthaste|start)\.cjs|dist\/chunks\/[\w.-]+\.cjs|dist\/(THIRD-PARTY\.txt|posthaste\.schema\.json))$/;

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const folder = mkdtempSync(join(tmpdir(), 'posthaste-pack-'));
const prefix = join(folder, 'prefix');
const command = join(prefix, 'bin/posthaste');
let packed: readonly string[] = [];

/** The files of dist are those of the last build: `npm ci` has made them. */
beforeAll(async () => {
  const pack = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  expect(pack).toMatchObject({ status: 0 });
  const [made] = JSON.parse(pack.stdout) as [{ filename: string; files: readonly { path: string }[] }];
  packed = made.files.map((file) => file.path);
  const tarball = join(folder, made.filename);
  const install = await run('npm', ['install', '--global', '--offline', '--prefix', prefix, tarball]);
  expect(install).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('npm pack takes what runs, the manual and the papers, and nothing else', () => {
  expect(packed.filter((path) => !ALLOWED.test(path))).toEqual([]);
  expect(packed).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'bin/posthaste', 'dist/posthaste.cjs']));
  expect(packed).toContain('man/posthaste.1');
});

test('the package depends on nothing', async () => {
  const listed = await run('npm', ['ls', '--global', '--all', '--json', '--prefix', prefix]);
  expect(JSON.parse(listed.stdout).dependencies).toEqual({
    posthaste: expect.not.objectContaining({ dependencies: {} }),
  });
});

test('the installed command tells its version, in an empty environment', async () => {
  const { status, stdout, stderr } = await run(command, ['--version'], { env: {} });
  expect({ status, stdout: stdout.trim(), stderr }).toEqual({ status: 0, stdout: `posthaste ${version}`, stderr: '' });
});

test('the installed command sends a message, through links and without an environment', async () => {
  const mx = await startMx({ host: '127.0.0.1', name: 'mx.example.net' });
  const link = join(folder, 'posthaste');
  symlinkSync(command, link);
  try {
    for (const program of [command, link]) {
      const words = [
        '--no-queue',
        '--relay',
        `smtp://127.0.0.1:${mx.port}`,
        '--tls',
        'none',
        '-f',
        'ann@example.org',
        'bob@example.net',
      ];
      const sent = await run(program, words, { env: {}, stdin: MESSAGE, cwd: '/' });
      expect(sent).toEqual({ status: 0, stdout: '', stderr: '' });
    }
    expect(mx.messages).toHaveLength(2);
    expect(mx.messages[0]).toMatchObject({ sender: 'ann@example.org', recipients: ['bob@example.net'] });
    expect(mx.messages[0]?.bytes.toString()).toMatch(/Subject: hi\r\n[\s\S]*\r\n\r\nHello\r\n\.\r\n$/);
  } finally {
    await mx.close();
  }
});
