import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SecretError } from '../../src/config/secret-text.ts';
import { findSecret, type SecretRequest } from '../../src/config/secrets.ts';
import { splitWords } from '../../src/config/words.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthaste-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, bytes: string | Buffer, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}

/** The error without the folder's random name. */
async function failure(request: SecretRequest, env: Record<string, string> = {}): Promise<string> {
  const error = await findSecret(request, env).then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SecretError);
  return error instanceof SecretError ? `${error.exit} ${error.message.replaceAll(folder, '/folder')}` : '';
}

const node = (script: string): string => `'${process.execPath}' -e '${script}'`;
const why = (text: string): string => `Cannot read password: ${text}`;

describe('findSecret() from a file', () => {
  const good = (content: string | Buffer, want: string) =>
    test(`reads ${JSON.stringify(content.toString())}`, async () => {
      expect(await findSecret({ passwordFile: write('good', content) }, {})).toBe(want);
    });
  good('pencil', 'pencil');
  good('pencil\n', 'pencil');
  good('pencil\r\n', 'pencil');
  good('  with blanks \n', '  with blanks ');
  good('pässwörd 🔑\n', 'pässwörd 🔑');
  good('x'.repeat(65_536), 'x'.repeat(65_536));

  const bad = (content: string | Buffer, reason: string) =>
    test(`refuses one that ${reason}`, async () => {
      const text = await failure({ passwordFile: write('bad', content) });
      expect(text).toBe(`78 ${why(`file "/folder/bad" ${reason}`)}`);
    });
  bad('', 'is empty');
  bad('\n', 'is empty');
  bad('one\ntwo\n', 'has more than one line');
  bad('one\n\n', 'has more than one line');
  bad('one\rtwo', 'has more than one line');
  bad('one\0two', 'has a NUL');
  bad(Buffer.from([0x70, 0xff]), 'is not UTF-8');
  bad('x'.repeat(65_537), 'has more than 64 KiB');

  test.each([0o644, 0o640, 0o620, 0o601, 0o666])('refuses the mode %o', async (mode) => {
    const text = await failure({ passwordFile: write('mode', 'pencil', mode) });
    const octal = `0${mode.toString(8)}`;
    const what = '"chmod 600" closes it, and "open_password_file" allows it';
    expect(text).toBe(`78 ${why(`file "/folder/mode" is open to others (mode ${octal}): ${what}`)}`);
  });

  test('takes a file that others can read where that is allowed', async () => {
    const passwordFile = write('shared', 'pencil', 0o444);
    expect(await findSecret({ passwordFile, openFile: true }, {})).toBe('pencil');
    expect(await findSecret({ passwordFile }, { POSTHASTE_OPEN_PASSWORD_FILE: 'Yes' })).toBe('pencil');
    const env = { POSTHASTE_PASSWORD_FILE: passwordFile, POSTHASTE_OPEN_PASSWORD_FILE: 'true' };
    expect(await findSecret({}, env)).toBe('pencil');
    for (const said of ['', 'no', 'yes please']) {
      const kept = findSecret({ passwordFile }, { POSTHASTE_OPEN_PASSWORD_FILE: said });
      await expect(kept).rejects.toThrow(/is open to others/);
    }
  });

  test('takes a file that only its owner can read', async () => {
    expect(await findSecret({ passwordFile: write('owner', 'pencil', 0o400) }, {})).toBe('pencil');
  });

  test('refuses what is no file', async () => {
    expect(await failure({ passwordFile: join(folder, 'none') })).toBe(
      `78 ${why('file "/folder/none" does not exist')}`,
    );
    expect(await failure({ passwordFile: folder })).toBe(`78 ${why('file "/folder" is not a regular file')}`);
    expect(await failure({ passwordFile: '/dev/null' })).toBe(`78 ${why('file "/dev/null" is not a regular file')}`);
    expect(await failure({ passwordFile: `${write('f', 'x')}/y` })).toContain("can't be opened (ENOTDIR)");
  });
});

