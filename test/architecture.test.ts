import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

function files(folder: string, ending: RegExp): string[] {
	return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
		.map((name) => join(folder, name))
		.filter((path) => ending.test(path) && statSync(join(root, path)).isFile());
}

/** Every relative import of a file, as a path from the root. */
function imports(file: string): string[] {
	const source = readFileSync(join(root, file), 'utf8');
	return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path]) =>
		relative(root, join(root, dirname(file), path ?? '')),
	);
}

/** The same without those that are gone when it runs, and with what those import in turn. */
function reached(files: readonly string[]): Set<string> {
	const found = new Set<string>();
	const open = [...files];
	for (const file of open) {
		const source = readFileSync(join(root, file), 'utf8')
			.replace(/\/\*\*[\s\S]*?\*\//g, '')
			.replace(/^(?:import|export) type [^;]*;/gm, '');
		for (const [, path] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^'?]+)(?:\?bundled)?'/g)) {
			const next = relative(root, join(root, dirname(file), path ?? '')).replace(/\.js$/, '.ts');
			if (next.endsWith('.ts') && !found.has(next)) {
				found.add(next);
				open.push(next);
			}
		}
	}
	return found;
}

/** What each zone may import beyond itself: page 1 of the architecture. */
const zones: Record<string, (path: string) => boolean> = {
	app: (path) => path === 'sw/contract.js',
	sw: (path) => ['relay/contract.js', 'relay/envelope.js', 'relay/link.js', 'relay/report.js'].includes(path),
	// The agent tells its version.
	relay: (path) => path === 'package.json',
};

describe('the zones are trust zones', () => {
	for (const [zone, allowed] of Object.entries(zones)) {
		test(`${zone}/ imports nothing of another zone but its contract`, () => {
			const sources = files(zone, /\.tsx?$/);
			expect(sources.length).toBeGreaterThan(3);
			const strays = sources.flatMap((file) =>
				imports(file)
					.filter((path) => !path.startsWith(`${zone}/`) && !allowed(path))
					.map((path) => `${file} → ${path}`),
			);
			expect(strays).toEqual([]);
		});
	}

	test('the contract of the page and the worker imports nothing at all', () => {
		expect(imports('sw/contract.ts')).toEqual([]);
	});

	test('what the relay serves with and what the agent asks with know nothing of each other', () => {
		const strays = ['relay/server', 'relay/agent'].flatMap((part, i) =>
			files(part, /\.ts$/).flatMap((file) =>
				imports(file).filter((path) => path.startsWith(['relay/agent', 'relay/server'][i] ?? '')),
			),
		);
		expect(strays).toEqual([]);
	});

	test.each(['library', 'clinical', 'summary', 'text', 'answers'])(
		'data flows one way through the agent: what %s/ brings in knows neither session nor delivery nor who asks',
		(part) => {
			const own = files(`relay/agent/${part}`, /\.ts$/);
			expect(own.length).toBeGreaterThan(3);
			const all = [...reached(own)];
			expect(all.length).toBeGreaterThan(5);
			const above =
				/^relay\/agent\/(?:(?:delivery|commands|mcp|skill)\/|(?:session|ask|protocol|exchange|keyfile|cli)\.ts$|files\/(?:staging|records|remove)\.ts$)|^relay\/(?:envelope|link)\.ts$/;
			expect(all.filter((path) => above.test(path))).toEqual([]);
			if (part !== 'answers') expect(all.filter((path) => path.startsWith('relay/agent/answers/'))).toEqual([]);
		},
	);

	test('data flows one way through the worker: FHIR and SMART know neither jobs nor sessions', () => {
		const strays = ['sw/fhir', 'sw/smart'].flatMap((part) =>
			files(part, /\.ts$/).flatMap((file) =>
				imports(file).filter((path) => /^sw\/(copy|jobs|session|wallet)\//.test(path)),
			),
		);
		expect(strays).toEqual([]);
	});

	test('what a copy is knows of jobs their rows alone; only what starts a reading knows what runs one', () => {
		const starts = ['sw/copy/keep.ts', 'sw/copy/schedule.ts', 'sw/copy/estimate.ts'];
		const rows = ['sw/jobs/job.js', 'sw/jobs/store.js', 'sw/jobs/gzip.js'];
		const of = (file: string) => imports(file).filter((path) => path.startsWith('sw/jobs/'));
		const copies = files('sw/copy', /\.ts$/);
		expect(copies).toEqual(expect.arrayContaining(starts));
		const strays = copies
			.filter((file) => !starts.includes(file))
			.flatMap((file) => of(file).filter((path) => !rows.includes(path)));
		expect(strays).toEqual([]);
		// So there is no way round: rows know no copy but its shape, and nothing that runs a job knows what starts one.
		for (const path of rows) {
			const source = readFileSync(join(root, path.replace(/js$/, 'ts')), 'utf8');
			expect(source).not.toMatch(/^import (?!type)[^;]*'\.\.\/copy\//m);
		}
		const started = files('sw/jobs', /\.ts$/).flatMap((file) =>
			imports(file).filter((path) => starts.includes(path.replace(/js$/, 'ts'))),
		);
		expect(started).toEqual([]);
	});

	test('nobody but app/broker.ts and the static callback page speaks to the worker', () => {
		const users = files('app', /\.(tsx?|js)$/).filter((file) =>
			readFileSync(join(root, file), 'utf8').includes('navigator.serviceWorker'),
		);
		expect(users.sort()).toEqual(['app/broker.ts', 'app/public/callback.js']);
	});
});

describe('the worker logs nothing and the page keeps nothing', () => {
	test('no console output in the app or the worker', () => {
		const talkers = [...files('app', /\.tsx?$/), ...files('sw', /\.ts$/)].filter((file) =>
			/console\./.test(readFileSync(join(root, file), 'utf8')),
		);
		expect(talkers).toEqual([]);
	});
});

const built = existsSync(join(root, 'dist/app/assets'));
if (!built) console.warn('dist/ is not built: the bundle is not looked at (npm test builds before it looks)');

describe.runIf(built)('the built app', () => {
	test.each(['refresh_token', 'access_token', 'Authorization', 'code_verifier', 'client_assertion'])(
		'holds no %s',
		(word) => {
			const holders = [...files('dist/app/assets', /\.js$/), 'dist/app/index.html'].filter((file) =>
				readFileSync(join(root, file), 'utf8').includes(word),
			);
			expect(holders).toEqual([]);
		},
	);

	test('has the worker at the root, so that its scope is the whole origin', () => {
		expect(existsSync(join(root, 'dist/app/sw.js'))).toBe(true);
	});
});
