import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { run } from '../support/run.ts';
import { openRoot, type Root } from './callers/root.ts';
import { blockAfter, replaced } from './readme.ts';
import { type NpmServer, PASSWORD, startNpmServer } from './servers/smtp-server.ts';

/*
 * The section "Instead of a sendmail" of the README, block by block as it stands there, against a server that wants TLS
 * and a login. Only the name of the server is another one, and the time of the job.
 */

let authority: Authority;
let server: NpmServer;
let root: Root;

beforeAll(async () => {
  authority = createAuthority();
  const certificate = authority.issue({ names: ['DNS:localhost'] });
  server = await startNpmServer(certificate, { secure: true, authOptional: false });
  const config = replaced(blockAfter('Then say in `/etc/posthaste/config.toml`'), {
    'smtp.example.org': `localhost:${server.port}`,
  });
  root = await openRoot(() => `${config}tls.ca = "/etc/posthaste/ca.pem"\n`);
  root.write('etc/posthaste/ca.pem', authority.ca);
  root.write('etc/posthaste/password', `${PASSWORD}\n`, { mode: 0o600 });
  root.write('usr/local/bin/backup', '#!/bin/sh\necho "saved 3 files"\n', { mode: 0o755 });
  const crontab = replaced(blockAfter('**cron** mails'), { '0 3 * * *': '* * * * *' });
  root.write('var/spool/cron/crontabs/root', crontab, { mode: 0o600 });
  root.start('/usr/sbin/cron', '-f');
});
afterAll(async () => {
  await root?.close();
  await server?.stop();
  authority?.close();
});

let taken = 0;

/** Root's queue takes what others left in the drop, as posthaste.path has it do. */
async function arrived(limitMs = 30_000): Promise<{ readonly envelope: unknown; readonly text: string }> {
  const limit = Date.now() + limitMs;
  while (server.envelopes.length === taken && Date.now() < limit) {
    await root.call({ script: 'posthaste queue run' });
    await pause(50);
  }
  const envelope = server.envelopes[taken];
  if (envelope === undefined) throw new Error('Cannot take mail: none came');
  const [mail] = await server.mailbox.take();
  taken++;
  const { mailFrom, rcptTo } = envelope;
  return {
    envelope: [mailFrom === false ? '' : mailFrom.address, rcptTo.map(({ address }) => address)],
    text: (mail ?? Buffer.of()).toString('utf8').replaceAll('\r\n', '\n'),
  };
}

const FOR_ANN = ['ann@example.org', ['ann@example.org']];

test('php.ini', async () => {
  root.write('etc/mail.ini', blockAfter('**PHP**'));
  const script = `php -c /etc/mail.ini -r 'exit(mail("bob@example.com", "from PHP", "l1\\n.\\nl3") ? 0 : 1);'`;
  expect(await root.call({ user: 'ann', script })).toEqual({ status: 0, stdout: '', stderr: '' });
  const { envelope, text } = await arrived();
  expect(envelope).toEqual(['ann@example.org', ['bob@example.com']]);
  expect(text).toMatch(/\n\nl1\n\.\nl3\n+$/);
});

test('git send-email', async () => {
  const setup = `git init -q patches && cd patches && git config --global user.email ann@example.org &&
    git config --global user.name Ann && for each in first second; do
      echo $each >file && git add file && git commit -qm "The $each"; done`;
  const script = `rm -rf patches .gitconfig && ${setup} && ${blockAfter('**git send-email**')}`;
  const { status, stderr } = await root.call({ script });
  expect([status, stderr]).toEqual([0, '']);
  const { envelope, text } = await arrived();
  expect(envelope).toEqual(['ann@example.org', ['list@example.org', 'ann@example.org']]);
  expect(text).toMatch(/^Subject: \[PATCH\] The second$/m);
});

test('.muttrc', async () => {
  root.write('home/ann/.muttrc', blockAfter('**mutt**'));
  const script = `mutt -s 'from mutt' -- bob@example.com`;
  expect(await root.call({ user: 'ann', script, stdin: 'l1\n.\nl3\n' })).toMatchObject({ status: 0 });
  const { envelope, text } = await arrived();
  expect(envelope).toEqual(['ann@example.org', ['bob@example.com']]);
  expect(text).toMatch(/^From: Ann <ann@example\.org>$/m);
  expect(text).toMatch(/\n\nl1\n\.\nl3\n$/);
});

test('the unit that tells of a timer that failed', async () => {
  const unit = blockAfter('**A systemd timer**');
  const file = join(root.path, 'tmp/tell@.service');
  writeFileSync(file, unit);
  const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
  expect(verified).toEqual({ status: 0, stdout: '', stderr: '' });
  root.write('usr/local/bin/systemctl', '#!/bin/sh\necho "$*: failed"\nexit 3\n', { mode: 0o755 });
  const command = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit)?.[1] ?? '';
  const script = command.replaceAll('%i', 'backup.service');
  expect(await root.call({ script })).toEqual({ status: 0, stdout: '', stderr: '' });
  const { envelope, text } = await arrived();
  expect(envelope).toEqual(FOR_ANN);
  expect(text).toMatch(/^Subject: backup\.service failed$/m);
  expect(text).toMatch(/\n\nstatus --full backup\.service: failed\n$/);
});

test('crontab', async () => {
  const { envelope, text } = await arrived(90_000);
  expect(envelope).toEqual(FOR_ANN);
  expect(text).toMatch(/^Subject: Cron <root@.*> \/usr\/local\/bin\/backup$/m);
  expect(text).toMatch(/\n\nsaved 3 files\n$/);
}, 100_000);
