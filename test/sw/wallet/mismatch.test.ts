/** A refresh that answers with access to somebody else's record. */
import { expect, test } from 'vitest';
import { codeOf, json } from '../setup.js';
import { load, provider, signIn } from './provider.js';

test('access to another patient’s record, and what led to it, is ended at the provider, as nothing of it is kept', async () => {
	const worker = await load();
	const { state, revoked } = provider();
	const made = await signIn(worker);
	const theirs = { access_token: 'at-theirs', refresh_token: 'rt-theirs', token_type: 'Bearer', patient: 'somebody' };
	state.odd = (_request, form) => (form.get('grant_type') === 'refresh_token' ? json(theirs) : undefined);
	expect(await codeOf(worker.freshConnection(made?.id ?? '', { rejected: 'at-1' }))).toBe('patient_mismatch');
	expect(revoked.map(({ token }) => token).sort()).toEqual(['rt-1', 'rt-theirs']);
	expect(await worker.listConnections()).toMatchObject([{ status: 'expired', accessToken: '', refreshToken: null }]);
	await worker.removeConnection(made?.id ?? '');
	expect(revoked).toHaveLength(2);
});
