import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  freePort,
  makeFolder,
  makePlace,
  OWNER,
  type Place,
  ROOT,
  startServer,
  writeIn,
} from '../interop/servers/chroot.ts';
import { run } from '../support/run.ts';

/*
 * How fast Postfix empties a queue of its own: it takes the messages in while it has no queue manager, gets one, which is
 * where its time begins, as ours does with the start of the command, and is watched until no file is left. It is unpacked by test/interop/setup.sh, onto
 * the disk that its folder is on.
 */

export const hasPostfix = (): boolean =>
  process.getuid?.() === 0 && existsSync(join(ROOT, 'usr/lib/postfix/sbin/qmgr'));

export interface PostfixJob {
  readonly messages: number;
  /** Octets of each. */
  readonly size: number;
  /** Where all mail goes, on loopback. */
  readonly port: number;
  /** Its `default_destination_concurrency_limit`; 20 is its own default. */
  readonly concurrency: number;
}

const POLL_MS = 10;
// A machine that is ten times slower than this one.
const LIMIT_MS = 120_000;

/** Messages delivered in a second. */
export async function drainPostfix({ messages, size, port, concurrency }: PostfixJob): Promise<number> {
  const place = makePlace('postfix-bench');
  const intake = await freePort();
  for (const name of ['active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private']) {
    makeFolder(place, `spool/${name}`, OWNER.postfix);
  }
  for (const name of ['saved', 'trace', 'maildrop', 'public', 'pid']) makeFolder(place, `spool/${name}`, OWNER.postfix);
  makeFolder(place, 'state', OWNER.postfix);
  const services = [
    `127.0.0.1:${intake} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'proxymap unix - - n - - proxymap',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'smtp unix - - n - - smtp',
    'scache unix - - n - 1 scache',
    'anvil unix - - n - 1 anvil',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  writeIn(place, {
    'main.cf': mainFile(place, { port, concurrency }),
    'master.cf': `${services.join('\n')}\n`,
    'dynamicmaps.cf': '',
  });
  const words = ['/usr/lib/postfix/sbin/master', '-c', place.inside, '-d'];
  const running = await startServer({ place, words, ports: [intake] });
  try {
    const source = ['-s', '20', '-m', `${messages}`, '-l', `${size}`, '-f', 'ann@example.org', '-t', 'bob@example.net'];
    const sent = await run('chroot', [ROOT, '/usr/sbin/smtp-source', ...source, `127.0.0.1:${intake}`]);
    if (sent.status !== 0 || left(place) < messages) throw new Error(`Cannot fill queue of Postfix: ${sent.stderr}`);
    writeFileSync(join(place.outside, 'master.cf'), `${services.join('\n')}\nqmgr unix n - n 300 1 qmgr\n`);
    const began = performance.now();
    process.kill(Number(readFileSync(join(place.outside, 'spool/pid/master.pid'), 'latin1')), 'SIGHUP');
    await watchDrain(place, began + LIMIT_MS);
    return (messages * 1000) / (performance.now() - began);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${running.log().slice(-2000)}`);
  } finally {
    await running.stop();
  }
}

const mainFile = (place: Place, { port, concurrency }: Pick<PostfixJob, 'port' | 'concurrency'>): string => `
compatibility_level = 3.6
queue_directory = ${place.inside}/spool
data_directory = ${place.inside}/state
meta_directory = ${place.inside}
maillog_file = ${place.inside}/log
maillog_file_prefixes = /tmp
myhostname = bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
alias_maps =
local_recipient_maps =
relayhost = [127.0.0.1]:${port}
disable_dns_lookups = yes
default_destination_concurrency_limit = ${concurrency}
in_flow_delay = 0
smtp_tls_security_level = none
`;

/** Files of messages that are not delivered yet. */
const left = ({ outside }: Place): number =>
  ['incoming', 'active', 'deferred']
    .flatMap((name) => readdirSync(join(outside, 'spool', name), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile()).length;

async function watchDrain(place: Place, limit: number): Promise<void> {
  for (let count = left(place); count > 0; count = left(place)) {
    if (performance.now() > limit) throw new Error(`Cannot drain queue of Postfix: ${count} are left`);
    await pause(POLL_MS);
  }
}
