/** Rows of faults, and what is to come of each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { issueCertificates } from './fault-certificates.ts';
import { brokenInvariants, type FaultCase, type FaultRun, type FaultWorld, runFault } from './fault-run.ts';

export interface FaultRow extends FaultCase {
  /** One of `test/faults/rows.ts`. */
  readonly id: string;
  readonly what: string;
  readonly want: Want;
}

export interface Want {
  readonly exit: number;
  /**
   * For each recipient how its result begins: `delivered 2.0.0 250`, `deferred 4.4.2 greeting`,
   * `failed 5.1.1 rcpt 550`, with `uncertain` at the end.
   */
  readonly results: readonly string[];
  /** How often a message was ended at each server, whole, with recipients that stood. Default: no matter. */
  readonly ended?: readonly number[];
  /** How often each server was connected to. */
  readonly connections?: readonly number[];
  /** Each matches some line that a server heard. */
  readonly heard?: readonly RegExp[];
  /** None matches any. */
  readonly unheard?: readonly RegExp[];
  /** What standard error says. */
  readonly says?: readonly RegExp[];
  /** Those of the messages that were ended, in order. */
  readonly recipients?: readonly string[];
  /** What each message that was ended holds, as it came (Latin-1). */
  readonly body?: readonly RegExp[];
  readonly notInBody?: readonly RegExp[];
  /** Recipients that a server said yes to although they are not delivered: the row allows a duplicate. */
  readonly duplicate?: readonly string[];
  /** Milliseconds. */
  readonly within?: number;
}

export async function checkRow({ want, ...given }: FaultRow, world: FaultWorld): Promise<void> {
  const ran = await runFault(given, world);
  const { told, servers, stderr, status, milliseconds } = ran;
  const heard = servers.map((server) => server?.heard ?? []);
  const lines = heard.flat().map(({ line }) => line);
  const account = `\n${stderr}\n${lines.join('\n')}`;
  expect(brokenInvariants(ran), account).toEqual([]);
  const results = (told?.recipients ?? []).map(resultText);
  expect({ status, results: results.map((text, at) => shortened(text, want.results[at])) }, account).toEqual({
    status: want.exit,
    results: want.results,
  });
  expect(promisedInVain(ran), account).toEqual(want.duplicate ?? []);
  if (want.ended !== undefined) expect(servers.map(countEnded), account).toEqual(want.ended);
  if (want.connections !== undefined) {
    expect(
      servers.map((server) => server?.connections ?? 0),
      account,
    ).toEqual(want.connections);
  }
  for (const pattern of want.heard ?? []) expect(lines).toContainEqual(expect.stringMatching(pattern));
  for (const pattern of want.unheard ?? []) expect(lines).not.toContainEqual(expect.stringMatching(pattern));
  const ended = servers.flatMap((server) => server?.messages.filter((message) => message.ended) ?? []);
  if (want.recipients !== undefined) expect(ended.flatMap((message) => message.recipients)).toEqual(want.recipients);
  for (const text of ended.map(({ bytes }) => bytes.toString('latin1'))) {
    for (const pattern of want.body ?? []) expect(text).toMatch(pattern);
    for (const pattern of want.notInBody ?? []) expect(text).not.toMatch(pattern);
  }
  for (const pattern of want.says ?? []) expect(stderr).toMatch(pattern);
  if (want.within !== undefined) expect(milliseconds, account).toBeLessThan(want.within);
}

type ResultOf = NonNullable<FaultRun['told']>['recipients'][number];

function resultText({ outcome, status, code, stage, uncertain }: ResultOf): string {
  return [outcome, status, stage, code, uncertain === true ? 'uncertain' : undefined]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** The beginning that was asked for, or all of it where it is another. */
const shortened = (text: string, want = ''): string => (`${text} `.startsWith(`${want} `) ? want : text);

function promisedInVain({ told, servers }: FaultRun): readonly string[] {
  const undelivered = (told?.recipients ?? []).filter(({ outcome }) => outcome !== 'delivered');
  const promised = new Set(servers.flatMap((server) => server?.messages.flatMap((message) => message.promised) ?? []));
  return undelivered.map(({ recipient }) => recipient).filter((name) => promised.has(name));
}

const countEnded = (server: FaultRun['servers'][number]): number =>
  server?.messages.filter(({ ended, recipients }) => ended && recipients.length > 0).length ?? 0;

/** A test for each row, several at a time. */
export function testRows(rows: readonly FaultRow[], { needsTls = false } = {}): void {
  const folder = mkdtempSync(join(tmpdir(), 'posthaste-faults-'));
  const world: { value: FaultWorld } = { value: { folder } };
  // A run mostly waits: for its own start, for the server, for a limit.
  vi.setConfig({ maxConcurrency: 12 });
  beforeAll(() => {
    if (needsTls) world.value = { folder, ...issueCertificates(folder) };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  test.concurrent.for(rows.map((row) => [`${row.id} ${row.what}`, row] as const))('%s', async ([, row]) => {
    await checkRow(row, world.value);
  });
}
