/**
 * A desktop's keyring without a desktop: the bus and GNOME's keyring that `setup-keyring.sh` unpacked, and a secret-tool
 * for programs outside of there.
 *
 *   const keyring = await openKeyring();
 *   await keyring.store(['service', 'posthaste', …], 'secret');
 *   run(…, { env: { ...env, PATH: `${keyring.programs}:…`, DBUS_SESSION_BUS_ADDRESS: keyring.bus } });
 *   await keyring.lock(); await keyring.close();
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { run } from '../../support/run.ts';

/** As in setup-keyring.sh. */
const ROOT = '/var/cache/posthaste-keyring/root';
const START_MS = 10_000;
const POLL_MS = 20;

export interface Keyring {
  /** A folder with a secret-tool. */
  readonly programs: string;
  /** For DBUS_SESSION_BUS_ADDRESS. */
  readonly bus: string;
  store(attributes: readonly string[], secret: string): Promise<void>;
  lock(): Promise<void>;
  close(): Promise<void>;
}

export async function openKeyring(): Promise<Keyring> {
  if (process.getuid?.() !== 0) throw new Error('Cannot open keyring: only root may do chroot');
  if (!existsSync(ROOT)) throw new Error(`Cannot open keyring: no ${ROOT}; run test/interop/setup-keyring.sh`);
  const outside = mkdtempSync(join(ROOT, 'tmp', 'keyring-'));
  const inside = join('/tmp', basename(outside));
  mkdirSync(join(outside, 'run'), { mode: 0o700 });
  const bus = `unix:path=${inside}/bus`;
  const env = {
    PATH: '/usr/bin:/bin:/usr/sbin',
    HOME: inside,
    XDG_RUNTIME_DIR: `${inside}/run`,
    XDG_DATA_HOME: `${inside}/data`,
    DBUS_SESSION_BUS_ADDRESS: bus,
  };
  const started: ChildProcess[] = [];
  /** Ends with the pipe to it, however this process goes. */
  const start = (words: readonly string[], input: string): void => {
    const script = 'read -r line; printf %s "$line" | "$@" & read -r _; kill $!; wait';
    const child = spawn('sh', ['-c', script, 'sh', 'chroot', ROOT, ...words], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.write(`${input}\n`);
    started.push(child);
  };
  const close = async (): Promise<void> => {
    for (const child of started.reverse()) {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    rmSync(outside, { recursive: true, force: true });
  };
  const tool = join(outside, 'secret-tool');
  writeFileSync(tool, `#!/bin/sh\nexec /usr/sbin/chroot ${ROOT} /usr/bin/secret-tool "$@"\n`);
  chmodSync(tool, 0o755);
  const call = async (words: readonly string[], stdin = ''): Promise<void> => {
    const { status, stderr } = await run('chroot', [ROOT, ...words], { env, stdin });
    if (status !== 0) throw new Error(`Cannot use keyring: ${words[0]} gave ${status}: ${stderr}`);
  };
  const names = ['--dest=org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.NameHasOwner'];
  // secret-tool of Debian 12 falls over its own lock.
  const lock = [
    ...['--dest=org.freedesktop.secrets', '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock'],
    'array:objpath:/org/freedesktop/secrets/collection/login',
  ];
  const isUp = async (): Promise<boolean> => {
    const words = ['--session', '--print-reply', ...names, 'string:org.freedesktop.secrets'];
    const { stdout } = await run('chroot', [ROOT, '/usr/bin/dbus-send', ...words], { env });
    return stdout.includes('boolean true');
  };
  try {
    start(['/usr/bin/dbus-daemon', '--session', '--nofork', `--address=${bus}`], '');
    const limit = Date.now() + START_MS;
    const until = async (condition: () => boolean | Promise<boolean>, what: string): Promise<void> => {
      while (!(await condition())) {
        if (Date.now() > limit) throw new Error(`Cannot open keyring: no ${what}`);
        await pause(POLL_MS);
      }
    };
    await until(() => existsSync(join(outside, 'bus')), 'bus');
    start(['/usr/bin/gnome-keyring-daemon', '--foreground', '--unlock', '--components=secrets'], 'its own password');
    await until(isUp, 'keyring');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...{ programs: outside, bus, close },
    store: (attributes, secret) => call(['/usr/bin/secret-tool', 'store', '--label=mail', ...attributes], secret),
    lock: () => call(['/usr/bin/dbus-send', '--session', '--print-reply', ...lock]),
  };
}
