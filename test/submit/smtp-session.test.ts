import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ERRORS } from '../../src/submit/smtp-session.ts';
import type { Verdict } from '../../src/submit/smtp-step.ts';
import { MAX_RECIPIENTS } from '../../src/submit/smtp-transaction.ts';
import { inChunks } from '../support/lines.ts';
import { codesOf, type Play, pathsOf, play } from './smtp-play.ts';

/** Plays the `C:` lines of a transcript, one at a time, and expects its `S:` lines. */
function transcript(text: string, how?: Play) {
  const want = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const said = want.filter((line) => line.startsWith('C:')).map((line) => Buffer.from(`${line.slice(3)}\r\n`));
  const played = play(said, how);
  expect(played.log.map((line) => line.trim())).toEqual(want);
  return played;
}

const ENVELOPE = 'EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n';
const said = (text: string, encoding: BufferEncoding = 'utf8') => [Buffer.from(text, encoding)];

describe('session()', () => {
  it('takes a message by DATA', () => {
    const { messages, end } = transcript(`
      S: 220 vm.example.net ESMTP posthaste
      C: EHLO localhost
      S: 250-vm.example.net
      S: 250-PIPELINING
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-DSN
      S: 250-CHUNKING
      S: 250 SIZE
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 Ok
      C: RCPT TO:<b@example.org>
      S: 250 2.1.5 Ok
      C: DATA
      S: 354 End with <CRLF>.<CRLF>
      C: Subject: x
      C:
      C: ..
      C: ...a
      C: .b
      C: .
      S: 250 2.0.0 queued as 1
      C: QUIT
      S: 221 2.0.0 Bye`);
    expect(messages.map(pathsOf)).toEqual(['<a@example.org> <b@example.org>']);
    expect(messages[0]?.content).toBe('Subject: x\r\n\r\n.\r\n..a\r\nb\r\n');
    expect(end).toEqual({ why: 'quit', accepted: 1 });
  });

  it('takes a message by BDAT, with any octets in it', () => {
    const { messages, replies } = play(
      said(`${ENVELOPE}BDAT 7\r\n.\r\n.\r\nQBDAT 2 LAST\r\n\0.RSET\r\nBDAT 0 LAST\r\nQUIT\r\n`, 'latin1'),
    );
    expect(messages.map(({ content }) => content)).toEqual(['.\r\n.\r\nQ\0.']);
    expect(replies).toContain('250 2.0.0 7 octets received\r\n250 2.0.0 queued as 1\r\n250 2.0.0 Ok\r\n503 5.5.1 MAIL');
  });

  it('takes what real clients send', () => {
    const want = {
      'symfony-bs': ['<a@example.net> <bob@example.org> <carol@example.org> <s@example.org>', 'line\r\n.\r\nend\r\n'],
      alpine: ['<root@example.net> <bob@example.org>', 'hello\r\n.\r\nend\r\n\r\n'],
      'nmh-sendmail-smtp': ['<alice@example.net> <bob@example.org> <carol@example.org>', 'line\r\n.\r\nend\r\n'],
    };
    for (const [name, [paths, body]] of Object.entries(want)) {
      const bytes = readFileSync(new URL(`../callers/${name}.stdin`, import.meta.url));
      for (const length of [1, 7, 64, bytes.length]) {
        const { messages, end, replies } = play(inChunks(bytes, length));
        expect(messages.map(pathsOf)).toEqual([paths]);
        expect(messages[0]?.content.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(body);
        expect(end).toEqual({ why: 'quit', accepted: 1 });
        expect(codesOf(replies).every((code) => code < '400')).toBe(true);
      }
    }
  });

  it('refuses what is out of order', () => {
    transcript(`
      S: 220 vm.example.net ESMTP posthaste
      C: RCPT TO:<b@example.org>
      S: 503 5.5.1 MAIL comes first
      C: DATA
      S: 503 5.5.1 MAIL comes first
      C: MAIL FROM:<>
      S: 250 2.1.0 Ok
      C: MAIL FROM:<a@example.org>
      S: 503 5.5.1 Sender was named already
      C: DATA
      S: 503 5.5.1 RCPT comes first: no recipient was accepted
      C: BDAT 0 LAST
      S: 503 5.5.1 RCPT comes first: no recipient was accepted
      C: RCPT TO:<b@example.org>
      S: 250 2.1.5 Ok
      C: BDAT 0
      S: 250 2.0.0 0 octets received
      C: RCPT TO:<c@example.org>
      S: 503 5.5.1 Message has begun with BDAT: go on with BDAT, or RSET
      C: DATA
      S: 503 5.5.1 Message has begun with BDAT: go on with BDAT, or RSET
      C: RSET
      S: 250 2.0.0 Ok
      C: DATA
      S: 503 5.5.1 MAIL comes first
      C: HELO x
      S: 250 vm.example.net`);
  });

  it('answers the other commands', () => {
    transcript(`
      S: 220 vm.example.net ESMTP posthaste
      C: NOOP what ever
      S: 250 2.0.0 Ok
      C: vrfy bob
      S: 252 2.5.2 It is not looked up: send mail and see
      C: VRFY
      S: 501 5.5.4 Argument is missing or wrong
      C: HELP
      S: 214 2.0.0 Commands are EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
      C: EXPN staff
      S: 502 5.5.1 Command is not offered here
      C: LHLO x
      S: 502 5.5.1 Command is not offered here
      C: STARTTLS
      S: 502 5.5.1 Command is not offered here
      C: EHLO
      S: 501 5.5.4 Argument is missing or wrong
      C: DATA now
      S: 501 5.5.4 Command takes no argument
      C: FOO
      S: 500 5.5.2 Command is not known
      C: MAILFROM:<a@example.org>
      S: 500 5.5.2 Command is not known
      C:
      S: 500 5.5.2 Command is not known
      C: Quit
      S: 221 2.0.0 Bye`);
  });

  it('ends a transaction at EHLO, and begins a new one after a message', () => {
    const { messages } = play(
      said(`${ENVELOPE}${ENVELOPE}DATA\r\n1\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n.\r\nQUIT\r\n`),
    );
    expect(messages.map(pathsOf)).toEqual(['<a@example.org> <b@example.org>', '<> <c@example.org>']);
    expect(messages.map(({ content }) => content)).toEqual(['1\r\n', '']);
  });

  it('tells the client what became of the message, on one line that can not be broken', () => {
    const reply = (verdict: Verdict) =>
      play(said(`${ENVELOPE}DATA\r\n.\r\n`), { submit: () => verdict })
        .replies.split('\r\n')
        .at(-2);
    expect(reply({ ok: true, text: 'ok\r\n250 2' })).toBe('250 2.0.0 ok\\x0d\\x0a250 2');
    expect(reply({ ok: true, text: `é${'x'.repeat(1000)}` })?.length).toBeLessThan(512);
    expect(reply({ ok: false, text: 'no' })).toBe('451 4.3.0 no');
    expect(reply({ ok: false, text: 'no', permanent: true })).toBe('554 5.3.0 no');
    expect(reply({ ok: false, text: 'no', permanent: true, status: '5.7.1' })).toBe('554 5.7.1 no');
    expect(reply({ ok: false, text: 'no', permanent: true, status: '4.7.1\r\n' })).toBe('554 5.3.0 no');
    expect(play(said(`${ENVELOPE}DATA\r\n.\r\n`), { submit: () => ({ ok: false, text: 'no' }) }).end.accepted).toBe(0);
  });

  it('asks about each recipient where that is wanted', () => {
    const { messages, replies } = play(
      said(`${ENVELOPE}RCPT TO:<no@example.org>\r\nRCPT TO:<later@example.org>\r\nDATA\r\n.\r\n`),
      {
        verify: ({ address }) => {
          if (address.local === 'b') return { ok: true, text: 'Ok' };
          return { ok: false, text: 'no such user', permanent: address.local === 'no' };
        },
      },
    );
    expect(messages.map(pathsOf)).toEqual(['<a@example.org> <b@example.org>']);
    expect(replies).toContain('250 2.1.5 Ok\r\n550 5.1.0 no such user\r\n450 4.1.0 no such user\r\n354');
  });

  it('takes a bounded number of recipients, each once', () => {
    const many = Array.from({ length: MAX_RECIPIENTS + 1 }, (_, n) => `RCPT TO:<u${n}@example.org>\r\n`).join('');
    const { messages, replies } = play(said(`MAIL FROM:<>\r\n${many}RCPT TO:<u0@EXAMPLE.org>\r\nDATA\r\n.\r\n`));
    expect(messages[0]?.envelope.recipients).toHaveLength(MAX_RECIPIENTS);
    expect(replies).toContain('452 4.5.3 Too many recipients\r\n250 2.1.5 Ok\r\n354');
  });

  it('refuses what is too large, reads it to its end and goes on', () => {
    const options = { maxSize: 10 };
    const all = play(
      said(
        `EHLO x\r\nMAIL FROM:<> SIZE=11\r\nMAIL FROM:<> SIZE=10\r\nRCPT TO:<b>\r\nDATA\r\n${'x'.repeat(40)}\r\n.\r\n` +
          'MAIL FROM:<>\r\nRCPT TO:<b>\r\nBDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\n' +
          'MAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\n12345678\r\n.\r\n',
      ),
      { options },
    );
    expect(all.replies).toContain('250 SIZE 10\r\n552 5.3.4 Message is too large\r\n250 2.1.0 Ok\r\n');
    expect(codesOf(all.replies).join(' ')).toBe('220 250 552 250 250 354 552 250 250 250 552 503 250 250 354 250');
    expect(all.messages.map(({ content }) => content)).toEqual(['12345678\r\n']);
  });

  it('ends where nothing can be understood', () => {
    const junk = play(said('x\r\n'.repeat(MAX_ERRORS + 5)));
    expect(junk.end).toEqual({ why: 'errors', accepted: 0 });
    expect(codesOf(junk.replies)).toHaveLength(MAX_ERRORS + 1);
    expect(junk.replies).toMatch(/421 4\.7\.0 [^\r\n]*\r\n$/);
    const mixed = play(said(`${'x\r\n'.repeat(MAX_ERRORS - 1)}NOOP\r\n`.repeat(3)));
    expect(mixed.end.why).toBe('end');
  });

  it('ends where the size of a chunk can not be read, so that none of it is taken for commands', () => {
    for (const size of ['', 'x', '-1', '1e3', '9999999999999999', '5 FIRST', '5\0', '\xff']) {
      const { replies, end, messages } = play(said(`${ENVELOPE}BDAT ${size}\r\nRSET\r\n`, 'latin1'));
      expect(replies).toMatch(/\r\n501 5\.5\.4 Size of chunk[^\r\n]*\r\n$/);
      expect(end.why).toBe('errors');
      expect(messages).toEqual([]);
    }
  });

  it('ends with the input or after a long silence, and takes no message that was cut', () => {
    expect(play(said(`${ENVELOPE}DATA\r\nabc\r\n.\r`)).end).toEqual({ why: 'cut', accepted: 0 });
    expect(play(said(`${ENVELOPE}BDAT 5 LAST\r\nabc`)).end).toEqual({ why: 'cut', accepted: 0 });
    expect(play(said(`${ENVELOPE}QUIT`)).end).toEqual({ why: 'end', accepted: 0 });
    for (const text of ['', `${ENVELOPE}DATA\r\nabc\r\n`]) {
      const idle = play(said(text), { over: 'idle' });
      expect(idle.end).toEqual({ why: 'idle', accepted: 0 });
      expect(idle.replies).toMatch(/\r\n421 4\.4\.2 Nothing was said for too long\r\n$/);
    }
  });

  it('passes over lines that are too long', () => {
    const { replies } = play(inChunks(Buffer.from(`NOOP ${'x'.repeat(3000)}\r\nNOOP\r\nQUIT\r\n`), 700));
    expect(codesOf(replies)).toEqual(['220', '500', '250', '221']);
  });
});

const ANY = fc.array(
  fc.oneof(
    fc.constantFrom(
      'EHLO x',
      'MAIL FROM:<a@b.example>',
      'RCPT TO:<c>',
      'RSET',
      'NOOP',
      'VRFY x',
      'HELP',
      ' ',
      '\t',
      '<',
      '>',
    ),
    fc.constantFrom(
      'MAIL',
      'FROM:',
      '\r',
      '\n',
      '\r\n',
      '\0',
      '\xff',
      '"',
      '\\',
      '=',
      'SIZE',
      'NOTIFY=',
      'ORCPT=',
      ':',
    ),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  ),
  { maxLength: 40 },
);

describe('session() with anything', () => {
  it('gives each command one reply, and the same ones in any cut', () => {
    fc.assert(
      fc.property(ANY, fc.integer({ min: 1, max: 30 }), (pieces, length) => {
        // Lines that take more than themselves, or end the session, are another test's.
        const text = pieces.join('').replace(/(?<![^\n])(?=DATA|BDAT|QUIT)/gi, '-');
        const bytes = Buffer.from(text, 'latin1');
        const { replies, end } = play([bytes]);
        const lines = text.split('\n').length - 1;
        const given = codesOf(replies).length - 1;
        if (end.why === 'errors') expect(given).toBeLessThanOrEqual(lines);
        else expect(given).toBe(lines);
        expect(replies).toMatch(/^(?:\d{3}[ -][ -~]*\r\n)+$/);
        expect(play(inChunks(bytes, length)).replies).toBe(replies);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it('never throws, whatever it is told and wherever it is cut', () => {
    const more = fc.constantFrom('DATA\r\n', 'BDAT 5\r\n', 'BDAT 3 LAST\r\n', '\r\n.\r\n', '.', 'QUIT\r\n', ENVELOPE);
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            more,
            ANY.map((pieces) => pieces.join('')),
          ),
          { maxLength: 12 },
        ),
        (pieces) => {
          const bytes = Buffer.from(pieces.join(''), 'latin1');
          const whole = play([bytes]);
          const cut = play(inChunks(bytes, 3));
          expect(cut.replies).toBe(whole.replies);
          expect(cut.messages).toEqual(whole.messages);
          expect(whole.end.accepted).toBe(whole.messages.length);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});
