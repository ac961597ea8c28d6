import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { queueId } from '../../src/cli/queue-id.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import { connect } from '../../src/net/connect.ts';
import { converse, openChannel } from '../../src/net/converse.ts';
import { authenticate } from '../../src/smtp/auth.ts';
import type { Dialogue } from '../../src/smtp/dialogue.ts';
import { hello } from '../../src/smtp/hello.ts';
import { type TransactionResult, transaction } from '../../src/smtp/transaction.ts';
import { messageOf } from '../support/message.ts';
import { play } from '../support/play.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

const recipients: Recipient[] = ['jones', 'green', 'brown'].map((local) => ({
  address: { local, domain: 'beta.test' },
}));
const TEXT =
  'From: smith@alpha.test\nTo: someone.else@delta.test\nSubject: dots\n\n.\n..\n.dot at the start\nthe end\n';

/** A whole session: hello, a login where the server offers one, one transaction. */
function* session(login: boolean): Dialogue<TransactionResult> {
  const hi = yield* hello({ name: 'client.test', verb: 'EHLO', startTls: 'never' });
  if (hi.kind === 'refused') throw new Error(hi.failure.text);
  if (login) {
    const options = { encrypted: false, mechanism: 'LOGIN', nonce: '0'.repeat(24) } as const;
    const failure = yield* authenticate({ user: 'smith', password: 'secret' }, hi.extensions.auth, options);
    if (failure !== undefined) throw new Error(failure.text);
  }
  return yield* transaction({
    protocol: 'smtp',
    extensions: hi.extensions,
    message: messageOf(TEXT),
    envelope: { sender: { local: 'smith', domain: 'alpha.test' }, recipients },
    recipients,
    smtpUtf8: false,
    last: true,
  });
}

const words = ({ outcomes }: TransactionResult): string[] =>
  outcomes.map((outcome) =>
    outcome.kind === 'accepted'
      ? `delivered ${outcome.reply.code} ${outcome.reply.status ?? '-'} ${queueId(outcome.reply) ?? '-'}`
      : `failed ${outcome.failure.reply?.code} ${outcome.failure.status}`,
  );

const WANT: Readonly<Record<string, readonly string[]>> = {
  'rfc821.smtp': ['delivered 250 - -', 'failed 551 5.1.6', 'delivered 250 - -'],
  'old-relay.smtp': Array<string>(3).fill('delivered 250 - M2002101709193007556'),
  'auth-login.smtp': Array<string>(3).fill('delivered 250 2.0.0 m2S6ExD6029743'),
  'strict-order.smtp': [
    'delivered 250 2.6.0 testlab-smtpeYrQz0ek6He00000002@testlab-smtp.testlab-t37.com',
    'failed 550 5.7.1',
    'delivered 250 2.6.0 testlab-smtpeYrQz0ek6He00000002@testlab-smtp.testlab-t37.com',
  ],
};

const folder = new URL('.', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.smtp'));

test('each transcript has its wanted outcome', () => expect(files.sort()).toEqual(Object.keys(WANT).sort()));

describe.each(files)('%s', (file) => {
  const script = readFileSync(new URL(file, folder), 'utf8');
  const login = script.includes('C: AUTH');

  test('is held without a socket', () => {
    expect(words(play(session(login), script).value)).toEqual(WANT[file]);
  });

  test.each([undefined, 1, 7])('is held over a connection, in pieces of %s bytes', async (cut) => {
    const server = await startScriptedServer([script], cut === undefined ? {} : { cut });
    const connection = await connect({
      host: 'mx.test',
      addresses: ['127.0.0.1'],
      port: server.port,
      connectTimeout: 2000,
      tlsTimeout: 2000,
    });
    const channel = openChannel(connection, { timeouts: {}, monotonic: () => performance.now() });
    const result = await converse(session(login), channel);
    channel.close();
    await server.close();
    expect(words(result)).toEqual(WANT[file]);
    expect(server.messages[0]?.toString()).toBe(
      `${TEXT.replace('.\n..\n.dot', '..\n...\n..dot').replaceAll('\n', '\r\n')}.\r\n`,
    );
  });
});
