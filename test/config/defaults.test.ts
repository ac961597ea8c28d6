import { describe, expect, test } from 'vitest';
import { applyOverrides, DEFAULTS } from '../../src/config/defaults.ts';

describe('applyOverrides()', () => {
  test('puts what is given in the place of what was', () => {
    const settings = applyOverrides(DEFAULTS, {
      domain: 'a.test',
      mx: { port: 26 },
      timeouts: { dot: 1 },
      limits: { sessions: 9 },
    });
    const again = applyOverrides(settings, {
      domain: 'b.test',
      mx: { allowLocal: true },
      timeouts: { mail: 2 },
      tls: { level: 'none' },
    });
    expect(again).toEqual({
      ...DEFAULTS,
      domain: 'b.test',
      mx: { port: 26, allowLocal: true },
      tls: { ...DEFAULTS.tls, level: 'none' },
      timeouts: { dot: 1, mail: 2 },
      limits: { ...DEFAULTS.limits, sessions: 9 },
    });
  });
  test('keeps fingerprints where none are given', () => {
    const settings = applyOverrides(DEFAULTS, { tls: { fingerprints: ['ab'] } });
    expect(applyOverrides(settings, { tls: { fingerprints: [] } }).tls.fingerprints).toEqual(['ab']);
    expect(applyOverrides(settings, { tls: { fingerprints: ['cd'] } }).tls.fingerprints).toEqual(['cd']);
  });
  test('drops the key of a certificate that is replaced', () => {
    const settings = applyOverrides(DEFAULTS, { tls: { cert: 'a', key: 'b' } });
    expect(applyOverrides(settings, { tls: { cert: 'c' } }).tls).toEqual({ ...DEFAULTS.tls, cert: 'c' });
    expect(applyOverrides(settings, { tls: { cert: 'c', key: 'd' } }).tls).toMatchObject({ cert: 'c', key: 'd' });
    expect(applyOverrides(settings, {}).tls).toMatchObject({ cert: 'a', key: 'b' });
  });
});
