import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { arrivesByteForByte } from './arrives.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type OpenSmtpd, startOpenSmtpd } from './servers/opensmtpd.ts';

let authority: Authority;
let opensmtpd: OpenSmtpd;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  opensmtpd = await startOpenSmtpd(authority.issue({ names: ['DNS:mx.example.org'] }));
  sender = await createSender(opensmtpd.port);
});
afterAll(async () => {
  await sender?.close();
  await opensmtpd?.stop();
  authority?.close();
});

arrivesByteForByte('OpenSMTPD', () => ({ sender, mailbox: opensmtpd.mailbox }));

describe('OpenSMTPD', () => {
  test('gets QUIT only when it has answered the message, because it offers no PIPELINING', async () => {
    const { said } = await sender.send({});
    expect(said.at(-2)).toMatch(/^S: 250 2\.0\.0 \w+ Message accepted for delivery$/);
    expect(said.at(-1)).toBe('C: QUIT');
    expect(opensmtpd.log()).not.toContain('Pipelining not supported');
    await opensmtpd.mailbox.take();
  });

  test('refuses a recipient that it does not know, and the others get the message', async () => {
    const to = ['bob@example.org', 'nouser@example.org', 'carol@example.org'];
    const sent = await sender.send({ to });
    expect(sent.json.recipients.map(({ outcome, code }) => `${outcome} ${code}`)).toEqual([
      'delivered 250',
      'failed 550',
      'delivered 250',
    ]);
    expect(sent.status).toBe(67);
    await opensmtpd.mailbox.take(2);
  });

  test('that fails in the TLS handshake gets the message on a new connection in the clear', async () => {
    const sent = await sender.send({ port: opensmtpd.brokenTlsPort });
    expect(outcomes(sent)).toEqual(['bob@example.org delivered 2.0.0']);
    expect(sent.json.recipients).toMatchObject([{ tls: null, attempts: 1 }]);
    expect(sent.said.filter((line) => line === 'C: EHLO client.example')).toHaveLength(2);
    expect(sent.said.filter((line) => line === 'C: STARTTLS')).toHaveLength(1);
    await opensmtpd.mailbox.take();
  });

  test.each(['encrypt', 'verify'])('that fails in the TLS handshake gets nothing with --tls %s', async (level) => {
    const sent = await sender.send({ port: opensmtpd.brokenTlsPort, options: ['--tls', level] });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'deferred', stage: 'tls' }]);
    expect(sent.status).toBe(75);
    expect(sent.said.join()).not.toContain('MAIL');
  });

  test('takes no recipient that is not ASCII', async () => {
    expect(outcomes(await sender.send({ to: ['jörg@example.org'] }))).toEqual(['jörg@example.org failed 5.6.7']);
  });
});
