import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { getopt } from '../../src/cli/getopt.ts';
import { run } from '../../src/cli/run.ts';
import { readSendmail } from '../../src/cli/sendmail.ts';
import { GRAMMAR } from '../../src/cli/sendmail-flags.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { type FakeOptions, fakeSurroundings, type Over } from './fake-surroundings.ts';
import { failed } from './support.ts';

const root = mkdtempSync(join(tmpdir(), 'posthaste-sendmail-run-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** One call by a sendmail's name, and what it said and left in its queue. */
async function call(name: string, words: readonly string[], options: FakeOptions = {}) {
  const folder = join(root, `${count++}`);
  const around = fakeSurroundings(
    { patient: true, ...options },
    { env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' } },
  );
  const exit = await run(words, around, name);
  const spool = await openSpool({ folder, fsync: false, process: currentOwner(), now: Date.now });
  const entries = await Promise.all((await spool.ids()).map((id) => spool.read(id)));
  return { exit, out: around.stdout.text, err: around.stderr.text, steps: around.steps, entries, sent: around.sent };
}

describe('sendmail, about who calls', () => {
  const sent = async (words: readonly string[], over: Over = {}) => {
    const around = fakeSurroundings({ message: 'Subject: x\n\ny\n' }, { fullNameOf: () => 'Ann Other', ...over });
    await run(['-odi', '-i', ...words, 'bob@example.org'], around, 'sendmail');
    const [one] = around.sent;
    const sender = one?.delivery.envelope.sender;
    return [sender && `${sender.local}@${sender.domain}`, /^From: (.*)\r$/m.exec(one?.header ?? '')?.[1]];
  };

  it('has the full name of the password database, but for a sender who is named', async () => {
    expect(await sent([])).toEqual(['me@vm.example.org', 'Ann Other <me@vm.example.org>']);
    expect(await sent(['-F', 'Else'])).toEqual(['me@vm.example.org', 'Else <me@vm.example.org>']);
    expect(await sent([], { env: { NAME: 'Env' } })).toEqual(['me@vm.example.org', 'Env <me@vm.example.org>']);
    expect(await sent(['-f', 'cy@example.org'])).toEqual(['cy@example.org', 'cy@example.org']);
  });
});

describe('newaliases', () => {
  const aliases = (text: string): FakeOptions => ({
    files: { '/etc/aliases': text, '/etc/list': 'a@example.org\nb\n' },
  });

  it('is silent where all is well, and counts with -v', async () => {
    const files = aliases('root: ann@example.org\nall: :include:/etc/list, \\bob\nb: root\n');
    expect(await call('newaliases', [], files)).toMatchObject({ exit: 0, out: '', err: '' });
    expect(await call('sendmail', ['-bi', '-v'], files)).toMatchObject({ exit: 0, out: '3 aliases\n', err: '' });
    expect(await call('newaliases', [])).toMatchObject({ exit: 0, out: '', err: '' });
  });

  it('says each fault: of form, of targets, of rings, of files', async () => {
    const text = 'no colon here\nroot: |/bin/mail, ann@example.org\na: b\nb: c\nc: a\nlist: :include:/nowhere\n';
    const { exit, err } = await call('newaliases', [], aliases(text));
    expect(exit).toBe(65);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^newaliases: \/etc\/aliases:1: /),
      expect.stringMatching(/^newaliases: \/etc\/aliases:2: alias "root": "\|\/bin\/mail" is a command/),
      expect.stringMatching(/^newaliases: alias of "a": .* a -> b -> c -> a$/),
      expect.stringMatching(/^newaliases: alias of "list": target ":include:\/nowhere": no such file$/),
      '',
    ]);
  });
});

describe('sendmail -bv', () => {
  const zones = { MX: { 'example.net': ['10 mx.example.net'] }, A: { 'mx.example.net': ['192.0.2.7'] } };
  const files = { '/etc/aliases': 'root: ann@example.net, gone\ngone: /dev/null\n' };

  it('shows what an address becomes and where its mail goes, and sends nothing', async () => {
    const { exit, out, err, steps, entries } = await call('sendmail', ['-bv', 'root', 'x@example.net'], {
      files,
      zones,
    });
    expect([exit, err, entries]).toEqual([65, '', []]);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^Sender /),
      'Address     root@vm.example.org',
      'Alias       root@vm.example.org is ann@example.net, gone (/etc/aliases:1)',
      expect.stringMatching(/^Alias {7}gone@vm\.example\.org is /),
      expect.stringMatching(/^Refused {5}root@vm\.example\.org: alias target "\/dev\/null": /),
      'Address     x@example.net',
      '',
      'Recipient   ann@example.net',
      'Route       the rest',
      'Way         mx to example.net, port 25',
      '  Host      10 mx.example.net: 192.0.2.7',
      expect.stringMatching(/^ {2}TLS /),
      expect.stringMatching(/^ {2}Network /),
      expect.stringMatching(/^ {2}Limits /),
      expect.stringMatching(/^Retry /),
      '',
      'Recipient   x@example.net',
      ...Array.from({ length: 7 }, () => expect.any(String)),
      '',
    ]);
    expect(steps.filter((step) => /^(?:message|deliver|converse)/.test(step))).toEqual([]);
  });

  it('leaves aliases where -n says so, and wants an address', async () => {
    const { out } = await call('sendmail', ['-bv', '-n', 'root'], { files, zones });
    expect(out).toContain('Address     root@vm.example.org\n\nRecipient   root@vm.example.org\n');
    expect(await call('sendmail', ['-bv'])).toMatchObject({
      exit: 64,
      err: expect.stringMatching(/-bv needs an address/),
    });
  });
});

