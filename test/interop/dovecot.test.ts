import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { arrivesByteForByte } from './arrives.ts';
import { createSender, outcomes, type Sender } from './sender.ts';
import { type Dovecot, startDovecot } from './servers/dovecot.ts';

let authority: Authority;
let dovecot: Dovecot;
let sender: Sender;

beforeAll(async () => {
  authority = createAuthority();
  dovecot = await startDovecot(authority.issue({ names: ['DNS:mx.example.org', 'IP:127.0.0.1'] }));
  sender = await createSender(dovecot.port);
});
afterAll(async () => {
  await sender?.close();
  await dovecot?.stop();
  authority?.close();
});

/** LMTP over TCP, and over the socket. */
const ways = () => [`lmtp://127.0.0.1:${dovecot.port}`, `lmtp+unix:${dovecot.socket}`];

// The relay's port is known when the tests run.
arrivesByteForByte('Dovecot, LMTP', () => ({
  sender: { ...sender, send: (sending) => sender.send({ ...sending, relay: ways()[0] ?? '' }) },
  mailbox: dovecot.bob,
}));

describe('Dovecot: LMTP', () => {
  test('answers for each recipient, and each gets its own result', async () => {
    const to = ['bob@example.org', 'nouser@example.org', 'full@example.org', 'carol@example.org'];
    for (const relay of ways()) {
      const sent = await sender.send({ to, relay });
      expect(outcomes(sent)).toEqual([
        'bob@example.org delivered 2.0.0',
        'nouser@example.org failed 5.1.1',
        'full@example.org failed 5.2.2',
        'carol@example.org delivered 2.0.0',
      ]);
      expect(sent.json.recipients.map(({ stage, code }) => `${stage} ${code}`)).toEqual([
        'undefined 250',
        'rcpt 550',
        'dot 552',
        'undefined 250',
      ]);
      expect(sent.status).toBe(67);
      await dovecot.bob.take();
      await dovecot.carol.take();
    }
  });

  test('delivers nothing where every recipient is refused', async () => {
    const sent = await sender.send({ to: ['nouser@example.org'], relay: ways()[0] ?? '' });
    expect(outcomes(sent)).toEqual(['nouser@example.org failed 5.1.1']);
  });

  test('is encrypted where it is offered, and verified where that is asked for', async () => {
    const ca = sender.write('ca.pem', authority.ca);
    const options = ['--tls', 'verify', '--tls-ca', ca];
    const verified = await sender.send({ relay: ways()[0] ?? '', options });
    expect(verified.json.recipients).toMatchObject([{ outcome: 'delivered', tls: { verified: true } }]);
    await dovecot.bob.take();
  });
});
