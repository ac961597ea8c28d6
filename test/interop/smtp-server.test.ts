import { simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type TestCertificate } from '../support/certificates.ts';
import { arrivesByteForByte } from './arrives.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type NpmServer, PASSWORD, startNpmServer, TOKEN, USER } from './servers/smtp-server.ts';

let authority: Authority;
let certificate: TestCertificate;
let server: NpmServer;
let special: NpmServer | undefined;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  certificate = authority.issue({ names: ['DNS:mx.example.org', 'DNS:mx.secure.example', 'IP:127.0.0.1'] });
  server = await startNpmServer(certificate);
  sender = await createSender(server.port);
});
afterEach(async () => {
  await special?.stop();
  special = undefined;
});
afterAll(async () => {
  await sender?.close();
  await server?.stop();
  authority?.close();
});

const subject = () => ({ sender, mailbox: server.mailbox });
arrivesByteForByte('smtp-server, STARTTLS', subject);
arrivesByteForByte('smtp-server, in the clear', subject, { options: ['--tls', 'none'] });

const ca = () => ['--tls-ca', sender.write('ca.pem', authority.ca)];
const login = (port: number) => `smtp://${encodeURIComponent(USER)}@127.0.0.1:${port}`;

describe('smtp-server', () => {
  test('gets exactly the octets of the message, with CRLF', async () => {
    const message = 'Date: x\nFrom: a@b.c\nTo: d@e.f\nMessage-ID: <g@h>\n\na\rb\n.\n..c\r\n\nd';
    await sender.send({ message });
    const [arrived] = await server.mailbox.take();
    expect(arrived?.toString()).toBe(
      'Date: x\r\nFrom: a@b.c\r\nTo: d@e.f\r\nMessage-ID: <g@h>\r\n\r\na\r\nb\r\n.\r\n..c\r\n\r\nd\r\n',
    );
  });

  test('refuses one recipient, defers one, and the third gets the message', async () => {
    const sent = await sender.send({ to: ['nouser@example.org', 'greylist@example.org', 'bob@example.org'] });
    expect(sent.json.recipients.map(({ outcome, code }) => `${outcome} ${code}`)).toEqual([
      'failed 550',
      'deferred 451',
      'delivered 250',
    ]);
    expect(sent.status).toBe(67);
    expect(server.envelopes.at(-1)?.rcptTo.map(({ address }) => address)).toEqual(['bob@example.org']);
    await server.mailbox.take();
  });

  test('--retry-for sends again to the deferred recipient alone', async () => {
    const sent = await sender.send({ to: ['greylist@example.org', 'bob@example.org'], options: ['--retry-for', '2s'] });
    expect(outcomes(sent)).toEqual(['greylist@example.org deferred 4.0.0', 'bob@example.org delivered 2.0.0']);
    expect(sent.json.recipients.map(({ attempts }) => attempts > 1)).toEqual([true, false]);
    await server.mailbox.take();
  });

  test('is told 8BITMIME, SMTPUTF8 and the report that is wanted, and nothing that is not needed', async () => {
    await sender.send({
      message: 'Subject: x\n\nGrüße\n',
      to: ['jörg@example.org'],
      options: ['-R', 'full', '-V', 'a=b'],
    });
    expect(server.envelopes.at(-1)).toMatchObject({
      bodyType: '8bitmime',
      smtpUtf8: true,
      dsn: { ret: 'FULL', envid: 'a=b' },
    });
    await sender.send({});
    expect(server.envelopes.at(-1)).toMatchObject({
      bodyType: '7bit',
      smtpUtf8: false,
      dsn: { ret: null, envid: null },
    });
    await server.mailbox.take(2);
  });

  test('--require-tls is passed on over verified TLS, and never goes where it is not offered or DNS not secured', async () => {
    const options = ['--require-tls', ...ca()];
    const [secure, insecure] = [['bob@secure.example'], ['bob@example.org']];
    const sent = await sender.send({ to: secure, options });
    expect(outcomes(sent)).toEqual(['bob@secure.example delivered 2.0.0']);
    expect(server.envelopes.at(-1)).toMatchObject({ requireTLS: true });
    await server.mailbox.take();
    expect(outcomes(await sender.send({ to: insecure, options }))).toEqual(['bob@example.org failed 5.7.30']);
    special = await startNpmServer(certificate, { hideREQUIRETLS: true });
    const refused = await sender.send({ to: secure, port: special.port, options });
    expect(outcomes(refused)).toEqual(['bob@secure.example failed 5.7.30']);
    expect(special.envelopes).toEqual([]);
  });

  test('with EHLO disabled gets the message after HELO, re-encoded', async () => {
    special = await startNpmServer(certificate, { disabledCommands: ['EHLO'] });
    const sent = await sender.send({ port: special.port, message: 'Subject: x\n\nGrüße\n' });
    expect(outcomes(sent)).toEqual(['bob@example.org delivered 2.0.0']);
    expect(sent.said).toContain('C: HELO client.example');
    const message = (await special.mailbox.take())[0]?.toString() ?? '';
    expect(message).toMatch(/^[\x00-\x7f]*$/);
    expect((await simpleParser(message)).text).toBe('Grüße\n');
  });

  test('speaks LMTP, with a reply for each recipient', async () => {
    special = await startNpmServer(certificate, { lmtp: true });
    const sent = await sender.send({
      relay: `lmtp://127.0.0.1:${special.port}`,
      to: ['bob@example.org', 'nouser@example.org', 'carol@example.org'],
    });
    expect(sent.json.recipients.map(({ outcome }) => outcome)).toEqual(['delivered', 'failed', 'delivered']);
    await special.mailbox.take();
  });
});

