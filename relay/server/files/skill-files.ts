/** What the build of the skill and the relay that serves it must agree on. */

/** Stands in the built files for the relay's address. No host can have this name (RFC 2606, section 2). */
export const PLACEHOLDER = 'https://relay.invalid';

/** Below `SKILL_DIR`. */
export const skillFiles = { instructions: 'SKILL.md', script: 'satchel.mjs' } as const;
