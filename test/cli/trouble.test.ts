import { describe, expect, it } from 'vitest';
import { SecretError } from '../../src/config/secret-text.ts';
import { MessageError } from '../../src/message/split.ts';
import { IntakeError, type IntakeKind } from '../../src/submit/intake.ts';
import { type FakeOptions, type Over, play, readJson } from './fake-surroundings.ts';

describe('run() when something is wrong before delivery', () => {
  const bad = (words: readonly string[], exit: number, why: RegExp, options?: FakeOptions, over?: Over) =>
    it(`is ${exit} for ${JSON.stringify(words)}: ${why.source}`, async () => {
      const plain = await play(words, options, over);
      expect([plain.exit, plain.out, plain.stderr.lines.length]).toEqual([exit, '', 1]);
      expect(plain.err).toMatch(why);
      expect(plain.err).toMatch(/^posthaste: Cannot /);
      expect(plain.steps.at(-1)).toBe('drain');
      expect(plain.sent).toEqual([]);
      const asJson = await play(['--json', ...words], options, over);
      expect(asJson.exit).toBe(exit);
      expect(readJson(asJson.out)).toEqual({
        version: 1,
        exit,
        recipients: [],
        error: { message: expect.stringMatching(why) },
      });
    });
  const failing = (error: Error) => () => Promise.reject(error);

  const busy = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  bad(
    ['ann@example.org'],
    75,
    /file "\/etc\/posthaste\/config.toml": it can't be read \(EMFILE\)/,
    {},
    {
      findConfig() {
        throw busy;
      },
    },
  );
  bad(['--config', 'c', 'ann@example.org'], 75, /file "c" can't be read \(EMFILE\)/, {}, { readFile: failing(busy) });
  bad([], 64, /no recipient was given/);
  bad(['--nonsense', 'ann@example.org'], 64, /unknown option '--nonsense'/);
  bad(['ann@example.org\r\nbob@example.org'], 64, /CR, LF or NUL/);
  bad(['-t'], 64, /the message names no recipient/);
  bad(['--retry-for', 'ever', 'ann@example.org'], 64, /--retry-for "ever"/);
  bad(['--relay', 'http://x.example', 'ann@example.org'], 64, /relay "http:\/\/x\.example"/);
  bad(
    ['--relay', 'smtp://me:opensesame@x.example', 'ann@example.org'],
    64,
    /^(?!.*opensesame).*password does not belong/s,
  );
  bad(['--password-file', 'p', 'ann@example.org'], 64, /there is no --relay to log in to/);
  bad(['--password-file', 'p', '--relay', 'smtp://x.example', 'ann@example.org'], 64, /has no user/);
  bad(['-f', 'a b@', 'ann@example.org'], 65, /sender "a b@"/);
  bad(['--config', 'c', 'ann@example.org'], 78, /file "c" does not exist/);
  bad(['--config', 'c', 'ann@example.org'], 78, /c:1: .*domian/, { files: { c: 'domian = "x.example"\n' } });
  bad(['--tls-ca', 'ca.pem', 'ann@example.org'], 78, /certificates "ca\.pem": no such file/);
  bad(['--tls-ca', 'ca.pem', 'ann@example.org'], 78, /certificates "ca\.pem": it has no certificate/, {
    files: { 'ca.pem': 'PEM' },
  });
  bad(['--tls-cert', 'c.pem', '--tls-key', 'k', 'ann@example.org'], 78, /certificate "c\.pem": it has no certificate/, {
    files: { 'c.pem': 'PEM' },
  });
  const login = ['--relay', 'smtps://me@x.example', 'ann@example.org'];
  bad(login, 78, /there is no password/, {}, { findSecret: async () => undefined });
  bad(
    login,
    77,
    /command "pass" exited/,
    {},
    { findSecret: failing(new SecretError('command "pass" exited with status 1', 77)) },
  );
  const intake = (kind: IntakeKind) => ({
    readMessage: failing(new IntakeError(kind, `it is ${kind}`)),
  });
  bad(['--file', 'm', 'ann@example.org'], 66, /it is noinput/, {}, intake('noinput'));
  bad(['ann@example.org'], 74, /it is io/, {}, intake('io'));
  bad(['ann@example.org'], 73, /it is cantcreate/, {}, intake('cantcreate'));
  bad(['--max-size', '1', 'ann@example.org'], 65, /it is toolarge/, {}, intake('toolarge'));
  bad(
    ['ann@example.org'],
    65,
    /Cannot read message: header/,
    {},
    { readMessage: failing(new MessageError('Cannot read message: header too large')) },
  );
  bad(['ann@example.org'], 70, /this is a bug: TypeError: oops/, {}, { readMessage: failing(new TypeError('oops')) });

  it('is 70 and one line when delivery itself has a bug', async () => {
    const { exit, stderr } = await play(['ann@example.org'], {}, { deliver: failing(new RangeError('a\nb')) });
    expect([exit, stderr.lines.length]).toEqual([70, 1]);
  });

  it('prints each error of a configuration on its line', async () => {
    const { stderr, exit } = await play(['--config', 'c', 'ann@example.org'], {
      files: { c: 'domian = "x"\nhots = 1\n' },
    });
    expect([exit, stderr.lines.length]).toEqual([78, 2]);
  });
});
