import { createHash } from 'node:crypto';
import { IntakeError, intake } from '../../src/submit/intake.ts';
import { drain } from '../../src/submit/standard-input.ts';

/*
 * A process with a standard input of its own, for test/submit/standard-input.test.ts: `[call, options]` as JSON in its argument,
 * one line of JSON on its standard output. `ready` comes before anything is read.
 */
const [call, options] = JSON.parse(process.argv[2] ?? '[]');
process.stdout.write('ready\n');

async function run(): Promise<unknown> {
  if (call === 'drain') return drain(options ?? undefined);
  try {
    const source = await intake(options ?? {});
    const passes = [];
    for (let pass = 0; pass < 2; pass++) {
      const hash = createHash('sha256');
      for await (const chunk of source.chunks()) hash.update(chunk);
      passes.push(hash.digest('hex'));
    }
    return { size: source.size, memory: source.bytes !== undefined, passes };
  } catch (error) {
    if (!(error instanceof IntakeError)) throw error;
    if (call === 'intake then drain') await drain();
    return { kind: error.kind, text: error.message };
  }
}

run().then((result) => {
  process.stdout.write(`${JSON.stringify(result ?? 'done')}\n`, () => process.exit(0));
});
