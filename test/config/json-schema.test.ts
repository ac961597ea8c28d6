import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { fileSchema, type JsonSchema } from '../../src/config/json-schema.ts';
import { KNOWN_KEYS } from '../../src/config/schema.ts';
import { fullConfig } from '../bench/full-config.ts';

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;
const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isSchema(value) && !Array.isArray(value);

/** Where a value breaks a schema, by the few words of JSON Schema that ours has. */
function breaches(schema: unknown, value: unknown, at = ''): readonly string[] {
  if (!isSchema(schema)) throw new Error(`no schema for ${at}`);
  const { type, properties, additionalProperties, items, anyOf, minItems } = schema;
  if (Array.isArray(anyOf)) return anyOf.some((each) => breaches(each, value, at).length === 0) ? [] : [at];
  if (Array.isArray(schema.enum)) return schema.enum.includes(value) ? [] : [at];
  const has = (limit: unknown, fits: (limit: number) => boolean) => typeof limit !== 'number' || fits(limit);
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type ? [] : [at];
    case 'number':
    case 'integer': {
      const isRight =
        typeof value === 'number' &&
        (type === 'number' || Number.isInteger(value)) &&
        has(schema.minimum, (least) => value >= least) &&
        has(schema.maximum, (most) => value <= most);
      return isRight ? [] : [at];
    }
    case 'array':
      if (!Array.isArray(value) || !has(minItems, (least) => value.length >= least)) return [at];
      return value.flatMap((each, index) => breaches(items, each, `${at}.${index}`));
    case 'object':
      if (!isTable(value)) return [at];
      return Object.entries(value).flatMap(([key, each]) => {
        const inner = isSchema(properties) ? properties[key] : undefined;
        if (inner === undefined && additionalProperties === false) return [`${at}.${key}`];
        return breaches(inner ?? additionalProperties, each, `${at}.${key}`);
      });
    default:
      throw new Error(`an unknown type at ${at}: ${JSON.stringify(schema)}`);
  }
}

const check = (toml: string): readonly string[] => breaches(fileSchema(), parse(toml));

describe('fileSchema()', () => {
  test('takes a configuration with nearly every key', async () => {
    const text = fullConfig(25, '/spool');
    expect(check(text)).toEqual([]);
    expect(await readConfig(text, 'p.toml', { home: '/h' })).toMatchObject({ ok: true });
  });

  test('has every key that is read', () => {
    const schema = fileSchema();
    for (const key of KNOWN_KEYS) {
      let node: unknown = schema;
      for (const step of key.split('.')) {
        if (!isSchema(node)) throw new Error(key);
        const { properties, additionalProperties, items } = node;
        node = step === '*' ? (items ?? additionalProperties) : isSchema(properties) ? properties[step] : undefined;
        expect(node, key).toBeTypeOf('object');
      }
    }
  });

  test.each([
    ['relais = "mx"', '.relais'],
    ['mx.prot = 25', '.mx.prot'],
    ['mx.port = 0', '.mx.port'],
    ['mx.port = 2.5', '.mx.port'],
    ['dsn = "yes"', '.dsn'],
    ['tls.level = "always"', '.tls.level'],
    ['retry = []', '.retry'],
    ['expire = true', '.expire'],
    ['[account.a]\nulr = "mx"', '.account.a.ulr'],
    ['[account.a.tls]\nlevel = 1', '.account.a.tls.level'],
    ['[[route]]\nvia = 1', '.route.0.via'],
    ['[[route]]\nvia = []', '.route.0.via'],
    ['[[route]]\nuid = ["root"]', '.route.0.uid'],
    ['aliases.root = 1', '.aliases.root'],
    ['route = 1', '.route'],
  ])('refuses %s', (toml, at) => expect(check(toml)).toEqual([at]));

  test.each([
    '',
    '[[route]]\nvia = "mx"\nuid = 0',
    '[[route]]\nvia = ["mx"]\nuid = [0, 1]',
    'expire = 0.5',
    'expire = "5d"',
    'retry = [1, "2h"]',
  ])('takes %j', (toml) => expect(check(toml)).toEqual([]));
});
