/**
 * The small Debian of `setup-callers.sh`, with our package installed into it and two mail servers outside of it:
 *
 *   const root = await openRoot();                     its /etc/posthaste/config.toml says where the servers are
 *   await root.call({ script: 'echo hi | s-nail …' }); a user's shell, in there
 *   const mail = await root.arrived((each) => …);      waits for one that nobody has taken yet
 *   await root.close();                                fails where something is still in a queue
 *
 * Programs run there by chroot, as root or as `ann`, with the environment that is given and no other. There is no /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { did, makeStub } from '../../package/dpkg-root.ts';
import { startDns } from '../../support/dns-server.ts';
import { type Received, startMx } from '../../support/mx-server.ts';
import { type Ran, run } from '../../support/run.ts';

/** As in setup-callers.sh. */
const ROOT = '/var/cache/posthaste-callers/root';
/** Her user and her group. */
export const ANN = 64111;
export const USERS = { root: '0:0', ann: `${ANN}:${ANN}` } as const;
const HOMES = { root: '/root', ann: '/home/ann' } as const;
const ZONES = {
  'example.org': { MX: ['10 mx.example.org'] },
  'example.com': { MX: ['10 mx.example.org'] },
  'host.example.net': { MX: ['10 mx.example.org'] },
  'mx.example.org': { A: ['127.0.0.1'] },
};
/** The server refuses this one. */
export const NOBODY = 'nobody@example.com';

// A runner starts and delivers in half a second on a machine that has nothing else to do.
const ARRIVAL_MS = 15_000;
const POLL_MS = 20;

export type User = keyof typeof USERS;

export interface Call {
  /** For its /bin/sh. */
  readonly script: string;
  readonly user?: User;
  readonly stdin?: string | Buffer;
  /** Default: PATH, HOME, USER and LOGNAME. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Root {
  readonly path: string;
  call(call: Call): Promise<Ran>;
  /** Waits for one that satisfies a condition, and takes it. */
  arrived(condition: (mail: Received) => boolean, limitMs?: number): Promise<Received>;
  /** What nobody has taken. */
  others(): readonly Received[];
  /** Starts a daemon of root's, by its words, with the environment of a system that boots; it ends at the end. */
  start(...words: readonly string[]): void;
  write(
    path: string,
    text: string,
    file?: { readonly mode?: number; readonly owner?: readonly [number, number] },
  ): void;
  close(): Promise<void>;
}

export const environmentOf = (user: User): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  HOME: HOMES[user],
  USER: user,
  LOGNAME: user,
});

/** Where the servers are. */
interface Ports {
  readonly mx: number;
  readonly dns: number;
}

/** Straight to the servers of each domain. */
const direct = ({ mx, dns }: Ports): string => `hostname = "host.example.net"
[dns]
servers = ["127.0.0.1:${dns}"]
[mx]
port = ${mx}
allow_local = true
`;

