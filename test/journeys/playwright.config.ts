import { defineConfig } from '@playwright/test';
// @ts-expect-error a script without types, shared with the README's commands
import { CHROMIUM_ARGS, chromium } from '../tools/chromium.mjs';

const executablePath: string | undefined = chromium();

export default defineConfig({
	testDir: '.',
	testMatch: '*.journey.ts',
	outputDir: '../../test-results',
	timeout: 120_000,
	expect: { timeout: 15_000 },
	workers: 2,
	fullyParallel: true,
	retries: 0,
	reporter: [['list']],
	use: {
		browserName: 'chromium',
		headless: true,
		viewport: { width: 390, height: 844 },
		acceptDownloads: true,
		launchOptions: { args: CHROMIUM_ARGS, ...(executablePath ? { executablePath } : {}) },
		trace: 'off',
		screenshot: 'only-on-failure',
	},
});
