import { describe, expect, it } from 'vitest';
import type { Source } from '../../src/message/source.ts';
import { memorySource } from '../../src/message/source.ts';
import type { Scratch } from '../../src/submit/scratch.ts';
import { type SessionEnds, serveSmtp } from '../../src/submit/smtp-serve.ts';
import type { Verdict } from '../../src/submit/smtp-step.ts';

const OPTIONS = { hostname: 'vm.example.net', domain: 'example.net', maxSize: 0 };
const ENVELOPE = 'EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n';

/** A scratch in memory; `open` counts those that are neither finished nor thrown away. */
function scratches(fails = false) {
  const count = { open: 0, closed: 0 };
  const make = (): Scratch => {
    const parts: Buffer[] = [];
    count.open++;
    return {
      get size() {
        return parts.length;
      },
      write(chunk) {
        if (fails) throw new Error('no space left on device');
        parts.push(Buffer.from(chunk));
      },
      finish: () => ({ ...memorySource(Buffer.concat(parts)), close: () => count.closed++ }),
      discard: () => count.open--,
    };
  };
  return { count, make };
}

async function* typed(...chunks: readonly string[]): AsyncGenerator<Buffer, void> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const asleep = (_: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

async function serve(chunks: readonly string[], more: Partial<SessionEnds> = {}) {
  const writes: string[] = [];
  const messages: string[] = [];
  const troubles: unknown[] = [];
  const { count, make } = scratches();
  const served = await serveSmtp(OPTIONS, {
    input: typed(...chunks),
    write: async (text) => void writes.push(text),
    scratch: make,
    submit: async (_, source) => {
      messages.push(await textOf(source));
      return { ok: true, text: 'queued as 1' };
    },
    sleep: asleep,
    trouble: (error) => troubles.push(error),
    ...more,
  });
  return { served, writes, messages, troubles: troubles.map(String), count };
}

async function textOf(source: Source): Promise<string> {
  let text = '';
  for await (const chunk of source.chunks()) text += chunk.toString();
  return text;
}

describe('serveSmtp()', () => {
  it('carries a session, and replies to what came together at once', async () => {
    const { served, writes, messages, count } = await serve([ENVELOPE, 'DATA\r\n', 'a\r\n', '.\r\nQUIT\r\n']);
    expect(served).toEqual({ why: 'quit', accepted: 1 });
    expect(messages).toEqual(['a\r\n']);
    expect(writes).toHaveLength(4);
    expect(writes[1]).toMatch(/^250-[\s\S]*250 2\.1\.0 Ok\r\n250 2\.1\.5 Ok\r\n$/);
    expect(writes[3]).toBe('250 2.0.0 queued as 1\r\n221 2.0.0 Bye\r\n');
    expect(count.closed).toBe(1);
  });

  it('replies to a message only when it was taken over', async () => {
    const order: string[] = [];
    let release: (verdict: Verdict) => void = () => {};
    const running = serve([`${ENVELOPE}DATA\r\na\r\n.\r\n`], {
      write: async (text) => void order.push(text.trimEnd().split('\n').at(-1)?.slice(0, 3) ?? ''),
      submit: () => {
        order.push('submit');
        queueMicrotask(() => {
          order.push('on disk');
          release({ ok: true, text: 'queued' });
        });
        return new Promise<Verdict>((resolve) => {
          release = resolve;
        });
      },
    });
    await running;
    expect(order).toEqual(['220', '354', 'submit', 'on disk', '250']);
  });

  it('says that a message could not be kept or handled, and goes on', async () => {
    const { make } = scratches(true);
    const full = await serve([`${ENVELOPE}DATA\r\na\r\n.\r\nNOOP\r\n`], { scratch: make });
    expect(full.writes.join('')).toContain('451 4.3.1 Message could not be kept\r\n250 2.0.0 Ok');
    expect(full.troubles).toEqual(['Error: no space left on device']);
    expect(full.messages).toEqual([]);
    const thrown = await serve([`${ENVELOPE}DATA\r\na\r\n.\r\n${ENVELOPE}BDAT 1\r\nxRSET\r\n`], {
      submit: () => Promise.reject(new Error('bug')),
    });
    expect(thrown.writes.join('')).toContain('451 4.3.0 It could not be handled\r\n250');
    expect(thrown.troubles).toEqual(['Error: bug']);
    expect(thrown.served.accepted).toBe(0);
  });

  it('asks about recipients where it is given how', async () => {
    const { writes } = await serve([`${ENVELOPE}RCPT TO:<c@example.org>\r\n`], {
      verify: async ({ address }) =>
        address.local === 'b' ? { ok: true, text: 'Ok' } : { ok: false, permanent: true, status: '5.1.1', text: 'no' },
    });
    expect(writes.join('')).toContain('250 2.1.5 Ok\r\n550 5.1.1 no\r\n');
  });

  it('ends after a long silence', async () => {
    const waited: number[] = [];
    const silent = async function* (): AsyncGenerator<Buffer, void> {
      yield Buffer.from(`${ENVELOPE}DATA\r\nabc`);
      await new Promise(() => {});
    };
    const { served, writes, count } = await serve([], {
      input: silent(),
      idle: 7,
      sleep: (milliseconds, signal) => {
        waited.push(milliseconds);
        return waited.length === 2 ? Promise.resolve() : asleep(milliseconds, signal);
      },
    });
    expect(served).toEqual({ why: 'idle', accepted: 0 });
    expect(writes.at(-1)).toBe('421 4.4.2 Nothing was said for too long\r\n');
    expect(waited).toEqual([7, 7]);
    expect(count.open).toBe(0);
  });

  it('ends where the input fails or nobody reads the replies, and leaves nothing behind', async () => {
    const failing = async function* (): AsyncGenerator<Buffer, void> {
      yield Buffer.from(`${ENVELOPE}DATA\r\nabc`);
      throw new Error('EIO');
    };
    const cut = await serve([], { input: failing() });
    expect(cut.served).toEqual({ why: 'cut', accepted: 0 });
    expect(cut.troubles).toEqual(['Error: EIO']);
    expect(cut.count.open).toBe(0);
    let writes = 0;
    const broken = await serve([`${ENVELOPE}DATA\r\na\r\n.\r\n${ENVELOPE}BDAT 1\r\nx`, 'NOOP\r\n'], {
      write: () => (++writes < 4 ? Promise.resolve() : Promise.reject(new Error('EPIPE'))),
    });
    expect(broken.served).toEqual({ why: 'broken', accepted: 1 });
    expect(broken.troubles).toEqual(['Error: EPIPE']);
    expect(broken.count).toEqual({ open: 1, closed: 1 });
  });
});
