import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeInFor } from '../../src/cli/drop-admit.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { CommandError } from '../../src/cli/failure.ts';
import { runQueueCommand } from '../../src/cli/queue.ts';
import { meansFinder } from '../../src/cli/way.ts';
import { applyOverrides, DEFAULTS, type Overrides } from '../../src/config/defaults.ts';
import { formatAddress } from '../../src/mail/address.ts';
import type { QueueEvent } from '../../src/queue/event.ts';
import { dropScene, headFor, ME } from '../support/drop.ts';
import { scratchFolder } from '../support/spool.ts';
import { fakeSurroundings, type Over, play } from './fake-surroundings.ts';

/** A drop that a user names himself, so that nobody needs to be root for these tests. */
function makeDrop(): string {
  const drop = join(scratchFolder(), 'drop');
  mkdirSync(drop);
  chmodSync(drop, 0o1733);
  return drop;
}
const forbidden = (): never => {
  throw Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' });
};
/** The system's configuration is there, and root's. */
const closed = (file: string) => (file.startsWith('/etc/posthaste/') ? forbidden() : undefined);

describe('a message of a user', () => {
  const sendmail = ['-odb', 'bob@example.net'];
  const call = (drop: string, words: readonly string[], over: Over = {}) =>
    play(words, { files: {} }, { env: { POSTHASTE_DROP: drop, ...over.env }, ...over });

  it.each([
    ['-odb', {}],
    ['-odq', {}],
    ['-odi', { findConfig: closed }],
    ['-odb', { findConfig: closed }],
  ])('goes into the drop with %s where %j', async (mode, over) => {
    const drop = makeDrop();
    expect(await call(drop, [mode, '-f', 'ann', 'bob@example.net', 'root'], over)).toMatchObject({
      exit: 0,
      out: '',
      err: '',
    });
    const [name = ''] = readdirSync(drop);
    const [first, second = ''] = readFileSync(join(drop, name), 'utf8').split('\n');
    expect([first, JSON.parse(second)]).toEqual([
      'posthaste-drop 1',
      { sender: 'ann', recipients: [{ to: 'bob@example.net' }, { to: 'root' }], named: true },
    ]);
  });

  it('goes into the drop where the password of the system’s relay is root’s', async () => {
    const drop = makeDrop();
    const findSecret = async (): Promise<never> => {
      throw new CommandError(
        'Cannot read password file "/etc/posthaste/password": it can\'t be opened (EACCES)',
        EXIT.noPermission,
      );
    };
    const files = {
      '/etc/posthaste/config.toml': 'relay = "smtps://ann@mail.example.org"\npassword_file = "password"\n',
    };
    const over = { env: { POSTHASTE_DROP: drop }, findSecret };
    expect(await play(['bob@example.net'], { files }, over)).toMatchObject({ exit: 0, out: '', err: '', sent: [] });
    expect(readdirSync(drop)).toHaveLength(1);
    const none = { ...over, env: { POSTHASTE_DROP: '' } };
    expect(await play(['bob@example.net'], { files }, none)).toMatchObject({
      exit: 77,
      err: expect.stringContaining('"/etc/posthaste/password"'),
    });
  });

  it.each([
    [['-odi', 'bob@example.net'], {}],
    [[...sendmail, '--relay', 'smtp://mail.example.org'], {}],
    [[...sendmail, '--spool', 'SPOOL'], {}],
    [sendmail, { findConfig: (file: string) => own(file, 'domain = "example.org"') }],
    [sendmail, { env: { POSTHASTE_URL: 'smtp://mail.example.org' } }],
    [sendmail, { env: { POSTHASTE_SPOOL: 'SPOOL' } }],
    [sendmail, { env: { POSTHASTE_CONFIG: '/c.toml' } }],
    [sendmail, { surface: { ...fakeSurroundings().surface, userId: () => 0 }, env: { POSTHASTE_SPOOL: 'SPOOL' } }],
  ])('is the user’s own matter with %j and %j', async (words, over: Over) => {
    const drop = makeDrop();
    const spool = join(drop, '../spool');
    const place = (text: string): string => (text === 'SPOOL' ? spool : text);
    const said = Object.entries(over.env ?? {}).map(([name, text = '']) => [name, place(text)] as const);
    const env = { HOME: join(drop, '..'), POSTHASTE_DROP: drop, ...Object.fromEntries(said) };
    const files = { '/c.toml': '' };
    expect(await play(words.map(place), { files }, { ...over, env })).toMatchObject({ exit: 0 });
    expect(readdirSync(drop)).toEqual([]);
  });

  /** A file of the user's own. */
  function own(file: string, text: string) {
    return file.startsWith('/etc/') ? undefined : { bytes: Buffer.from(text), uid: 1000 };
  }

  it('is refused with the file and the reason where there is no drop', async () => {
    for (const env of [{ POSTHASTE_DROP: '' }, {}]) {
      expect(await play(sendmail, {}, { env, findConfig: closed })).toMatchObject({
        exit: 77,
        out: '',
        err: 'posthaste: Cannot read configuration: file "/etc/posthaste/config.toml": you (user id 1000) may not read it\n',
      });
    }
  });

  it('is refused where what the system says counts at once: --dry-run, --no-queue', async () => {
    for (const option of ['--dry-run', '--no-queue']) {
      const drop = makeDrop();
      expect(await call(drop, [option, 'bob@example.net'], { findConfig: closed })).toMatchObject({ exit: 77 });
      expect(readdirSync(drop)).toEqual([]);
    }
  });

  it('in the user’s own queue is not sent in a way that the system may not want', async () => {
    const around = fakeSurroundings({}, { env: { POSTHASTE_DROP: makeDrop() }, findConfig: closed });
    const text = expect.stringContaining('"/etc/posthaste/config.toml"');
    expect(await meansFinder(around)({})).toMatchObject({
      scope: 'destination',
      permanent: false,
      status: '4.3.5',
      text,
    });
    const means = await meansFinder(around)({ relay: 'smtp://mail.example.org', tls: { level: 'none' } });
    expect('scope' in means).toBe(false);
  });

  it('that is too large is not handed over', async () => {
    const drop = makeDrop();
    const files = { '/etc/posthaste/config.toml': 'drop.size = 10\n' };
    const { exit, err } = await play(['-odq', 'bob@example.net'], { files }, { env: { POSTHASTE_DROP: drop } });
    expect({ exit, err }).toEqual({
      exit: 75,
      err: 'posthaste: Cannot hand message over: it is larger than 10 octets\n',
    });
    expect(readdirSync(drop)).toEqual([]);
  });
});

