import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { type MxServer, startMx } from '../support/mx-server.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type Dovecot, PASSWORD, startDovecot, USER } from './servers/dovecot.ts';
import { PASSWORD as EXIM_PASSWORD, USER as EXIM_USER, type Exim, startExim } from './servers/exim.ts';
import { type Postfix, startPostfix } from './servers/postfix.ts';
import { type Submission, startSubmission } from './servers/submission.ts';

let authority: Authority;
let dovecot: Dovecot;
let postfix: Postfix;
let exim: Exim;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  const certificate = authority.issue({ names: ['IP:127.0.0.1', 'DNS:mx.example.org'] });
  dovecot = await startDovecot(certificate);
  postfix = await startPostfix({ certificate, auth: dovecot.authPort });
  exim = await startExim(certificate);
  sender = await createSender(exim.port);
});
afterAll(async () => {
  await sender?.close();
  await exim?.stop();
  await postfix?.stop();
  await dovecot?.stop();
  authority?.close();
});

const ca = () => ['--tls-ca', sender.write('ca.pem', authority.ca)];

describe('Postfix, which asks Dovecot', () => {
  const relay = () => `smtp://${encodeURIComponent(USER)}@127.0.0.1:${postfix.loginPort}`;

  test.each(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'CRAM-MD5', 'PLAIN', 'LOGIN'])('%s', async (mechanism) => {
    const options = [...ca(), '--auth', mechanism];
    const sent = await sender.send({ relay: relay(), options, password: PASSWORD });
    expect(outcomes(sent)).toEqual(['bob@example.org delivered 2.0.0']);
    expect(postfix.log()).toContain(`sasl_method=${mechanism}, sasl_username=${USER}`);
    expect(`${sent.stderr}${JSON.stringify(sent.json)}`).not.toContain(PASSWORD);
    await postfix.mailbox.take();
  });

  test('SCRAM-SHA-256 is chosen where all are offered', async () => {
    const sent = await sender.send({ relay: relay(), options: ca(), password: PASSWORD });
    expect(sent.status).toBe(0);
    expect(sent.said.find((line) => line.startsWith('C: AUTH'))).toBe('C: AUTH SCRAM-SHA-256 <secret>');
    await postfix.mailbox.take();
  });

  test.each(['SCRAM-SHA-256', 'CRAM-MD5', 'PLAIN', 'LOGIN'])('%s with a wrong password gives 77', async (mechanism) => {
    const sent = await sender.send({ relay: relay(), options: [...ca(), '--auth', mechanism], password: 'mistaken' });
    expect(sent.json.recipients).toMatchObject([{ stage: 'auth', code: 535 }]);
    expect(sent.status).toBe(77);
  });

  test('refuses recipients where nobody logs in', async () => {
    const sent = await sender.send({ relay: relay().replace(/\/\/.*@/, '//'), options: ca() });
    expect(sent.json.recipients).toMatchObject([{ outcome: 'failed', stage: 'rcpt', code: 554 }]);
  });
});

describe('Exim', () => {
  const relay = () => `smtp://${EXIM_USER}@127.0.0.1:${exim.port}`;

  test.each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('%s', async (mechanism) => {
    const options = [...ca(), '--auth', mechanism];
    const to = ['closed@example.org'];
    const sent = await sender.send({ relay: relay(), to, options, password: EXIM_PASSWORD });
    expect(outcomes(sent)).toEqual(['closed@example.org delivered 2.0.0']);
    await exim.mailbox.take();
  });

  test('a wrong password gives 77', async () => {
    const sent = await sender.send({ relay: relay(), options: ca(), password: 'mistaken' });
    expect(sent.json.recipients).toMatchObject([{ stage: 'auth', code: 535 }]);
    expect(sent.status).toBe(77);
  });

  test('gets no login as an MX host, although it offers one', async () => {
    const sent = await sender.send({ to: ['closed@example.org'], password: EXIM_PASSWORD });
    expect(sent.said.some((line) => /^S: 250.AUTH PLAIN LOGIN CRAM-MD5$/.test(line))).toBe(true);
    expect(sent.said.join()).not.toContain('C: AUTH');
    expect(outcomes(sent)).toEqual(['closed@example.org failed 5.7.1']);
  });
});

describe('Dovecot 2.4, which binds logins to TLS', () => {
  let mx: MxServer;
  let submission: Submission;
  beforeAll(async () => {
    mx = await startMx({ host: '127.0.0.1', name: 'mx.example.org' });
    submission = await startSubmission(authority.issue({ names: ['IP:127.0.0.1'] }), mx.port);
  });
  afterAll(async () => {
    await submission?.stop();
    await mx?.close();
  });
  const relay = () => `smtp+starttls://${encodeURIComponent(USER)}@127.0.0.1:${submission.port}`;

  test.each(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'])('%s', async (mechanism) => {
    const sent = await sender.send({ relay: relay(), options: [...ca(), '--auth', mechanism], password: PASSWORD });
    expect(outcomes(sent)).toEqual(['bob@example.org delivered 2.0.0']);
    expect(submission.log()).toContain(`user=<${USER}>, method=${mechanism}, `);
  });

  test('SCRAM-SHA-256-PLUS is chosen where all are offered', async () => {
    const sent = await sender.send({ relay: relay(), options: ca(), password: PASSWORD });
    expect(sent.status).toBe(0);
    expect(sent.said.find((line) => line.startsWith('C: AUTH'))).toBe('C: AUTH SCRAM-SHA-256-PLUS <secret>');
  });

  test('a wrong password gives 77', async () => {
    const sent = await sender.send({ relay: relay(), options: ca(), password: 'mistaken' });
    expect(sent.json.recipients).toMatchObject([{ stage: 'auth', code: 535 }]);
    expect(sent.status).toBe(77);
  });
});
