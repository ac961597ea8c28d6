import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/cli/program.ts';
import { readValues } from '../../src/cli/values.ts';
import { meansFinder, PASSWORD_RELAY, wayOf } from '../../src/cli/way.ts';
import type { Way } from '../../src/mail/entry.ts';
import { fakeSurroundings } from './fake-surroundings.ts';

const way = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Way => {
  const line = readCommandLine([...words, 'bob@example.net']);
  if (line.kind !== 'send') throw new Error(line.kind);
  return wayOf(readValues(line.given, line.words), { cwd: () => '/here', env });
};
const good = (words: readonly string[], want: Way, env: Readonly<Record<string, string>> = {}) =>
  it(`keeps ${words.join(' ') || 'nothing'}`, () => expect(way(words, env)).toEqual(want));

const RELAY = 'smtp://ann@mail.test';

describe('wayOf()', () => {
  good([], {});
  good(['--config', 'c.toml', '--port', '2525'], { config: '/here/c.toml', port: 2525 });
  good(['--relay', RELAY, '--password-file', 'p', '--auth', 'plain'], {
    ...{ relay: RELAY, auth: 'PLAIN', passwordFile: '/here/p' },
  });
  good(['--relay', RELAY, '--password-command', 'pass x'], { relay: RELAY, passwordCommand: 'pass x' });
  good(['--relay', RELAY], { relay: RELAY, passwordFile: '/here/p' }, { POSTHASTE_PASSWORD_FILE: 'p' });
  good(['--relay', RELAY], { relay: RELAY }, { POSTHASTE_PASSWORD: 'secret' });
  good(['--tls', 'verify', '--tls-ca', 'ca', '--tls-cert', '/c', '--tls-key', 'k'], {
    tls: { level: 'verify', ca: '/here/ca', cert: '/c', key: '/here/k' },
  });
  good(['--tls-ca', 'node'], { tls: { ca: 'node' } });
});

/** What the way of all mail without a route needs, or why it can't be had. */
async function found(way: Way, around = fakeSurroundings()): Promise<unknown> {
  const means = await meansFinder(around)(way);
  return 'scope' in means ? means : means.open(means.table.rest.outlets[0]);
}

describe('meansFinder()', () => {
  it('finds relay, login and settings again', async () => {
    const means = await meansFinder(fakeSurroundings())({ relay: RELAY, tls: { level: 'none' } });
    expect(means).toMatchObject({
      settings: { tls: { level: 'none' } },
      table: { rest: { outlets: [{ via: { relay: { host: 'mail.test' } } }] } },
    });
    expect(await found({ relay: RELAY })).toMatchObject({
      login: { credentials: { user: 'ann', password: 'opensesame' } },
    });
  });

  it('is a failure that passes when something is missing', async () => {
    expect(await found({ config: '/gone.toml' })).toMatchObject({ permanent: false, status: '4.3.5' });
    expect(await found({ account: 'gone' })).toMatchObject({ permanent: false, status: '4.3.5' });
    expect(await found({ tls: { ca: '/gone.pem' } })).toMatchObject({ permanent: false, status: '4.3.5' });
  });

  it('shows a password of the environment to no other relay than it is for', async () => {
    const around = fakeSurroundings({}, { env: { [PASSWORD_RELAY]: RELAY } });
    expect(await found({ relay: RELAY }, around)).toMatchObject({ login: { credentials: { password: 'opensesame' } } });
    const other = await found({ relay: 'smtp://eve@evil.test' }, around);
    expect(other).toMatchObject({ status: '4.3.5', permanent: false });
  });
});
