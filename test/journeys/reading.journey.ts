/** FHIR servers that answer badly: what was not read is told to the person and to the agent, and never looks like nothing. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expectSent, include, send } from './person.js';
import { expectEqual } from './records.js';
import { type Agent, connect, expect, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

interface DoneSource {
	resources: number;
	failed: { query: string; status: string; reason?: string }[];
}

async function firstSource(asking: Agent): Promise<DoneSource> {
	const { sources } = await asking.event('done');
	return (sources as DoneSource[])[0]!;
}

async function choose(page: Page, asking: Agent, provider = HARBOR): Promise<void> {
	await page.goto((await asking.link()).url);
	await include(page, provider).check();
}

test('one of many queries that answers 500 is told to the person and to the agent', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Condition' }, action: { status: 500 } });
	await send(page);
	await expectSent(page);
	await expect(page.getByText('Conditions and diagnoses could not be read')).toBeVisible();
	await expect(page.getByText('the provider’s system had an error')).toBeVisible();
	const { failed, resources } = await firstSource(asking);
	expect(resources).toBeGreaterThan(100);
	expect(failed).not.toEqual([]);
	for (const one of failed) expect(one).toMatchObject({ query: /^Condition/, status: 'failed', reason: 'http_500' });
	expect(await asking.exitCode()).toBe(0);
	const outcomes = (await asking.lines()).filter((line) => line.startsWith('{"resourceType":"OperationOutcome"'));
	expect(outcomes.length).toBe(failed.length);
});

test('kinds that a provider refuses are told as not given out, and everything else arrives', async ({
	page,
	agent,
}) => {
	await connect(page, { provider: 'Lakeside', username: 'camila' });
	const asking = await agent();
	await choose(page, asking, 'Lakeside Health');
	await send(page);
	await expectSent(page);
	const insurance = page.getByRole('listitem').filter({ hasText: 'Insurance could not be read' });
	await expect(insurance).toContainText(
		/: the (provider does not give this out|access that you gave does not include it)/,
	);
	const { failed } = await firstSource(asking);
	expect(failed.some(({ query, status }) => query.startsWith('Coverage') && status === 'refused')).toBe(true);
	expect(await asking.exitCode()).toBe(0);
});

test('a source of which nothing can be read is a failure, never an empty record, and can be tried again', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { status: 500 } });
	await send(page);
	await expect(page.getByRole('heading', { name: 'No record could be read' })).toBeVisible({ timeout: 30_000 });
	await expect(page.getByRole('alert')).toContainText('This does not mean that there are no records.');
	expect(asking.events.map(({ event }) => event)).not.toContain('done');
	stack.sandbox.faults.reset();
	await page.getByRole('button', { name: 'Try again' }).click();
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('one provider that gives nothing does not keep the others back, and what is missing is said first', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	await connect(page, { provider: 'Summit', username: 'linnea' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, 'Harbor Medical Group').check();
	await include(page, 'Summit Regional').check();
	stack.sandbox.faults.add({ system: 'summit', match: { endpoint: 'fhir' }, action: { status: 403 } });
	stack.sandbox.faults.add({
		system: 'harbor',
		match: { endpoint: 'fhir', type: 'AllergyIntolerance' },
		action: { status: 403 },
	});
	await send(page);
	await expect(page.getByRole('heading', { name: 'Summit Regional could not be read' })).toBeVisible({
		timeout: 30_000,
	});
	await page.getByRole('button', { name: 'Send without Summit Regional' }).click();
	await expectSent(page);
	const missing = page.getByRole('region', { name: 'Not everything could be read' });
	await expect(missing).toContainText('Summit Regional was left out');
	await expect(missing).toContainText('Allergies');
	await asking.event('done');
	const records = [...stack.sandbox.resources('harbor', 'camila')].filter(({ type }) => type === 'Condition');
	expect((await asking.lines()).filter((line) => JSON.parse(line).resourceType === 'Condition')).toHaveLength(
		records.length,
	);
});

test('a sending under way is shown on every other screen, with the way back', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	const hang = stack.sandbox.faults.add({ match: { endpoint: 'fhir', type: 'Condition' }, action: { hang: true } });
	await send(page);
	await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
	const back = page.getByRole('link', { name: 'Show how it goes' });
	await expect(back).toBeHidden();
	for (const path of ['/', '/connections']) {
		await page.goto(path);
		await expect(back).toBeVisible();
	}
	await back.click();
	await expect(page.getByRole('heading', { name: 'Sending your records' })).toBeVisible();
	hang();
	await page.getByRole('button', { name: 'Cancel' }).click();
	await expect(page.getByRole('heading', { name: 'Sending was cancelled' })).toBeVisible();
});

test('a next link to another origin is not followed, never gets the token, and is told', async ({
	page,
	stack,
	agent,
}) => {
	const visits: IncomingMessage[] = [];
	const thief = createServer((request, response) => {
		visits.push(request);
		response.writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }).end('{}');
	});
	await new Promise<void>((resolve) => thief.listen(0, 'localhost', resolve));
	const nextOrigin = `http://localhost:${(thief.address() as AddressInfo).port}`;
	await connect(page, { provider: 'Northgate', username: 'camila' });
	const asking = await agent();
	await choose(page, asking, 'Northgate Specialty Care');
	stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { nextOrigin } });
	await send(page);
	await expectSent(page);
	const { failed } = await firstSource(asking);
	expect(failed.some(({ reason }) => reason === 'next_other_origin')).toBe(true);
	await expect(page.getByText(/^Some .* could not be read$/).first()).toBeVisible();
	expect(visits.map(({ method, url, headers }) => ({ method, url, authorization: headers.authorization }))).toEqual([]);
	await new Promise((resolve) => thief.close(resolve));
});

test('a resource of somebody else is set aside, and that is told', async ({ page, stack, agent }) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	stack.sandbox.faults.add({
		match: { endpoint: 'fhir', type: 'Procedure' },
		action: { foreignPatient: true },
	});
	await send(page);
	await expectSent(page);
	const { failed } = await firstSource(asking);
	expect(failed).toMatchObject([{ query: /^Procedure/, reason: 'other_patient' }]);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
});

test('a busy server, a lost answer and an access token that has ended cost time, and no records', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	const busy = { status: 429, headers: { 'Retry-After': '1' } };
	stack.sandbox.faults.add(
		{ match: { endpoint: 'fhir', type: 'Observation', times: 2 }, action: busy },
		{ match: { endpoint: 'fhir', type: 'Encounter', times: 1 }, action: { reset: true } },
	);
	stack.sandbox.faults.expire('harbor', 'access');
	const { refreshes } = stack.sandbox.faults.counts('harbor');
	await send(page);
	await expectSent(page);
	await asking.event('done');
	expect((await firstSource(asking)).failed).toEqual([]);
	expectEqual(await asking.lines(), stack, [['harbor', 'camila']]);
	expect(stack.sandbox.faults.counts('harbor').refreshes).toBe(refreshes + 1);
});

test('a connection that ends before a send stops it with what helps, and nothing is sent', async ({
	page,
	stack,
	agent,
}) => {
	await connect(page, { provider: 'Harbor', username: 'camila' });
	const asking = await agent();
	await choose(page, asking);
	stack.sandbox.faults.expire('harbor');
	await send(page);
	await expect(page.getByRole('heading', { name: 'Your access has ended' })).toBeVisible();
	expect(asking.events.map(({ event }) => event)).not.toContain('done');
});
