/** The vital signs by LOINC code: those of FHIR's vital signs profile and US Core, and codes commonly used in their place. */
import type { Code } from './fact.js';

export const VITAL_SIGNS = new Map([
	['85353-1', 'Vital signs panel'],
	['85354-9', 'Blood pressure'],
	['55284-4', 'Blood pressure'],
	['35094-2', 'Blood pressure panel'],
	['96607-7', 'Blood pressure, average'],
	['8480-6', 'Systolic blood pressure'],
	['8462-4', 'Diastolic blood pressure'],
	['8459-0', 'Systolic blood pressure, sitting'],
	['8453-3', 'Diastolic blood pressure, sitting'],
	['8478-0', 'Mean blood pressure'],
	['8867-4', 'Heart rate'],
	['9279-1', 'Respiratory rate'],
	['8310-5', 'Body temperature'],
	['8331-1', 'Oral temperature'],
	['2708-6', 'Oxygen saturation'],
	['59408-5', 'Oxygen saturation by pulse oximetry'],
	['3150-6', 'Inhaled oxygen concentration'],
	['3151-8', 'Inhaled oxygen flow rate'],
	['8302-2', 'Body height'],
	['8306-3', 'Body height, lying'],
	['3137-7', 'Body height, measured'],
	['29463-7', 'Body weight'],
	['3141-9', 'Body weight, measured'],
	['39156-5', 'Body mass index'],
	['59576-9', 'BMI percentile for age and sex'],
	['9843-4', 'Head circumference'],
	['8289-1', 'Head circumference percentile'],
	['77606-2', 'Weight for length percentile'],
	['8287-5', 'Head circumference by tape measure'],
]);

/** The name of the first code that is a vital sign's. */
export function vitalSignOf(codes: readonly Code[]): string | null {
	for (const { code } of codes) {
		const name = VITAL_SIGNS.get(code);
		if (name !== undefined) return name;
	}
	return null;
}
