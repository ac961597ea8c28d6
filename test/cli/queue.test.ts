import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import type { QueuedRecipient, QueueEntry } from '../../src/mail/entry.ts';
import { memorySource } from '../../src/message/source.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { timeOfId } from '../../src/queue/spool-id.ts';
import { addressOf, failureOf, GREYLISTED, queuedOf, recipientOf } from '../support/entry.ts';
import { scratchFolder, testSpool } from '../support/spool.ts';
import { fakeSurroundings, readJson } from './fake-surroundings.ts';

/** The clock of the fake surroundings. */
const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

const HEADER = 'From: ann@example.org\r\nTo: bob@example.net\r\nSubject: hi\r\n\r\n';
const BODY = 'hello \x1b[31mred\n';

/** Nobody can be reached. */
const ZONES = { fail: ['MX example.net', 'MX example.org'] };

interface Queued {
  readonly sender?: string | null;
  readonly recipients?: readonly QueuedRecipient[];
  readonly age?: number;
  readonly rest?: Partial<QueueEntry>;
}

async function put(spool: Spool, { sender = 'ann@example.org', recipients, age = 0, rest }: Queued = {}) {
  const facts = {
    size: HEADER.length + BODY.length,
    eightBitHeader: false,
    eightBitBody: false,
    longestLine: 30,
    nul: false,
  };
  const entry = await spool.accept(
    { header: Buffer.from(HEADER), body: memorySource(Buffer.from(BODY)), facts },
    {
      queued: NOW - age,
      envelope: { sender: sender === null ? null : addressOf(sender) },
      way: {},
      uid: 1000,
      recipients: recipients ?? [queuedOf('bob@example.net', { nextAttempt: NOW })],
      ...rest,
    },
  );
  // Ids sort by their millisecond, so that the next one comes behind this one.
  while (Date.now() <= timeOfId(entry.id)) await new Promise((resolve) => setImmediate(resolve));
  return entry.id;
}

const deferred = (text: string, rest: Partial<QueuedRecipient> = {}): QueuedRecipient =>
  queuedOf(text, { attempts: 2, nextAttempt: NOW + 5 * 60_000, last: failureOf(GREYLISTED), ...rest });

async function world() {
  const { spool, folder } = await testSpool();
  const log = join(folder, '..', 'log');
  async function play(...words: readonly string[]) {
    const around = fakeSurroundings({ zones: ZONES }, { env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: log } });
    const exit = await run(['queue', ...words], around);
    return { exit, out: around.stdout.text, err: around.stderr.text, steps: around.steps, sent: around.sent };
  }
  const events = (): readonly string[] =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trimEnd()
          .split('\n')
          .map((text) => JSON.parse(text).event)
      : [];
  return { spool, folder, play, events };
}

