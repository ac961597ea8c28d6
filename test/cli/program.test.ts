import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/cli/options.ts';
import { type CommandLine, readCommandLine } from '../../src/cli/program.ts';
import { readValues, type SendOptions } from '../../src/cli/values.ts';

function read(...words: readonly string[]): SendOptions {
  const line = readCommandLine(words);
  if (line.kind !== 'send') throw new Error(`${line.kind}: ${'text' in line ? line.text : ''}`);
  return readValues(line.given, line.words);
}

const good = (words: readonly string[], want: Partial<SendOptions>) =>
  it(`reads ${JSON.stringify(words)}`, () => expect(read(...words)).toMatchObject(want));
const bad = (words: readonly string[], why: RegExp) =>
  it(`refuses ${JSON.stringify(words)}`, () => expect(() => read(...words)).toThrow(why));

describe('readCommandLine() and readValues()', () => {
  good(['ann@example.org', 'bob@example.net'], {
    words: ['ann@example.org', 'bob@example.net'],
    verbose: 0,
    retryFor: 0,
  });
  good(['send', 'ann@example.org'], { words: ['ann@example.org'] });
  good(['send@example.org'], { words: ['send@example.org'] });
  good(['--', 'send'], { words: ['send'] });
  good(['ann@x.example', 'send'], { words: ['ann@x.example', 'send'] });
  good(['root'], { words: ['root'] });
  good(['Ann <a@x.example>, b@y.example'], { words: ['Ann <a@x.example>, b@y.example'] });
  good(['a@x.example', '-v', 'b@x.example', '-vv'], { words: ['a@x.example', 'b@x.example'], verbose: 3 });
  good(['--', '-x@y.example', '--help'], { words: ['-x@y.example', '--help'] });

  // As cron, PHP, git, mutt and others call sendmail.
  good(['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'alice'], { fullName: 'CronDaemon', words: ['alice'] });
  good(['-ODeliveryMode=q', '-O', 'RequireTLS=yes', 'bob'], { mode: 'queue', requireTls: true, words: ['bob'] });
  good(['-ODeliveryMode=x', '-O', 'QueueDirectory=/tmp', 'bob'], { mode: 'interactive', requireTls: false });
  good(['-odq', '-odi', 'bob'], { mode: 'interactive' });
  good(['-n', '-a', 'work', '--skip-empty', '--read-envelope-from', 'bob'], {
    ...{ aliases: false, account: 'work', skipEmpty: true, headerSender: true, words: ['bob'] },
  });
  good(['-L', 'my cron\u00e9', 'bob'], { tag: 'my_cron_' });
  good(['--account=home', 'bob'], { account: 'home', skipEmpty: false, headerSender: false, aliases: true });
  good(['-eq', '-m', '-G', '-U', '-Ac', '-p', 'UUCP:a', '-X', '/tmp/x', '-D/tmp/y', 'bob'], {
    words: ['bob'],
  });
  good(['-t', '-i', '-f', 'b@x.example'], { readRecipients: true, sender: 'b@x.example', words: [] });
  good(['-ti'], { readRecipients: true });
  good(['-t', '-i', '-oi', '-fbounce@x.example', '-t'], { readRecipients: true, sender: 'bounce@x.example' });
  good(['-oi', '-f', '', 'bob', 'carol'], { sender: '', words: ['bob', 'carol'] });
  good(['-i', '-f', '<>', '--', 'rcpt@x.example'], { sender: '<>', words: ['rcpt@x.example'] });
  good(['-f', 'a@x.example', '-r', 'b@x.example', 'c@x.example'], { sender: 'b@x.example' });
  good(['-r', 'a@x.example', '--from', 'b@x.example', 'c@x.example'], { sender: 'b@x.example' });
  good(['-oem', '-oi', '-N', 'failure,delay', '-R', 'hdrs', '--', 'a@x.example'], {
    notify: ['failure', 'delay'],
    return: 'headers',
  });
  good(['-F', 'Ann of X', 'a@x.example'], { fullName: 'Ann of X' });

  good(['-NNEVER', '-RFULL', '-VQQ314159', 'a@x.example'], { notify: 'never', return: 'full', envelopeId: 'QQ314159' });
  good(['--file', '-', 'a@x.example'], { words: ['a@x.example'] });
  good(['--file=m.eml', '--max-size', '10M', '-t'], { file: 'm.eml', maxSize: 10_485_760 });
  good(['--relay', 'smtps://ann@smtp.example', '--password-file', 'p', '--auth', 'scram-sha-256', 'a@x.example'], {
    relay: 'smtps://ann@smtp.example',
    passwordFile: 'p',
    auth: 'SCRAM-SHA-256',
  });
  good(['--tls', 'verify', '--tls-ca', 'ca.pem', '--tls-cert', 'c.pem', '--tls-key', 'k.pem', 'a@x.example'], {
    tls: { level: 'verify', ca: 'ca.pem', cert: 'c.pem', key: 'k.pem', fingerprints: [] },
  });
  good(['--tls-fingerprint', `${'AB:'.repeat(31)}AB`, '--tls-fingerprint', 'c'.repeat(64), 'a@x.example'], {
    tls: { fingerprints: ['ab'.repeat(32), 'c'.repeat(64)] },
  });
  good(
    ['--retry-for', '1h30m', '--dry-run', '--json', '--log', 'l', '--config', 'c', '--port', '2525', 'a@x.example'],
    {
      retryFor: 5_400_000,
      dryRun: true,
      json: true,
      log: 'l',
      config: 'c',
      port: 2525,
    },
  );

  bad(
    ['--jsn', 'a@x.example'],
    /^wrong: Cannot read command line: unknown option '--jsn' \(Did you mean --json\?\)$|--json/,
  );
  bad(['-x@y.example'], /unknown option/);
  bad(['-f'], /argument missing/);
  bad(['a@x.example\nRCPT TO:<b@y.example>'], /CR, LF or NUL in "a@x\.example\\x0aRCPT/);
  bad(['-F', 'Ann\rBcc: x', 'a@x.example'], /CR, LF or NUL/);
  bad(['a\0@x.example'], /CR, LF or NUL/);
  bad(['-N', 'sometimes', 'a@x.example'], /Cannot use -N "sometimes"/);
  bad(['-N', 'never,failure', 'a@x.example'], /Cannot use -N/);
  bad(['-N', '', 'a@x.example'], /Cannot use -N/);
  bad(['-R', 'some', 'a@x.example'], /Cannot use -R/);
  bad(['-V', 'a b', 'a@x.example'], /Cannot use -V/);
  bad(['-V', 'x'.repeat(101), 'a@x.example'], /Cannot use -V/);
  bad(['--port', '0', 'a@x.example'], /Cannot use --port/);
  bad(['--port', '65536', 'a@x.example'], /Cannot use --port/);
  bad(['--port', '25x', 'a@x.example'], /Cannot use --port/);
  bad(['--max-size', 'big', 'a@x.example'], /Cannot use --max-size/);
  bad(['--tls', 'maybe', 'a@x.example'], /Cannot use --tls "maybe": it is none, may, encrypt, verify/);
  bad(['--tls-fingerprint', 'abcd', 'a@x.example'], /64 hexadecimal digits/);
  bad(['--tls-key', 'k.pem', 'a@x.example'], /--tls-cert is missing/);
  bad(['--tls', 'none', '--tls-fingerprint', 'a'.repeat(64), 'a@x.example'], /leaves no certificate to check/);
  bad(['--auth', 'ROT13', 'a@x.example'], /Cannot use --auth "ROT13"/);
  bad(['--retry-for', 'ever', 'a@x.example'], /Cannot use --retry-for/);
  bad(['--relay', 'smtp://x.example', '--port', '587', 'a@x.example'], /belongs in its URL/);
  bad(['--relay=', 'a@x.example'], /it is empty/);
  bad(['--password-file', 'a', '--password-command', 'b', 'a@x.example'], /--password-file is given too/);

  const LATE =
    /"explain" would be a recipient behind options: a command stands first, and a user is explain@localhost$/;
  bad(['--config', 'c.toml', 'explain', 'a@x.example'], LATE);
  bad(['-v', 'explain'], LATE);
  good(['send', '-v', 'explain'], { words: ['explain'] });
  good(['-v', '--', 'explain'], { words: ['explain'] });
  good(['-v', 'root', 'queue'], { words: ['root', 'queue'] });

  it('escapes what it quotes when an argument has controls', () => {
    const line = readCommandLine(['--retry-for', '\x1b[2J', 'a@x.example']);
    expect(line.kind).toBe('send');
    expect(() => read('--retry-for', '\x1b[2J', 'a@x.example')).toThrow('"\\x1b[2J"');
  });

  it('hides nothing behind an option that is given as a value', () => {
    expect(read('-f', '--json', 'a@x.example')).toMatchObject({ sender: '--json', json: false });
  });
});

describe('readCommandLine() when asked for help', () => {
  const print = (...words: readonly string[]): CommandLine => readCommandLine(words);

  it('prints every option of the table', () => {
    const help = print('--help');
    expect(help.kind).toBe('print');
    for (const { flags, hidden } of OPTIONS) {
      const named = expect.stringContaining(`\n  ${flags}`);
      expect(help).toHaveProperty('text', hidden === true ? expect.not.stringContaining(`\n  ${flags}`) : named);
    }
  });

  it('prints the same when spelled otherwise', () => {
    expect(print('help')).toEqual(print('--help'));
    expect(print('send', '-h')).toEqual(print('--help'));
    expect(print('-v', 'a@x.example', '--help')).toEqual(print('--help'));
  });

  it('keeps to the width of a terminal', () => {
    const help = print('--help');
    if (help.kind !== 'print') throw new Error('no help');
    expect(help.text.split('\n').filter((line) => line.length > 105)).toEqual([]);
  });

  it('prints the version', () => {
    expect(print('--version')).toEqual({ kind: 'print', text: expect.stringMatching(/^posthaste \S+\n$/) });
  });
});
