import * as v from 'valibot';

/** What a FHIR server says it can do, reduced to what collecting needs. */
export interface Capability {
	/** `4.0.1`; null where it does not say. */
	fhirVersion: string | null;
	resources: Record<string, ResourceCapability>;
}

export interface ResourceCapability {
	read: boolean;
	search: boolean;
	/** Names of search parameters. Empty: the server lists none, which does not mean that it has none. */
	searchParams: string[];
}

/** A list whose unreadable elements are left out: one odd entry must not cost the whole statement. */
const tolerant = <T extends v.GenericSchema>(item: T) =>
	v.fallback(
		v.pipe(
			v.array(v.unknown()),
			v.transform((all) =>
				all.flatMap((one) => {
					const read = v.safeParse(item, one);
					return read.success ? [read.output] : [];
				}),
			),
		),
		[],
	);

const Resource = v.object({
	type: v.pipe(v.string(), v.regex(/^[A-Z][A-Za-z]{1,63}$/)),
	/** Undefined where the element is absent: then nothing is known, and reading and searching are worth a try. */
	interaction: v.optional(tolerant(v.object({ code: v.string() }))),
	searchParam: v.optional(tolerant(v.object({ name: v.string() })), []),
});

const Statement = v.object({
	/** Conformance: DSTU2, alike in what is read of it. */
	resourceType: v.picklist(['CapabilityStatement', 'Conformance']),
	fhirVersion: v.fallback(v.nullable(v.string()), null),
	rest: v.pipe(
		tolerant(v.object({ mode: v.optional(v.string()), resource: v.optional(tolerant(Resource), []) })),
		v.minLength(1),
	),
});

/**
 * Reduces the JSON of `[base]/metadata` (FHIR R4 and STU3, CapabilityStatement; DSTU2, Conformance). Null where it is
 * neither, or lists no resources: the caller then plans without it, for R4.
 */
export function readCapability(json: unknown): Capability | null {
	const read = v.safeParse(Statement, json);
	if (!read.success) return null;
	const { fhirVersion, rest } = read.output;
	const server = rest.find(({ mode }) => mode === 'server') ?? rest[0];
	const resources: Record<string, ResourceCapability> = {};
	for (const { type, interaction, searchParam } of server?.resource ?? []) {
		const can = (code: string) => interaction === undefined || interaction.some((one) => one.code === code);
		const before = resources[type];
		resources[type] = {
			read: can('read') || (before?.read ?? false),
			search: can('search-type') || (before?.search ?? false),
			searchParams: [...new Set([...(before?.searchParams ?? []), ...searchParam.map(({ name }) => name)])],
		};
	}
	return Object.keys(resources).length > 0 ? { fhirVersion, resources } : null;
}
