import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Received } from '../support/mx-server.ts';
import { ADMIN, HOST, PROGRAMS, type Program } from './callers/programs.ts';
import { ANN, NOBODY, openRoot, type Root } from './callers/root.ts';
import { typeAt } from './callers/terminal.ts';

/*
 * Real programs with our package as their sendmail, from their command line to what arrives at a mail server: in a root
 * of their own, with the configuration in /etc. What they print, their status, the envelope, the header and the body.
 */

let root: Root;

/** Those of the group crontab may write there. */
const CRONTAB = 64100;

beforeAll(async () => {
  root = await openRoot();
  // These wait for the next minute, in which the others have theirs.
  root.write(
    'var/spool/cron/crontabs/ann',
    'MAILTO=bob@example.org,root\n* * * * * printf "Grüße\\n.\\n..two\\nlast\\n"\n',
    { mode: 0o600, owner: [ANN, CRONTAB] },
  );
  root.write('etc/busybox/ann', 'MAILTO=bob@example.org\n* * * * * printf "busy\\n.\\n..two\\nlast\\n"\n');
  // What users hand over waits in the drop for root's queue.
  root.start('/usr/bin/posthaste', 'queue', 'run', '--forever');
  root.start('/usr/sbin/cron', '-f');
  root.start('/bin/busybox', 'crond', '-f', '-c', '/etc/busybox');
  root.start('/usr/sbin/atd', '-f');
  cpSync('node_modules/nodemailer', join(root.path, 'usr/lib/node_modules/nodemailer'), { recursive: true });
});
afterAll(() => root.close());

const textOf = ({ bytes }: Received): string => bytes.toString('utf8').replaceAll('\r\n', '\n');
const headerOf = (mail: Received): string => `${textOf(mail).split('\n\n', 1)[0]}\n`;
const bodyOf = (mail: Received): string => textOf(mail).slice(headerOf(mail).length + 1);

