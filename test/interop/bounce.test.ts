import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/bounce/report.ts';
import { formatAddress } from '../../src/mail/address.ts';
import { CASES } from '../bounce/cases.ts';
import { bytesOf } from '../bounce/fixtures.ts';

/** What Python's email package, which is strict and tells of defects, sees in a report. */
interface Seen {
  readonly type: string;
  readonly reportType: string;
  readonly sender: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly date: number;
  readonly parts: readonly string[];
  readonly text: string;
  /** The fields of the message, then of each recipient. */
  readonly groups: readonly (readonly [string, string][])[];
  readonly defects: readonly string[];
}

const SCRIPT = fileURLToPath(new URL('bounce.py', import.meta.url));

function seenByPython(report: Report): Seen {
  const { stdout, stderr, error } = spawnSync('python3', [SCRIPT], { input: bytesOf(report) });
  if (error !== undefined) throw error;
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

const valuesOf = (group: Seen['groups'][number] | undefined, name: string) =>
  (group ?? []).filter(([each]) => each === name).map(([, value]) => value);

describe("Python's email package", () => {
  test.each(Object.entries(CASES))('reads the report %s without a defect', async (name, make) => {
    const report = await make();
    const seen = seenByPython(report!);
    expect(seen).toMatchObject({
      type: 'multipart/report',
      reportType: 'delivery-status',
      sender: 'MAILER-DAEMON@host.example.org',
      to: report!.envelope.recipients.map(({ address }) => formatAddress(address)),
      defects: [],
    });
    expect(seen.parts[0]).toBe('text/plain');
    expect(seen.text).toMatch(/^This is the mail system at host\.example\.org\.\n/);
    if (name === 'utf8') {
      expect(seen.parts).toEqual(['text/plain', 'message/global-delivery-status', 'message/global']);
      return;
    }
    const [message, ...recipients] = seen.groups.filter((group) => group.length > 0);
    expect(message?.map(([field]) => field)).toEqual(expect.arrayContaining(['Reporting-MTA', 'Arrival-Date']));
    expect(recipients.length).toBe(name === 'failed-three' ? 3 : 1);
    for (const group of recipients) {
      for (const field of ['Final-Recipient', 'Action', 'Status', 'Diagnostic-Code', 'Last-Attempt-Date'])
        expect([field, valuesOf(group, field).length]).toEqual([field, 1]);
    }
  });

  test('reads what a hostile server said as one value', async () => {
    const { groups } = seenByPython((await CASES.hostile?.())!);
    const group = groups.find((each) => valuesOf(each, 'Action').length > 0);
    expect(valuesOf(group, 'Action')).toEqual(['failed']);
    expect(valuesOf(group, 'Final-Recipient')).toEqual(['rfc822; bob@example.net']);
    expect(valuesOf(group, 'Diagnostic-Code')[0]).toMatch(/^smtp; 550 5\.1\.1 No such user here\\x0d\\x0aBcc:/);
  });
});
