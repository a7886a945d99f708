import { card, clearIt, confirm, connectInSession, expectSent, include, keepCopy, keepIt, send } from './person.js';
import { expectEqual } from './records.js';
import { rowKinds } from './store.js';
import { connect, expect, signIn, test } from './support.js';

const HARBOR = 'Harbor Medical Group';
const SUMMIT = 'Summit Regional';

test('a card shows provider, patient, birth date, when it was connected, its status and its end', async ({ page }) => {
	await connect(page, { provider: 'Harbor', username: 'camila', duration: '90 days' });
	const harbor = card(page, HARBOR);
	await expect(harbor).toContainText('Camila María Ibáñez');
	await expect(harbor).toContainText('Born Sep 12, 1987');
	await expect(harbor).toContainText('Connected just now');
	await expect(harbor).toContainText('Last refreshed just now');
	await expect(harbor).toContainText('Active');
	await expect(harbor).toContainText(/Expires .* \((89|90) days left\)/);
	await expect(page.getByText('Connections are stored in this browser only.')).toBeVisible();
});

test('"Refresh Now" asks the provider once, and moves "Last refreshed"', async ({ page, context, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const later = 10 * 60_000;
	await page.clock.setFixedTime(Date.now() + later);
	await page.reload();
	const harbor = card(page, HARBOR);
	await expect(harbor).toContainText('Last refreshed 10 minutes ago');
	const [worker] = context.serviceWorkers();
	await worker!.evaluate((ahead) => {
		const real = Date.now;
		Date.now = () => real() + ahead;
	}, later);
	const before = stack.sandbox.faults.counts('harbor').refreshes;
	await harbor.getByRole('button', { name: 'Refresh Now' }).click();
	await expect(harbor).toContainText('Last refreshed just now');
	await expect(harbor).toContainText('Connected 10 minutes ago');
	await expect(harbor).toContainText('Active');
	expect(stack.sandbox.faults.counts('harbor').refreshes).toBe(before + 1);
});

test('"Remove" asks first, then ends access at the provider and deletes the card', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await keepCopy(page, HARBOR);
	await page.goto('/connections');
	await card(page, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await expect(page.getByRole('dialog', { name: `Remove ${HARBOR}?` })).toBeVisible();
	await confirm(page, 'Cancel');
	await expect(card(page, HARBOR)).toBeVisible();
	expect(stack.sandbox.faults.counts('harbor').requests.revoke).toBeUndefined();
	await card(page, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await confirm(page, 'Remove');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	expect(stack.sandbox.faults.counts('harbor').requests.revoke).toBe(1);
	const left = await rowKinds(page);
	expect(['connection', 'copy', 'part', 'index', 'history'].filter((kind) => left.includes(kind))).toEqual([]);
	await page.reload();
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
});

test('"Remove" deletes even where the provider does not take the revocation', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	stack.sandbox.faults.add({ match: { endpoint: 'revoke' }, action: { status: 500 } });
	await card(page, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await confirm(page, 'Remove');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
});

test('"Clear All Connections" asks first, ends access everywhere and leaves an empty page', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Cancel');
	await expect(card(page, /./)).toHaveCount(2);
	await page.getByRole('button', { name: 'Clear All Connections' }).click();
	await confirm(page, 'Clear All Connections');
	await expect(page.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	for (const system of ['harbor', 'summit']) {
		expect(stack.sandbox.faults.counts(system).requests.revoke).toBe(1);
	}
	// What comes after a wiped store works as on the first day.
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await expect(card(page, /./)).toHaveCount(1);
});

test('an expired connection is re-authorized in place, one click from the right sign-in', async ({ page, stack }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'camila' });
	const heading = card(page, HARBOR).getByRole('heading');
	const id = await heading.getAttribute('id');
	stack.sandbox.faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await expect(card(page, SUMMIT)).toContainText('Active');
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await expect(page).toHaveTitle(/Harbor/);
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expect(page.getByText(`${HARBOR} is authorized again.`)).toBeVisible();
	await expect(card(page, HARBOR)).toContainText('Active');
	await expect(card(page, /./)).toHaveCount(2);
	await expect(card(page, /./).first().getByRole('heading')).toHaveAttribute('id', String(id));
});

test('an expired connection in a session is repaired from there, and the choice is still there', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	stack.sandbox.faults.expire('harbor');
	await card(page, HARBOR).getByRole('button', { name: 'Refresh Now' }).click();
	await expect(card(page, HARBOR)).toContainText('Connection expired');
	await page.goto((await (await agent()).link()).url);
	await expect(include(page, HARBOR)).toBeDisabled();
	await include(page, SUMMIT).check();
	await card(page, HARBOR).getByRole('button', { name: 'Re-authorize' }).click();
	await signIn(page, 'camila');
	await page.waitForURL(/\/connect\/[\w-]{22}$/);
	await expect(include(page, HARBOR)).toBeEnabled();
	await expect(include(page, SUMMIT)).toBeChecked();
});

test('"Clear everything after sending" removes what was made for the session and leaves what was kept', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Summit', username: 'linnea' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await connectInSession(page, { provider: 'Harbor', username: 'camila' });
	await clearIt(page);
	await send(page);
	await expectSent(page);
	await expect(page.getByText('The new connection was cleared from this browser.')).toBeVisible();
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
	expect(stack.sandbox.faults.counts('harbor').requests.revoke).toBe(1);
	expect(stack.sandbox.faults.counts('summit').requests.revoke).toBeUndefined();
	await page.getByRole('link', { name: 'Your connections' }).click();
	await expect(card(page, SUMMIT)).toBeVisible();
	await expect(card(page, /./)).toHaveCount(1);
});

test('"Keep this connection for later" keeps it, and nothing is sent before that question is answered', async ({
	page,
	stack,
	agent,
}) => {
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await connectInSession(page, { provider: 'Harbor', username: 'camila' });
	const button = page.getByRole('button', { name: 'Send Selected to AI' });
	await expect(button).toBeDisabled();
	await button.click({ force: true });
	await expect(page.getByText('Say what should happen after sending.')).toBeVisible();
	await keepIt(page);
	await send(page);
	await expectSent(page);
	await expect(page.getByText('The new connection is kept in this browser for later.')).toBeVisible();
	expect(stack.sandbox.faults.counts('harbor').requests.revoke).toBeUndefined();
	await page.goto((await (await agent()).link()).url);
	await expect(include(page, HARBOR)).not.toBeChecked();
});

test('a FHIR server and a client id typed in by hand connect as well', async ({ page, stack }) => {
	const harbor = stack.sandbox.systems.find(({ id }) => id === 'harbor')!;
	await page.goto('/connections/select');
	await page.getByText('Use another FHIR server').click();
	await page.getByLabel('FHIR base URL').fill(`${harbor.fhirBaseUrl}/`);
	await page.getByLabel('Client ID').fill(harbor.clientId);
	await page.getByRole('button', { name: 'Continue', exact: true }).click();
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await signIn(page, 'camila');
	await page.waitForURL('**/connections');
	await expect(card(page, new URL(harbor.fhirBaseUrl).host)).toContainText('Camila María Ibáñez');
});
