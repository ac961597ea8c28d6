import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeRepeated } from '../../src/bounce/repeated.ts';
import type { Message } from '../../src/message/message.ts';
import { gatherRepeats } from '../../src/queue/repeats.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { draftFor } from '../support/draft.ts';
import { messageOf } from '../support/message.ts';
import { testSpool } from '../support/spool.ts';

const WINDOW = 3_600_000;
const START = 1_800_000_000_000;
const CRON = 'Subject: Cron failed\nFrom: root@example.net\nTo: ann@example.org\nMessage-ID: <1@x>\n\nno disk\n';

async function place(over: Partial<Spool> = {}) {
  const clock = { now: START };
  const now = (): number => clock.now;
  const { spool, folder } = await testSpool({ now });
  const { accept } = gatherRepeats({
    spool: { ...spool, ...over },
    window: WINDOW,
    fsync: false,
    now,
    sleep: async () => {},
    compose: (message, repeated) =>
      composeRepeated(message, {
        ...repeated,
        now: clock.now,
        zone: 0,
        random: () => 0.5,
        fqdn: 'vm.test',
        limit: 5000,
      }),
  });
  const queued = async () => {
    const entries = await Promise.all((await spool.ids()).map((id) => spool.read(id)));
    return entries.map((entry) => {
      if (entry === undefined) throw new Error('an entry is gone');
      const text = readFileSync(join(folder, 'message', entry.id), 'latin1');
      const due = entry.recipients.map(({ nextAttempt }) => nextAttempt);
      return { entry, text, due, subject: /^Subject: (.*)\r$/m.exec(text)?.[1] };
    });
  };
  return {
    clock,
    folder,
    spool,
    queued,
    accept: (text = CRON, draft = draftFor('bob')) => accept(messageOf(text), draft),
    subjects: async () => (await queued()).map(({ subject }) => subject).sort(),
  };
}

describe('gatherRepeats()', () => {
  test('takes the first as it is, and makes one message of all that come again in the window', async () => {
    const { accept, clock, queued } = await place();
    const first = await accept();
    for (const minutes of [1, 2, 30]) {
      clock.now = START + minutes * 60_000;
      await accept();
    }
    const [sent, gathered, ...more] = await queued();
    expect(more).toEqual([]);
    expect(sent).toMatchObject({ entry: first, due: [0], subject: 'Cron failed' });
    expect(gathered).toMatchObject({ due: [START + WINDOW], subject: '3 more: Cron failed' });
    expect(gathered?.entry.envelope).toEqual(first.envelope);
    const text = gathered?.text.replaceAll('\r\n', '\n') ?? '';
    expect(text).toMatch(/^From: root@example\.net\nTo: ann@example\.org\n/m);
    expect(text.replaceAll('\n', ' ')).toContain(
      'The message below was sent on Fri, 15 Jan 2027 08:00:00 +0000. It came 3 more times, from Fri, 15 Jan 2027 ' +
        '08:01:00 +0000 to Fri, 15 Jan 2027 08:30:00 +0000, and was not sent again.',
    );
    expect(text).toContain('\n\nno disk\n');
    expect(text.match(/^Message-ID: /gm)).toHaveLength(2);
  });

  test('begins again when the window is over', async () => {
    const { accept, clock, subjects } = await place();
    await accept();
    await accept();
    clock.now = START + WINDOW;
    await accept();
    await accept();
    expect(await subjects()).toEqual(['1 more: Cron failed', '1 more: Cron failed', 'Cron failed', 'Cron failed']);
  });

  test.each([
    ['body', CRON.replace('no disk', 'no net'), draftFor('bob')],
    ['subject', CRON.replace('failed', 'Failed'), draftFor('bob')],
    ['recipient', CRON, draftFor('bob', 'carol')],
    ['sender', CRON, { ...draftFor('bob'), envelope: { sender: null } }],
    ['user', CRON, { ...draftFor('bob'), uid: 7 }],
  ])('tells messages apart by their %s', async (_, text, draft) => {
    const { accept, queued } = await place();
    await accept();
    await accept(text, draft);
    expect((await queued()).map(({ due }) => due.every((time) => time === 0))).toEqual([true, true]);
  });

  test('takes messages for the same whatever their date, id and the order of recipients', async () => {
    const { accept, subjects } = await place();
    await accept(CRON, draftFor('bob', 'carol'));
    await accept(`Date: now\n${CRON.replace('<1@x>', '<2@x>')}`, draftFor('carol', 'bob'));
    expect(await subjects()).toEqual(['1 more: Cron failed', 'Cron failed']);
  });

  test('leaves one that is on its way, and counts on', async () => {
    const { accept, spool, subjects } = await place();
    await accept();
    const { id } = await accept();
    const claim = await spool.claim(id);
    await accept();
    await claim?.release();
    expect(await subjects()).toEqual(['1 more: Cron failed', '2 more: Cron failed', 'Cron failed']);
  });

  test('queues as it is what it can’t count', async () => {
    const { accept, subjects, spool, folder } = await place();
    const lock = await spool.acquire('repeats');
    await accept();
    await accept();
    await lock?.release();
    expect(await subjects()).toEqual(['Cron failed', 'Cron failed']);
    for (const text of ['{', '[]', '{"x":{"count":"1"}}', 'null']) {
      writeFileSync(join(folder, 'repeats.json'), text);
      await accept();
    }
    expect((await subjects()).filter((subject) => subject === 'Cron failed')).toHaveLength(6);
  });

  test('never loses a message, wherever it fails', async () => {
    for (const failing of ['remove', 'claim'] as const) {
      const over: Partial<Spool> = { [failing]: () => Promise.reject(new Error('the disk is gone')) };
      const { accept, subjects } = await place(over);
      await accept();
      await accept();
      await accept();
      expect(await subjects()).toEqual(['1 more: Cron failed', '2 more: Cron failed', 'Cron failed']);
    }
  });
});

describe('composeRepeated()', () => {
  const compose = (text: string): Promise<Message> =>
    composeRepeated(messageOf(text), {
      ...{ count: 1, sent: START, first: START + 60_000, last: START + 60_000 },
      ...{ now: START, zone: 0, random: () => 0.5, fqdn: 'vm.test', limit: 5000 },
    });

  test('says it shortly for one alone, and keeps what the fields say', async () => {
    const { header, body } = await compose('From: a@b.c\nSubject: one\n two\nX-Job: 7\nContent-Type: text/html\n\nx\n');
    expect(header.toString()).toContain('\r\nFrom: a@b.c\r\nX-Job: 7\r\nSubject: 1 more: one\r\n two\r\n');
    expect(header.toString()).toMatch(/\r\nContent-Type: multipart\/mixed;\r\n boundary=/);
    expect(body.bytes?.toString().replaceAll('\r\n', ' ')).toContain(
      'It came once more, on Fri, 15 Jan 2027 08:01:00 +0000, and',
    );
  });

  test('has a subject where there was none', async () => {
    expect((await compose('From: a@b.c\n\nx\n')).header.toString()).toContain('\r\nSubject: 1 more: (no subject)\r\n');
  });
});
