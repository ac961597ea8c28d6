import { describe, expect, test } from 'vitest';
import { openPool } from '../../src/delivery/pool.ts';
import { openSession, type SessionPlan } from '../../src/delivery/session.ts';
import { ConnectError, type Target } from '../../src/net/connection.ts';
import { mockResolver } from '../support/mock-resolver.ts';
import { testWorld } from '../support/world.ts';

const PLAN: SessionPlan = {
  host: 'mx.b.test',
  addresses: ['10.0.0.1'],
  port: 25,
  protocol: 'smtp',
  helloName: 'client.test',
  protection: { startTls: 'never', requireTls: false, implicit: false, plan: planOf() },
  timeouts: {},
};

function planOf(): SessionPlan['protection']['plan'] {
  return { check: 'none', names: [], fingerprints: [], ca: 'system', minVersion: 'TLSv1.2' };
}

/** A world without servers that writes down what it should connect to. */
async function emptyWorld() {
  const targets: Target[] = [];
  const world = await testWorld({}, {});
  const connect = async (target: Target) => {
    targets.push(target);
    throw new ConnectError(target, []);
  };
  return { world: { ...world, resolver: mockResolver({}), connect }, targets };
}

const network = { source: ['10.0.0.9'], proxy: { host: 'proxy.test', port: 1080, user: 'ann', password: 'hush' } };

describe('a session', () => {
  test('is opened from where, and through what, its plan says', async () => {
    const { world, targets } = await emptyWorld();
    const opening = await openSession({ ...PLAN, network }, world, {});
    expect(opening).toMatchObject({ kind: 'failure', failure: { stage: 'connect' } });
    expect(targets).toMatchObject([network]);
    await openSession(PLAN, world, {});
    expect(targets[1]).not.toHaveProperty('proxy');
    expect(targets[1]).not.toHaveProperty('source');
  });

  test('is not used again by an attempt with another network', async () => {
    const script = 'S: 220 mx\nC: EHLO client.test\nS: 250 mx\nC: QUIT\nS: 221 bye';
    const world = await testWorld({}, { '10.0.0.1': [script, script] });
    const pool = openPool({ sessions: 2 });
    for (const [plan, used] of [
      [{ ...PLAN, network: { source: ['127.0.0.5'] } }, 0],
      [{ ...PLAN, network: { source: ['127.0.0.5'] } }, 1],
      [{ ...PLAN, network: { source: ['127.0.0.6'] } }, 0],
    ] as const) {
      const opening = await pool.open(plan, world, { mayReuse: true });
      if (opening.kind !== 'open') throw new Error(opening.failure.text);
      expect(opening.session.used).toBe(used);
      opening.session.used += 1;
      opening.session.keep?.();
    }
    await pool.close();
    await world.close();
  });
});
