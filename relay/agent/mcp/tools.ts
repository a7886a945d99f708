/** All tools, in the order in which a model needs them. */
import type { AddTool } from './context.js';
import { cancelRequest } from './tools/cancel-request.js';
import { deleteRecords } from './tools/delete-records.js';
import { labTrend } from './tools/lab-trend.js';
import { listRecords } from './tools/list-records.js';
import { patientSummary } from './tools/patient-summary.js';
import { readRecord } from './tools/read-record.js';
import { requestRecords } from './tools/request-records.js';
import { searchRecords } from './tools/search-records.js';
import { waitForRecords } from './tools/wait-for-records.js';

export const tools: readonly AddTool[] = [
	requestRecords,
	waitForRecords,
	cancelRequest,
	listRecords,
	patientSummary,
	searchRecords,
	readRecord,
	labTrend,
	deleteRecords,
];
