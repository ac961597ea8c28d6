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
limits.recipients = 100
[account.work]
url = "smtps://ann@mail.example.org"
sender = ["ann@example.com", "*@*.example.com"]
timeouts.connect = "10s"
[[route]]
recipient = ["example.org", "*.example.org"]
via = ["account:work", "mx"]
[[route]]
sender = ["root@*", "<>"]
uid = [33, 1000]
via = "discard"
[[route]]
recipient = "list@example.com"
via = "maildir:~/Maildir"
retry = ["30s", "5m"]
[[route]]
recipient = "*.invalid"
via = "reject:nobody"
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

/** The ways that most mail goes: what one of them calls and the cache has not takes a third as long as all of the send. */
const CALLS = [
  ({ folder, relay }) => ['--relay', relay, '--tls', 'none', '--spool', folder, '--file', join(folder, 'message')],
  ({ folder }) => ['--config', join(folder, 'config.toml')],
  // What the last one has remembered.
  ({ folder }) => ['--config', join(folder, 'config.toml'), '--no-queue'],
];

function send(command, options, folder) {
  const env = { ...process.env, POSTHASTE_STATE: folder, POSTHASTE_TRAINING: 'yes' };
  const words = [...options, '-f', 'ann@example.org', 'bob@example.net'];
  const child = spawn(command, words, { stdio: ['pipe', 'ignore', 'pipe'], timeout: GIVE_UP_MS, env });
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
 * Sends messages through a server of our own, so that the program's code cache is there before its first real run.
 * A failure is told and does no harm: the first real run makes the cache then.
 */
export async function train(command) {
  const server = sink();
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-train-'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  writeFileSync(join(folder, 'config.toml'), configuration(port));
  writeFileSync(join(folder, 'message'), MESSAGE);
  for (const call of CALLS) {
    const trouble = await send(command, call({ folder, relay: `smtp://127.0.0.1:${port}` }), folder);
    if (trouble !== '') console.error(`No code cache made: ${trouble}`);
  }
  server.close();
  rmSync(folder, { recursive: true, force: true });
}
