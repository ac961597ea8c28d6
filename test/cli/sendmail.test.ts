import { describe, expect, it } from 'vitest';
import { readCall, readSendmail } from '../../src/cli/sendmail.ts';
import { readValues, type SendOptions } from '../../src/cli/values.ts';

const sends = (words: readonly string[], want: Partial<SendOptions>) =>
  it(`sends for ${JSON.stringify(words)}`, () => {
    const call = readSendmail('sendmail', words);
    if (call.kind !== 'sendmail' || call.act !== 'send') throw new Error(JSON.stringify(call));
    expect(readValues(call.given, call.words)).toMatchObject(want);
  });
const manner = (words: readonly string[], want: object) =>
  it(`treats a message as ${JSON.stringify(words)} says`, () => {
    const call = readSendmail('sendmail', [...words, 'bob']);
    expect(call.kind === 'sendmail' && call.manner).toMatchObject({ name: 'sendmail', ...want });
  });
const queues = (name: string, words: readonly string[], want: readonly string[]) =>
  it(`looks at the queue for ${name} ${JSON.stringify(words)}`, () =>
    expect(readSendmail(name, words)).toEqual({ kind: 'queue', words: want }));
const is = (words: readonly string[], kind: string, name = 'sendmail') =>
  it(`takes ${name} ${JSON.stringify(words)} for ${kind}`, () => expect(readSendmail(name, words).kind).toBe(kind));
const acts = (words: readonly string[], act: string, name = 'sendmail') =>
  it(`takes ${name} ${JSON.stringify(words)} for ${act}`, () =>
    expect(readSendmail(name, words)).toMatchObject({ kind: 'sendmail', act }));
const bad = (words: readonly string[], why: RegExp) =>
  it(`refuses ${JSON.stringify(words)}`, () =>
    expect(readSendmail('sendmail', words)).toEqual({ kind: 'wrong', text: expect.stringMatching(why) }));

