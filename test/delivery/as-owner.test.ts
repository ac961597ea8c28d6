import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { deliverAsOwner } from '../../src/delivery/as-owner.ts';
import { deliverForOwner } from '../../src/delivery/for-owner.ts';
import { deliverHere } from '../../src/delivery/here.ts';
import { systemLocalDisk } from '../../src/delivery/local-disk.ts';
import { ownerOf } from '../../src/delivery/local-folders.ts';
import { type Answer, sendFor } from '../../src/delivery/owner-process.ts';
import type { Source } from '../../src/message/source.ts';
import type { Becoming } from '../../src/world.ts';
import { localWorld } from '../support/local.ts';
import { HELLO, messageOf } from '../support/message.ts';

const scratch = mkdtempSync(join(tmpdir(), 'posthaste-owner-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ME = process.getuid?.() ?? 0;
const NOBODY = 65_534;
const bob = { address: { local: 'bob', domain: 'example.org' } };
const letter = {
  message: messageOf(HELLO),
  envelope: { sender: { local: 'ann', domain: 'example.net' }, recipients: [bob] },
  recipients: [bob],
};
const target = { kind: 'maildir', path: '/home/bob/Maildir' } as const;
const NEVER = new AbortController().signal;

/** A process of a user's, whoever that is here, that runs a script of the shell. */
const shell = (script: string, uid = ME): Becoming => ({
  ...{ program: '/bin/sh', words: ['-c', script], uid },
  gid: uid === ME ? (process.getgid?.() ?? 0) : uid,
});

async function* of(...pieces: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe('ownerOf()', () => {
  const folder = join(scratch, 'way');
  const real = join(folder, 'home/bob/Maildir');
  mkdirSync(real, { recursive: true });
  const disk = (whose: Readonly<Record<string, { readonly uid?: number; readonly mode?: number }>>, uid = 0) => ({
    ...systemLocalDisk,
    uid: () => uid,
    lstat: (path: string) => {
      const { uid: owner = 0, mode = 0o755 } = whose[path.replace(folder, '')] ?? {};
      return { ...systemLocalDisk.lstat(path), uid: owner, mode };
    },
  });
  const cases: readonly (readonly [string, Parameters<typeof disk>, number | undefined])[] = [
    ['the first who is not root', [{ '/home/bob': { uid: 7 }, '/home/bob/Maildir': { uid: 8 } }], 7],
    ['of the last folder too', [{ '/home/bob/Maildir': { uid: 8, mode: 0o777 } }], 8],
    ['nobody where all is root’s', [{}], undefined],
    ['nobody below a folder that is open', [{ '/home': { mode: 0o777 }, '/home/bob': { uid: 7 } }], undefined],
    ['nobody below a sticky one', [{ '/home': { mode: 0o1777 }, '/home/bob': { uid: 7 } }], undefined],
    ['nobody where we are not root', [{ '/home/bob': { uid: 7 } }, 1000], undefined],
  ];
  test.each(cases)('gives %s', (_, [whose, uid], want) => {
    expect(ownerOf(disk(whose, uid), real)).toBe(want);
    expect(ownerOf(disk(whose, uid), join(real, 'not/there'))).toBe(want);
  });

  test('has deliverHere() send a process where there is one for him, and refuse where not', async () => {
    const asked: number[] = [];
    const world = {
      ...localWorld(disk({ '/home/bob': { uid: 7 } })),
      become(uid: number) {
        asked.push(uid);
        return shell(`read -r line; cat >/dev/null; echo '{"delivered":"by him"}'`);
      },
    };
    const way = { kind: 'maildir', path: join(folder, 'home/%u/Maildir') } as const;
    const [sent] = await deliverHere(way, letter, world);
    expect(sent).toMatchObject({
      outcome: 'delivered',
      reply: { lines: ['2.0.0 by him'] },
      peer: { host: `maildir:${real}` },
    });
    const [refused] = await deliverHere(way, letter, { ...world, become: () => undefined });
    expect(refused).toMatchObject({ outcome: 'deferred', failure: { text: expect.stringContaining("not root's") } });
    expect([asked, readdirSync(real)]).toEqual([[7], []]);
  });
});

describe('sendFor()', () => {
  const ask = (script: string, pieces: AsyncIterable<Buffer> = of('in\n'), signal?: AbortSignal): Promise<Answer> =>
    sendFor(shell(script), { pieces, signal });

  test('gives what it is told, all of the pieces read, with nothing of ours around it', async () => {
    expect(await ask('cat; echo rest', of('a', 'b\nc'))).toEqual({ line: 'ab' });
    const open = openSync('/dev/zero', 'r');
    const seen = await ask(
      'x=$(cat); echo "$x $(pwd) $(env | grep -v ^PWD=) $(readlink /proc/$$/fd/* | sort -u)" | tr "\\n" " "; echo',
    );
    closeSync(open);
    expect(seen).toEqual({ line: expect.stringMatching(/^in \/ {2}\/dev\/null( socket:\[\d+\]){2} $/) });
  });

  test.runIf(ME === 0)('is a process of the user’s, in no group but his', async () => {
    const answer = await sendFor(shell('cat >/dev/null; echo $(id -u) $(id -g) $(id -G)', NOBODY), { pieces: of('') });
    expect(answer).toEqual({ line: `${NOBODY} ${NOBODY} ${NOBODY}` });
  });

  test.each([
    ['says nothing', 'cat >/dev/null; exit 3', 'it ended with 3'],
    ['is killed', 'kill -9 $$', 'it ended with SIGKILL'],
    ['says no whole line', 'cat', 'it ended with 0'],
    ['says too much', 'cat >/dev/null; head -c 100000 /dev/zero | tr "\\0" x; echo', /^it ended with/],
  ])('gives a reason where it %s', async (_, script, reason) => {
    expect(await ask(script, of('in'))).toEqual({ reason: expect.stringMatching(reason) });
  });

  test('gives a reason where there is no such program', async () => {
    const none = { ...shell(''), program: '/nowhere/sh' };
    expect(await sendFor(none, { pieces: of('in') })).toEqual({ reason: expect.stringContaining('ENOENT') });
  });

  test('ends its input where it is aborted, or nothing more can be read', async () => {
    const controller = new AbortController();
    const stopped = async function* () {
      yield Buffer.from('in');
      controller.abort();
      yield Buffer.from('more');
    };
    expect(await ask('cat; echo', stopped(), controller.signal)).toEqual({ line: 'in' });
    expect(await ask('cat; echo end', of('in'), AbortSignal.abort())).toEqual({ line: 'end' });
    const broken = async function* () {
      yield Buffer.from('in');
      throw new Error('gone');
    };
    expect(await ask('cat; echo', broken())).toEqual({ error: new Error('gone') });
  });

  test('sends one for a user at a time', async () => {
    const log = join(scratch, 'log');
    const script = `read -r x; echo + >>${log}; cat >/dev/null; echo - >>${log}; echo done`;
    const answers = await Promise.all(['a', 'b', 'c'].map((text) => ask(script, of(`${text}\n`))));
    expect(answers).toEqual(Array(3).fill({ line: 'done' }));
    expect(readFileSync(log, 'utf8')).toBe('+\n-\n'.repeat(3));
  });
});

describe('deliverAsOwner()', () => {
  const told = async (answer: string) => {
    const becoming = shell(`cat >/dev/null; printf '%s\\n' '${answer}'`);
    const [result] = await deliverAsOwner({ target, letter, becoming });
    return result;
  };

  test('takes what he says for a result, without what a terminal would obey', async () => {
    expect(await told('{"delivered":"stored\\u001b[2J"}')).toMatchObject({
      ...{ outcome: 'delivered', final: true },
      reply: { code: 250, lines: ['2.0.0 stored\\x1b[2J'] },
    });
    const failure = { permanent: true, status: '5.3.5', text: 'no\nfolder', advice: 'make room', scope: 'message' };
    expect(await told(JSON.stringify({ failure }).replace('\\n', '\\\\n'))).toMatchObject({
      outcome: 'failed',
      failure: { scope: 'host', host: `maildir:${target.path}`, status: '5.3.5', advice: 'make room' },
    });
  });

  test.each([
    'no JSON',
    'null',
    '{}',
    '{"delivered":1}',
    '{"failure":{"permanent":false,"status":"2.0.0","text":"x"}}',
    '{"failure":{"permanent":"no","status":"4.0.0","text":"x"}}',
  ])('is deferred where he says %s', async (answer) => {
    expect(await told(answer)).toMatchObject({
      outcome: 'deferred',
      failure: { status: '4.3.0', text: expect.stringContaining(`user id ${ME}: it gave no answer`) },
    });
  });

  test('tells a message that can not be read as such, and an end by a signal', async () => {
    const body: Source = {
      size: 10,
      async *chunks() {
        yield Buffer.from('half');
        throw new Error('the file was changed');
      },
    };
    const broken = { ...letter, message: { ...letter.message, body } };
    const becoming = shell('cat >/dev/null; echo');
    const [result] = await deliverAsOwner({ target, letter: broken, becoming });
    expect(result).toMatchObject({ failure: { text: 'Cannot read the message: the file was changed' } });
    const [ended] = await deliverAsOwner({ target, letter, becoming }, AbortSignal.abort());
    expect(ended).toMatchObject({ outcome: 'deferred', failure: { status: '4.3.2' } });
  });
});

describe('deliverForOwner()', () => {
  const folder = join(scratch, 'mail');
  const head = {
    kind: 'maildir',
    path: join(folder, 'Maildir'),
    sender: null,
    recipient: bob.address,
    header: 6,
    body: 5,
  };
  const line = (over: object = {}): string => `${JSON.stringify({ ...head, ...over })}\n`;
  const deliver = (input: AsyncIterable<Buffer>) => deliverForOwner(input, localWorld(), NEVER);
  const left = (path: string) =>
    ['new', 'tmp'].flatMap((name) => (existsSync(join(path, name)) ? readdirSync(join(path, name)) : []));

  test.each([1, 2, 3, 1000])('delivers what comes in pieces of %i octets', async (length) => {
    const path = join(folder, `Maildir${length}`);
    const whole = Buffer.from(`${line({ path })}A: b\r\nhello`);
    const cut = Array.from({ length: Math.ceil(whole.length / length) }, (_, at) =>
      whole.subarray(at * length, (at + 1) * length),
    );
    expect(JSON.parse(await deliver(of(...cut)))).toEqual({ delivered: expect.stringMatching(/^stored as \d+\./) });
    const [name = ''] = readdirSync(join(path, 'new'));
    expect(readFileSync(join(path, 'new', name), 'latin1')).toBe(
      'Return-Path: <>\nDelivered-To: bob@example.org\nA: b\nhello\n',
    );
  });

  test.each([
    ['ends too early', 'A: b\r\nhell', 'the input ended too early'],
    ['goes on', 'A: b\r\nhello!', 'the input has more than was said'],
  ])('leaves nothing of what %s', async (name, text, reason) => {
    const path = join(folder, name);
    expect(JSON.parse(await deliver(of(line({ path }), text)))).toMatchObject({
      failure: { permanent: false, text: expect.stringContaining(reason) },
    });
    expect(left(path)).toEqual([]);
  });

  test('says what the disk says', async () => {
    const path = join(folder, 'closed');
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    const answer = await deliver(of(line({ kind: 'mbox', path }), 'A: b\r\nhello'));
    expect(JSON.parse(answer)).toMatchObject({ failure: { permanent: true, status: '5.3.5' } });
  });

  test.each([
    '',
    '\n',
    'null\n',
    line({ kind: 'file' }),
    line({ path: 'x' }),
    line({ header: -1 }),
    line({ body: 1e99 }),
  ])('refuses %j', async (text) => {
    await expect(deliver(of(text))).rejects.toThrow(/^Cannot deliver: /);
  });

  test('refuses all else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expect(deliver(of(Buffer.from(bytes)))).rejects.toThrow(/^Cannot deliver: /);
      }),
      { seed: 4, numRuns: 50 },
    );
  });
});
