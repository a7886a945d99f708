/** Moving to another browser: its section of the settings. */
import { SHORTEST } from '../passphrase.js';

export const backup = {
	title: 'Move to another browser',
	lead: 'A backup is one encrypted file with your connections. Restore it in another browser, and most of them go on there without signing in.',
	points: [
		'It is a move, not a copy: once the file is made, this browser renews nothing any more. A provider that saw the same access used in two places would end it.',
		'Only the passphrase opens the file. Nobody can reset it.',
		'What you sent, copies of records, the activity log and the settings stay here.',
	],
	bound: (names: string) =>
		`To be signed in to again in the other browser, because access ended or the key stays on this device: ${names}.`,
	none: 'There is no connection to move yet.',
	working: 'Records are being read, sent or collected. Wait until that is done.',
	start: 'Make a backup',
	passphrase: 'Passphrase',
	again: 'The same once more',
	hint: `At least ${SHORTEST} characters. Several unrelated words are easy to remember and hard to guess.`,
	strength: {
		short: `Too short: at least ${SHORTEST} characters.`,
		simple: 'Too simple: too few different characters.',
		fair: 'Fair. Longer is harder to guess.',
		good: 'Good.',
	},
	differ: 'The two are not the same.',
	make: 'Make the file and hand over',
	key: 'Making a key from the passphrase. This takes a few seconds on purpose.',
	sealing: 'Making the file…',
	madeTitle: 'The backup is in your downloads',
	made: 'From now on nothing is renewed in this browser. What to do next:',
	steps: [
		'Take the file to the other browser: open Satchel there, go to Settings, and restore it.',
		'When your connections work there, come back and choose “Forget here”.',
		'If the file is not in your downloads, choose “Go on here” and make another one.',
	],
	handedOver:
		'The connections here were moved into a backup. At the top of this page you can go on here, or forget them here.',
	restoreTitle: 'Restore a backup',
	restoreLead: 'Connections that work here already stay as they are.',
	file: 'Backup file',
	fileHint: 'Its name is like satchel-backup-2026-01-31.jwe.',
	from: (date: string) => `Made on ${date}. Nothing changes before you press “Restore”.`,
	opening: 'Opening…',
	restore: 'Restore',
	restored: 'The backup was restored.',
	nothing: 'There was no connection in it.',
	moved: 'In the file',
	here: 'Here now',
	reauthorize: 'To be re-authorized',
	toConnections: 'Your connections',
	old: 'Do not use the file again, and delete it: it was good for one move.',
};
