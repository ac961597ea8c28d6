import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { arrivesByteForByte } from './arrives.ts';
import { asSent } from './mailbox.ts';
import { SAMPLES } from './messages.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type Postfix, startPostfix } from './servers/postfix.ts';

let authority: Authority;
let postfix: Postfix;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  postfix = await startPostfix({ certificate: authority.issue({ names: ['DNS:mx.example.org', 'IP:127.0.0.1'] }) });
  sender = await createSender(postfix.port);
});
afterAll(async () => {
  await sender?.close();
  await postfix?.stop();
  authority?.close();
});

const subject = () => ({ sender, mailbox: postfix.mailbox });
arrivesByteForByte('Postfix, STARTTLS', subject);
arrivesByteForByte('Postfix, in the clear', subject, { options: ['--tls', 'none'] });

const arrived = async (): Promise<string> => asSent((await postfix.mailbox.take())[0] ?? Buffer.of());
const sample = (name: string): Buffer => SAMPLES.find((each) => each.name === name)?.sent ?? Buffer.of();
const MIME = 'MIME-Version: 1.0\nContent-Type: ';

describe('Postfix: the dialogue', () => {
  test('takes a small message by BDAT in one flight with its envelope, and a large one by DATA', async () => {
    const small = await sender.send({});
    expect(small.said.slice(-9).map((line) => line.replace(/\d+/g, 'N'))).toEqual([
      'C: MAIL FROM:<ann@client.example> SIZE=N',
      'C: RCPT TO:<bob@example.org>',
      'C: BDAT N LAST',
      'C: <N bytes>',
      'C: QUIT',
      'S: N N.N.N Ok',
      'S: N N.N.N Ok',
      expect.stringContaining('queued as'),
      'S: N N.N.N Bye',
    ]);
    const large = await sender.send({ message: sample('300 KB, three lines in four beginning with a dot') });
    expect(large.said).toContain('C: DATA');
    expect(large.said.join()).not.toContain('BDAT');
    await postfix.mailbox.take(2);
  });

  test('is told of success, with the id under which Postfix queued it', async () => {
    const { json } = await sender.send({});
    await postfix.mailbox.take();
    const [bob] = json.recipients;
    expect(bob).toMatchObject({ outcome: 'delivered', code: 250, host: 'mx.example.org', attempts: 1 });
    expect(postfix.log()).toContain(`${bob?.queueId}: from=<ann@client.example>`);
  });

  test('an empty sender arrives as an empty reverse-path', async () => {
    expect(await sender.send({ options: ['-f', ''] })).toMatchObject({ status: 0 });
    const [message] = await postfix.mailbox.take();
    expect(message?.toString()).toMatch(/^Return-Path: <>\n/);
  });

  test('refuses a message over its SIZE before it is sent', async () => {
    const sent = await sender.send({ message: `Subject: x\n\n${'x'.repeat(70)}\n`.repeat(160_000) });
    expect(outcomes(sent)).toEqual(['bob@example.org failed 5.3.4']);
    expect(sent.status).toBe(65);
    expect(sent.said.join()).not.toContain('MAIL');
  });
});

