import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { QueueEvent } from '../../src/queue/event.ts';
import { openEventLog } from '../../src/queue/event-log.ts';
import { scratchFolder } from '../support/spool.ts';

const event = (id: string, time = 0): QueueEvent => ({ event: 'done', time, id });
const idsIn = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id);

/** Lines of one moment are written together, when it has passed. */
const settled = (): Promise<void> => Promise.resolve();

describe('openEventLog()', () => {
  it('appends a line for each event, and makes the folder', async () => {
    const file = join(scratchFolder(), 'state', 'log');
    const [one, other] = [openEventLog({ file }), openEventLog({ file })];
    one.write(event('a'));
    other.write(event('b'));
    one.write(event('c'));
    await settled();
    expect([idsIn(file).sort(), statSync(file).mode & 0o777]).toEqual([['a', 'b', 'c'], 0o600]);
    await one.close();
    await other.close();
  });

  it('lets go of a file that was moved away, after a second', async () => {
    const file = join(scratchFolder(), 'log');
    const log = openEventLog({ file });
    log.write(event('a', 5000));
    await settled();
    renameSync(file, `${file}.1`);
    log.write(event('b', 5500));
    await settled();
    log.write(event('c', 6000));
    await log.close();
    expect([idsIn(`${file}.1`), idsIn(file)]).toEqual([['a', 'b'], ['c']]);
  });

  it('never throws, and goes on when the file can be written again', async () => {
    const file = join(scratchFolder(), 'log');
    mkdirSync(file);
    const log = openEventLog({ file });
    expect(() => log.write(event('a'))).not.toThrow();
    await settled();
    renameSync(file, `${file}.folder`);
    log.write(event('b'));
    await log.close();
    expect(idsIn(file)).toEqual(['b']);
  });

  it('writes to who takes lines, or to nobody', async () => {
    const lines: string[] = [];
    openEventLog({ write: (line) => lines.push(line) }).write(event('a'));
    openEventLog('none').write(event('b'));
    expect(lines).toEqual([`{"time":"1970-01-01T00:00:00.000Z","event":"done","id":"a"}\n`]);
    const syslog = openEventLog('syslog');
    syslog.write(event('c'));
    await expect(syslog.close()).resolves.toBeUndefined();
  });
});
