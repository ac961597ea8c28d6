import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/cli/log.ts';
import { deferred, delivered } from './support.ts';

const ATTEMPT = { began: 0, ended: 250, results: [delivered('ann@example.org'), deferred('bob@example.net')] };
const WHO = { messageId: '<1@example.org>', sender: 'me@example.org' };

describe('createLog()', () => {
  it('appends one line for the attempt and one for each result', () => {
    const lines: string[] = [];
    createLog({ append: (line) => lines.push(line), onTrouble: () => {}, ...WHO }).attempt(ATTEMPT, 2);
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        time: '1970-01-01T00:00:00.000Z',
        event: 'attempt',
        message: '<1@example.org>',
        attempt: 2,
        delivered: 1,
        deferred: 1,
      },
      {
        event: 'result',
        message: '<1@example.org>',
        recipient: 'ann@example.org',
        outcome: 'delivered',
        queueId: '4ABC1',
      },
      { event: 'result', recipient: 'bob@example.net', outcome: 'deferred', attempt: 2 },
    ]);
  });

  it('tells of trouble once and goes on when the file can’t be written', () => {
    const told: unknown[] = [];
    let calls = 0;
    const log = createLog({
      append: () => {
        calls += 1;
        throw new Error('disk full');
      },
      onTrouble: (error) => told.push(error),
      ...WHO,
    });
    log.attempt(ATTEMPT, 1);
    log.attempt(ATTEMPT, 2);
    expect([told.length, calls]).toEqual([1, 1]);
  });
});