describe('Postfix: recipients', () => {
  test('one is refused, one is deferred, and the third gets the message', async () => {
    const sent = await sender.send({ to: ['nouser@example.org', 'greylist@example.org', 'bob@example.org'] });
    expect(outcomes(sent)).toEqual([
      'nouser@example.org failed 5.1.1',
      'greylist@example.org deferred 4.7.1',
      'bob@example.org delivered 2.0.0',
    ]);
    expect(sent.status).toBe(67);
    expect(sent.json.recipients.map(({ code }) => code)).toEqual([550, 450, 250]);
    expect((await postfix.mailbox.take())[0]?.toString()).toContain('Delivered-To: bob@example.org\n');
  });

  test('all are refused, and nothing is sent', async () => {
    const sent = await sender.send({ to: ['nouser@example.org', 'greylist@example.org'] });
    expect(outcomes(sent)).toEqual(['nouser@example.org failed 5.1.1', 'greylist@example.org deferred 4.7.1']);
    expect(sent.status).toBe(67);
  });

  test('more than Postfix takes at once get it in further transactions, once each', async () => {
    const to = Array.from({ length: 12 }, (_, index) => `r${index}@example.org`);
    const sent = await sender.send({ to });
    expect(sent.said.filter((line) => line.includes('too many recipients')).length).toBeGreaterThan(0);
    expect(outcomes(sent)).toEqual(to.map((recipient) => `${recipient} delivered 2.0.0`));
    expect(sent.status).toBe(0);
    const messages = await postfix.mailbox.take(12);
    const reached = messages.map((message) => /^Delivered-To: (.*)$/m.exec(message.toString())?.[1] ?? '');
    expect(reached.sort()).toEqual([...to].sort());
  });

  test('-t --file takes those of To, Cc and Bcc, and nobody sees the Bcc', async () => {
    const header = 'To: Bob <bob@example.org>, team: carol@example.org;\nCc: "Dave" <bob@EXAMPLE.org>\n';
    const file = sender.write('message.eml', `${header}Bcc: eve@example.org\nSubject: x\n\nx\n`);
    const sent = await sender.send({ to: [], options: ['-t', '--file', file] });
    expect(sent.json.recipients.map(({ recipient, outcome }) => `${recipient} ${outcome}`)).toEqual([
      'bob@example.org delivered',
      'carol@example.org delivered',
      'eve@example.org delivered',
    ]);
    const messages = (await postfix.mailbox.take(3)).map(asSent);
    expect(messages.every((message) => message.startsWith(`${header}Subject: x\n`))).toBe(true);
  });

  test('one that is not ASCII gets it by SMTPUTF8, and a domain by its A-label', async () => {
    const sent = await sender.send({ to: ['jörg@example.org', 'bob@bücher.example'] });
    expect(sent.json.recipients.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
    expect(sent.said).toContain('C: RCPT TO:<jörg@example.org>');
    expect(sent.said).toContain('C: RCPT TO:<bob@xn--bcher-kva.example>');
    expect(sent.said.filter((line) => line.includes('SMTPUTF8') && line.startsWith('C: MAIL'))).toHaveLength(1);
    await postfix.mailbox.take(2);
  });
});

describe('Postfix: delivery reports', () => {
  test('-N success -R hdrs -V brings a report with the id and the header', async () => {
    const options = ['-N', 'success', '-R', 'hdrs', '-V', 'id+1=2'];
    expect(await sender.send({ options, message: 'Subject: reported\n\nbody\n' })).toMatchObject({ status: 0 });
    const messages = await postfix.mailbox.take(2);
    const report = messages.map(String).find((message) => message.includes('multipart/report'));
    expect(report).toMatch(/^Original-Envelope-Id: id\+1=2$/m);
    expect(report).toMatch(/^Final-Recipient: rfc822; bob@example\.org$/m);
    expect(report).toMatch(/^Action: delivered$/m);
    expect(report).toMatch(/^Content-Type: text\/rfc822-headers$/m);
    expect(report).toContain('Subject: reported');
    expect(report).not.toContain('\nbody\n');
  });

  test('-N never brings none', async () => {
    expect(await sender.send({ options: ['-N', 'never'] })).toMatchObject({ status: 0 });
    await postfix.mailbox.take();
  });
});

describe('Postfix without 8BITMIME, PIPELINING, CHUNKING, DSN, SMTPUTF8 and STARTTLS', () => {
  const old = () => ({ port: postfix.plainPort });

  test('each command waits for its reply', async () => {
    const sent = await sender.send({ ...old(), options: ['-N', 'success'] });
    const dialogue = sent.said.slice(sent.said.findIndex((line) => line.startsWith('C: MAIL')));
    expect(dialogue.map((line) => line.slice(0, 6))).toEqual(
      ['C: MAI', 'S: 250', 'C: RCP', 'S: 250', 'C: DAT', 'S: 354', 'C: <17', 'S: 250', 'C: QUI'].map((start) =>
        expect.stringMatching(start.startsWith('C: <') ? /^C: <\d\d/ : start),
      ),
    );
    await postfix.mailbox.take();
  });

  test('lines of dots arrive byte for byte', async () => {
    const { sent, arrives } = SAMPLES[1] ?? expect.unreachable();
    await sender.send({ ...old(), message: sent });
    expect(await arrived()).toBe(`${arrives.header}\n${arrives.body}`);
  });

  test('UTF-8 text is re-encoded, and reads the same', async () => {
    const text = 'Grüße,\n.日本語\n🐦\n';
    await sender.send({ ...old(), message: `${MIME}text/plain; charset=utf-8\n\n${text}` });
    const message = await arrived();
    expect(message).toMatch(/^[\x00-\x7f]*$/);
    expect((await simpleParser(message)).text).toBe(text);
  });

  test('of a multipart only the parts that need it are re-encoded', async () => {
    const part = (type: string, body: string) => `--b\nContent-Type: ${type}\n\n${body}\n`;
    const sent = `${part('text/plain', 'plain = .\n.')}${part('text/plain; charset=utf-8', 'Grüße\n.')}${part('application/octet-stream', '\x80'.repeat(40))}`;
    await sender.send({ ...old(), message: Buffer.from(`${MIME}multipart/mixed; boundary=b\n\n${sent}--b--\n`) });
    const message = await arrived();
    expect(message).toMatch(/^[\x00-\x7f]*$/);
    expect(message).toContain('--b\nContent-Type: text/plain\n\nplain = .\n.\n--b\n');
    const { text, attachments } = await simpleParser(message);
    expect(text).toContain('Grüße\n.');
    expect(attachments[0]?.content.toString()).toBe('\x80'.repeat(40));
  });

  test('a signed message that would have to be changed is refused', async () => {
    const signed = `--b\nContent-Type: text/plain; charset=utf-8\n\nGrüße\n--b\n${'Content-Type: application/pgp-signature\n\nx'}\n--b--\n`;
    const sent = await sender.send({ ...old(), message: `${MIME}multipart/signed; boundary=b\n\n${signed}` });
    expect(outcomes(sent)).toEqual(['bob@example.org failed 5.6.3']);
    expect(sent.status).toBe(65);
  });

  test('a recipient that is not ASCII fails, and the other one gets the message', async () => {
    const sent = await sender.send({ ...old(), to: ['jörg@example.org', 'bob@example.org'] });
    expect(outcomes(sent)).toEqual(['jörg@example.org failed 5.6.7', 'bob@example.org delivered 2.0.0']);
    await postfix.mailbox.take();
  });
});

describe('Postfix: TLS', () => {
  test('is used wherever it is offered, and needs no certificate that we know', async () => {
    const { json } = await sender.send({});
    expect(json.recipients[0]?.tls).toMatchObject({ version: 'TLSv1.3', verified: false });
    expect((await postfix.mailbox.take())[0]?.toString()).toMatch(/with ESMTPS id/);
  });

  test('--tls verify --tls-ca takes a certificate of that authority', async () => {
    const ca = sender.write('ca.pem', authority.ca);
    const { status, json } = await sender.send({ options: ['--tls', 'verify', '--tls-ca', ca] });
    expect(status).toBe(0);
    expect(json.recipients[0]?.tls).toMatchObject({ verified: true });
    await postfix.mailbox.take();
  });

  test('--tls verify sends nothing where the authority is not known', async () => {
    const sent = await sender.send({ options: ['--tls', 'verify'] });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'deferred', stage: 'tls' }]);
    expect(sent.status).toBe(75);
    expect(sent.said.join()).not.toContain('MAIL');
  });

  test('--tls encrypt sends nothing where it is not offered', async () => {
    const sent = await sender.send({ port: postfix.plainPort, options: ['--tls', 'encrypt'] });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'deferred' }]);
    expect(sent.said.join()).not.toContain('MAIL');
  });

  test('smtps:// is TLS from the first octet, verified', async () => {
    const ca = sender.write('ca.pem', authority.ca);
    const sent = await sender.send({ options: ['--tls-ca', ca], relay: `smtps://127.0.0.1:${postfix.tlsPort}` });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'delivered', tls: { verified: true } }]);
    expect(sent.said.join()).not.toContain('STARTTLS');
    await postfix.mailbox.take();
  });
});
