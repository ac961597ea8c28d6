import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GIVE_UP_MS = 10_000;
const OFFERS = '250-mx.example.net\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250 SIZE 0\r\n';
const MESSAGE = 'From: ann@example.org\nTo: bob@example.net\nSubject: training\n\nHello\n';

/** What makes use of most that a configuration can say, so that what reads it is in the cache, too. */
const configuration = (port) => `
hostname = "client.example.org"
relay = "smtp://127.0.0.1:${port}"
tls.level = "none"
timeouts.connect = "10s"
aliases.root = "ann@example.org"
[account.work]
url = "smtps://ann@mail.example.org"
sender = "*@example.com"
[[route]]
recipient = ["example.org", "*.example.org"]
via = ["account:work", "mx"]
[[route]]
sender = "root@*"
via = "discard"
`;

/** An SMTP server that says yes; it sees a whole flight at once, since ours is the only client. */
function sink() {
  return createServer((socket) => {
    socket.on('error', () => {});
    socket.write('220 mx.example.net ESMTP\r\n');
    socket.on('data', (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n')) {
        if (/^EHLO /.test(line)) socket.write(OFFERS);
        else if (/^(MAIL|RCPT|BDAT) /.test(line)) socket.write('250 2.0.0 OK\r\n');
        else if (line === 'QUIT') socket.end('221 2.0.0 Bye\r\n');
      }
    });
  });
}

function send(command, folder) {
  const options = [
    ...['--no-queue', '--config', join(folder, 'config.toml'), '--spool', folder, '--tls', 'none'],
    ...['-f', 'ann@example.org', 'bob@example.net'],
  ];
  const env = { ...process.env, POSTHASTE_STATE: folder };
  const child = spawn(command, options, { stdio: ['pipe', 'ignore', 'pipe'], timeout: GIVE_UP_MS, env });
  child.stdin.on('error', () => {});
  child.stdin.end(MESSAGE);
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? '' : `exit ${code} ${said}`));
  });
}

/**
 * Sends one message through a server of our own, so that the program's code cache is there before its first real run.
 * A failure is told and does no harm: the first real run makes the cache then.
 */
export async function train(command) {
  const server = sink();
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-train-'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(folder, 'config.toml'), configuration(server.address().port));
  const trouble = await send(command, folder);
  server.close();
  rmSync(folder, { recursive: true, force: true });
  if (trouble !== '') console.error(`No code cache made: ${trouble}`);
}
