import type { ErrorCode } from '../../sw/contract.js';

export interface ErrorWords {
	/** What happened, in a few words. */
	title: string;
	/** What it means and what helps. */
	body: string;
}

/** The words for every error code; the compiler refuses a code without words. */
export const errorWords: Record<ErrorCode, ErrorWords> = {
	offline: {
		title: 'You are offline',
		body: 'This needs the internet. Nothing was lost; try again when you are back online.',
	},
	network: {
		title: 'The server did not answer',
		body: 'It may be down, or something between here and there blocks it. Nothing was lost.',
	},
	timeout: {
		title: 'The answer took too long',
		body: 'The server is slow at the moment. Nothing was lost.',
	},
	cors: {
		title: 'This provider does not talk to browsers',
		body: 'The server is there but does not let web apps read its answers, so Satchel cannot connect to it.',
	},
	rate_limited: {
		title: 'The provider asks for a pause',
		body: 'It received many requests in a short time. Wait a few minutes.',
	},
	provider_unavailable: {
		title: 'The provider is not available right now',
		body: 'Its server reports a problem of its own. Your connection is kept.',
	},
	provider_error: {
		title: 'The provider gave an answer that makes no sense here',
		body: 'Something is unusual about its server. Trying again later may help.',
	},
	url_invalid: {
		title: 'This is not a web address',
		body: 'A FHIR base URL looks like https://fhir.example.org/r4.',
	},
	url_insecure: {
		title: 'This address is not secure',
		body: 'Health records are only read over https.',
	},
	client_id_missing: {
		title: 'A client id is needed',
		body: 'The FHIR server gave it to you when the app was registered there.',
	},
	discovery_not_found: {
		title: 'No sign-in was found at this address',
		body: 'The server does not say how patients sign in. Check the FHIR base URL.',
	},
	discovery_invalid: {
		title: 'The sign-in details of this server cannot be read',
		body: 'What it answered does not describe a sign-in. Check the FHIR base URL.',
	},
	discovery_too_large: {
		title: 'The sign-in details of this server are too large',
		body: 'The answer was far larger than it should be and was not read to its end.',
	},
	discovery_redirects: {
		title: 'This address leads in circles',
		body: 'The server passes every request on to another address. Check the FHIR base URL.',
	},
	pkce_unsupported: {
		title: 'The sign-in of this provider is not safe enough',
		body: 'It lacks a protection (PKCE) without which another program could take over your sign-in.',
	},
	state_unknown: {
		title: 'This sign-in was not started here, or is too old',
		body: 'It may have been used already. Nothing was connected by it. Start again from here.',
	},
	issuer_mismatch: {
		title: 'The answer came from another server',
		body: 'The sign-in was answered by a server other than the one you went to, so it was not used.',
	},
	access_denied: {
		title: 'Access was not given',
		body: 'The provider reports that it was declined. Nothing has changed here, and you can try again at any time.',
	},
	authorize_failed: {
		title: 'The provider could not sign you in',
		body: 'It ended the sign-in with an error. Trying again may help.',
	},
	token_response_invalid: {
		title: 'The provider’s answer cannot be read',
		body: 'It gave access in a form that Satchel cannot use. Trying again later may help.',
	},
	id_token_invalid: {
		title: 'The sign-in could not be verified',
		body: 'The provider’s statement about who signed in did not pass the checks, so it was not used.',
	},
	patient_missing: {
		title: 'The provider did not say whose records these are',
		body: 'Access was given without naming a patient. Start again and choose a patient if you are asked to.',
	},
	patient_mismatch: {
		title: 'The provider answered for another patient',
		body: 'Nothing of the other patient was kept. Sign in again as the person this connection belongs to.',
	},
	client_rejected: {
		title: 'The provider does not accept this app at the moment',
		body: 'Its registration may not have taken effect yet. Your connection is kept and tried again from time to time.',
	},
	reauthorization_required: {
		title: 'Your access has ended',
		body: 'Sign in at the provider again to go on.',
	},
	assertion_refused: {
		title: 'Satchel’s host cannot sign in at this provider',
		body: 'Whoever runs this copy of Satchel has not set it up for this provider. Your connection is kept.',
	},
	provider_unknown: {
		title: 'This provider is not in the list',
		body: 'It may have been removed from the directory. Search for it again.',
	},
	connection_unknown: {
		title: 'This connection is no longer here',
		body: 'It may have been removed in another tab.',
	},
	arrival_unknown: {
		title: 'This sign-in is over',
		body: 'It was settled in another tab, or too much time has passed. Nothing of it was kept.',
	},
	paused: {
		title: 'This browser has handed its connections over',
		body: 'They were moved into a backup, so nothing is renewed here. You can go on here instead, which makes the backup useless.',
	},
	link_incomplete: {
		title: 'The link is not complete',
		body: 'A part of it is missing. Copy the whole link from your assistant and open it again.',
	},
	link_version: {
		title: 'The link was made for another version',
		body: 'Ask your assistant for a new link, and reload this page in case it is out of date.',
	},
	link_invalid: {
		title: 'The link is damaged',
		body: 'It does not have the form of a session link. Copy it again from your assistant.',
	},
	link_key: {
		title: 'The link is not safe',
		body: 'It carries a key that protects nothing, so it was not used. Ask your assistant for a new link.',
	},
	session_not_found: {
		title: 'This session cannot be found',
		body: 'It may have ended, or the link is not the one that was made. Ask your assistant for a new link.',
	},
	session_gone: {
		title: 'This session has ended',
		body: 'A session lasts an hour at most. Nothing more can be sent to it. Ask your assistant for a new link.',
	},
	already_claimed: {
		title: 'Somebody else opened this link first',
		body: 'It is in use in another browser or by another person. Nothing was sent from here. If that was not you, ask your assistant for a new link.',
	},
	already_sent: {
		title: 'Data was already sent to this session',
		body: 'A session takes one delivery. To send something else, ask your assistant for a new link.',
	},
	request_invalid: {
		title: 'The request cannot be read',
		body: 'What the assistant wrote into the session is damaged or was made for another link. Ask for a new link.',
	},
	nothing_selected: {
		title: 'Nothing is selected',
		body: 'Choose at least one connection.',
	},
	too_large: {
		title: 'This is more than the session takes',
		body: 'The records are larger than the assistant can receive. Send fewer connections at once.',
	},
	delivery_unknown: {
		title: 'It is not certain that your records arrived',
		body: 'The connection broke off at the last step and the session has ended since. Ask your assistant whether it has them; if not, ask it for a new link.',
	},
	relay_unavailable: {
		title: 'Satchel’s own server cannot do this now',
		body: 'Nothing was lost. What needs it goes on by itself once it can.',
	},
	relay_error: {
		title: 'The delivery service has a problem',
		body: 'It could not take the data. Nothing was lost; sending goes on where it stopped.',
	},
	nothing_read: {
		title: 'No record could be read',
		body: 'Every request to this provider failed. This does not mean that there are no records.',
	},
	job_unknown: {
		title: 'This work is no longer here',
		body: 'It was cancelled or cleaned up. You can start it again.',
	},
	copy_gone: {
		title: 'The copy on this device is gone',
		body: 'It was deleted meanwhile. Cancel, and choose “Fetch now” instead.',
	},
	storage_full: {
		title: 'This device has no room left',
		body: 'The browser can store nothing more. Free some space, then try again.',
	},
	storage_failed: {
		title: 'The browser’s storage does not work',
		body: 'A private window or a setting may prevent storing. Closing other Satchel tabs and reloading can help.',
	},
	vault_lost: {
		title: 'The stored connections can no longer be opened',
		body: 'The key to them is gone from this browser. Clear all connections and connect again.',
	},
	locked: {
		title: 'Satchel is locked',
		body: 'Unlock it with your passkey. Nothing is read or renewed until then.',
	},
	unlock_failed: {
		title: 'This passkey does not open Satchel',
		body: 'Use the passkey that the lock was set up with.',
	},
	busy: {
		title: 'Something else is under way',
		body: 'Wait until it is done, or cancel it. Then try again.',
	},
	passkey_unsupported: {
		title: 'This browser cannot lock Satchel',
		body: 'It needs a passkey that can make a key (the PRF extension). This browser, or this passkey, does not offer it.',
	},
	passkey_cancelled: {
		title: 'The passkey was not used',
		body: 'The request was cancelled or took too long. Nothing has changed.',
	},
	backup_invalid: {
		title: 'This is not a backup of Satchel',
		body: 'The file is another kind of file, or it is damaged. Nothing was changed.',
	},
	backup_version: {
		title: 'This backup was made by a newer Satchel',
		body: 'Reload this page to update Satchel, then restore it again. Nothing was changed.',
	},
	backup_passphrase: {
		title: 'The backup does not open with this passphrase',
		body: 'Check capitals and spaces. If it is certainly right, the file is damaged. Nothing was changed.',
	},
	unknown_command: {
		title: 'This page is out of date',
		body: 'Satchel was updated while it was open.',
	},
	version_mismatch: {
		title: 'This page is out of date',
		body: 'Satchel was updated while it was open.',
	},
	worker_missing: {
		title: 'Satchel cannot start in this browser',
		body: 'It needs a service worker, which private windows and some settings switch off. Try a normal window or a current browser.',
	},
	worker_silent: {
		title: 'Satchel does not answer',
		body: 'Its part in the background did not reply in time. Reloading the page usually helps.',
	},
	internal: {
		title: 'Something went wrong',
		body: 'This is a fault of Satchel. Nothing was sent that you did not choose.',
	},
};