describe('findSecret() from a command', () => {
  test('takes the first line, and no shell', async () => {
    const run = (passwordCommand: string) => findSecret({ passwordCommand }, process.env);
    expect(await run("printf '%s\\n' 'pass word' 'user: tim'")).toBe('pass word');
    expect(await run('printf pencil')).toBe('pencil');
    expect(await run('printf "pencil\\\\r\\\\n"')).toBe('pencil');
    expect(await run('echo $HOME "`id`" ; true')).toBe('$HOME `id` ; true');
    expect(await run(`sh -c 'echo "a$((1 + 1))"'`)).toBe('a2');
  });

  test('gives it nothing to read, as standard input is the message', async () => {
    const passwordCommand = node(
      'process.stdin.on("data", () => console.log("read")).on("end", () => console.log("end"))',
    );
    expect(await findSecret({ passwordCommand }, process.env)).toBe('end');
  });

  const bad = (passwordCommand: string, want: string, timeout = 10_000) =>
    test(`refuses ${passwordCommand.slice(0, 40)}: ${want}`, async () => {
      expect(await failure({ passwordCommand, timeout }, { PATH: process.env.PATH ?? '' })).toBe(want);
    });
  bad('', `78 ${why('the command is empty or leaves a quote open')}`);
  bad("echo 'a", `78 ${why('the command is empty or leaves a quote open')}`);
  bad('/does/not/exist secret', `77 ${why('command "/does/not/exist" was not found')}`);
  bad('/dev/null', `77 ${why('command "/dev/null" can\'t be run (EACCES)')}`);
  bad('false secret', `77 ${why('command "false" exited with status 1')}`);
  bad("sh -c 'echo secret; kill -9 $$'", `77 ${why('command "sh" was ended by SIGKILL')}`);
  bad('true', `77 ${why('command "true" printed nothing')}`);
  bad('echo', `78 ${why('command "echo" is empty')}`);
  bad("printf 'a\\0b'", `78 ${why('command "printf" has a NUL')}`);
  bad("printf '\\377'", `78 ${why('command "printf" is not UTF-8')}`);
  bad('yes secret', `77 ${why('command "yes" says more than 64 KiB')}`);
  bad('sleep 60', `77 ${why('command "sleep" did not end within 0.05 s')}`, 50);

  test('does not wait for a grandchild that holds the pipe', async () => {
    const passwordCommand = `sh -c 'sleep 2 & echo pencil; wait'`;
    expect(await failure({ passwordCommand, timeout: 50 }, { PATH: process.env.PATH ?? '' })).toContain('did not end');
  });
});

describe('findSecret() from the environment', () => {
  test('takes the first that is given', async () => {
    const passwordFile = write('file', 'file');
    mkdirSync(join(folder, 'credentials'));
    const credential = join(folder, 'credentials', 'posthaste.password');
    writeFileSync(credential, 'credential\n');
    chmodSync(credential, 0o440);
    const env: Record<string, string | undefined> = {
      ...process.env,
      POSTHASTE_PASSWORD: 'variable',
      POSTHASTE_PASSWORD_FILE: write('named', 'named'),
      CREDENTIALS_DIRECTORY: join(folder, 'credentials'),
    };
    expect(await findSecret({ passwordFile, passwordCommand: 'echo command' }, env)).toBe('file');
    expect(await findSecret({ passwordCommand: 'echo command' }, env)).toBe('command');
    expect(await findSecret({}, env)).toBe('variable');
    expect(await findSecret({}, { ...env, POSTHASTE_PASSWORD: '' })).toBe('named');
    const { POSTHASTE_PASSWORD: _1, POSTHASTE_PASSWORD_FILE: _2, ...rest } = env;
    expect(await findSecret({}, rest)).toBe('credential');
    expect(await findSecret({}, { CREDENTIALS_DIRECTORY: folder })).toBeUndefined();
    expect(await findSecret({}, {})).toBeUndefined();
  });

  test('refuses one that is no password', async () => {
    const env = (POSTHASTE_PASSWORD: string) => failure({}, { POSTHASTE_PASSWORD });
    expect(await env('one\ntwo')).toBe(`78 ${why('POSTHASTE_PASSWORD has more than one line')}`);
    expect(await env('\n')).toBe(`78 ${why('POSTHASTE_PASSWORD is empty')}`);
    expect(await failure({}, { POSTHASTE_PASSWORD_FILE: join(folder, 'none') })).toContain('does not exist');
    const file = write('flat', 'x');
    expect(await failure({}, { CREDENTIALS_DIRECTORY: file })).toBe(
      `77 ${why(`credential "/folder/flat/posthaste.password" can't be opened (ENOTDIR)`)}`,
    );
  });
});

describe('splitWords()', () => {
  const good = (text: string, want: readonly string[]) =>
    test(`splits ${text}`, () => expect(splitWords(text)).toEqual(want));
  const bad = (text: string, reason: string) =>
    test(`refuses ${JSON.stringify(text)}: ${reason}`, () => expect(splitWords(text)).toBeUndefined());
  good('pass show mail', ['pass', 'show', 'mail']);
  good('  a\t b \n', ['a', 'b']);
  good(`a 'b c' "d e"`, ['a', 'b c', 'd e']);
  good(`a'b'"c"d`, ['abcd']);
  good(`a '' ""`, ['a', '', '']);
  good(`a "\\"\\\\\\n" '\\'`, ['a', '"\\\\n', '\\']);
  good('a\\ b \\"', ['a b', '"']);
  good('a $B `c` *', ['a', '$B', '`c`', '*']);
  bad('', 'no word');
  bad('  ', 'no word');
  bad(`''`, 'no program');
  bad(`a 'b`, 'an open quote');
  bad(`a "b\\"`, 'an open quote');
  bad('a \\', 'an open backslash');
  bad('a\0b', 'a NUL');
  bad(`a 'b\0'`, 'a NUL');

  test('gives back the words that were quoted', () => {
    const word = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0'));
    const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(splitWords(words.map(quote).join(' '))).toEqual(words);
      }),
      { seed: 1003, numRuns: 40 },
    );
  });
});
