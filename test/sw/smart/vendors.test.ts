import { expect, test } from 'vitest';
import { processAuthorizationCodeResponse } from '../../../sw/smart/token.js';
import { vendorAuth } from '../../../sw/smart/vendors.js';
import { codeOf, json } from '../setup.js';
import { registration } from './support.js';

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
const judge = (accessToken: string, vendor: string, more: object = {}) =>
	processAuthorizationCodeResponse(
		registration(),
		json({ access_token: accessToken, token_type: 'Bearer', ...more }),
		'n',
		vendorAuth(vendor),
	);

test('where a vendor names the patient in the access token only, it is read there', async () => {
	expect((await judge(jwt({ patient: 'p7' }), 'veradigm')).patient).toBe('p7');
	// The answer itself comes first.
	expect((await judge(jwt({ patient: 'p7' }), 'veradigm', { patient: 'p1' })).patient).toBe('p1');
});

test.each([jwt({}), jwt({ patient: 7 }), jwt({ patient: 'x'.repeat(201) }), 'opaque'])(
	'an access token that names nobody is no patient: %.40s',
	async (accessToken) => {
		expect(await codeOf(judge(accessToken, 'veradigm'))).toBe('patient_missing');
	},
);

test('nobody else’s access token is looked into', async () => {
	for (const vendor of ['epic', 'oracle', 'nobody', '__proto__'])
		expect(await codeOf(judge(jwt({ patient: 'p7' }), vendor))).toBe('patient_missing');
});
