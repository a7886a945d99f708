/** Loads oidc-provider, which says on import that it would rather have a newer Node. It works on this one. */
export async function loadLibrary(): Promise<typeof import('oidc-provider')> {
	const { warn } = console;
	console.warn = (...args: unknown[]) => {
		if (!String(args[0]).includes('Unsupported runtime')) warn(...args);
	};
	try {
		return await import('oidc-provider');
	} finally {
		console.warn = warn;
	}
}