describe('posthaste queue list', () => {
  it('says what mailq says of an empty queue, and makes none', async () => {
    const { play } = await world();
    expect(await play()).toMatchObject({ exit: 0, out: 'Mail queue is empty\n', err: '' });
    const folder = join(scratchFolder(), 'none');
    const around = fakeSurroundings({}, { env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' } });
    expect([await run([], around, 'mailq'), around.stdout.text]).toEqual([0, 'Mail queue is empty\n']);
    expect(existsSync(folder)).toBe(false);
  });

  it('shows id, size, age, sender, and each recipient’s state with the last reply', async () => {
    const { spool, play } = await world();
    const id = await put(spool, {
      age: 3 * HOUR,
      recipients: [deferred('bob@example.net'), queuedOf('eve@example.net', { state: 'delivered' })],
    });
    const held = await put(spool, { sender: null, rest: { held: true } });
    expect((await play('list')).out).toBe(
      [
        `${id}     75 B     3 h  ann@example.org`,
        '    bob@example.net  deferred, 2 attempts, next attempt in 5 min',
        '        mx.example.net[192.0.2.25]: refused when sending RCPT: 451 4.7.1 Greylisted, come again (4.7.1)',
        '    eve@example.net  delivered',
        `${held}     75 B     0 s  <>  held`,
        '    bob@example.net  waiting, due now',
        '-- 2 messages, 2 recipients, 150 B',
        '',
      ].join('\n'),
    );
  });

  it('escapes what remotes said, and paints on a terminal alone', async () => {
    const { spool, folder, play } = await world();
    await put(spool, {
      recipients: [deferred('bob@example.net', { last: failureOf({ text: 'red \x1b[31m' }) })],
    });
    expect((await play()).out).toContain('red \\x1b[31m');
    const env = { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' };
    for (const [over, painted] of [
      [env, true],
      [{ ...env, NO_COLOR: '1' }, false],
    ] as const) {
      const around = fakeSurroundings({}, { env: over });
      around.stdout.terminal = true;
      await run(['queue'], around);
      expect(around.stdout.text.includes('\x1b[')).toBe(painted);
    }
  });

  it('prints a line of JSON for each message, and a number for --count', async () => {
    const { spool, play } = await world();
    const id = await put(spool, { recipients: [deferred('bob@example.net')] });
    const { out } = await play('list', '--json');
    expect(readJson(out)).toMatchObject({
      ...{ version: 1, id, size: 75, sender: 'ann@example.org', queued: new Date(NOW).toISOString() },
      recipients: [{ recipient: 'bob@example.net', state: 'pending', attempts: 2, status: '4.7.1', code: 451 }],
    });
    expect((await play('list', '--count')).out).toBe('1\n');
    expect((await play('list', '--count', '--json')).out).toBe('{"version":1,"messages":1}\n');
  });

  it('selects by sender, recipient, age, reason and id', async () => {
    const { spool, play } = await world();
    const old = await put(spool, { age: 2 * HOUR, recipients: [deferred('Bob@example.net')] });
    const fresh = await put(spool, { sender: null, recipients: [queuedOf('eve@example.com')] });
    const count = async (...words: readonly string[]) => Number((await play('list', '--count', ...words)).out);
    expect(await count('--from', 'ANN@')).toBe(1);
    expect(await count('--from', '<>')).toBe(1);
    expect(await count('--to', 'bob@')).toBe(1);
    expect(await count('--to', 'example')).toBe(2);
    expect(await count('--older-than', '1h')).toBe(1);
    expect(await count('--older-than', '3h')).toBe(0);
    expect(await count('--reason', 'greylisted')).toBe(1);
    expect(await count('--reason', 'full')).toBe(0);
    expect(await count(old, fresh)).toBe(2);
    expect(await count(fresh, '--to', 'bob')).toBe(0);
  });

  it.each([
    [['list', '../entry'], /"\.\.\/entry": it is no id/],
    [['list', '--older-than', 'long'], /--older-than "long": a duration is/],
    [['list', '--to', ''], /--to: it is empty/],
    [['list', '--nonsense'], /unknown option '--nonsense'/],
    [['nonsense'], /unknown command "nonsense", known are list, show/],
    [['stats', 'x'], /stats takes no "x"/],
    [['remove'], /Cannot remove: say which messages/],
    [['show'], /Cannot show message: give its id/],
    [['run', '--forever', '--all'], /Cannot use --all: a run that goes on/],
    [['run', '--linger', 'x'], /Cannot use --linger "x"/],
  ])('refuses %j with 64', async (words, why) => {
    const { play } = await world();
    const { exit, err, out } = await play(...words);
    expect([exit, out]).toEqual([64, '']);
    expect(err).toMatch(why);
  });
});

describe('posthaste queue show', () => {
  it('shows the envelope, the history and what the message says', async () => {
    const { spool, play } = await world();
    const history = [
      { at: NOW, outcome: 'deferred', status: '4.7.1', host: 'mx.example.net', text: '451 no\x1b' },
    ] as const;
    const id = await put(spool, { recipients: [deferred('bob@example.net', { history })] });
    const { out, exit } = await play('show', id);
    expect(exit).toBe(0);
    for (const part of [id, 'Sender      ann@example.org', '451 no\\x1b', 'Subject     hi', 'hello \\x1b[31mred'])
      expect(out).toContain(part);
    expect(readJson((await play('show', '--json', id)).out)).toMatchObject({
      id,
      history: [{ recipient: 'bob@example.net', history: [{ status: '4.7.1' }] }],
      summary: { subject: 'hi' },
    });
  });

  it('gives the bytes, but no terminal obeys them', async () => {
    const { spool, folder, play } = await world();
    const id = await put(spool);
    expect((await play('show', '--raw', id)).out).toBe(`${HEADER}${BODY.trimEnd()}\r\n`);
    const around = fakeSurroundings({}, { env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' } });
    around.stdout.terminal = true;
    await run(['queue', 'show', '--raw', id], around);
    expect(around.stdout.text).toBe(`${HEADER.replaceAll('\r', '')}hello \\x1b[31mred\n`);
  });

  it('ends with 66 when there is no such message', async () => {
    const { play } = await world();
    expect(await play('show', '0123456789abcde')).toMatchObject({ exit: 66, out: '' });
  });
});

describe('posthaste queue retry, hold, release, remove', () => {
  it('has what was selected tried now, by a runner in the background', async () => {
    const { spool, play, events, folder } = await world();
    const id = await put(spool, { recipients: [deferred('bob@example.net'), deferred('eve@example.com')] });
    expect((await play('retry', '--to', 'bob', '--dry-run')).out).toBe('1 message, 1 recipient would be tried now\n');
    const { out, steps } = await play('retry', '--to', 'bob');
    expect(out).toBe('1 message, 1 recipient to be tried now\n');
    const entry = await spool.read(id);
    expect(entry?.recipients.map(({ nextAttempt }) => nextAttempt)).toEqual([NOW, NOW + 300_000]);
    expect([steps.at(-1), events()]).toEqual([
      `runner ${folder} queue run --background --spool=${folder}`,
      ['retried'],
    ]);
  });

  it('holds and releases', async () => {
    const { spool, play, events } = await world();
    const id = await put(spool);
    expect((await play('hold', id)).out).toBe('1 message, 1 recipient held\n');
    expect((await spool.read(id))?.held).toBe(true);
    expect(await play('hold', id)).toMatchObject({ exit: 66, out: '0 messages, 0 recipients held\n' });
    expect((await play('release', '--all')).out).toBe('1 message, 1 recipient released\n');
    expect((await spool.read(id))?.held).toBeUndefined();
    expect(events()).toEqual(['held', 'released']);
  });

  it('removes a message, or recipients of it, and nothing in a dry run', async () => {
    const { spool, play, events } = await world();
    const id = await put(spool, { recipients: [deferred('bob@example.net'), deferred('eve@example.com')] });
    expect((await play('remove', '--all', '--dry-run')).out).toBe('1 message, 2 recipients would be removed\n');
    await play('remove', '--to', 'eve@');
    expect((await spool.read(id))?.recipients.map(({ state }) => state)).toEqual(['pending', 'removed']);
    const { out } = await play('remove', '--json', id);
    expect(readJson(out)).toEqual({
      ...{ version: 1, exit: 0, act: 'remove', messages: [id], recipients: 1, busy: [], missing: [] },
    });
    expect([await spool.ids(), events()]).toEqual([[], ['removed', 'removed']]);
  });

  it('leaves alone what is being delivered, and says so', async () => {
    const { spool, play } = await world();
    const id = await put(spool);
    const claim = await spool.claim(id);
    const { exit, err } = await play('remove', '--all');
    await claim?.release();
    expect([exit, err]).toEqual([75, `posthaste: Cannot remove ${id}: it is being delivered now\n`]);
    expect(await spool.ids()).toEqual([id]);
  });
});

describe('posthaste queue bounce', () => {
  it('gives the message back to its sender, by way of the queue', async () => {
    const { spool, play, events } = await world();
    await put(spool, { recipients: [deferred('bob@example.net')] });
    expect((await play('bounce', '--all')).out).toBe('1 message, 1 recipient bounced\n');
    const [id = ''] = await spool.ids();
    const entry = await spool.read(id);
    expect(entry).toMatchObject({
      envelope: { sender: null },
      report: { kind: 'failed' },
      recipients: [{ recipient: recipientOf('ann@example.org') }],
    });
    if (entry === undefined) throw new Error('no bounce');
    const chunks: Buffer[] = [];
    for await (const chunk of (await spool.message(entry)).body.chunks()) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toMatch(/Status: 5\.7\.0/);
    expect(events()).toContain('bounced');
  });

  it('keeps what nobody can be told of', async () => {
    const { spool, folder, play, events } = await world();
    const id = await put(spool, { sender: null });
    await play('bounce', id);
    expect([await spool.ids(), existsSync(join(folder, 'failed', `${id}.json`))]).toEqual([[], true]);
    expect(events()).toContain('kept');
  });
});

describe('posthaste queue stats and check', () => {
  it('counts what waits, for whom', async () => {
    const { spool, play } = await world();
    await put(spool, { age: HOUR, recipients: [deferred('bob@example.net'), deferred('eve@example.net')] });
    await put(spool, { rest: { held: true } });
    const { out } = await play('stats');
    for (const part of [
      'Messages      2 (1 held, 0 reports), 150 B',
      'Recipients    3 (2 deferred',
      '3 example.net (2',
    ])
      expect(out).toContain(part);
    expect(readJson((await play('stats', '--json')).out)).toMatchObject({
      ...{ messages: 2, held: 1, recipients: 3, deferred: 2, due: 0 },
      domains: [{ domain: 'example.net', recipients: 3, deferred: 2 }],
    });
    expect(readJson((await (await world()).play('stats', '--json')).out)).toMatchObject({ messages: 0, domains: [] });
  });

  it('finds a good spool good, and clears away what was never accepted', async () => {
    const { spool, folder, play } = await world();
    await put(spool);
    expect(await play('check')).toMatchObject({ exit: 0, out: '1 message good, 0 damaged, no leftovers\n' });
    writeFileSync(join(folder, 'message', '0mwsecnmvva91p1'), 'half', { mode: 0o600 });
    utimesSync(join(folder, 'message', '0mwsecnmvva91p1'), 1, 1);
    expect((await play('check')).out).toMatch(/cleared away 1 message never accepted/);
    expect(existsSync(join(folder, 'message', '0mwsecnmvva91p1'))).toBe(false);
  });

  it('sets damaged messages and entries aside with 74', async () => {
    const { spool, folder, play } = await world();
    const one = await put(spool);
    const other = await put(spool);
    writeFileSync(join(folder, 'message', one), HEADER + BODY.replace('hello', 'jello'));
    writeFileSync(join(folder, 'entry', `${other}.json`), '{');
    const { exit, out, err } = await play('check', '--json');
    expect([exit, readJson(out)]).toEqual([
      74,
      expect.objectContaining({ good: 0, damaged: expect.arrayContaining([one, other]) }),
    ]);
    expect(err.split('\n')).toHaveLength(3);
    expect(await spool.ids()).toEqual([]);
  });
});

describe('posthaste queue run and flush', () => {
  it('does nothing where there is no queue', async () => {
    const folder = join(scratchFolder(), 'none');
    const around = fakeSurroundings({}, { env: { POSTHASTE_SPOOL: folder, POSTHASTE_LOG: 'none' } });
    expect([await run(['-q'], around, 'sendmail'), around.stdout.text, existsSync(folder)]).toEqual([0, '', false]);
  });

  it('defers what can’t be delivered, and tells of it with -v and in JSON', async () => {
    const { spool, play, events } = await world();
    const id = await put(spool, { recipients: [deferred('bob@example.net')] });
    expect(await play('run')).toMatchObject({ exit: 0, out: '', err: '' });
    expect((await spool.read(id))?.recipients[0]?.attempts).toBe(2);
    const { exit, out, err } = await play('flush', '-v');
    expect([exit, out]).toEqual([
      0,
      '1 message tried: 0 delivered, 1 deferred, 0 failed; 1 message left in the queue\n',
    ]);
    expect(err).toMatch(/^posthaste: bob@example\.net: deferred \(4\./);
    expect((await spool.read(id))?.recipients[0]?.attempts).toBe(3);
    expect(readJson((await play('run', '--all', '--json')).out)).toMatchObject({ tried: 1, deferred: 1, left: 1 });
    expect(events().filter((event) => event === 'deferred')).toHaveLength(2);
  });

  it('runs those that were selected, due or not', async () => {
    const { spool, play } = await world();
    const bob = await put(spool, { recipients: [deferred('bob@example.net')] });
    const eve = await put(spool, { recipients: [deferred('eve@example.net')] });
    await play('run', '--to', 'eve');
    await play('run', '--id', bob);
    await play('run', '--from', 'nobody');
    const attempts = async (id: string) => (await spool.read(id))?.recipients[0]?.attempts;
    expect([await attempts(bob), await attempts(eve)]).toEqual([3, 3]);
  });
});
