import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SecretError } from '../../src/config/secret-text.ts';
import { findSecret } from '../../src/config/secrets.ts';
import { scratchFolder } from '../support/spool.ts';

const LOGIN = { host: 'smtp.example.org', port: 465, user: 'ann' };
const LINE = 'machine smtp.example.org login ann password';

function home(files: Readonly<Record<string, string>>, mode = 0o600): string {
  const folder = scratchFolder();
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  }
  return folder;
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof SecretError)) throw new Error(`Cannot test: no SecretError but ${String(error)}`);
  return `${error.exit} ${error.message}`;
}

describe('findSecret() in the files of a person', () => {
  test('takes the first that has the login', async () => {
    const both = home({ '.netrc': `${LINE} one`, '.authinfo': `${LINE} two` });
    expect(await findSecret({ login: { ...LOGIN, home: both } }, {})).toBe('one');
    const other = home({ '.netrc': 'machine other password x', '.authinfo': `${LINE} two` });
    expect(await findSecret({ login: { ...LOGIN, home: other } }, {})).toBe('two');
    expect(await findSecret({ login: { ...LOGIN, home: home({}) } }, {})).toBeUndefined();
    expect(await findSecret({ login: LOGIN }, {})).toBeUndefined();
  });

  test('looks there last, but for another relay too', async () => {
    const login = { ...LOGIN, home: home({ '.netrc': `${LINE} netrc` }) };
    expect(await findSecret({ login }, { POSTHASTE_PASSWORD: 'variable' })).toBe('variable');
    expect(await findSecret({ login, ownOnly: true }, { POSTHASTE_PASSWORD: 'variable' })).toBe('netrc');
    expect(await findSecret({ ownOnly: true }, { POSTHASTE_PASSWORD: 'variable' })).toBeUndefined();
  });

  test('refuses a file that others can read, where it has the password', async () => {
    const open = home({ '.netrc': `${LINE} pencil` }, 0o644);
    expect(await failure(findSecret({ login: { ...LOGIN, home: open } }, {}))).toMatch(
      /^78 Cannot read password: file ".*\/\.netrc" is open to others \(mode 0644\); "chmod 600" closes it$/,
    );
    const without = home({ '.netrc': 'machine other password pencil' }, 0o644);
    expect(await findSecret({ login: { ...LOGIN, home: without } }, {})).toBeUndefined();
  });

  test.each([
    ['""', 'is empty'],
    ['"a\\nb"', 'has more than one line'],
    ['a\0b', 'has a NUL'],
  ])('refuses the password %j, and does not show it', async (word, reason) => {
    const login = { ...LOGIN, home: home({ '.netrc': `${LINE} ${word}` }) };
    const text = await failure(findSecret({ login }, {}));
    expect(text).toMatch(/^78 Cannot read password: entry "smtp\.example\.org" of file ".*\.netrc" /);
    expect(text.endsWith(reason)).toBe(true);
  });

  test('refuses one that is not UTF-8', async () => {
    const folder = home({ '.netrc': '' });
    writeFileSync(join(folder, '.netrc'), Buffer.from(`${LINE} p\xe4ss`, 'latin1'));
    expect(await failure(findSecret({ login: { ...LOGIN, home: folder } }, {}))).toMatch(/is not UTF-8$/);
  });

  test('is not held up by what is no file, and refuses one that is too large', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, '.netrc'));
    execFileSync('mkfifo', [join(folder, '.authinfo')]);
    expect(await findSecret({ login: { ...LOGIN, home: folder } }, {})).toBeUndefined();
    const large = home({ '.netrc': ' '.repeat(1_048_577) });
    expect(await failure(findSecret({ login: { ...LOGIN, home: large } }, {}))).toMatch(/^78 .* is larger than 1 MiB$/);
  });
});

describe('findSecret() in the credentials of systemd', () => {
  test('takes the account’s own before the one for all', async () => {
    const folder = home({ 'posthaste.work.password': 'own\n', 'posthaste.password': 'common\n' }, 0o440);
    const env = { CREDENTIALS_DIRECTORY: folder };
    expect(await findSecret({ account: 'work' }, env)).toBe('own');
    expect(await findSecret({ account: 'home' }, env)).toBe('common');
    expect(await findSecret({ account: 'work', ownOnly: true }, env)).toBe('own');
    expect(await findSecret({ account: 'home', ownOnly: true }, env)).toBeUndefined();
  });

  test('never leaves the folder', async () => {
    const folder = home({ secret: 'x' });
    mkdirSync(join(folder, 'posthaste.'));
    writeFileSync(join(folder, 'x.password'), 'outside');
    const env = { CREDENTIALS_DIRECTORY: folder };
    for (const account of ['/../x', '../x', '', '.', 'a/b', 'x'.repeat(200), 'a\0']) {
      expect(await findSecret({ account, ownOnly: true }, env)).toBeUndefined();
    }
  });
});

describe('findSecret() in the keyring', () => {
  /** A secret-tool of its own, first in PATH, that writes down its arguments. */
  function fake(script: string): { readonly env: Record<string, string>; asked(): readonly string[] } {
    const folder = scratchFolder();
    const asked = join(folder, 'asked');
    writeFileSync(join(folder, 'secret-tool'), `#!/bin/sh\necho "$*" >>'${asked}'\n${script}\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH ?? ''}`, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/dev/null' };
    return { env, asked: () => (existsSync(asked) ? readFileSync(asked, 'utf8').trimEnd().split('\n') : []) };
  }
  const login = { ...LOGIN, keyring: true };

  test('asks by our attributes, then by those of msmtp', async () => {
    const { env, asked } = fake('case "$*" in *msmtp*|*" service smtp "*) printf pencil;; *) exit 1;; esac');
    expect(await findSecret({ login }, env)).toBe('pencil');
    expect(asked()).toEqual([
      'lookup service posthaste server smtp.example.org user ann',
      'lookup host smtp.example.org service smtp user ann',
    ]);
  });

  test('goes on without it where there is none, or nothing in it', async () => {
    expect(await findSecret({ login }, fake('echo no >&2; exit 1').env)).toBeUndefined();
    expect(await findSecret({ login }, { PATH: '/nowhere', XDG_RUNTIME_DIR: '/run/user/1' })).toBeUndefined();
  });

  test('is not asked where that was not wished for, where there is no desktop, or for an option', async () => {
    const { env, asked } = fake('printf pencil');
    const { DBUS_SESSION_BUS_ADDRESS: _, ...bare } = env;
    expect(await findSecret({ login: LOGIN }, env)).toBeUndefined();
    expect(await findSecret({ login }, bare)).toBeUndefined();
    expect(await findSecret({ login: { ...login, user: '--version' } }, env)).toBeUndefined();
    expect(asked()).toEqual([]);
  });

  test('is bounded in time and in what it says', async () => {
    expect(await failure(findSecret({ login, timeout: 50 }, fake('exec sleep 60').env))).toBe(
      '77 Cannot read password: command "secret-tool" did not end within 0.05 s',
    );
    expect(await failure(findSecret({ login }, fake('yes').env))).toContain('says more than 64 KiB');
    expect(await failure(findSecret({ login }, fake("printf 'a\\nb'").env))).toContain('more than one line');
  });
});