/** The value of a field on one line, or null where it is missing. */
function fieldOf(mail: Received, name: string): string | null {
  const value = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)$`, 'im').exec(headerOf(mail))?.[1];
  return value?.replace(/\n(?=[ \t])/g, '') ?? null;
}

function isKnownBy({ subject }: Program, mail: Received): boolean {
  const found = fieldOf(mail, 'Subject') ?? '';
  return typeof subject === 'string' ? found === subject : subject.test(found);
}

type Arrival = Pick<Program, 'sender' | 'recipients' | 'header' | 'body'>;

const like = (wanted: string | RegExp | null) => (wanted instanceof RegExp ? expect.stringMatching(wanted) : wanted);

function expectAs(mail: Received, { sender, recipients, header = {}, body }: Arrival): void {
  expect({ sender: mail.sender, recipients: mail.recipients }).toEqual({ sender, recipients });
  const names = Object.keys(header);
  expect(Object.fromEntries(names.map((name) => [name, fieldOf(mail, name)]))).toEqual(
    Object.fromEntries(names.map((name) => [name, like(header[name] ?? null)])),
  );
  expect(bodyOf(mail)).toEqual(like(body));
}

describe('a message arrives as it was given', () => {
  test.each(PROGRAMS.map((each) => [each.name, each] as const))('%s', async (_, program) => {
    const { script, user, stdin = '', says } = program;
    const { status, stdout, stderr } = await root.call({ script, user, stdin });
    expect({ status, says: stdout + stderr }).toEqual({ status: 0, says: like(says ?? '') });
    expectAs(await root.arrived((mail) => isKnownBy(program, mail)), program);
  });
});

describe('alpine, at a terminal, sends a message as it was written', () => {
  const ways: readonly (readonly [string, string, string])[] = [
    ['by -bs, of itself', 'ann@example.com', ''],
    ['by -t, as its settings say', `ann@${HOST}`, 'sendmail-path=/usr/sbin/sendmail -oem -t -oi'],
  ];
  test.each(ways)('%s', async (way, sender, setting) => {
    const settings = ['user-domain=example.com', 'default-fcc=""', 'inbox-path=inbox', setting, ''];
    root.write('home/ann/.pinerc', settings.join('\n'), { owner: [ANN, ANN] });
    const script = ': >inbox; mkdir -p mail; alpine bob@example.org';
    const typed = await typeAt({ root, user: 'ann', script }, [
      [/To AddrBk/, `\r\ralpine ${way}\rl1\r.\r..two\rlast\r\x18`],
      [/Send message\?/, 'y'],
    ]);
    // How much it shows of its progress depends on how fast it is.
    expect(typed).toEqual({ status: 0, shown: expect.stringMatching(/ Alpine finished\s+$/) });
    expectAs(await root.arrived((mail) => fieldOf(mail, 'Subject') === `alpine ${way}`), {
      sender,
      recipients: ['bob@example.org'],
      header: { From: 'Ann Archer <ann@example.com>', To: 'bob@example.org', 'Message-ID': /^<\S+@\S+>$/ },
      body: 'l1\n.\n..two\nlast\n\n',
    });
  });
});

describe('the output of a job arrives', () => {
  const arrivedWith = (subject: RegExp): Promise<Received> =>
    root.arrived((mail) => subject.test(fieldOf(mail, 'Subject') ?? ''), 90_000);

  test('of at', async () => {
    const { status } = await root.call({ user: 'ann', script: `echo 'printf "Grüße\\n.\\n..two\\n"' | at -m now` });
    expect(status).toBe(0);
    expectAs(await arrivedWith(/^Output from your job/), {
      sender: `ann@${HOST}`,
      recipients: [`ann@${HOST}`],
      header: { From: `Ann Archer <ann@${HOST}>`, To: `ann@${HOST}`, Date: /^\w{3}, /, 'Message-ID': /^<\S+>$/ },
      body: 'Grüße\n.\n..two\n',
    });
  });

  test('of cron', async () => {
    const mail = await arrivedWith(/^Cron <ann@/);
    expectAs(mail, {
      sender: `ann@${HOST}`,
      recipients: ['bob@example.org', ADMIN],
      header: {
        From: `Cron Daemon <root@${HOST}>`,
        To: `bob@example.org,root@${HOST}`,
        Date: /^\w{3}, /,
        'Message-ID': /^<\S+>$/,
      },
      body: 'Grüße\n.\n..two\nlast\n',
    });
    expect(headerOf(mail)).toMatch(/^[\x09\x0a\x20-\x7e]*$/);
  }, 100_000);

  test("of busybox's crond", async () => {
    expectAs(await arrivedWith(/^cron: printf "busy/), {
      sender: `ann@${HOST}`,
      recipients: ['bob@example.org'],
      header: { From: `Ann Archer <ann@${HOST}>`, To: 'bob@example.org' },
      body: 'busy\n.\n..two\nlast\n',
    });
  }, 100_000);
});

describe('a refusal', () => {
  const refusals: readonly (readonly [string, string, { readonly status: number; readonly says: RegExp }])[] = [
    ['bsd-mailx', `bsd-mailx -s refused ${NOBODY}`, { status: 0, says: /^$/ }],
    ['PHP', `php -r 'exit(mail("${NOBODY}", "refused", "hi") ? 0 : 1);'`, { status: 0, says: /^$/ }],
  ];
  test.each(refusals)('comes back to who sent it by %s', async (_, script, { status, says }) => {
    const ran = await root.call({ user: 'ann', script, stdin: 'hi\n' });
    expect([ran.status, ran.stdout + ran.stderr]).toEqual([status, expect.stringMatching(says)]);
    const bounce = await root.arrived((mail) => mail.recipients.includes(`ann@${HOST}`));
    expect(bounce.sender).toBe('');
    expect(textOf(bounce)).toContain('550 5.1.1 No such user here');
  });

  const told: readonly (readonly [string, string, { readonly status: number; readonly says: RegExp }])[] = [
    [
      'PHP',
      `php -r 'exit(mail("${NOBODY}", "refused", "hi", "", "-odi") ? 0 : 1);'`,
      { status: 1, says: /No such user/ },
    ],
    [
      'mutt',
      `mutt -e 'set sendmail="/usr/sbin/sendmail -odi -oi" sendmail_wait=0' -s refused -- ${NOBODY}`,
      { status: 1, says: /./ },
    ],
    ['s-nail', `s-nail -S sendwait -S mta-arguments=-odi -s refused ${NOBODY}`, { status: 4, says: /No such user/ }],
    [
      'git send-email',
      `cd repository && git send-email --quiet --confirm=never --suppress-cc=all --sendmail-cmd='/usr/sbin/sendmail -odi' --to=${NOBODY} --root -1`,
      { status: 67, says: /No such user/ },
    ],
    [
      'MIME::Lite',
      `perl -MMIME::Lite -e 'MIME::Lite->new(To => "nobody\\@example.com", Data => "hi")->send("sendmail", "/usr/sbin/sendmail -t -odi") or exit 1'`,
      { status: 1, says: /No such user/ },
    ],
    [
      'Ruby mail',
      `ruby -rmail -e 'Mail.new { from "ann@example.com"; to "${NOBODY}"; delivery_method :sendmail, arguments: "-i -odi" }.deliver!'`,
      { status: 0, says: /No such user/ },
    ],
  ];
  test.each(told)('is told by %s, when delivery is waited for', async (_, script, { status, says }) => {
    const ran = await root.call({ user: 'ann', script, stdin: 'hi\n' });
    expect([ran.status, ran.stdout + ran.stderr]).toEqual([status, expect.stringMatching(says)]);
  });
});

test('nothing else arrived', () => {
  // The jobs of another minute.
  const others = root.others().filter((mail) => !/^cron/i.test(fieldOf(mail, 'Subject') ?? ''));
  expect(others.map(textOf)).toEqual([]);
});