describe('sendmail -bs', () => {
  const files = { '/etc/aliases': 'root: ann@example.net\nlog: |/bin/cat\nboth: ann@example.net, |/bin/cat\n' };
  const say = (...recipients: readonly string[]): string =>
    `EHLO x\r\nMAIL FROM:<me@example.org>\r\n${recipients.map((each) => `RCPT TO:<${each}>\r\n`).join('')}` +
    'DATA\r\nFrom: root (Cron Daemon)\r\nSubject: x\r\nBcc: eve@example.org\r\n\r\nhi\r\n.\r\nQUIT\r\n';

  it('gives a message what any call gives it: aliases, a mended header, no Bcc', async () => {
    const { exit, out, entries } = await call('sendmail', ['-bs'], { files, message: say('root') });
    expect(exit).toBe(0);
    expect(out).toContain(`250 2.0.0 queued as ${entries[0]?.id}\r\n`);
    expect(entries[0]?.recipients.map(({ recipient }) => recipient.address)).toEqual([
      { local: 'ann', domain: 'example.net' },
    ]);
  });

  it('refuses a name that leads nowhere at RCPT', async () => {
    const { out, entries } = await call('sendmail', ['-bs'], { files, message: say('log') });
    expect(out).toMatch(/\r\n550 5\.1\.1 alias target "\|\/bin\/cat": .*\r\n503 5\.5\.1 RCPT comes first/);
    expect(entries).toEqual([]);
  });

  it('tells the sender by mail of whom it could not reach beside the others', async () => {
    const { out, entries } = await call('sendmail', ['-bs', '-odq'], { files, message: say('both') });
    expect(out).toContain('250 2.0.0 queued as ');
    const whoToWhom = entries.map((each) => [
      each?.envelope.sender?.local,
      each?.recipients[0]?.recipient.address.local,
    ]);
    expect(whoToWhom).toEqual(
      expect.arrayContaining([
        ['me', 'ann'],
        [undefined, 'me'],
      ]),
    );
    expect(entries).toHaveLength(2);
  });

  it('keeps UTF-8 in the header for who says SMTPUTF8', async () => {
    const of = (parameter: string): string =>
      `EHLO x\r\nMAIL FROM:<a@example.org>${parameter}\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: \xc3\xbc\r\n\r\nx\r\n.\r\nQUIT\r\n`;
    const eightBit = async (parameter: string) =>
      (await call('sendmail', ['-bs', '-odq'], { message: of(parameter) })).entries[0]?.message.facts.eightBitHeader;
    expect([await eightBit(' SMTPUTF8'), await eightBit('')]).toEqual([true, false]);
  });

  it('takes ENVID, RET and NOTIFY', async () => {
    const message =
      'EHLO x\r\nMAIL FROM:<a@example.org> RET=HDRS ENVID=qq\r\nRCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY\r\n' +
      'DATA\r\n\r\nx\r\n.\r\nQUIT\r\n';
    const [entry] = (await call('sendmail', ['-bs'], { message })).entries;
    expect(entry?.envelope).toMatchObject({ id: 'qq', return: 'headers' });
    expect(entry?.recipients[0]?.recipient.notify).toEqual(['success', 'delay']);
  });
});

describe('the error modes', () => {
  const outcome = failed;

  it('mails back what an interactive delivery was told', async () => {
    const words = ['-odi', '-oem', 'bob@example.net'];
    const { exit, err, entries } = await call('sendmail', words, { outcome: (recipient) => outcome(recipient) });
    expect([exit, err, entries.length]).toEqual([67, '', 1]);
    expect(entries[0]?.recipients[0]?.recipient.address).toEqual({ local: 'me', domain: 'vm.example.org' });
  });

  it('passes on what -v shows, and nothing where all is well', async () => {
    const { exit, err } = await call('sendmail', ['-v', '-odb', '-oem', 'bob@example.net']);
    expect([exit, err]).toEqual([0, expect.stringMatching(/^sendmail: bob@example\.net: queued as \w+\n$/)]);
    expect(await call('sendmail', ['-odi', '-oem', 'bob@example.net'])).toMatchObject({
      exit: 0,
      err: '',
      entries: [],
    });
  });

  it('mails back a message that was not read before it was refused', async () => {
    const { exit, entries, steps } = await call('sendmail', ['-oem'], { message: 'Subject: lost\n\nx\n' });
    expect([exit, entries.length]).toEqual([64, 1]);
    expect(steps).toContain('message');
    expect(entries[0]?.message.facts.size).toBeGreaterThan(500);
  });

  it('prints where the command line itself can’t be read', async () => {
    expect(await call('sendmail', ['-oem', '-Z'])).toMatchObject({ exit: 64, entries: [] });
    const { err } = await call('sendmail', ['-oem', '-N', 'maybe', 'bob']);
    expect(err).toBe('sendmail: Cannot use -N "maybe": it is never, or a list of success, failure, delay\n');
  });
});