describe('the listing of the queue', () => {
  it('tells on a terminal of what can’t be listed, and programs nothing', async () => {
    const drop = makeDrop();
    const list = async (terminal: boolean): Promise<string> => {
      const around = fakeSurroundings({}, { env: { POSTHASTE_DROP: drop, NO_COLOR: '1' }, home: () => '/nowhere' });
      around.stdout.terminal = terminal;
      await runQueueCommand(['list'], around);
      return around.stdout.text;
    };
    expect(await list(false)).toBe('Mail queue is empty\n');
    expect(await list(true)).toBe(`Mail queue is empty\n-- what you put into ${drop} is listed by root alone\n`);
  });
});

describe('takeInFor()', () => {
  async function taken(overrides: Overrides, head: ReturnType<typeof headFor>) {
    const scene = await dropScene();
    await scene.put(head);
    const around = fakeSurroundings({}, { userNameOf: (uid) => (uid === ME ? 'eve' : undefined) });
    const events: QueueEvent[] = [];
    const log = { write: (event: QueueEvent) => void events.push(event), close: async () => {} };
    const settings = applyOverrides(DEFAULTS, { domain: 'example.com', spool: { fsync: false }, ...overrides });
    const signal = new AbortController().signal;
    const means = { settings, log, signal, way: { config: '/c.toml' }, memory: new Map<string, number>() };
    expect(await takeInFor(await scene.open(), means, around)).toBe(1);
    const [entry] = await scene.entries();
    const { sender } = entry?.envelope ?? { sender: null };
    return { way: entry?.way, sender: sender && formatAddress(sender), to: events[0] };
  }
  const ann = { ...headFor('bob'), isNamed: true };

  it('leaves the sender to the user, and gives the way of the system', async () => {
    expect(await taken({}, ann)).toMatchObject({ way: { config: '/c.toml', named: true }, sender: 'ann@example.net' });
  });

  it('with own senders lets nobody be another', async () => {
    const own: Overrides = { drop: { senders: 'own' } };
    expect(await taken(own, ann)).toEqual(
      expect.objectContaining({ way: { config: '/c.toml' }, sender: 'eve@example.com' }),
    );
    const eve = { ...ann, sender: { local: 'eve', domain: 'example.com' } };
    expect(await taken(own, eve)).toMatchObject({ sender: 'eve@example.com', way: { named: true } });
    expect((await taken(own, { ...ann, sender: { local: 'eve', domain: 'example.net' } })).sender).toBe(
      'eve@example.com',
    );
    expect((await taken(own, { ...ann, sender: null })).sender).toBeNull();
  });

  it('completes names with the domain and the aliases of the system', async () => {
    const recipients = [{ address: { local: 'root', domain: 'there' }, unqualified: true as const }];
    const sender = { local: 'eve', domain: 'there' };
    const head = { ...headFor(), sender, isLocalSender: true, recipients };
    expect(await taken({ aliases: { root: 'ops@example.org, dev' } }, head)).toMatchObject({
      sender: 'eve@example.com',
      to: { event: 'accepted', uid: ME, recipients: ['ops@example.org', 'dev@example.com'] },
    });
    const unaliased = { ...head, aliases: false };
    expect((await taken({ aliases: { root: 'ops@example.org' } }, unaliased)).to).toMatchObject({
      recipients: ['root@example.com'],
    });
    expect((await taken({ aliases: { root: '|/bin/true' } }, head)).to).toMatchObject({
      recipients: ['root@example.com'],
    });
  });
});
