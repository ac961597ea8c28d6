import { describe, expect, it } from 'vitest';
import { type Asker, logTarget, spoolPlace, statePlace } from '../../src/submit/places.ts';

const asker = (env: Asker['env'], uid = 1000, home: string | undefined = '/home/ann'): Asker => ({
  env,
  uid,
  home: () => home,
  cwd: () => '/here',
});
const homeless = (env: Asker['env'] = {}): Asker => ({ ...asker(env, 4711), home: () => undefined });

describe('spoolPlace()', () => {
  it.each([
    ['root’s own', {}, asker({ HOME: '/root', XDG_STATE_HOME: '/x' }, 0), '/var/spool/posthaste'],
    ['the state of the user', {}, asker({ XDG_STATE_HOME: '/state' }), '/state/posthaste/spool'],
    ['the home of the environment', {}, asker({ HOME: '/h' }), '/h/.local/state/posthaste/spool'],
    ['the home of the user id', {}, asker({}), '/home/ann/.local/state/posthaste/spool'],
    ['no relative state', {}, asker({ XDG_STATE_HOME: 'state', HOME: 'h' }), '/home/ann/.local/state/posthaste/spool'],
    ['the configured one', { configured: '/c' }, asker({}, 0), '/c'],
    ['the variable’s', { configured: '/c' }, asker({ POSTHASTE_SPOOL: 'v' }), '/here/v'],
    ['none of an empty variable', { configured: '/c' }, asker({ POSTHASTE_SPOOL: '' }), '/c'],
    ['the option’s', { option: 'o', configured: '/c' }, asker({ POSTHASTE_SPOOL: '/v' }), '/here/o'],
  ])('takes %s', (_, wish, who, path) => expect(spoolPlace(wish, who)).toEqual({ path }));

  it('says why there is none when the user has no home', () => {
    expect(spoolPlace({}, homeless())).toEqual({ reason: 'user id 4711 has no home folder' });
    expect(spoolPlace({}, homeless({ HOME: '/tmp/h' }))).toHaveProperty('path');
  });
});

describe('logTarget()', () => {
  it.each([
    ['root’s own', undefined, asker({}, 0), { file: '/var/log/posthaste.log' }],
    ['the state of the user', undefined, asker({ XDG_STATE_HOME: '/state' }), { file: '/state/posthaste/log' }],
    ['nothing without a home', undefined, homeless(), 'none'],
    ['a word', 'syslog', asker({}), 'syslog'],
    ['the variable’s', 'syslog', asker({ POSTHASTE_LOG: 'none' }), 'none'],
    ['a file', '/c', asker({}), { file: '/c' }],
    ['a file of the variable', '/c', asker({ POSTHASTE_LOG: 'l' }), { file: '/here/l' }],
  ] as const)('takes %s', (_, configured, who, want) => expect(logTarget(configured, who)).toEqual(want));
});

describe('statePlace()', () => {
  it.each([
    ['root’s own', asker({ XDG_STATE_HOME: '/x' }, 0), '/var/lib/posthaste/file'],
    ['the state of the user', asker({ XDG_STATE_HOME: '/state' }), '/state/posthaste/file'],
    ['the variable’s', asker({ POSTHASTE_STATE: 's', XDG_STATE_HOME: '/state' }, 0), '/here/s/file'],
    ['none of an empty variable', asker({ POSTHASTE_STATE: '' }, 0), '/var/lib/posthaste/file'],
  ])('takes %s', (_, who, path) => expect(statePlace('file', who)).toEqual({ path }));

  it('says why there is none when the user has no home', () => {
    expect(statePlace('file', homeless())).toEqual({ reason: 'user id 4711 has no home folder' });
  });
});
