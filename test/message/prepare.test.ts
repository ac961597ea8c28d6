import { describe, expect, it } from 'vitest';
import { prepare, type Rooms } from '../../src/message/prepare.ts';
import { memorySource } from '../../src/message/source.ts';
import { MessageError } from '../../src/message/split.ts';

const rooms: Rooms = {
  head: async (source, octets) => (source.bytes ?? Buffer.alloc(0)).subarray(0, octets),
  section: (source, offset) => memorySource((source.bytes ?? Buffer.alloc(0)).subarray(offset)),
};

const how = {
  ...{ now: 0, zone: 0, random: () => 0, fqdn: 'mx.example.org', domain: 'example.org' },
  sender: { local: 'ann', domain: 'example.org' },
};

const run = (text: string | Buffer) => prepare(memorySource(Buffer.from(text)), how, rooms);

describe('prepare()', () => {
  it('gives header, body as it was, facts, and what was done', async () => {
    const done = await run('From x y\nBcc: secret\nDate: d\nTo: t\nMessage-ID: <i@d>\n\n.dot\r\nno end');
    expect(done.message.header.toString()).toBe(
      'Date: d\r\nTo: t\r\nMessage-ID: <i@d>\r\nFrom: ann@example.org\r\n\r\n',
    );
    expect(done.message.body.bytes?.toString()).toBe('.dot\r\nno end');
    expect(done.message.facts).toEqual({
      size: done.message.header.length + '.dot\r\nno end\r\n'.length,
      eightBitHeader: false,
      eightBitBody: false,
      longestLine: 'From: ann@example.org'.length,
      nul: false,
    });
    expect(done.fields.map((field) => field.name)).toEqual(['Bcc', 'Date', 'To', 'Message-ID']);
    expect(done.added).toEqual(['From: ann@example.org']);
    expect(done.removed).toEqual(['Bcc']);
  });

  it('counts the header that is sent, not the one that came', async () => {
    const { facts } = (await run(`Bcc: é\0${'x'.repeat(2000)}\n\nplain\n`)).message;
    expect(facts).toMatchObject({ eightBitHeader: false, nul: false });
    expect(facts.longestLine).toBeLessThan(100);
  });

  it('finds 8-bit, NUL and long lines where they are', async () => {
    expect((await run('Subject: é\n\nx')).message.facts).toMatchObject({ eightBitHeader: true, eightBitBody: false });
    expect((await run(`A: b\n\né\0${'x'.repeat(5000)}`)).message.facts).toMatchObject({
      ...{ eightBitHeader: false, eightBitBody: true, nul: true, longestLine: 5003 },
    });
  });

  it('puts a blank line where it was forgotten, and a header where there is none', async () => {
    const { header, body } = (await run('Subject: x\nhello there\n')).message;
    expect(header.toString().startsWith('Subject: x\r\nDate: ')).toBe(true);
    expect(body.bytes?.toString()).toBe('hello there\n');
    expect((await run('')).message.header.toString()).toMatch(
      /^Date: .*\r\nFrom: .*\r\nTo: .*\r\nMessage-ID: .*\r\n\r\n$/,
    );
  });

  it('refuses a header without end', async () => {
    await expect(run(`A: ${'x'.repeat(17 << 20)}`)).rejects.toThrow(MessageError);
  });
});
