import { DIALOGUE_FAULTS } from './dialogue-faults.ts';
import { INPUT_FAULTS } from './input-faults.ts';
import type { Fault } from './proof.ts';
import { SECURITY_FAULTS } from './security-faults.ts';

/**
 * Every fault that mail has to bear, and where it is shown that ours does: in a table of this folder, which runs the
 * real command, in a test of a room, or in both. `coverage.test.ts` holds this against
 * what there is.
 */
export const FAULTS: Readonly<Record<string, Fault>> = { ...DIALOGUE_FAULTS, ...SECURITY_FAULTS, ...INPUT_FAULTS };
