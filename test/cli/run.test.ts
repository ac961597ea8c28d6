import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { TEST_CERTIFICATE } from '../support/certificate.ts';
import { type FakeOptions, fakeSurroundings, play, readJson } from './fake-surroundings.ts';
import { deferred, delivered, failed, reply } from './support.ts';

describe('run() with --skip-empty', () => {
  it.each(['Subject: hi\n', 'Subject: hi\n\n', 'Subject: hi\n\n \t\r\n\n', ''])(
    'sends nothing for %j',
    async (message) => {
      const { exit, out, err, steps } = await play(['--skip-empty', 'ann@example.org', 'a..b@x'], { message });
      expect([exit, out, err, steps]).toEqual([0, '', '', ['message', 'aliases /etc/aliases']]);
    },
  );

  it('says so where it is asked to', async () => {
    const message = 'Subject: hi\n\n';
    const { exit, err, out } = await play(['-v', '--json', '--skip-empty', 'ann@example.org'], { message });
    expect([exit, err]).toEqual([0, 'posthaste: Nothing is sent: the body is empty\n']);
    expect(readJson(out)).toMatchObject({ exit: 0, skipped: true, recipients: [] });
  });

  it('sends what has a body, and without the option what has none', async () => {
    const { sent } = await play(['--skip-empty', 'ann@example.org'], { message: 'Subject: hi\n\n \n.\n' });
    expect(sent).toHaveLength(1);
    expect((await play(['ann@example.org'], { message: 'Subject: hi\n\n' })).sent).toHaveLength(1);
  });

  it('is no excuse for a call that is wrong', async () => {
    expect((await play(['--skip-empty'], { message: '' })).exit).toBe(64);
  });
});

describe('run() when all is well', () => {
  it('does everything in order and prints nothing', async () => {
    const { exit, out, err, steps } = await play(['ann@example.org', 'bob@example.net']);
    expect([exit, out, err]).toEqual([0, '', '']);
    expect(steps).toEqual(['message', 'aliases /etc/aliases', 'world', 'signals', 'deliver ann bob']);
  });

  it('asks for configuration, certificates and password before it reads the message', async () => {
    const files = { c: 'domain = "example.com"\n', 'ca.pem': TEST_CERTIFICATE };
    const words = ['--config', 'c', '--tls-ca', 'ca.pem', '--relay', 'smtps://me@smtp.example', '--log', 'l', 'ann'];
    const { exit, steps, sent } = await play(words, { files });
    expect(exit).toBe(0);
    expect(steps).toEqual([
      'file c',
      'file ca.pem',
      'secret',
      'message',
      'aliases /etc/aliases',
      'world',
      'log l',
      'signals',
      'deliver ann',
    ]);
    expect(sent[0]).toMatchObject({
      recipients: ['ann@example.com'],
      opened: {
        login: { credentials: { user: 'me', password: 'opensesame' } },
        material: { ca: TEST_CERTIFICATE },
      },
      delivery: {
        table: { rest: { outlets: [{ via: { kind: 'relay', relay: { host: 'smtp.example', port: 465 } } }] } },
      },
    });
  });

  it('never looks for a password when the relay has no user, or there is no relay', async () => {
    expect((await play(['ann@example.org'])).steps).not.toContain('secret');
    expect((await play(['--relay', 'smtp://smtp.example', 'ann@example.org'])).steps).not.toContain('secret');
  });

  it('completes the message with who we are', async () => {
    const { sent } = await play(['-F', 'Ann Other', 'ann@example.org']);
    expect(sent[0]?.header).toMatch(/^From: Ann Other <me@vm\.example\.org>\r$/m);
    expect(sent[0]?.header).toMatch(/^Message-ID: <[^>]+@vm\.example\.org>\r$/m);
    expect(sent[0]).toMatchObject({
      opened: { helloName: 'vm.example.org' },
      delivery: { envelope: { sender: { local: 'me' } } },
    });
  });

  it('adds no header field when NAME in the environment has a line end', async () => {
    const { sent, exit } = await play(['ann@example.org'], {}, { env: { NAME: 'Ann\r\nBcc: eve@example.org' } });
    expect(exit).toBe(0);
    expect(sent[0]?.header).not.toMatch(/^Bcc/m);
  });

  it('says nothing for a name when the host has none', async () => {
    const surface = {
      hostname: () => 'box',
      hosts: () => '',
      mailname: () => '',
      userName: () => undefined,
      userId: () => 7,
    };
    const { sent } = await play(['ann@example.org'], {}, { surface });
    expect(sent[0]?.delivery).not.toHaveProperty('helloName');
    expect(sent[0]).toMatchObject({ delivery: { envelope: { sender: { local: 'uid7', domain: 'box' } } } });
  });

  it('takes recipients from the header and the arguments, each once, when -t is given', async () => {
    const message = 'To: Ann <ann@example.org>, bob@example.net\nCc: root\nBcc: eve@example.org\n\nhi\n';
    const { sent } = await play(['-t', 'ann@EXAMPLE.org, cid@example.org'], { message });
    expect(sent[0]?.recipients).toEqual([
      'ann@example.org',
      'cid@example.org',
      'bob@example.net',
      'root@vm.example.org',
      'eve@example.org',
    ]);
    expect(sent[0]?.header).not.toMatch(/eve/);
  });

  it('hands over what the envelope was asked for', async () => {
    const words = ['-f', '<>', '-N', 'failure', '-R', 'hdrs', '-V', 'id1', '--require-tls', 'ann@example.org'];
    const { sent } = await play(words);
    expect(sent[0]).toMatchObject({
      delivery: {
        envelope: {
          sender: null,
          id: 'id1',
          return: 'headers',
          requireTls: true,
          recipients: [{ notify: ['failure'], original: 'rfc822;ann@example.org' }],
        },
      },
    });
  });
});

