import { describe, expect, it } from 'vitest';
import { fullNameIn, identify, localUser, type Surface } from '../../src/cli/identity.ts';

const surface = (
  over: Partial<{ [K in keyof Surface]: unknown }> & { name?: string; hosts?: string; mail?: string },
) => ({
  hostname: () => over.name ?? 'vm',
  hosts: () => over.hosts as string | undefined,
  mailname: () => over.mail,
  userName: () => 'ann',
  userId: () => 1000,
});

describe('fullNameIn()', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:& Other,Room 1,,:/home/ann:/bin/sh\nbob:x:7:7::/:/bin/sh\n';
  it.each([
    [0, 'root'],
    [1000, 'Ann Other'],
    [7, undefined],
    [8, undefined],
  ])('gives user id %i the name %s', (uid, name) => expect(fullNameIn(passwd, uid)).toBe(name));
});

describe('identify()', () => {
  it('takes the host’s name when it has a dot', () => {
    expect(identify({}, surface({ name: 'VM.Example.org' }))).toEqual({
      fqdn: 'vm.example.org',
      domain: 'vm.example.org',
    });
  });

  it('takes the name of /etc/hosts when the host’s has no dot', () => {
    const hosts = '# ours\n127.0.0.1 localhost\n127.0.1.1\tvm.example.org vm # the host\n';
    expect(identify({}, surface({ hosts })).fqdn).toBe('vm.example.org');
    expect(identify({}, surface({ hosts: '192.0.2.1 vm mail.example.org vm.example.org\n' })).fqdn).toBe(
      'vm.example.org',
    );
    expect(identify({}, surface({ hosts: '192.0.2.1 mail.example.org vm\n' })).fqdn).toBe('mail.example.org');
  });

  it('never says localhost when /etc/hosts does', () => {
    const hosts = '127.0.0.1 localhost.localdomain localhost vm\n::1 vm.localhost vm\n';
    expect(identify({}, surface({ hosts }))).toEqual({ domain: 'vm' });
    expect(identify({}, surface({ name: 'localhost.localdomain' }))).toEqual({ domain: 'localhost.localdomain' });
  });

  it('has no FQDN when the host’s name is no name to say', () => {
    for (const name of [
      'under_score.example.org',
      'büro.example.org',
      'a..b',
      '10.0.0.1',
      '-a.example.org',
      'a b.c',
      '',
    ])
      expect(identify({}, surface({ name }))).not.toHaveProperty('fqdn');
  });

  it('has a domain when there is nothing to make it of', () => {
    expect(identify({}, surface({ name: 'a b\r\n' })).domain).toBe('localhost');
  });

  it('takes the domain of /etc/mailname when it is there', () => {
    const there = surface({ name: 'vm.example.org', mail: 'Example.NET\nrest\n' });
    expect(identify({}, there)).toEqual({ fqdn: 'vm.example.org', domain: 'example.net' });
    expect(identify({}, surface({ name: 'vm.example.org', mail: '\n' })).domain).toBe('vm.example.org');
    expect(identify({}, surface({ name: 'vm.example.org', mail: 'a b' })).domain).toBe('vm.example.org');
  });

  it('takes what is configured before all else', () => {
    const there = surface({ name: 'vm.example.org', mail: 'example.net' });
    const configured = { domain: 'example.com', hostname: 'mail.example.com' };
    expect(identify(configured, there)).toEqual({ fqdn: 'mail.example.com', domain: 'example.com' });
  });
});

describe('localUser()', () => {
  it('is the login name, or the user id when it has none', () => {
    expect(localUser(surface({}))).toBe('ann');
    expect(localUser({ ...surface({}), userName: () => undefined })).toBe('uid1000');
  });
});
