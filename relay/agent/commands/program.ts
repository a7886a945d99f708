/** How this program is called: what help and messages tell people to type. */

declare const __SATCHEL_PROGRAM__: string | undefined;
declare const __SATCHEL_RELAY__: string | undefined;

/** A build that is called otherwise (the skill's script) defines `__SATCHEL_PROGRAM__` as its own name. */
export const PROGRAM = typeof __SATCHEL_PROGRAM__ === 'string' ? __SATCHEL_PROGRAM__ : 'npm run --silent agent --';

/** The relay that is asked where none is named; the skill's script has the one that it comes from. */
export const RELAY = typeof __SATCHEL_RELAY__ === 'string' ? __SATCHEL_RELAY__ : undefined;
