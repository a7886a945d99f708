import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import preact from '@preact/preset-vite';
import { type BuildOptions, defineConfig, type Plugin, type UserConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { bundled } from './relay/build/bundled.js';
import { compressAppFiles } from './relay/server/files/app-files.js';
import { PLACEHOLDER, skillFiles } from './relay/server/files/skill-files.js';
import { commonHeaders, pagePolicy } from './relay/server/http/headers.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The manifest lives at the top level; the build serves it as it is. */
const webManifest: Plugin = {
	name: 'satchel:manifest',
	generateBundle() {
		this.emitFile({
			type: 'asset',
			fileName: 'manifest.webmanifest',
			source: readFileSync(here('manifest.webmanifest')),
		});
	},
};

/** Compressed files beside the app's: after everything else, the worker that VitePWA writes at the end included. */
const compressed: Plugin = {
	name: 'satchel:compressed',
	closeBundle: {
		order: 'post',
		sequential: true,
		handler: (error?: Error) => (error ? undefined : compressAppFiles(here('dist/app'))),
	},
};

/** A cached page keeps the headers that it came with, so a change of headers must change what is precached. */
const headersRevision = createHash('sha256')
	.update(JSON.stringify([pagePolicy, commonHeaders({ baseUrl: 'https://satchel.example' })]))
	.digest('hex')
	.slice(0, 8);

/** The page and the worker, into `dist/app`. */
const app: UserConfig = {
	root: here('app'),
	build: {
		outDir: here('dist/app'),
		emptyOutDir: true,
		target: 'es2022',
		// Firefox checks modulepreload against default-src, and the CSP allows no data: URLs.
		modulePreload: false,
		assetsInlineLimit: 0,
		rolldownOptions: {
			output: {
				// Few files rather than many small ones: what every screen needs, and what all but the first one need.
				codeSplitting: {
					groups: [
						{
							name: 'base',
							test: /node_modules\/(preact|@preact|workbox)|vite\/preload-helper|\/app\/(words|state|broker|rpc|install)\.ts|\/app\/(words\/labels|parts\/(icons|screen))\./,
							priority: 1,
						},
						{ name: 'parts', test: /\/app\/(trip|parts\/(error-words|connection-card|patient)|words\/dates)\./ },
					],
				},
			},
		},
	},
	plugins: [
		preact(),
		webManifest,
		VitePWA({
			strategies: 'injectManifest',
			srcDir: '../sw',
			filename: 'sw.ts',
			manifest: false,
			injectRegister: false,
			registerType: 'prompt',
			injectManifest: {
				rollupFormat: 'iife',
				globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
				// The host serves the callback page to browsers without a worker; screenshots are for the store, and the larger icons
				// for the system, which fetches them when the app is installed.
				globIgnores: [
					'callback.*',
					'screenshots/**',
					'icons/{apple,maskable,shortcut}-*',
					'icons/icon-512.png',
					'sw.js',
				],
				manifestTransforms: [
					(entries) => ({
						manifest: entries.map((entry) =>
							entry.url.endsWith('.html') ? { ...entry, revision: `${entry.revision}-${headersRevision}` } : entry,
						),
						warnings: [],
					}),
				],
			},
		}),
		compressed,
	],
};

const relay = { relay: here('relay/server/main.ts'), keys: here('relay/server/keys/keygen/main.ts') };

/** What runs in Node, into a folder of `dist`. */
const forNode = (folder: string, build: BuildOptions): UserConfig => ({
	root: here('.'),
	publicDir: false,
	build: { outDir: here(`dist/${folder}`), emptyOutDir: true, target: 'node20', ssr: true, minify: false, ...build },
});

/** The relay, the agent, the sandbox EHR and all of it at once, beside node_modules. */
const node: UserConfig = {
	...forNode('node', {
		rolldownOptions: {
			input: {
				...relay,
				agent: here('relay/agent/cli.ts'),
				sandbox: here('test/sandbox/main.ts'),
				demo: here('test/sandbox/demo.ts'),
			},
		},
	}),
	plugins: [bundled],
};

/** The relay and `keys` with all that they import: a bare Node runs them. */
const deploy: UserConfig = {
	...forNode('deploy', {
		rolldownOptions: {
			input: relay,
			output: { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
		},
	}),
	ssr: { noExternal: true },
};

/** The instructions beside the script. Their front matter is a file of its own: formatters of Markdown know none. */
const instructions: Plugin = {
	name: 'satchel:instructions',
	generateBundle() {
		const [front, text] = ['front-matter.yaml', 'instructions.md'].map((name) =>
			readFileSync(here(`relay/agent/skill/${name}`), 'utf8'),
		);
		this.emitFile({ type: 'asset', fileName: skillFiles.instructions, source: `---\n${front}---\n\n${text}` });
	},
};

/** The agent as one file that needs nothing installed, for Node, Bun and Deno. */
const skill: UserConfig = {
	...forNode('skill', {
		ssr: here('relay/agent/cli.ts'),
		rolldownOptions: {
			output: {
				entryFileNames: skillFiles.script,
				banner: '#!/usr/bin/env node',
				codeSplitting: false,
				// Names stay, for whoever reads a stack trace.
				minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
			},
		},
	}),
	define: {
		__SATCHEL_PROGRAM__: JSON.stringify('node scripts/satchel.mjs'),
		__SATCHEL_RELAY__: JSON.stringify(PLACEHOLDER),
	},
	ssr: { noExternal: true },
	plugins: [bundled, instructions],
};

const builds: Record<string, UserConfig> = { node, skill, deploy };

export default defineConfig(({ mode }) => builds[mode] ?? app);
