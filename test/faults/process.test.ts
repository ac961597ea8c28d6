import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MESSAGE, shell, to } from '../support/fault-process.ts';
import { POSTHASTE, SECRET } from '../support/fault-run.ts';
import { ANN, ended, openScene, SILENT } from '../support/fault-scene.ts';
import { run } from '../support/run.ts';

const { folder, file, serve } = openScene();
const WIRE = MESSAGE.replaceAll('\n', '\r\n');

describe('I21 standard input', () => {
  test.each([
    ['closed', '"$0" "$@" <&-'],
    ['/dev/null', '"$0" "$@" </dev/null'],
    ['an empty pipe', 'true | "$0" "$@"'],
  ])('that is %s is a message with nothing in it', async (_, script) => {
    const server = await serve();
    expect(await shell(script, [...to(server.port), ANN])).toEqual(SILENT);
    expect(ended(server)).toEqual([expect.stringMatching(/^(?:[A-Z][A-Za-z-]+: .*\r\n)+\r\n$/)]);
  });

  test('that is a directory is no input', async () => {
    const server = await serve();
    const { status, stderr } = await shell('"$0" "$@" </', [...to(server.port), ANN]);
    expect([status, stderr, server.connections]).toEqual([66, expect.stringMatching(/directory\n$/), 0]);
  });

  test('that is a file without a name, read from where its offset is', async () => {
    const server = await serve();
    const path = file('offset', `not this line\n${MESSAGE}`);
    const script = `exec 3<'${path}'; rm '${path}'; read -r line <&3; "$0" "$@" <&3`;
    expect(await shell(script, [...to(server.port), ANN])).toEqual(SILENT);
    expect(ended(server)).toEqual([expect.stringMatching(/^From: me@[\s\S]*\r\n\r\nThe end\.\r\n$/)]);
    expect(ended(server)[0]).not.toContain('not this line');
  });

  test('that never ends is refused at --max-size', async () => {
    const server = await serve();
    const words = [...to(server.port), '--max-size', '100k', ANN];
    const { status, stderr } = await shell('yes | "$0" "$@"', words);
    expect([status, server.connections]).toEqual([65, 0]);
    expect(stderr).toMatch(/more than 100000 octets|more than 102400 octets/);
  });
});