describe('run() when recipients were not delivered to', () => {
  const outcome: FakeOptions['outcome'] = (one, attempt) => {
    if (one.address.local === 'ann') return delivered(one);
    if (one.address.local === 'bob') return failed(one, { reply: reply('550 5.1.1 No such user') });
    return attempt < 3 ? deferred(one, { text: 'connection refused' }) : delivered(one);
  };
  const words = ['ann@example.org', 'bob@example.net', 'cid@example.com'];

  it('prints one line for each of them and gives the worst code', async () => {
    const { exit, out, err } = await play(['--no-queue', ...words], { outcome });
    expect([exit, out]).toEqual([67, '']);
    expect(err.split('\n')).toEqual([
      expect.stringContaining('bob@example.net: failed (5.1.1)'),
      expect.stringContaining('cid@example.com: deferred (4.4.1)'),
      '',
    ]);
  });

  it('is 75 when there was only a deferral', async () => {
    expect((await play(['--no-queue', 'cid@example.com'], { outcome })).exit).toBe(75);
  });

  it('is 75 with a line where there is no place for a queue', async () => {
    const { exit, err } = await play(['cid@example.com'], { outcome });
    expect([exit, err.split('\n').length]).toEqual([75, 3]);
    expect(err).toContain(
      'posthaste: Cannot open spool: user id 1000 has no home folder; name a folder with --spool\n',
    );
  });

  it('tries the deferred ones again when --retry-for is given', async () => {
    const { exit, steps, err, stdout } = await play(['--retry-for', '1m', '--json', ...words], { outcome });
    expect(exit).toBe(67);
    expect(steps.slice(4)).toEqual(['deliver ann bob cid', 'sleep 1000', 'deliver cid', 'sleep 2000', 'deliver cid']);
    expect(err).not.toContain('cid');
    expect(readJson(stdout.text)).toMatchObject({
      version: 1,
      exit: 67,
      sender: 'me@vm.example.org',
      message: { id: expect.stringContaining('@vm.example.org>') },
      recipients: [
        { recipient: 'ann@example.org', outcome: 'delivered', attempts: 1 },
        { recipient: 'bob@example.net', outcome: 'failed', attempts: 1, code: 550 },
        { recipient: 'cid@example.com', outcome: 'delivered', attempts: 3, lastAttempt: '2023-11-14T22:13:23.000Z' },
      ],
      started: '2023-11-14T22:13:20.000Z',
      finished: '2023-11-14T22:13:23.000Z',
    });
  });

  it('refuses what is no address and sends to the others', async () => {
    const { exit, err, sent, out } = await play(['--json', 'ann@example.org', 'a@@b, <>'], { outcome });
    expect(exit).toBe(65);
    expect(sent[0]?.recipients).toEqual(['ann@example.org']);
    expect(err).toMatch(/^posthaste: a@@b: failed \(5\.1\.3\): .+\nposthaste: <>: failed/);
    expect(readJson(out)).toMatchObject({
      recipients: [{ outcome: 'delivered' }, { recipient: 'a@@b', attempts: 0 }, {}],
    });
  });

  it('delivers nothing when all addresses are refused', async () => {
    const { exit, steps } = await play(['a@@b']);
    expect(exit).toBe(65);
    expect(steps).toEqual(['message', 'aliases /etc/aliases']);
  });

  it('logs each attempt and result', async () => {
    const { log } = await play(['--log', 'l', '--retry-for', '1m', 'cid@example.com'], { outcome });
    expect(log.map((line) => JSON.parse(line).event)).toEqual([
      'attempt',
      'result',
      'attempt',
      'result',
      'attempt',
      'result',
    ]);
  });

  it('goes on without a log when it can’t be opened', async () => {
    const openLog = () => {
      throw Object.assign(new Error("EACCES: permission denied, open 'l'"), { code: 'EACCES' });
    };
    const { exit, err } = await play(['--log', 'l', 'ann@example.org'], {}, { openLog });
    expect([exit, err]).toEqual([0, 'posthaste: Cannot write log "l": permission denied\n']);
  });

  it('reports what it knows when a signal comes', async () => {
    const fake = fakeSurroundings({ outcome: (one) => deferred(one, { text: 'interrupted before delivery' }) });
    fake.controller.abort();
    expect(await run(['--retry-for', '1h', 'ann@example.org'], fake)).toBe(75);
    expect(fake.steps.filter((step) => step.startsWith('deliver'))).toEqual(['deliver ann']);
  });
});

describe('run() when asked to print', () => {
  it('prints help and version on standard output and reads nothing', async () => {
    for (const word of ['--help', '--version', 'help']) {
      const { exit, out, err, steps } = await play([word]);
      expect([exit, err, steps]).toEqual([0, '', []]);
      expect(out).toMatch(/posthaste/);
    }
  });
});
