import { describe, expect, it } from 'vitest';
import { play } from './fake-surroundings.ts';

const ALIASES = 'root: ann@example.net\nlist: :include:/srv/list\nrun: |/bin/sh\nring: gnir\ngnir: ring\n';
const files = { '/etc/aliases': ALIASES, '/srv/list': 'bea@example.net\ncarl@example.net\n' };

const becomes = (asked: string, ...want: readonly string[]) =>
  it(`sends what is for ${asked} to ${want.join(' and ')}`, async () => {
    const { exit, err, sent } = await play([asked], { files });
    expect([exit, err, sent.flatMap(({ recipients }) => recipients)]).toEqual([0, '', want]);
  });

describe('aliases', () => {
  becomes('root', 'ann@example.net');
  becomes('root@localhost', 'ann@example.net');
  becomes('root@vm.example.org', 'ann@example.net');
  becomes('list', 'bea@example.net', 'carl@example.net');
  becomes('nobody', 'nobody@vm.example.org');
  becomes('root@example.net', 'root@example.net');

  it('are not looked for with -n', async () => {
    const { steps } = await play(['-n', 'root'], { files });
    expect(steps.filter((step) => step.startsWith('aliases'))).toEqual([]);
  });

  it('are refused where they are commands or rings, and the others go on', async () => {
    const { exit, err, sent } = await play(['run', 'ring', 'root'], { files });
    expect([exit, sent.flatMap(({ recipients }) => recipients)]).toEqual([65, ['ann@example.net']]);
    expect(err).toMatch(/^posthaste: run@vm\.example\.org: .*"\|\/bin\/sh": is a command: .*\n.*ring.*\n$/);
  });

  it('that leave nobody put nothing into the queue', async () => {
    const { exit, steps } = await play(['-odq', 'run'], { files });
    expect([exit, steps.at(-1)]).toEqual([65, 'aliases /etc/aliases']);
  });

  it('of the configuration go over those of the system', async () => {
    const own = { ...files, '/c.toml': 'aliases.root = "zoe@example.net"\n' };
    const { sent } = await play(['--config', '/c.toml', 'root', 'list'], { files: own });
    expect(sent[0]?.recipients).toEqual(['zoe@example.net', 'bea@example.net', 'carl@example.net']);
  });

  it.each([
    ['root: x', 'aliases."ann@example.com" = "zoe@example.net"', 'zoe@example.net'],
    ['ann@example.com: zoe@example.net', 'aliases.root = "x"', 'zoe@example.net'],
    ['# nobody\n "ann"@example.com:zoe@example.net', 'aliases.root = "x"', 'ann@example.com'],
    ['root: x\r\nann@EXAMPLE.com : zoe@example.net', 'aliases.root = "x"', 'zoe@example.net'],
    ['\ufeffann@example.com: zoe@example.net', 'aliases.root = "x"', 'zoe@example.net'],
    ['root: ann@example.com', 'aliases.root = "x"', 'ann@example.com'],
    ['ann@example.com: zoe@example.net', '', 'zoe@example.net'],
    ['root: ann@example.com', '', 'ann@example.com'],
  ])('of the system, %j, and of the configuration, %s, make ann@example.com %s', async (system, own, want) => {
    const { sent } = await play(['--config', '/c.toml', 'ann@example.com'], {
      files: { '/etc/aliases': system, '/c.toml': own },
    });
    expect(sent[0]?.recipients).toEqual([want]);
  });
});
