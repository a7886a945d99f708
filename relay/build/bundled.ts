/**
 * A plugin of Vite, for builds and tests: `import … from './x.js?bundled'` is the text of x.ts with all that it imports, as one
 * ES module. So a thread can be started from a text in any build, the one of a single file included, and from sources too.
 */
import { dirname, resolve } from 'node:path';
import { build, type Plugin, type Rolldown } from 'vite';

const SUFFIX = '?bundled';

export const bundled: Plugin = {
	name: 'satchel:bundled',
	resolveId(id, importer) {
		if (!id.endsWith(SUFFIX) || !importer) return null;
		return resolve(dirname(importer), id.replace(`.js${SUFFIX}`, `.ts${SUFFIX}`));
	},
	async load(id) {
		if (!id.endsWith(SUFFIX)) return null;
		const { output } = (await build({
			configFile: false,
			logLevel: 'error',
			publicDir: false,
			ssr: { noExternal: true },
			build: {
				ssr: id.slice(0, -SUFFIX.length),
				write: false,
				target: 'node20',
				rolldownOptions: {
					output: {
						codeSplitting: false,
						minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
					},
				},
			},
		})) as Rolldown.RolldownOutput;
		const [chunk] = output;
		for (const file of chunk.moduleIds) this.addWatchFile(file);
		return { code: `export default ${JSON.stringify(chunk.code)};`, moduleType: 'js' };
	},
};
