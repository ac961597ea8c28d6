import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import type { SecretRequest } from '../../src/config/secrets.ts';
import { fakeSurroundings, type Over } from './fake-surroundings.ts';

const CONFIG = `
[account.work]
url = "smtp+starttls://bob@relay.test"
`;

/** What was asked of whoever finds passwords. */
async function asked(words: readonly string[], over: Over = {}, program = 'posthaste'): Promise<SecretRequest[]> {
  const requests: SecretRequest[] = [];
  const findSecret = async (request: SecretRequest) => {
    requests.push(request);
    return 'opensesame';
  };
  const around = fakeSurroundings({ files: { c: CONFIG } }, { ...over, findSecret });
  await run(words, around, program);
  return requests;
}

const RELAY = ['--relay', 'smtps://ann@mail.test', 'eve@example.org'];

describe('a password is looked for', () => {
  it('by host, port and user, where the person lives', async () => {
    expect(await asked(RELAY, { home: () => '/home/ann' })).toEqual([
      { login: { host: 'mail.test', port: 465, user: 'ann', keyring: true, home: '/home/ann' } },
    ]);
    expect(await asked(RELAY, { env: { HOME: '/h' }, home: () => '/home/ann' })).toMatchObject([
      { login: { home: '/h' } },
    ]);
    const [homeless] = await asked(RELAY, { env: { HOME: 'relative' } });
    expect(homeless?.login).not.toHaveProperty('home');
  });

  it('by the name of the account', async () => {
    expect(await asked(['--config', 'c', '-a', 'work', 'eve@example.org'])).toMatchObject([
      { account: 'work', login: { host: 'relay.test', port: 587, user: 'bob' } },
    ]);
  });

  it('in no keyring where it is sendmail that was called', async () => {
    const env = { POSTHASTE_URL: 'smtps://ann@mail.test' };
    expect(await asked(['-odi', 'eve@example.org'], { env }, 'sendmail')).toMatchObject([
      { login: { host: 'mail.test', keyring: false } },
    ]);
  });
});