describe('a message in a circle', () => {
  const message = `${'Received: from a by b\n'.repeat(45)}Subject: x\n\nhi\n`;

  it('is refused after 50 hosts, those of -h included', async () => {
    expect(await call('sendmail', ['-odq', '-h', '5', 'bob@example.org'], { message })).toMatchObject({
      exit: 0,
      err: '',
    });
    const { exit, err, entries } = await call('sendmail', ['-odq', '-h6', '-G', 'bob@example.org'], { message });
    expect([exit, err, entries]).toEqual([69, expect.stringMatching(/through 51 hosts: it goes in a circle\n$/), []]);
  });
});

describe('what strangers put into arguments', () => {
  const flags = [
    '-f',
    '-F',
    '-V',
    '-N',
    '-R',
    '-B',
    '-L',
    '-p',
    '-a',
    '-O',
    '-o',
    '-X',
    '-C',
    '-D',
    '-h',
    '--from',
    '-q',
    '',
  ];

  it.each(['\r\nBcc: eve@example.org', '\nRCPT TO:<eve>', '\r.', 'a\0b'])('refuses %j in any place', async (text) => {
    for (const flag of flags) {
      const { exit, entries, sent } = await call('sendmail', [`${flag}${text}`, 'bob@example.org']);
      expect([flag, exit, entries, sent]).toEqual([flag, 64, [], []]);
      if (flag !== '') expect((await call('sendmail', [flag, text, 'bob@example.org'])).exit).toBe(64);
    }
  });

  it('never takes a recipient for an option behind --, nor a value for one', async () => {
    const { entries } = await call('sendmail', [
      '-odq',
      '-f',
      '-oQ/tmp@example.org',
      '--',
      '-Xlog@example.org',
      '-t@example.org',
    ]);
    expect(entries[0]?.envelope.sender?.local).toBe('-oQ/tmp');
    expect(entries[0]?.recipients.map(({ recipient }) => recipient.address.local)).toEqual(['-Xlog', '-t']);
  });

  it('opens no file that a flag names', async () => {
    const words = [
      '-odq',
      '-X',
      '/tmp/x',
      '-C/tmp/y',
      '-D',
      '/tmp/z',
      '-oQ/tmp',
      '-OQueueDirectory=/tmp',
      '--file=/q',
      '-oA/tmp/a',
    ];
    const { exit, steps } = await call('sendmail', [...words, 'bob@example.org']);
    expect([exit, steps.filter((step) => /^(?:file|log|aliases)/.test(step))]).toEqual([0, ['aliases /etc/aliases']]);
  });

  it('never lets a header field of a message end up as a recipient or a field', async () => {
    const message = 'To: bob@example.org\nSubject: x\r\r\n\tBcc: eve@example.org\nX\0: y\n\nhi\n';
    const { entries } = await call('sendmail', ['-odq', '-t'], { message });
    expect(entries[0]?.recipients.map(({ recipient }) => recipient.address.local)).toEqual(['bob']);
  });
});

describe('the grammar of sendmail', () => {
  const noValue = Object.keys(GRAMMAR.letters).filter((letter) => GRAMMAR.letters[letter] === 'none');
  const recipient = fc.stringMatching(/^[a-z][a-z0-9.]{0,8}@[a-z]{1,5}\.example$/);
  const flag = fc.oneof(
    fc
      .uniqueArray(fc.constantFrom(...noValue), { minLength: 1, maxLength: 4 })
      .map((letters) => [`-${letters.join('')}`]),
    fc.constantFrom(
      ['-q'],
      ['-qf'],
      ['-q30m'],
      ['-d0.1'],
      ['-oMr', 'smtp'],
      ['-oi'],
      ['-odq'],
      ['-o', 'em'],
      ['-f', ''],
      ['-f<>'],
    ),
    fc.constantFrom(
      ['-f', 'a@b.example'],
      ['-Bx'],
      ['-h', '3'],
      ['-F', '-t'],
      ['--from=x@y.example'],
      ['--account', 'w'],
      ['-E'],
      ['-Jx'],
    ),
  );

  it('loses no recipient and takes none more, wherever flags stand', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            flag,
            recipient.map((name) => [name]),
          ),
        ),
        fc.array(recipient),
        (groups, behind) => {
          const named = groups.filter(([word = '']) => !word.startsWith('-')).flat();
          const read = getopt([...groups.flat(), '--', ...behind], GRAMMAR);
          expect(read).toMatchObject({ operands: [...named, ...behind] });
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('sendmail', 'mailq', 'newaliases', 'runq'),
        fc.array(
          fc.oneof(
            fc.string(),
            flag.map(([word = '']) => word),
          ),
        ),
        (name, words) => {
          expect(readSendmail(name, words)).toHaveProperty('kind');
        },
      ),
      { seed: 12, numRuns: 500 },
    );
  });
});