describe('readSendmail()', () => {
  sends(['bob'], { words: ['bob'], mode: 'background', queue: true, readRecipients: false, verbose: 0 });
  sends(['-t'], { words: [], readRecipients: true });
  sends(['-ti'], { readRecipients: true });
  sends(['-odi', 'bob'], { mode: 'interactive' });
  sends(['-odf', 'bob'], { mode: 'interactive' });
  sends(['-odq', 'bob'], { mode: 'queue' });
  sends(['-odd', 'bob'], { mode: 'queue' });
  sends(['-odqs', 'bob'], { mode: 'queue' });
  sends(['-odi', '-odb', 'bob'], { mode: 'background' });
  sends(['-o', 'dq', 'bob'], { mode: 'queue' });
  sends(['-ODeliveryMode=q', 'bob'], { mode: 'queue' });
  sends(['-O', 'DeliveryMode=interactive', 'bob'], { mode: 'interactive' });
  sends(['-O', 'RequireTLS=yes', 'bob'], { requireTls: true });
  sends(['-O', 'QueueDirectory=/tmp', '-X', '/tmp/x', '-C', '/tmp/y', '-oQ/tmp', 'bob'], {
    words: ['bob'],
    mode: 'background',
  });
  sends(['-v', 'bob'], { mode: 'interactive', verbose: 1 });
  sends(['-v', '-odb', 'bob'], { mode: 'background' });
  sends(['-bm', 'bob'], { mode: 'background' });
  sends(['-bq', 'bob'], { mode: 'queue' });
  sends(['-f', 'ann', '-r', 'eve', 'bob'], { sender: 'eve' });
  sends(['-f', '', 'bob'], { sender: '' });
  sends(['-f<>', 'bob'], { sender: '<>' });
  sends(['-FAnn', 'bob'], { fullName: 'Ann' });
  sends(['-N', 'failure,delay', '-Rhdrs', '-Vid', 'bob'], {
    notify: ['failure', 'delay'],
    return: 'headers',
    envelopeId: 'id',
  });
  sends(['-Bwhatever', 'bob'], { words: ['bob'] });
  sends(['-h', '17', 'bob'], { words: ['bob'] });
  sends(['-oMr', 'smtp', '-oMs', 'host', 'bob'], { words: ['bob'] });
  sends(['-oem', '-oi', '-om', '-o7', '-e', 'm', '-m', '-n', '-G', '-U', '-Ac', '-L', 'tag', '-p', 'smtp:h', 'bob'], {
    words: ['bob'],
  });
  sends(['-a', 'acct', '--read-envelope-from', '--read-recipients', '--from=ann', 'bob'], {
    words: ['bob'],
    sender: 'ann',
    readRecipients: true,
  });
  sends(['-a', 'work', '--read-envelope-from', 'bob'], { account: 'work', headerSender: true });
  sends(['--account=work', 'bob'], { account: 'work', headerSender: false });
  sends(['-O', 'RequireTLS', 'bob'], { requireTls: true });
  sends(['-ORequireTLS=y', '-ORequireTLS=no', 'bob'], { requireTls: false });

  manner([], { ignoreDots: false, mend: true, encode: true, errors: 'print' });
  for (const i of ['-i', '-oi', '-oitrue', '-oiT', '-vi', '-ti', '-OIgnoreDots', '-OIgnoreDots=1', '-oif -i']) {
    manner(i.split(' '), { ignoreDots: true });
  }
  for (const i of ['-oifalse', '-OIgnoreDots=false', '-oi -oiF', '-i -O IgnoreDots=0']) {
    manner(i.split(' '), { ignoreDots: false });
  }
  for (const [flags, errors] of [
    ...[['-oep', 'print'] as const, ['-oem', 'mail'] as const, ['-oew', 'mail'] as const, ['-oeq', 'quiet'] as const],
    ...[['-oee', 'mail and succeed'] as const, ['-em', 'mail'] as const, ['-e q', 'quiet'] as const],
    ...[['-OErrorMode=m', 'mail'] as const, ['-o em', 'mail'] as const, ['-oe', 'print'] as const],
    ...[['-oeq -oem', 'mail'] as const, ['-oem -oex', 'mail'] as const],
  ]) {
    manner(flags.split(' '), { errors });
  }
  manner(['-G'], { mend: false, encode: false });
  manner(['-U'], { mend: true, encode: false });
  manner(['-OSMTPUTF8=yes'], { encode: false });
  manner(['-U', '-OSMTPUTF8=no'], { encode: true });

  sends(['-d0.1', '-dall', '-E', '-J', '-Q', 'bob'], { words: ['bob'] });
  sends(['bob', '-f', 'ann', '--', '-eve'], { words: ['bob', '-eve'], sender: 'ann' });

  queues('sendmail', ['-bp'], ['list']);
  queues('mailq', [], ['list']);
  queues('mailq', ['-v', '-Ac'], ['list']);
  queues('sendmail', ['-bP'], ['list', '--count']);
  queues('sendmail', ['-q'], ['run']);
  queues('sendmail', ['-qf'], ['run']);
  queues('sendmail', ['-qff'], ['run']);
  queues('sendmail', ['-v', '-q'], ['run']);
  queues('runq', [], ['run']);
  queues('sendmail', ['-qIabc', '-qRbob', '-qSann'], ['run', '--id=abc', '--to=bob', '--from=ann']);
  queues('sendmail', ['-q30m', '-bD'], ['run', '--forever']);
  queues('sendmail', ['-bD'], ['run', '--forever']);

  acts([], 'aliases', 'newaliases');
  acts(['-v'], 'aliases', 'newaliases');
  acts(['-bi'], 'aliases');
  acts(['-bi', '-oA/etc/mail/aliases'], 'aliases');
  acts(['-I'], 'aliases');
  acts(['-bs'], 'smtp');
  acts(['-ba'], 'smtp');
  acts(['-bs', '-odb', '-oem', '-om'], 'smtp');
  acts(['-bv', 'bob'], 'verify');
  acts(['-d0.1', '-bv', 'root'], 'verify');
  is([], 'print', 'hoststat');
  is([], 'print', 'purgestat');
  is(['-bh'], 'print');
  is(['--help'], 'help');
  is(['-help'], 'help');
  is(['-h', 'me'], 'help');
  is(['-t', '-h'], 'help');
  is(['--version'], 'version');
  is(['-bV'], 'version');

  bad(['-bt'], /-bt: there is no test mode; -bv /);
  bad(['-bz'], /-bz is not supported$/);
  bad(['-bd'], /there is no daemon that listens; -bD/);
  bad(['-q30m'], /-q30m needs -bD/);
  bad(['-bd', '-q30m'], /no daemon/);
  bad(['-q', 'bob'], /-q runs the queue and takes no message/);
  bad(['-qf', '-ti'], /-q runs the queue and takes no message/);
  bad(['-q!Rbob'], /-q!Rbob is not supported$/);
  bad(['-Z', 'bob'], /unknown option "-Z"$/);
  bad(['-S', 'host', 'bob'], /unknown option "-S"$/);
  bad(['bob\r\nRCPT'], /CR, LF or NUL/);
});

