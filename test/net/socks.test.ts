import { describe, expect, test } from 'vitest';
import { type SocksRefusal, socksDialogue } from '../../src/net/socks.ts';

const bytes = (...octets: readonly number[]) => Buffer.from(octets);
const OK = [bytes(5, 0), bytes(5, 0, 0, 1), bytes(0, 0, 0, 0, 0, 0)];

/** Plays a proxy that answers with these, and gives what was said and the end. */
function play(
  answers: readonly Buffer[],
  { address = '192.0.2.1', ...login }: { address?: string; user?: string; password?: string } = {},
): { said: string[]; end: SocksRefusal | undefined | 'open end' } {
  const dialogue = socksDialogue({ address, port: 587 }, login);
  const said: string[] = [];
  let step = dialogue.next();
  for (const answer of answers) {
    if (step.done === true) break;
    said.push(step.value.send.toString('hex'));
    expect(answer.length).toBe(step.value.want);
    step = dialogue.next(answer);
  }
  return { said, end: step.done === true ? step.value : 'open end' };
}

describe('socksDialogue() asks', () => {
  test.each([
    ['192.0.2.1', '01c0000201'],
    ['2001:db8::1', '0420010db8000000000000000000000001'],
    ['smtp.example.org', `0310${Buffer.from('smtp.example.org').toString('hex')}`],
  ])('for %s', (address, field) => {
    const { said, end } = play(OK, { address });
    expect(said).toEqual(['050100', `050100${field}024b`, '']);
    expect(end).toBeUndefined();
  });

  test('with user and password where the proxy wants them', () => {
    const login = { user: 'ann', password: 'pw' };
    const { said, end } = play([bytes(5, 2), bytes(1, 0), ...OK.slice(1)], login);
    expect(said.slice(0, 2)).toEqual(['05020002', '0103616e6e027077']);
    expect(end).toBeUndefined();
  });

  test('without showing them to a proxy that does not want them', () => {
    const { said } = play(OK, { user: 'ann', password: 'secret' });
    expect(said.join()).not.toContain(Buffer.from('secret').toString('hex'));
  });

  test('past an address of any kind in the reply', () => {
    expect(play([...OK.slice(0, 1), bytes(5, 0, 0, 4), Buffer.alloc(18)]).end).toBeUndefined();
    expect(play([...OK.slice(0, 1), bytes(5, 0, 0, 3), bytes(2), Buffer.alloc(4)]).end).toBeUndefined();
    expect(play([...OK.slice(0, 1), bytes(5, 0, 0, 3), bytes(0), Buffer.alloc(2)]).end).toBeUndefined();
  });
});

describe('socksDialogue() gives up', () => {
  test.each([
    ['another version', [bytes(4, 0)], 'does not speak SOCKS5'],
    ['HTTP', [Buffer.from('HT')], 'does not speak SOCKS5'],
    ['no method', [bytes(5, 255)], 'wants a login'],
    ['a method that was not offered', [bytes(5, 2)], 'does not speak SOCKS5'],
    ['another version in the reply', [bytes(5, 0), bytes(4, 0, 0, 1)], 'does not speak SOCKS5'],
    ['an unknown kind of address', [bytes(5, 0), bytes(5, 0, 0, 2)], 'does not speak SOCKS5'],
    ['an unknown code', [bytes(5, 0), bytes(5, 99, 0, 1)], 'refused with code 99'],
  ])('for %s', (_, answers, reason) => {
    expect(play(answers).end).toMatchObject({ code: 'EPROXY', reason: expect.stringContaining(reason) });
  });

  test.each([
    [1, 'EPROXY'],
    [2, 'EACCES'],
    [3, 'ENETUNREACH'],
    [4, 'EHOSTUNREACH'],
    [5, 'ECONNREFUSED'],
    [6, 'ETIMEDOUT'],
    [7, 'EPROXY'],
    [8, 'EPROXY'],
  ])('for the code %d, which is %s', (code, name) => {
    expect(play([bytes(5, 0), bytes(5, code, 0, 1)]).end).toMatchObject({ code: name, reason: /./ });
  });

  test.each([
    ['refused', [bytes(5, 2), bytes(1, 1)], 'refused user and password'],
    ['answered with nonsense', [bytes(5, 2), bytes(5, 0)], 'does not speak SOCKS5'],
    ['not wanted', [bytes(5, 255)], 'takes no user and password'],
  ])('where a login is %s, and never tells it', (_, answers, reason) => {
    const { end } = play(answers, { user: 'ann', password: 'hush' });
    expect(end).toMatchObject({ reason: expect.stringContaining(reason) });
    expect(JSON.stringify(end)).not.toMatch(/ann|hush/);
  });

  test('before it says a word where names and logins can not be said', () => {
    for (const address of ['', 'x'.repeat(254), 'a b', 'a\0b', 'exämple.org']) {
      expect(play([], { address }).end).toHaveProperty('reason');
    }
    expect(play([], { user: '', password: 'x' }).end).toHaveProperty('reason');
    expect(play([], { user: 'x'.repeat(256), password: 'x' }).end).toHaveProperty('reason');
    expect(play([], { user: 'x' }).end).toHaveProperty('reason');
  });
});
