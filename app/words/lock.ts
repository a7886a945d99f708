/** The lock: its section of the settings, and the screen of a locked wallet. */
export const lock = {
	title: 'Lock',
	offBody:
		'Anybody who can use this browser can see your connections here and use them. With a lock, Satchel opens only with a passkey: your fingerprint, your face, or the PIN of this device.',
	does: [
		'Once locked, what Satchel keeps in this browser cannot be read without the passkey.',
		'It stays open while a Satchel tab is open, and locks when you press “Lock now” or close the last tab. After a reload it may ask again.',
		'While it is locked, nothing is renewed in the background. A connection can run out then, and you would sign in at that provider again.',
		'If the passkey is lost, nobody can open Satchel. You would clear it and sign in at each provider again; nothing is lost at the providers.',
	],
	doesNot: 'It does not protect against a program that watches this browser while Satchel is open.',
	turnOn: 'Lock with a passkey',
	turningOn: 'Waiting for the passkey…',
	/** Once the passkey was used, and with many records for longer than a moment. */
	doing: { on: 'Sealing what is stored here…', off: 'Turning the lock off…', now: 'Locking…' },
	unsupported:
		'This browser cannot do that: its passkeys cannot make the key that a lock needs (the PRF extension). The lock of the device itself, and a browser profile of your own, protect you here.',
	onBody: 'Satchel opens with your passkey only. Nothing is renewed in the background while it is locked.',
	isOn: 'The lock is on.',
	isOff: 'The lock is off.',
	now: 'Lock now',
	turnOff: 'Turn off the lock',
	turnOffTitle: 'Turn off the lock?',
	turnOffBody:
		'Satchel will open without the passkey in this browser. The passkey itself stays where it is; you can delete it in the settings of your device.',
	turnOffYes: 'Turn off',

	lockedTitle: 'Satchel is locked',
	lockedLead: 'Your connections are in this browser, sealed. They open with the passkey that the lock was set up with.',
	paused: 'While it is locked, nothing is renewed in the background.',
	unlock: 'Unlock',
	unlocking: 'Waiting for the passkey…',
	opening: 'Opening…',
	cannot: 'I cannot unlock',
	cannotBody:
		'Nobody can open what is here without the passkey. If it is on another device, such as a phone or a security key, press “Unlock” and choose that device.',
	cannotClear:
		'If the passkey is gone, clear Satchel and sign in at each provider again. Your records stay at the providers; only the connections here are deleted. Satchel cannot tell the providers, because it cannot read the connections: their access ends by itself, or you end it at the provider.',
	clear: 'Clear All Connections',
	clearing: 'Clearing everything…',
	clearTitle: 'Clear everything?',
	clearBody:
		'This deletes everything that Satchel keeps in this browser. It cannot be undone, and it does not end the access at your providers.',
};
