/** What kind of record is asked for: a section of the summary, or a resource type of FHIR. */
import { SECTIONS, type Section } from '../clinical/fact.js';
import { RULES } from '../summary/sections.js';
import { invalid } from './invalid.js';

/** Resource types of R4 (4.0.1, resourcelist.html), and those of DSTU2, STU3 and R5 that records come as. */
const TYPES =
	`Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition
Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition Composition ConceptMap
Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition
DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter
Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario
ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure
MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement
MedicinalProduct MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition
OperationDefinition OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person
PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
SearchParameter ServiceRequest Slot Specimen StructureDefinition StructureMap Subscription Substance SubstanceSpecification
SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
BodySite DeviceUsage DeviceUseRequest DiagnosticOrder GenomicStudy ImagingSelection MedicationOrder MedicationPrescription
NutritionIntake Order OrderResponse ProcedureRequest ProcessRequest ProcessResponse ReferralRequest Sequence`.split(
		/\s+/,
	);

/** What people call a section, beside its name. */
const ALSO: Record<string, Section> = {
	allergy: 'allergies',
	diagnoses: 'problems',
	diagnosis: 'problems',
	document: 'documents',
	drug: 'medications',
	drugs: 'medications',
	immunisations: 'immunizations',
	insurance: 'coverage',
	lab: 'labs',
	laboratory: 'labs',
	medication: 'medications',
	medicine: 'medications',
	medicines: 'medications',
	note: 'documents',
	notes: 'documents',
	plan: 'plans',
	problem: 'problems',
	report: 'reports',
	vaccine: 'immunizations',
	vaccines: 'immunizations',
	visit: 'encounters',
	visits: 'encounters',
	vital: 'vitals',
};

export interface Kind {
	/** Resource type, as it is written here. */
	type: string | null;
	section: Section | null;
	/** The resource types that bear on it; null: all. */
	about: ReadonlySet<string> | null;
	/** Those of them that have to be asked for, or nobody knows whether there is any. */
	main: readonly string[];
}

const SAID = `"kind" is a resource type of FHIR such as Observation, or one of: ${SECTIONS.join(', ')}`;

/**
 * @param here the types that arrived, which may be none of FHIR
 * @throws {AgentError} `query_invalid`: to find nothing of a kind that does not exist would sound as if there were nothing
 */
export function kindOf(asked: string | undefined, here: readonly string[]): Kind {
	if (asked === undefined) return { type: null, section: null, about: null, main: [] };
	const word = asked.trim();
	// In capitals as FHIR has it, it is the type: Medication.
	const exact = [...here, ...TYPES].find((type) => type === word);
	const small = word.toLowerCase();
	const section = exact ? null : sectionOf(small);
	// Documents are what a Binary is read as.
	if (section || small === 'binary') return ofSection(section ?? 'documents');
	const type = exact ?? find(here, small) ?? find(TYPES, small) ?? find(TYPES, small.replace(/s$/, ''));
	if (!type) throw invalid(SAID);
	return { section: null, type, about: new Set([type]), main: [type] };
}

/** Of the summary, by its name or what people call it. */
export function sectionOf(asked: string): Section | null {
	const small = asked.trim().toLowerCase();
	return SECTIONS.find((one) => one === small) ?? (Object.hasOwn(ALSO, small) ? (ALSO[small] ?? null) : null);
}

function ofSection(section: Section): Kind {
	const { also = [], ...rules } = RULES[section];
	const main = rules.main.flat();
	return { type: null, section, about: section === 'other' ? null : new Set([...main, ...also]), main };
}

function find(types: readonly string[], small: string): string | undefined {
	return types.find((type) => type.toLowerCase() === small);
}
