import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { arrivesByteForByte } from './arrives.ts';
import { SAMPLES } from './messages.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type Exim, startExim } from './servers/exim.ts';

let authority: Authority;
let exim: Exim;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  exim = await startExim(authority.issue({ names: ['DNS:mx.example.org', 'IP:127.0.0.1'] }));
  sender = await createSender(exim.port);
});
afterAll(async () => {
  await sender?.close();
  await exim?.stop();
  authority?.close();
});

const subject = () => ({ sender, mailbox: exim.mailbox });
arrivesByteForByte('Exim, STARTTLS', subject);
arrivesByteForByte('Exim, in the clear', subject, { options: ['--tls', 'none'] });

describe('Exim: the dialogue', () => {
  test('takes a small message by BDAT, and a large one by DATA', async () => {
    const small = await sender.send({});
    expect(small.said.join()).toMatch(/C: BDAT \d+ LAST,/);
    expect(small.json.recipients[0]?.queueId).toMatch(/^\w{6}-\w{6}-\w{2}$/);
    const message = SAMPLES.find(({ sent }) => sent.length > 256 * 1024)?.sent ?? expect.unreachable();
    const large = await sender.send({ message });
    expect(large.said).toContain('C: DATA');
    expect(large.json.recipients[0]?.queueId).toMatch(/^\w{6}-\w{6}-\w{2}$/);
    await exim.mailbox.take(2);
  });

  test('a message that is refused as a whole fails for all, with its words', async () => {
    const sent = await sender.send({ to: ['judge@example.org', 'bob@example.org'] });
    expect(outcomes(sent)).toEqual(['judge@example.org failed 5.6.0', 'bob@example.org failed 5.6.0']);
    expect(sent.json.recipients).toMatchObject([
      { stage: 'dot', code: 554, text: expect.stringContaining('Not such') },
      {},
    ]);
  });

  test('an empty sender arrives as an empty reverse-path', async () => {
    expect(await sender.send({ options: ['-f', '<>'] })).toMatchObject({ status: 0 });
    expect((await exim.mailbox.take())[0]?.toString()).toMatch(/^Return-path: <>\n/);
  });

  test('a recipient that is not ASCII gets it by SMTPUTF8', async () => {
    expect(await sender.send({ to: ['jörg@example.org'] })).toMatchObject({ status: 0 });
    expect((await exim.mailbox.take())[0]?.toString()).toContain('Envelope-to: jörg@example.org');
  });
});

describe('Exim: recipients', () => {
  test('one is refused, one is deferred, and the third gets the message', async () => {
    const sent = await sender.send({ to: ['nouser@example.org', 'bob@example.org', 'greylist@example.org'] });
    expect(outcomes(sent)).toEqual([
      'nouser@example.org failed 5.1.1',
      'bob@example.org delivered 2.0.0',
      'greylist@example.org deferred 4.7.1',
    ]);
    expect(sent.status).toBe(67);
    expect(sent.json.recipients.map(({ code }) => code)).toEqual([550, 250, 451]);
    expect(sent.stderr).toMatch(/^posthaste: nouser@example\.org: failed \(5\.1\.1\): .* 550 5\.1\.1 No such user$/m);
    expect(sent.stderr).toMatch(
      /^posthaste: greylist@example\.org: deferred \(4\.7\.1\): .* 451 4\.7\.1 Greylisted \(/m,
    );
    expect((await exim.mailbox.take())[0]?.toString()).toContain('Envelope-to: bob@example.org\n');
  });

  test('one that is deferred alone gives 75', async () => {
    expect(await sender.send({ to: ['greylist@example.org'] })).toMatchObject({ status: 75, json: { exit: 75 } });
  });

  test('a hundred and twenty get it in two transactions, once each', async () => {
    const to = Array.from({ length: 120 }, (_, index) => `r${index}@example.org`);
    const sent = await sender.send({ to });
    expect(sent.json.recipients.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(120);
    expect(sent.said.filter((line) => line.startsWith('C: MAIL'))).toHaveLength(2);
    expect(sent.said.filter((line) => line.startsWith('C: EHLO'))).toHaveLength(2);
    const messages = await exim.mailbox.take(120);
    const reached = messages.map((message) => /^Envelope-to: (.*)$/m.exec(message.toString())?.[1]);
    expect(reached.sort()).toEqual([...to].sort());
  });
});

describe('Exim: TLS', () => {
  test('--tls verify takes a certificate of --tls-ca, and none of others', async () => {
    const ca = sender.write('ca.pem', authority.ca);
    const known = await sender.send({ options: ['--tls', 'verify', '--tls-ca', ca] });
    expect(known.json.recipients).toMatchObject([{ outcome: 'delivered', tls: { verified: true } }]);
    await exim.mailbox.take();
    const unknown = await sender.send({ options: ['--tls', 'verify'] });
    expect(unknown.json.recipients).toMatchObject([{ outcome: 'deferred', stage: 'tls' }]);
    expect(unknown.said.join()).not.toContain('MAIL');
  });

  test('smtps:// is TLS from the first octet, verified', async () => {
    const ca = sender.write('ca.pem', authority.ca);
    const sent = await sender.send({ options: ['--tls-ca', ca], relay: `smtps://127.0.0.1:${exim.tlsPort}` });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'delivered', tls: { verified: true } }]);
    await exim.mailbox.take();
  });
});
