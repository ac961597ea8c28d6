import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { asSent } from './mailbox.ts';
import { createSender, type Sender } from './sender.ts';
import { type Postfix, startPostfix } from './servers/postfix.ts';

let authority: Authority;
let postfix: Postfix;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  postfix = await startPostfix({ certificate: authority.issue({ names: ['DNS:mx.example.org'] }) });
  sender = await createSender(postfix.port);
});
afterAll(async () => {
  await sender?.close();
  await postfix?.stop();
  authority?.close();
});

const HEADER = 'Date: Sat, 01 Aug 2026 10:00:00 +0200\nFrom: ann@client.example\nTo: bob@example.org\n';
const message = (id: string) => `${HEADER}Message-ID: <${id}@client.example>\n\n.\nGrüße\n..\n`;
const sendLater = (id: string, to: readonly string[]) => sender.send({ message: message(id), to, options: ['-odq'] });

describe('the queue, with Postfix', () => {
  test('a run delivers what waits, byte for byte', async () => {
    expect(await sendLater('one', ['bob@example.org'])).toMatchObject({ status: 0, said: [] });
    expect(await sender.runQueue()).toMatchObject({ status: 0, stderr: '' });
    const [arrived] = await postfix.mailbox.take();
    expect(asSent(arrived ?? Buffer.of())).toBe(Buffer.from(message('one')).toString('latin1'));
  });

  test('thirty messages go over fewer sessions than that, once each', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `many${index}`);
    for (const id of ids) await sendLater(id, ['bob@example.org']);
    const connections = () =>
      postfix
        .log()
        .split('smtpd[')
        .filter((line) => /^\d+\]: connect from/.test(line)).length;
    const before = connections();
    expect(await sender.runQueue()).toMatchObject({ status: 0 });
    const arrived = await postfix.mailbox.take(30);
    expect(arrived.map((each) => /^Message-ID: <(\w+)@/m.exec(each.toString())?.[1]).sort()).toEqual([...ids].sort());
    expect(connections() - before).toBeLessThanOrEqual(5);
  });

  test('a recipient that Postfix refuses comes back as a report, which Postfix takes and a reader understands', async () => {
    await sendLater('refused', ['nouser@example.org', 'bob@example.org']);
    await sender.runQueue();
    await sender.runQueue();
    const arrived = await postfix.mailbox.take(2);
    const report = arrived.find((each) => each.includes('multipart/report'))?.toString() ?? '';
    const fields = report.replace(/\n[ \t]+/g, ' ');
    expect(report).toMatch(/^Return-Path: <>\nX-Original-To: ann@client\.example\n/);
    expect(fields).toMatch(/^Final-Recipient: rfc822; *nouser@example\.org$/m);
    expect(fields).toMatch(/^Action: failed$/m);
    expect(fields).toMatch(/^Status: 5\.1\.1$/m);
    expect(fields).toMatch(/^Diagnostic-Code: smtp; *550 5\.1\.1 .*No such user/m);
    expect(fields).toMatch(/^Remote-MTA: dns; *mx\.example\.org/m);
    const { text = '', to } = await simpleParser(report);
    expect(text).toContain('nouser@example.org');
    expect(to).toMatchObject({ text: 'ann@client.example' });
  });
});
