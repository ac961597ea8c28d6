/** The build puts the version of package.json here. */
declare const __VERSION__: string | undefined;

/** What `--version` prints; `source` where the program runs from its sources. */
export const VERSION: string = typeof __VERSION__ === 'string' ? __VERSION__ : 'source';