describe('smtp-server: logins', () => {
  test.each([
    ['PLAIN', PASSWORD],
    ['LOGIN', PASSWORD],
    ['CRAM-MD5', PASSWORD],
    ['XOAUTH2', TOKEN],
  ])('%s over STARTTLS', async (mechanism, password) => {
    special = await startNpmServer(certificate, { authOptional: false });
    const options = [...ca(), '--auth', mechanism];
    const sent = await sender.send({ relay: login(special.port), options, password });
    expect(outcomes(sent)).toEqual(['bob@example.org delivered 2.0.0']);
    expect(special.logins).toEqual([`${mechanism} right`]);
    expect(sent.stderr).not.toContain(password);
    await special.mailbox.take();
  });

  test('implicit TLS with the best mechanism of both', async () => {
    special = await startNpmServer(certificate, { authOptional: false, secure: true });
    const relay = `smtps://${encodeURIComponent(USER)}@127.0.0.1:${special.port}`;
    const sent = await sender.send({ relay, options: ca(), password: PASSWORD });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'delivered', tls: { verified: true } }]);
    expect(special.logins).toEqual(['CRAM-MD5 right']);
    await special.mailbox.take();
  });

  test('a wrong password gives 77, with the server’s words, and is not said', async () => {
    special = await startNpmServer(certificate, { authOptional: false });
    const sent = await sender.send({ relay: login(special.port), options: ca(), password: 'mistaken' });
    expect(sent.status).toBe(77);
    expect(sent.json.recipients).toMatchObject([{ stage: 'auth', code: 535, text: 'Not you' }]);
    expect(JSON.stringify([sent.json, sent.stderr])).not.toMatch(/mistaken|bWlzdGFrZW4/);
    expect(special.envelopes).toEqual([]);
  });

  test('no password goes over a connection in the clear, unless the mechanism is named', async () => {
    special = await startNpmServer(certificate, { authOptional: false, allowInsecureAuth: true, hideSTARTTLS: true });
    const relay = login(special.port);
    const sent = await sender.send({ relay, options: ['--tls', 'may'], password: PASSWORD });
    expect(sent.status).not.toBe(0);
    expect(special.logins).toEqual([]);
    const named = await sender.send({ relay, options: ['--tls', 'may', '--auth', 'PLAIN'], password: PASSWORD });
    expect(named.status).toBe(0);
    expect(special.logins).toEqual(['PLAIN right']);
    await special.mailbox.take();
  });

  test('no password goes to a server whose certificate is not known', async () => {
    special = await startNpmServer(certificate, { authOptional: false });
    const sent = await sender.send({ relay: login(special.port), password: PASSWORD });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'deferred', stage: 'tls' }]);
    expect(special.logins).toEqual([]);
  });
});
