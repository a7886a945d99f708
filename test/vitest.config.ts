import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { bundled } from '../relay/build/bundled.js';

export default defineConfig({
	root: fileURLToPath(new URL('..', import.meta.url)),
	plugins: [bundled],
	oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
	test: {
		include: ['test/**/*.test.{ts,tsx}'],
		environment: 'node',
		testTimeout: 30_000,
		hookTimeout: 60_000,
		// Both cores of a small machine; the default leaves one free.
		maxWorkers: 2,
	},
});
