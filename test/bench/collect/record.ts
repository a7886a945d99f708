/** How large a hospital's record of a given size is in people. */
const PRACTITIONERS_PER_MB = 2.5;

export const staffOf = (mb: number): number => Math.round(8 + mb * PRACTITIONERS_PER_MB);

export const octetsOf = (mb: number): number => mb * 1_000_000;