describe('I21 --file', () => {
  test.each([
    ['a directory', '/', /directory/],
    ['missing', '/nonexistent', /no such file/],
    ['below a file', '/etc/hostname/x', /not a directory/],
    ['empty', '', /empty/],
  ])('that is %s sends nothing', async (_, path, why) => {
    const server = await serve();
    const { status, stderr, stdout } = await run(POSTHASTE, [...to(server.port), '--file', path, ANN]);
    expect([status, stdout, server.connections]).toEqual([path === '' ? 64 : 66, '', 0]);
    expect(stderr).toMatch(why);
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test('that is a FIFO is read to its end', async () => {
    const server = await serve();
    const path = join(folder, 'fifo');
    const script = `mkfifo '${path}'; cat >'${path}' & "$0" "$@" --file '${path}'; status=$?; wait; exit $status`;
    expect(await shell(script, [...to(server.port), ANN], { stdin: MESSAGE })).toEqual(SILENT);
  });
});

describe('I24 the environment changes nothing of what is sent', () => {
  test.each<[string, Record<string, string>]>([
    ['nothing at all', {}],
    ['LANG and LC_ALL are C', { LANG: 'C', LC_ALL: 'C' }],
    [
      'NODE_OPTIONS names a file that is not there',
      { NODE_OPTIONS: '--require /nonexistent.js --max-old-space-size=1' },
    ],
    ['NODE_PATH, NODE_DEBUG and others', { NODE_PATH: '/x', NODE_DEBUG: 'net,tls', NODE_V8_COVERAGE: '/nonexistent' }],
    ['HOSTNAME and NAME with line ends', { HOSTNAME: 'a\r\nb', NAME: 'Ann\r\nBcc: x@y.test', HOME: '/nonexistent' }],
    ['an odd time zone', { TZ: 'Nowhere/Odd' }],
    ['NODE_EXTRA_CA_CERTS of nobody', { NODE_EXTRA_CA_CERTS: '/nonexistent', SSL_CERT_FILE: '/nonexistent' }],
  ])('%s', async (_, env) => {
    const server = await serve();
    const words = [...to(server.port), '-f', 'me@client.test', 'b\u00fccher@dest.test', ANN];
    const { status, stderr } = await run(POSTHASTE, words, { stdin: MESSAGE, env });
    expect(status).toBe(65);
    expect(stderr).toMatch(/^posthaste: b\u00fccher@dest\.test: failed \(5\.6\.7\): [^\n]*\n$/);
    expect(ended(server)).toEqual([expect.stringContaining(WIRE.slice(0, WIRE.indexOf('\r\n\r\n')))]);
    expect(ended(server)[0]).toMatch(/\r\n\r\nThe end\.\r\n$/);
  });
});

describe('what nobody reads', () => {
  test.each([
    ['standard output is closed', '"$0" --json "$@" >&-'],
    ['standard error is closed', '"$0" --json -vv "$@" >/dev/null 2>&-'],
    ['all three are closed', '"$0" --json -vv "$@" <&- >&- 2>&-'],
    ['the reader of standard output has gone', '"$0" --json "$@" | true; exit "$PIPESTATUS"'],
    ['the reader of both has gone', '"$0" --json -vv "$@" 2>&1 | true; exit "$PIPESTATUS"'],
    ['the disk is full', '"$0" --json -vv --log /dev/full "$@" >/dev/full 2>/dev/full'],
  ])('is no failure: %s', async (_, script) => {
    const server = await serve();
    const { status } = await shell(script, [...to(server.port), ANN]);
    expect([status, ended(server).length]).toEqual([0, 1]);
  });
});

describe('A09 a password', () => {
  const login = (port: number) => ['--relay', `smtp://user@127.0.0.1:${port}`, '--tls', 'none', '--auth', 'PLAIN'];

  test('in a file that others may read is refused before anything is sent', async () => {
    const server = await serve({ extensions: ['AUTH PLAIN'] });
    const path = file('password', `${SECRET}\n`);
    chmodSync(path, 0o644);
    const words = [...login(server.port), '--password-file', path, ANN];
    const { status, stderr } = await run(POSTHASTE, words, { stdin: MESSAGE });
    expect([status, server.connections]).toEqual([78, 0]);
    expect(stderr).toMatch(/open to others/);
    expect(stderr).not.toContain(SECRET);
  });

  test.each(['two\nlines', 'two\rlines', 'two\0lines', ''])('%j in a file is none', async (password) => {
    const server = await serve({ extensions: ['AUTH PLAIN'] });
    const path = file('lines', password);
    chmodSync(path, 0o600);
    const words = [...login(server.port), '--password-file', path, ANN];
    const { status, stderr } = await run(POSTHASTE, words, { stdin: MESSAGE });
    expect([status, server.connections]).toEqual([78, 0]);
    expect(stderr).not.toMatch(/two/);
  });

  test('with blanks and foreign letters is sent as it is, and shown nowhere', async () => {
    const server = await serve({ extensions: ['AUTH PLAIN'] });
    const password = ' p\u00e4ss w\u00f6rd ';
    const path = file('password-of-letters', `${password}\n`);
    chmodSync(path, 0o600);
    const words = ['-vv', '--json', ...login(server.port), '--password-file', path, ANN];
    const { status, stdout, stderr } = await run(POSTHASTE, words, { stdin: MESSAGE });
    const response = Buffer.from(`\0user\0${password}`).toString('base64');
    expect(status).toBe(0);
    expect(server.heard.map(({ line }) => line)).toContain(`AUTH PLAIN ${response}`);
    expect(stdout + stderr).not.toContain(response);
    expect(stdout + stderr).not.toContain(password.trim());
  });
});
