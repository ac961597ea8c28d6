import { SCHEMA } from './schema.ts';

/*
 * The file's schema as JSON Schema (draft 7, which editors know), made of the one that checks the file. It says of a
 * value what kind it is and, in the words of our errors, what it must be; what a text has to look like is left to
 * `config check`, but where it is one of a few words.
 */

export type JsonSchema = { readonly [key: string]: unknown };

/** The parts of valibot's schemas that are looked at. */
interface Node {
  readonly type?: unknown;
  readonly kind?: unknown;
  readonly message?: unknown;
  readonly pipe?: unknown;
  readonly entries?: unknown;
  readonly wrapped?: unknown;
  readonly item?: unknown;
  readonly options?: unknown;
  readonly value?: unknown;
  readonly requirement?: unknown;
  readonly getter?: unknown;
}

/** A schema of the whole file. */
export const fileSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'posthaste.toml',
  ...schemaOf(SCHEMA),
});

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

function schemaOf(node: unknown): JsonSchema {
  if (!isNode(node)) return {};
  if (Array.isArray(node.pipe)) return pipeSchema(node.pipe);
  const { message } = node;
  return { ...plainSchema(node), ...(typeof message === 'string' ? { description: message } : {}) };
}

/** What a pipe starts with, and what its steps add; a table is a step that is a schema itself. */
function pipeSchema(pipe: readonly unknown[]): JsonSchema {
  // Behind it, limits are those of what the value stands for.
  const end = pipe.findIndex((step) => isNode(step) && step.kind === 'transformation');
  const steps = end < 0 ? pipe : pipe.slice(0, end);
  const found = steps.map((step) => (!isNode(step) || step.kind === 'schema' ? schemaOf(step) : limitOf(step)));
  return Object.assign({}, ...found);
}

function plainSchema(node: Node): JsonSchema {
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return { type: node.type };
    case 'picklist':
      return { enum: node.options };
    case 'optional':
      return schemaOf(node.wrapped);
    case 'array':
      return { type: 'array', items: schemaOf(node.item) };
    case 'union':
      return { anyOf: Array.isArray(node.options) ? node.options.map(schemaOf) : [] };
    case 'object':
      return { type: 'object', properties: properties(node.entries), additionalProperties: false };
    case 'record':
      return { type: 'object', additionalProperties: schemaOf(node.value) };
    case 'lazy':
      return eitherOf(node.getter);
    default:
      return {};
  }
}

const properties = (entries: unknown): JsonSchema =>
  isNode(entries) ? Object.fromEntries(Object.entries(entries).map(([key, each]) => [key, schemaOf(each)])) : {};

/** One value or a list: the schema is chosen by what is given. */
function eitherOf(getter: unknown): JsonSchema {
  if (typeof getter !== 'function') return {};
  return { anyOf: [schemaOf(getter('')), schemaOf(getter([]))] };
}

function limitOf({ type, requirement }: Node): JsonSchema {
  switch (type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return { minimum: requirement };
    case 'max_value':
      return { maximum: requirement };
    case 'min_length':
      return { minItems: requirement };
    default:
      return {};
  }
}
