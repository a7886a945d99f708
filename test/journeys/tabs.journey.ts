import { card, confirm, expectSent, include, send } from './person.js';
import { connect, expect, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

test('two tabs show the same connections, whichever of them made or removed one', async ({ context }) => {
	const [one, two] = [await context.newPage(), await context.newPage()];
	await two.goto('/connections');
	await expect(two.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
	await connect(one, { provider: 'Harbor', username: 'camila' });
	await expect(card(two, HARBOR)).toContainText('Camila María Ibáñez');
	await card(two, HARBOR).getByRole('button', { name: 'Remove' }).click();
	await confirm(two, 'Remove');
	await expect(one.getByRole('heading', { name: 'No connections yet' })).toBeVisible();
});

test('"Refresh Now" in two tabs at once is one refresh at the provider', async ({ context, stack }) => {
	const [one, two] = [await context.newPage(), await context.newPage()];
	await connect(one, { provider: 'Harbor', username: 'camila' });
	await two.goto('/connections');
	await expect(card(two, HARBOR)).toContainText('Active');
	stack.sandbox.faults.add({ match: { endpoint: 'token' }, action: { delayMs: 700 } });
	const { refreshes } = stack.sandbox.faults.counts('harbor');
	await Promise.all(
		[one, two].map((page) =>
			card(page, HARBOR)
				.getByRole('button', { name: 'Refresh Now' })
				.evaluate((button: HTMLButtonElement) => button.click()),
		),
	);
	for (const page of [one, two]) await expect(card(page, HARBOR)).toContainText('Checking…');
	for (const page of [one, two]) await expect(card(page, HARBOR)).toContainText('Active');
	expect(stack.sandbox.faults.counts('harbor').refreshes).toBe(refreshes + 1);
	expect(stack.sandbox.faults.counts('harbor').replays).toBe(0);
});

test('a send is seen in both tabs, reads every page once, and outlives the tab that started it', async ({
	context,
	stack,
	agent,
}) => {
	const one = await context.newPage();
	await connect(one, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await one.goto((await asking.link()).url);
	await include(one, HARBOR).check();
	const two = await context.newPage();
	await two.goto(one.url());
	await expect(include(two, HARBOR)).toBeChecked();
	// Each tab asks for counts once, and no more.
	for (const page of [one, two]) await expect(page.getByText(/by counts that the provider gave/)).toBeVisible();
	const counted = stack.sandbox.faults.counts('harbor').types.Immunization ?? 0;
	stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { delayMs: 50 } });
	await send(one);
	await two.reload();
	for (const page of [one, two]) {
		await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
		await expect(page.getByRole('region', { name: HARBOR })).toContainText('Prescriptions');
	}
	await one.close();
	await expectSent(two);
	expect(await asking.exitCode()).toBe(0);
	const { types } = stack.sandbox.faults.counts('harbor');
	expect(types.Immunization).toBe(counted + 1);
});
