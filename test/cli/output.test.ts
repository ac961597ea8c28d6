import { describe, expect, it } from 'vitest';
import { line, refusedLine, resultLines } from '../../src/cli/output.ts';
import { deferred, delivered, failed, reply } from './support.ts';

describe('resultLines()', () => {
  it('says nothing when all were delivered', () => {
    expect(resultLines([delivered('ann@example.org'), delivered('bob@example.org')])).toEqual([]);
  });

  it('gives recipient, status, host and the remote’s words when there was a refusal', () => {
    const refused = failed('bob@example.net', { reply: reply('550 5.1.1 No such user') });
    expect(resultLines([delivered('ann@example.org'), refused])).toEqual([
      'posthaste: bob@example.net: failed (5.1.1): mx.example.net[192.0.2.1]: refused when sending RCPT: 550 5.1.1 No such user\n',
    ]);
  });

  it('gives our own words and the advice when there was no reply', () => {
    const silent = deferred('bob@example.net', {
      text: 'connection refused',
      advice: 'Try a relay',
      host: 'mx.example',
    });
    expect(resultLines([silent])).toEqual([
      'posthaste: bob@example.net: deferred (4.4.1): mx.example[192.0.2.1]: connection refused (Try a relay)\n',
    ]);
  });

  it('names what is known of the place when there is no host, or only an address', () => {
    const { failure, ...rest } = failed('bob@[192.0.2.1]', { text: 'no' });
    const { host: _, address: __, ...nowhere } = failure;
    expect(resultLines([{ ...rest, failure: nowhere }])[0]).toBe('posthaste: bob@[192.0.2.1]: failed (5.1.1): no\n');
    const same = { ...nowhere, host: '192.0.2.1', address: '192.0.2.1' };
    expect(resultLines([{ ...rest, failure: same }])[0]).toContain(': 192.0.2.1: no');
    const peer = { host: 'mx.example', address: '2001:db8::1', port: 25 };
    expect(resultLines([{ ...rest, failure: nowhere, peer }])[0]).toContain(': mx.example[2001:db8::1]: no');
  });

  it('stays one printable line when the remote sends controls', () => {
    const rude = failed('bob@example.net', {
      reply: reply('550 \x1b[2Jgone\x07\r\nposthaste: ann: fine|second \x9b line'),
    });
    const [text = ''] = resultLines([rude]);
    expect(text.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    expect(text).toContain('\\x1b[2Jgone');
  });

  it('is bounded when the remote says much', () => {
    const [text = ''] = resultLines([failed('bob@example.net', { reply: reply(`550 ${'\x01'.repeat(100_000)}`) })]);
    expect(text.length).toBeLessThan(1100);
  });
});

describe('line()', () => {
  it('is one line when the text has several', () => expect(line('a\nb')).toBe('posthaste: a\\x0ab\n'));
  it('is cut when the text is long', () => expect(line('x'.repeat(5000)).length).toBeLessThan(1020));
});

describe('refusedLine()', () => {
  it('shows that nothing was given', () => {
    expect(refusedLine({ text: '', reason: 'it names nobody' })).toBe(
      'posthaste: "": failed (5.1.3): it names nobody\n',
    );
  });

  it('gives the text and the reason when an address can’t be read', () => {
    const text = refusedLine({ text: 'a@@b', reason: 'Cannot read address: …' });
    expect(text).toBe('posthaste: a@@b: failed (5.1.3): Cannot read address: …\n');
  });
});
