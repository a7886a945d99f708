/** What the job engine uses of this folder. */
export { type Capability, readCapability } from './capability.js';
export {
	type CollectInput,
	isDone,
	nextTasks,
	type Outcome,
	settle,
	startCollect,
	type Task,
} from './collect.js';
export { MAX_DOCUMENT_BYTES } from './documents.js';
export { type PatientSummary, patientSummary } from './patient.js';
export { finishLines, kinds, nothingRead, report, totals } from './report.js';
export { type CollectState, STATE_VERSION } from './state.js';
export { type VendorFhir, vendorFhir, vendorKeys } from './vendors.js';