describe('every spelling that a caller was seen to use', () => {
  const alone =
    '-t -i -oi -oitrue -ti -tvi -it -vt -vi -fA -f<> -rA -FN -bm -bq -odb -odi -odq -odd -odf -odqs -oem -oep -oeq ' +
    '-oew -oee -em -ep -eq -ew -ee -om -m -oo -os -osy -ov -oT1h -T -oQ/tmp -oA/tmp/a -oL9 -or0s -o7 -o8 -oUx ' +
    '-ODeliveryMode=q -OIgnoreDots -B7BIT -B8BITMIME -B8bitmime -BBINARYMIME -Nnever -Nsuccess,failure,delay -Rhdrs ' +
    '-Rfull -Vid -h17 -G -U -n -v -vv -Ac -Am -Ltag -pUUCP:host -C/etc/x -X/tmp/x -XV -XV+= -D/tmp/y -d -d0.1 -dall ' +
    '-d8.7,5 -Mx -c -s -x -E -Eid -J -Jx -Q -Qreason -aacct --account=acct --from=a --read-envelope-from ' +
    '--read-recipients --file=/x --debug --skip-empty';
  it.each(alone.split(' '))('%s leaves the next word alone', (flag) => {
    expect(readSendmail('sendmail', [flag, 'bob', flag, 'carol'])).toMatchObject({
      act: 'send',
      words: ['bob', 'carol'],
    });
  });

  const withNext =
    '-f -r -F -O -o -e -B -N -R -V -h -L -p -C -X -D -M -a -A --account --from --file ' +
    '-oMa -oMas -oMai -oMaa -oMi -oMm -oMr -oMs -oMt -tf -vo -iF';
  it.each(withNext.split(' '))('%s takes the next word', (flag) => {
    expect(readSendmail('sendmail', [flag, '7', 'bob', flag, '8', 'carol'])).toMatchObject({
      ...{ act: 'send', words: ['bob', 'carol'] },
    });
  });

  it.each(['-q', '-qf', '-qff', '-qqf', '-qG', '-qGgroup', '-qL', '-qQ', '-qIx', '-qRx', '-qSx'])(
    '%s runs the queue',
    (flag) => {
      expect(readSendmail('sendmail', [flag, '-v'])).toMatchObject({
        kind: 'queue',
        words: expect.arrayContaining(['run']),
      });
    },
  );

  it.each(['-S', '-H', '-w', '-P', '-z', '-j', '-k', '-l', '-u', '-W', '-Y', '-Z', '--pretend', '--serverinfo'])(
    '%s is refused, for its value would be a recipient',
    (flag) => expect(readSendmail('sendmail', [flag, 'x', 'bob'])).toMatchObject({ kind: 'wrong' }),
  );
});

describe('readCall()', () => {
  it('reads our own command line where the name is none of sendmail’s', () => {
    expect(readCall('posthaste-2', ['queue', 'list'])).toEqual({ kind: 'queue', words: ['list'] });
  });
  it('prints help and version', () => {
    expect(readCall('sendmail', ['--help'])).toMatchObject({ kind: 'print', text: expect.stringMatching(/^Usage/) });
    expect(readCall('sendmail', ['-bV'])).toMatchObject({
      kind: 'print',
      text: expect.stringMatching(/^posthaste /),
    });
    expect(readCall('hoststat', [])).toMatchObject({ kind: 'print', text: expect.stringMatching(/^No host status/) });
  });
});
