import { describe, expect, it } from 'vitest';
import { play, readJson } from './fake-surroundings.ts';

const zones = {
  MX: {
    'example.org': ['20 mx2.example.org', '10 mx1.example.org'],
    'nomail.example': ['0 .'],
    'dead.example': ['10 mx.dead.example'],
  },
  A: { 'mx1.example.org': ['192.0.2.1'], 'mx2.example.org': ['192.0.2.2'], 'bare.example': ['192.0.2.3'] },
  AAAA: { 'mx1.example.org': ['2001:db8::1'] },
  fail: ['MX broken.example'],
};
const message =
  'From: Ann <ann@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nBcc: eve@example.org\n\nhello\x1b[2J\n';
const dryRun = (words: readonly string[], extra: readonly string[] = []) =>
  play(['--dry-run', ...extra, ...words], { zones, message });

describe('showDryRun()', () => {
  it('shows envelope, routes, what is added and the message, and sends nothing', async () => {
    const { exit, out, err, sent, steps } = await dryRun(['ann@example.org', 'bob@bare.example']);
    expect([exit, err, sent]).toEqual([0, '', []]);
    expect(steps).not.toContain('signals');
    for (const text of [
      'Sender      me@vm.example.org\n',
      'Recipient   ann@example.org\n',
      'Route       example.org (1 recipient), by mx, port 25\n',
      '   10 mx1.example.org: 2001:db8::1, 192.0.2.1\n',
      '   20 mx2.example.org: 192.0.2.2\n',
      '    0 bare.example: 192.0.2.3\n',
      'Added       To: undisclosed-recipients:;\n',
      'Removed     Bcc\n',
      'Subject     Grüße\n',
      'hello\\x1b[2J\n',
    ]) {
      expect(out).toContain(text);
    }
    expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });

  it('has the status of what is known to fail', async () => {
    expect((await dryRun(['ann@nomail.example'])).exit).toBe(68);
    expect((await dryRun(['ann@missing.example'])).exit).toBe(68);
    expect((await dryRun(['ann@broken.example'])).exit).toBe(75);
    expect((await dryRun(['ann@example.org', 'a@@b'])).exit).toBe(65);
    expect((await dryRun(['ann@example.org', 'bob@nomail.example'])).exit).toBe(68);
  });

  it('says why a route or a host can’t be used', async () => {
    const { out, exit } = await dryRun(['ann@nomail.example', 'bob@dead.example', 'a@@b']);
    expect(exit).toBe(68);
    expect(out).toMatch(/^Route {7}nomail\.example \(1 recipient\): .*null MX.*\(5\.1\.10\)$/m);
    expect(out).toMatch(/^ +10 mx\.dead\.example: .+ \(\d\.\d\.\d+\)$/m);
    expect(out).toMatch(/^Refused {5}a@@b: .+$/m);
  });

  it('shows the relay when there is one', async () => {
    const { out } = await dryRun(['ann@example.org', 'bob@bare.example'], ['--relay', 'smtps://me@smtp.example']);
    expect(out).toContain('Route       smtps://smtp.example:465 (2 recipients), by relay, port 465\n');
    expect(out).toContain(' smtp.example: 192.0.2.25\n');
    expect(out).not.toContain('opensesame');
  });

  it('shows the addresses that the configuration allows', async () => {
    const files = { '/etc/posthaste/config.toml': 'ip = "4"\n' };
    const { out } = await play(['--dry-run', 'ann@example.org'], { zones, message, files });
    expect(out).toContain('   10 mx1.example.org: 192.0.2.1\n');
  });

  it('is one JSON object when asked for', async () => {
    const { out, exit } = await dryRun(['ann@example.org', 'bob@nomail.example', 'a@@b'], ['--json']);
    expect(readJson(out)).toMatchObject({
      version: 1,
      exit,
      sender: 'me@vm.example.org',
      recipients: [
        { recipient: 'bob@nomail.example', outcome: 'failed', status: '5.1.10', attempts: 0 },
        { recipient: 'a@@b', outcome: 'failed', attempts: 0 },
      ],
      dryRun: {
        recipients: ['ann@example.org', 'bob@nomail.example'],
        routes: [
          {
            destination: 'example.org',
            recipients: ['ann@example.org'],
            via: 'mx',
            port: 25,
            hosts: [
              { name: 'mx1.example.org', preference: 10, addresses: ['2001:db8::1', '192.0.2.1'] },
              { name: 'mx2.example.org', preference: 20, addresses: ['192.0.2.2'] },
            ],
          },
          { destination: 'nomail.example', status: '5.1.10' },
        ],
        removed: ['Bcc'],
        summary: { subject: 'Grüße', preview: 'hello\\x1b[2J' },
      },
    });
  });

  it('tells of look-ups when -vv is given', async () => {
    const { err } = await dryRun(['ann@bare.example'], ['-vv']);
    expect(err).toMatch(/^dns bare\.example MX: no such record$/m);
    expect(err).toMatch(/^dns bare\.example A: "192\.0\.2\.3"/m);
  });
});
