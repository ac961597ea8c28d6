import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { SMUGGLES } from '../support/lines.ts';
import { asSent, type Mailbox } from './mailbox.ts';
import { ENCODED, SAMPLES } from './messages.ts';
import type { Sender, Sending } from './sender.ts';

/** A server under test, which is there when the tests run and not yet when they are written down. */
export interface Subject {
  readonly sender: Sender;
  readonly mailbox: Mailbox;
}

const ADDED = ['Date', 'From', 'To', 'Message-ID'];

/** Without the fields that the sender adds at the end of a header that lacks them. */
function withoutAdded(header: string, original: string): string {
  const missing = ADDED.filter((name) => !new RegExp(`^${name}:`, 'im').test(original));
  const form = missing.map((name) => `${name}: .*\n`).join('');
  return header.replace(new RegExp(`${form}$`), '');
}

function split(message: string): { header: string; body: string } {
  const end = message.startsWith('\n') ? 0 : message.indexOf('\n\n') + 1;
  return end === 0 && !message.startsWith('\n')
    ? { header: message, body: '' }
    : { header: message.slice(0, end), body: message.slice(end + 1) };
}

const withNewline = (text: string): string => text.replace(/\n?$/, '\n');

/** What a reader shows of the message. */
async function readText(arrived: Buffer | undefined): Promise<string> {
  const { text = '' } = await simpleParser(arrived ?? Buffer.of());
  return withNewline(text);
}

const named = <T extends { readonly name: string }>(list: readonly T[]) =>
  list.map((each) => [each.name, each] as const);

/** Registers the tests that every server must pass: what is sent arrives byte for byte, and as one message. */
export function arrivesByteForByte(way: string, subject: () => Subject, sending: Sending = {}): void {
  describe(`${way}: arrives byte for byte`, () => {
    test.each(named(SAMPLES))('%s', async (_name, { sent, arrives }) => {
      const { sender, mailbox } = subject();
      expect(await sender.send({ ...sending, message: sent })).toMatchObject({ status: 0 });
      const [arrived] = await mailbox.take();
      const { header, body } = split(asSent(arrived ?? Buffer.of()));
      expect(withoutAdded(header, arrives.header)).toBe(arrives.header);
      expect(body === arrives.body || body).toBe(true);
    });
  });

  describe(`${way}: arrives encoded, and reads the same`, () => {
    test.each(named(ENCODED))('%s', async (_name, { sent, text }) => {
      const { sender, mailbox } = subject();
      expect(await sender.send({ ...sending, message: sent })).toMatchObject({ status: 0 });
      const [arrived] = await mailbox.take();
      const read = await readText(arrived);
      expect(read === withNewline(text) || read.slice(0, 2000)).toBe(true);
      expect(
        Math.max(
          ...asSent(arrived ?? Buffer.of())
            .split('\n')
            .map((line) => line.length),
        ),
      ).toBeLessThanOrEqual(998);
    });
  });

  test(`${way}: no string of SMTP smuggling makes two messages of one, and its text arrives`, async () => {
    const { sender, mailbox } = subject();
    for (const smuggle of SMUGGLES) {
      expect(await sender.send({ ...sending, message: `Subject: x\n\n${smuggle}` })).toMatchObject({ status: 0 });
      // A second message would be one too many here, or with the next one.
      const [arrived] = await mailbox.take();
      const { body } = split(asSent(arrived ?? Buffer.of()));
      const text = smuggle.replace(/\r*\n|\r/g, '\n');
      expect(smuggle.includes('\0') ? await readText(arrived) : body).toBe(text);
    }
  });
}
