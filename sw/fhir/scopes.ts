/**
 * What granted scopes allow. SMART App Launch 2.2, "Scopes for requesting FHIR resources": v1 is
 * `patient/Type.read|write|*`, v2 `patient/Type.[c][r][u][d][s][?query]`; `*` stands for every type.
 */
export interface Grant {
	/** Types that may be searched, and that may be read; `*` for all. Null: the scopes say nothing about resources. */
	search: ReadonlySet<string> | null;
	read: ReadonlySet<string> | null;
}

const RESOURCE_SCOPE = /^(?:patient|user|system)\/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?.*)?$/;

/** @param scope granted, space separated. One without any resource scope is no information: everything is tried. */
export function readScopes(scope: string): Grant {
	const search = new Set<string>();
	const read = new Set<string>();
	let told = false;
	for (const one of scope.split(/\s+/)) {
		const [, type, may] = RESOURCE_SCOPE.exec(one) ?? [];
		if (!type || !may) continue;
		told = true;
		const all = may === 'read' || may === '*';
		if (all || (may !== 'write' && may.includes('r'))) read.add(type);
		if (all || (may !== 'write' && may.includes('s'))) search.add(type);
	}
	return told ? { search, read } : { search: null, read: null };
}

export function allows(grant: Grant, may: 'search' | 'read', type: string): boolean {
	const types = grant[may];
	return types === null || types.has('*') || types.has(type);
}
