import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, run } from '../support/run.ts';
import { CAST, type Told } from './cast.ts';
import { type DemoWorld, startWorld } from './world.ts';

/*
 * `npm run demo`: the real command sends one message to five recipients in a small internet on loopback, and everything
 * that happened is printed. Ends with 0 only where all of it came out as it should.
 */

const COMMAND = fileURLToPath(new URL('../bin/posthaste', import.meta.url));
const MESSAGE = `From: You <you@laptop.example>
To: ann@example.org, bob@grey.example
Subject: The first mail of posthaste
Content-Type: text/plain; charset=utf-8

Grüße! This line has 8-bit letters,
.this one begins with a dot,
and the next one is nothing but a dot:
.
All of it arrives.
`;

const print = (text: string) => process.stdout.write(text);
const heading = (text: string) => print(`\n${text}\n${'='.repeat(text.length)}\n\n`);
const indent = (text: string) => text.replace(/^(?=.)/gm, '    ');
const bare = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

const configuration = (world: DemoWorld) => `hostname = "laptop.example"

[dns]
servers = ["127.0.0.1:${world.dnsPort}"]

[mx]
port = ${world.mxPort}
allow_local = true
`;

async function send(world: DemoWorld, folder: string): Promise<Ran> {
  const config = join(folder, 'demo.toml');
  const message = join(folder, 'message.eml');
  writeFileSync(config, configuration(world));
  writeFileSync(message, MESSAGE);
  const recipients = CAST.map((role) => role.recipient);
  const words = [
    '-v',
    '--json',
    '--no-queue',
    '--config',
    config,
    '--retry-for',
    '30s',
    '--file',
    message,
    '-f',
    'you@laptop.example',
    ...recipients,
  ];

  heading('The configuration: where DNS is, and that mail servers on loopback are meant');
  print(indent(configuration(world)));
  heading('The command');
  print(`    ${[COMMAND, ...words].map(bare).join(' ')}\n`);
  heading('The transcript, as the command prints it because of -v: destination, ms, who speaks');
  return run(COMMAND, words, { onStderr: print });
}

/** What the command said of each recipient; nothing where it did not print JSON. */
function readResult({ stdout }: Ran): readonly Told[] {
  try {
    return (JSON.parse(stdout) as { recipients: readonly Told[] }).recipients;
  } catch {
    print(`    The command printed no JSON: ${JSON.stringify(stdout)}\n`);
    return [];
  }
}

function describe({ outcome, status, text, error, host, tls, attempts }: Told): string {
  const how = [tls ? `over ${tls.version}` : undefined, attempts > 1 ? `at attempt ${attempts}` : undefined];
  const where = host === undefined ? '' : ` by ${host}`;
  const words = text ?? error ?? '';
  const said = words.startsWith(status) ? words : `${status} ${words}`;
  return `${[`${outcome}${where}`, ...how].filter((part) => part).join(', ')}: ${said}`;
}

/** Prints a line for each recipient; true where all are as expected. */
function showResult(ran: Ran): boolean {
  heading('The result for each recipient, from its --json');
  const told = readResult(ran);
  let isGood = true;
  for (const role of CAST) {
    const found = told.find((one) => one.recipient === role.recipient);
    const isAsExpected = found !== undefined && role.isAsExpected(found);
    isGood &&= isAsExpected;
    print(`    ${isAsExpected ? 'ok ' : 'NOT AS IT SHOULD BE: '}${role.recipient}\n`);
    print(`       ${found === undefined ? 'is not in the result' : describe(found)}\n`);
  }
  print(`\n    Exit status ${ran.status}: a refused recipient is told, whatever became of the others.\n`);
  return isGood && typeof ran.status === 'number' && ran.status >= 64 && ran.status !== 75;
}

/** Prints the message as ann's server has it; true where the three servers have it once each, as it was given. */
function showMessages(world: DemoWorld): boolean {
  heading("The message as it arrived at ann's server");
  const arrived = world.servers.map((server) => server.messages.map((message) => message.bytes.toString()));
  print(indent(arrived[0]?.[0]?.replaceAll('\r\n', '\n') ?? 'It did not arrive.\n'));
  const body = MESSAGE.slice(MESSAGE.indexOf('\n\n')).replaceAll('\n', '\r\n');
  return arrived.every((messages) => messages.length === 1 && messages[0]?.endsWith(body));
}

async function main(): Promise<boolean> {
  const world = await startWorld();
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-demo-'));
  try {
    heading('posthaste: one message, five recipients, in a small internet on this machine');
    for (const role of CAST) print(`    ${role.recipient.padEnd(22)}${role.fate}\n`);
    const ran = await send(world, folder);
    const isResultGood = showResult(ran);
    const areMessagesGood = showMessages(world);
    return isResultGood && areMessagesGood;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await world.close();
  }
}

main().then((isGood) => {
  print(isGood ? '\nAll of it came out as it should.\n' : '\nSomething did not come out as it should.\n');
  process.exitCode = isGood ? 0 : 1;
});
