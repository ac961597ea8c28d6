import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AUTH_ROWS } from './auth-rows.ts';
import { CONNECT_ROWS } from './connect-rows.ts';
import { DANE_ROWS } from './dane-rows.ts';
import { DNS_ROWS } from './dns-rows.ts';
import { END_ROWS } from './end-rows.ts';
import { ENVELOPE_ROWS } from './envelope-rows.ts';
import { HEADER_ROWS } from './header-rows.ts';
import { HELLO_ROWS } from './hello-rows.ts';
import { INPUT_ROWS } from './input-rows.ts';
import { MESSAGE_ROWS } from './message-rows.ts';
import { PACKET_ROWS } from './packet-rows.ts';
import type { Proof } from './proof.ts';
import { REPLY_ROWS } from './reply-rows.ts';
import { FAULTS } from './rows.ts';
import { SMUGGLING_ROWS } from './smuggling-rows.ts';
import { TLS_ROWS } from './tls-rows.ts';
import { UNASKED_ROWS } from './unasked-rows.ts';

const rows = [
  ...[CONNECT_ROWS, REPLY_ROWS, UNASKED_ROWS, HELLO_ROWS, TLS_ROWS, DANE_ROWS, AUTH_ROWS],
  ...[ENVELOPE_ROWS, MESSAGE_ROWS, END_ROWS, SMUGGLING_ROWS],
  ...[DNS_ROWS, PACKET_ROWS, INPUT_ROWS, HEADER_ROWS],
].flat();
const inTables = new Set(rows.map(({ id }) => id));

/** Why a proof is none; undefined where it holds. */
function flaw(id: string, proof: Proof): string | undefined {
  if (proof === 'table') return inTables.has(id) ? undefined : 'no table has a row of it';
  if (!existsSync(proof.file)) return `${proof.file} is not there`;
  return readFileSync(proof.file, 'utf8').includes(proof.test) ? undefined : `${proof.file} has no ${proof.test}`;
}

test('every fault is proved where it is said to be', () => {
  const flaws = Object.entries(FAULTS).flatMap(([id, { proofs }]) => [
    ...(proofs.length === 0 ? [`${id}: nothing proves it`] : []),
    ...proofs.map((proof) => flaw(id, proof)).flatMap((text) => (text === undefined ? [] : [`${id}: ${text}`])),
  ]);
  expect(flaws).toEqual([]);
});

test('every row of a table stands for a fault that names its table', () => {
  expect([...inTables].filter((id) => !FAULTS[id]?.proofs.includes('table'))).toEqual([]);
});

test('no two rows have one name', () => {
  const names = rows.map(({ id, what }) => `${id} ${what}`);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