/** With a configuration of its own, or one that finds the mail servers of `example.org` and `example.com`. */
export async function openRoot(configure: (ports: Ports) => string = direct): Promise<Root> {
  if (process.getuid?.() !== 0) throw new Error('Cannot run callers: only root may do chroot');
  if (!existsSync(ROOT)) throw new Error(`Cannot run callers: no ${ROOT}; run test/interop/setup-callers.sh`);
  clean();
  await install();
  const mx = await startMx({
    host: '127.0.0.1',
    name: 'mx.example.org',
    recipients: { [NOBODY]: ['550 5.1.1 No such user here'] },
  });
  const dns = await startDns(ZONES);
  const write: Root['write'] = (path, text, { mode = 0o644, owner: [uid, gid] = [0, 0] } = {}) => {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    chownSync(join(ROOT, path), uid, gid);
    chmodSync(join(ROOT, path), mode);
  };
  write('etc/posthaste/config.toml', configure({ mx: mx.port, dns: dns.port }));
  write('etc/aliases', 'root: admin@example.org\n');
  const left: Received[] = [];
  let seen = 0;
  const look = (): readonly Received[] => {
    left.push(...mx.messages.slice(seen));
    seen = mx.messages.length;
    return left;
  };
  async function until<T>(found: () => T | undefined, limitMs: number): Promise<T | undefined> {
    const limit = Date.now() + limitMs;
    for (let result = found(); ; result = found()) {
      if (result !== undefined || Date.now() > limit) return result;
      await pause(POLL_MS);
    }
  }
  const call = ({ script, user = 'root', stdin = '', env = environmentOf(user) }: Call): Promise<Ran> =>
    run('chroot', [`--userspec=${USERS[user]}`, ROOT, '/bin/sh', '-c', `cd && ${script}`], {
      stdin,
      env: { HOME: HOMES[user], ...env },
    });
  const daemons: Daemon[] = [];
  return {
    path: ROOT,
    call,
    write,
    others: () => look(),
    start: (...words) => void daemons.push(startDaemon(words)),
    async arrived(condition, limitMs = ARRIVAL_MS) {
      const mail = await until(() => look().find(condition), limitMs);
      if (mail === undefined)
        throw new Error(
          `Cannot take mail: none like that among\n${look()
            .map(({ bytes }) => bytes.toString())
            .join()}`,
        );
      left.splice(left.indexOf(mail), 1);
      return mail;
    },
    async close() {
      for (const daemon of daemons) await daemon.stop();
      const waiting: string[] = [];
      for (const user of ['root', 'ann'] as const) {
        const empty = async () => (await call({ script: 'mailq', user })).stdout;
        const limit = Date.now() + ARRIVAL_MS;
        let text = await empty();
        while (!/empty/.test(text) && Date.now() < limit) text = await empty();
        if (!/empty/.test(text)) waiting.push(`${user}: ${text}`);
        await call({ script: 'posthaste queue remove --all', user });
      }
      await mx.close();
      await dns.close();
      if (waiting.length > 0) throw new Error(`Cannot close: mail is in the queue\n${waiting.join('\n')}`);
    },
  };
}

interface Daemon {
  stop(): Promise<void>;
}

/** It ends with the pipe to it, however this process goes. */
function startDaemon(words: readonly string[]): Daemon {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const child = spawn('sh', ['-c', '"$@" & read -r _; kill $!; wait', 'sh', 'chroot', ROOT, ...words], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return {
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

/** Removes what other tests left. */
function clean(): void {
  for (const path of ['var/spool/posthaste', 'var/lib/dpkg', 'etc/posthaste', 'root', 'home/ann']) {
    rmSync(join(ROOT, path), { recursive: true, force: true });
  }
  for (const user of ['root', 'ann']) rmSync(join(ROOT, 'var/spool/cron/crontabs', user), { force: true });
  mkdirSync(join(ROOT, 'root'), { mode: 0o700 });
  mkdirSync(join(ROOT, 'home/ann'));
  chownSync(join(ROOT, 'home/ann'), ANN, ANN);
}

/** The package of the last build, as dpkg puts it there, and the Node that runs this. */
async function install(): Promise<void> {
  const node = join(ROOT, 'usr/bin/node');
  if (!existsSync(node) || statSync(node).size !== statSync(process.execPath).size)
    copyFileSync(process.execPath, node);
  for (const path of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/log']) {
    mkdirSync(join(ROOT, path), { recursive: true });
  }
  for (const name of ['status', 'available']) writeFileSync(join(ROOT, 'var/lib/dpkg', name), '');
  const folder = join(ROOT, 'tmp');
  const deb = (await did(process.execPath, ['scripts/deb.mjs', folder])).trim();
  const nodejs = await makeStub(folder, ['Package: nodejs', 'Version: 20.19.2']);
  const words = [`--root=${ROOT}`, '--force-script-chrootless', `--log=${join(ROOT, 'var/log/dpkg.log')}`];
  await did('dpkg', [...words, '-i', nodejs, deb]);
}
