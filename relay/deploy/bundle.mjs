/** The relay and `keys` with all they import, into `dist/deploy`: they run on a bare Node, without node_modules. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

await build({
	configFile: false,
	root: here('.'),
	publicDir: false,
	ssr: { noExternal: true },
	build: {
		outDir: here('dist/deploy'),
		emptyOutDir: true,
		target: 'node20',
		ssr: true,
		minify: false,
		rolldownOptions: {
			input: { relay: here('relay/server/main.ts'), keys: here('relay/server/keys/keygen/main.ts') },
			output: { entryFileNames: '[name].mjs', chunkFileNames: 'chunks/[name]-[hash].mjs' },
		},
	},
});
