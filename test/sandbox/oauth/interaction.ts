/** Sign-in and consent: two pages of one interaction, so no session outlives it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { readForm, redirect, sendHtml } from '../http.js';
import { consentPage, errorPage, loginPage } from '../pages.js';
import type { SystemProfile } from '../profile.js';
import type { Login } from './server.js';
import type { Storage } from './storage.js';

export const PASSWORD = 'sandbox';

interface InteractionOptions {
	provider: Provider;
	profile: SystemProfile;
	/** The issuer's path. */
	base: string;
	logins: Login[];
	storage: Storage;
}

type Handler = (req: IncomingMessage, res: ServerResponse, path: string) => Promise<void>;

export function createInteractions({ provider, profile, base, logins, storage }: InteractionOptions): Handler {
	/** Who has signed in, by interaction. */
	const signedIn = new Map<string, Login>();

	async function allow(req: IncomingMessage, res: ServerResponse, uid: string, login: Login, duration: string | null) {
		const { params } = await provider.interactionDetails(req, res);
		const chosen = profile.auth.durations.find(({ seconds }) => String(seconds) === duration);
		if (!chosen) {
			sendHtml(res, 400, errorPage(profile.name, 'invalid_request', 'Choose how long access may last.'));
			return;
		}
		const grant = new provider.Grant({ accountId: login.username, clientId: String(params.client_id) });
		grant.addOIDCScope(String(params.scope ?? ''));
		const grantId = await grant.save();
		storage.grants.set(grantId, {
			username: login.username,
			durationSeconds: chosen.seconds,
			endsAt: chosen.seconds === 0 ? null : Math.floor(Date.now() / 1000) + chosen.seconds,
		});
		signedIn.delete(uid);
		await provider.interactionFinished(
			req,
			res,
			{ login: { accountId: login.username, remember: false }, consent: { grantId } },
			{ mergeWithLastSubmission: false },
		);
	}

	return async (req, res, path) => {
		const [, , uid = '', step] = path.split('/');
		const details = await provider.interactionDetails(req, res).catch(() => null);
		if (!details || details.uid !== uid) {
			sendHtml(
				res,
				400,
				errorPage(profile.name, 'session_not_found', 'This sign-in has ended. Start again from the app.'),
			);
			return;
		}
		const here = `${base}/interaction/${uid}`;
		const login = signedIn.get(uid);
		const form = req.method === 'POST' ? await readForm(req) : null;

		if (form && step === 'login') {
			const username = (form.get('username') ?? '').trim().toLowerCase();
			const found = logins.find((candidate) => candidate.username === username);
			if (!found || form.get('password') !== PASSWORD) {
				sendHtml(res, 401, loginPage(profile.name, here, logins, 'That user name and password do not match.'));
				return;
			}
			signedIn.set(uid, found);
			redirect(res, 303, here);
		} else if (form && step === 'consent' && login) {
			if (form.get('decision') === 'allow') return allow(req, res, uid, login, form.get('duration'));
			signedIn.delete(uid);
			await provider.interactionFinished(req, res, {
				error: 'access_denied',
				error_description: 'the patient said no',
			});
		} else if (!form && !step) {
			const { durations, refresh, client } = profile.auth;
			const lasts = refresh !== 'none' || client.method === 'device-key';
			const scope = String(details.params.scope ?? '').split(' ');
			const offered = lasts ? durations : durations.slice(0, 1);
			const page = login ? consentPage(profile.name, here, login.name, scope, offered) : null;
			sendHtml(res, 200, page ?? loginPage(profile.name, here, logins));
		} else {
			sendHtml(res, 404, errorPage(profile.name, 'not_found', 'There is no such page.'));
		}
	};
}
