/** The build puts the version of package.json here. */
declare const __VERSION__: string | undefined;

/** The build puts a digest of what reads the configuration here. */
declare const __CONFIG_READER__: string | undefined;

/** Undefined where the program runs from its sources, which change. */
export const CONFIG_READER = typeof __CONFIG_READER__ === 'string' ? __CONFIG_READER__ : undefined;

/** What `--version` prints; `source` where the program runs from its sources. */
export const VERSION: string = typeof __VERSION__ === 'string' ? __VERSION__ : 'source';
