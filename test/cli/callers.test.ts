import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { formatAddress } from '../../src/mail/address.ts';
import { head, memorySource } from '../../src/message/source.ts';
import { currentOwner } from '../../src/queue/owner.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { undot } from '../../src/submit/dots.ts';
import { fakeSurroundings } from './fake-surroundings.ts';
import { deferred } from './support.ts';

/* The recorded calls of real programs, from their words and bytes to the entry in the spool. */

interface Call {
  readonly name: string;
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly want: 'smtp' | { recipients: readonly string[]; sender?: string; name?: string; exit?: number };
}

const CALLS: readonly Call[] = JSON.parse(readFileSync(new URL('../callers/calls.json', import.meta.url), 'utf8'));
const root = mkdtempSync(join(tmpdir(), 'posthaste-callers-'));
afterAll(() => rmSync(root, { recursive: true }));

const atHome = (text: string): string => (text.includes('@') ? text : `${text}@vm.example.org`);

/** Those that the recorded callers name. */
const ACCOUNTS = '[account.acct]\nurl = "mx"\n[account.work]\nurl = "mx"\n';

async function call({ name, argv, stdin }: Call) {
  const folder = join(root, name);
  const around = fakeSurroundings(
    {
      outcome: (recipient) => deferred(recipient),
      message: stdin,
      patient: true,
      files: { '/etc/posthaste/config.toml': ACCOUNTS },
    },
    {
      env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' },
      readMessage: ({ dots }) =>
        undot(memorySource(Buffer.from(stdin, 'latin1')), dots?.ignoreDots === false ? 'eof-only' : 'ignore'),
    },
  );
  const exit = await run(argv, around, 'sendmail');
  return { around, exit, folder };
}

async function entriesIn(folder: string) {
  const spool = await openSpool({ folder, fsync: false, process: currentOwner(), now: Date.now });
  const entries = await Promise.all((await spool.ids()).map((id) => spool.read(id)));
  const [entry] = entries;
  const message = entry && (await spool.message(entry));
  const body = message && (await head(message.body, 1_000_000)).toString('latin1');
  return { entry, count: entries.length, header: message?.header.toString('latin1'), body };
}

describe('sendmail, as it is called', () => {
  it.each(CALLS.map((each) => [each.name, each] as const))('takes the call of %s', async (_, each) => {
    const { around, exit, folder } = await call(each);
    if (each.want === 'smtp') {
      expect([exit, around.stderr.text]).toEqual([0, '']);
      const { entry, count, header, body } = await entriesIn(folder);
      expect(around.stdout.text).toContain(`250 2.0.0 queued as ${entry?.id}\r\n221 2.0.0 Bye\r\n`);
      const named = [...each.stdin.matchAll(/^RCPT TO:\s*<(.*?)>/gm)].map(([, address = '']) => atHome(address));
      expect([count, entry?.recipients.map(({ recipient }) => formatAddress(recipient.address))]).toEqual([1, named]);
      const [, sender = ''] = /^MAIL FROM:\s*<(.*?)>/m.exec(each.stdin) ?? [];
      expect(entry?.envelope.sender && formatAddress(entry.envelope.sender)).toBe(atHome(sender));
      const [, content = ''] = /\r\nDATA\r\n(.*?\r\n)\.\r\n/s.exec(each.stdin) ?? [];
      expect(body).toBe(content.slice(content.indexOf('\r\n\r\n') + 4).replace(/^\.\./gm, '.'));
      expect(header).toContain(content.slice(0, content.indexOf('\r\n')));
      return;
    }
    const { recipients, sender, name, exit: wanted = 0 } = each.want;
    expect([exit, around.stdout.text, around.stderr.lines.length]).toEqual([
      wanted,
      '',
      wanted === 0 && !each.argv.includes('-v') ? 0 : 1,
    ]);
    const { entry, count, header } = await entriesIn(folder);
    expect(count).toBe(1);
    expect(entry?.recipients.map(({ recipient }) => formatAddress(recipient.address))).toEqual(recipients.map(atHome));
    const given = entry?.envelope.sender;
    if (sender === '' || sender === '<>') expect(given).toBeNull();
    else expect(given && formatAddress(given)).toBe(atHome(sender ?? 'me'));
    expect(header).not.toMatch(/^Bcc:/im);
    if (name !== undefined && !/^From:/m.test(each.stdin)) expect(header).toContain(`From: ${name} <`);
    expect(around.steps.some((step) => step.startsWith('deliver'))).toBe(
      each.argv.includes('-odi') || each.argv.includes('-v'),
    );
  });

  it.each([
    ['cron-debian', 'From: Cron Daemon <root@vm.example.org>\r\n'],
    ['anacron', 'From: Anacron <root@vm.example.org>\r\nTo: root@vm.example.org\r\n'],
  ])('gives %s addresses with a domain', async (start, want) => {
    const cron = CALLS.find(({ name }) => name.startsWith(start));
    if (cron === undefined) throw new Error('no such call');
    const { folder } = await call({ ...cron, name: `mended ${start}` });
    expect((await entriesIn(folder)).header).toContain(want);
  });

  it('makes every header ASCII, but for -G and -U', async () => {
    const stdin = 'Subject: gr\xc3\xbc\xc3\x9fe\nTo: bob\n\nhi\n';
    const headerOf = async (name: string, ...argv: string[]) => {
      const { folder } = await call({ name, argv: [...argv, '-t'], stdin, want: 'smtp' });
      return (await entriesIn(folder)).header;
    };
    expect(await headerOf('plain')).toContain('Subject: =?utf-8?B?Z3LDvMOfZQ==?=\r\nTo: bob@vm.example.org\r\n');
    expect(await headerOf('gateway', '-G')).toContain('Subject: gr\xc3\xbc\xc3\x9fe\r\nTo: bob\r\n');
    expect(await headerOf('utf8', '-U')).toContain('Subject: gr\xc3\xbc\xc3\x9fe\r\nTo: bob@vm.example.org\r\n');
  });

  it('takes the sender from the header with --read-envelope-from, and else that of -f', async () => {
    const senderOf = async (name: string, from: string) => {
      const argv = ['--read-envelope-from', '-f', 'flag@example.net', 'bob@example.org'];
      const { folder } = await call({ name, argv, stdin: `${from}Subject: x\n\nhi\n`, want: 'smtp' });
      const { entry } = await entriesIn(folder);
      return entry?.envelope.sender;
    };
    expect(await senderOf('from', 'From: "A, B"\n <ann@example.net>, eve@example.net\n')).toEqual({
      local: 'ann',
      domain: 'example.net',
    });
    expect(await senderOf('no from', '')).toEqual({ local: 'flag', domain: 'example.net' });
    expect(await senderOf('bad from', 'From: (nobody)\n')).toEqual({ local: 'flag', domain: 'example.net' });
  });

  it('asks for reports as mutt does', async () => {
    const mutt = CALLS.find(({ name }) => name === 'mutt-dsn-8bit');
    if (mutt === undefined) throw new Error('no such call');
    const { folder } = await call({ ...mutt, name: 'again' });
    const { entry } = await entriesIn(folder);
    expect([entry?.envelope.return, entry?.recipients[0]?.recipient.notify]).toEqual(['headers', ['failure', 'delay']]);
  });

  it('leaves it in the queue where PHP was told DeliveryMode=q', async () => {
    const php = CALLS.find(({ name }) => name === 'php-mail-fattached');
    if (php === undefined) throw new Error('no such call');
    const { around } = await call({ ...php, name: 'once more' });
    expect(around.steps.filter((step) => step.startsWith('runner'))).toEqual([]);
  });
});
