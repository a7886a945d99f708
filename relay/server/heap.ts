/** How V8 keeps house in the relay's process. */
import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to five times what lives in it before all of it is collected. An upload is many buffers that die young, and V8
 * counts their octets as growth of a heap that is otherwise a few megabytes: without this it collects everything for every
 * second part, which is half of the CPU that uploads take. To be called once, by the process's main file.
 */
export function letHeapGrow(): void {
	setFlagsFromString('--heap-growing-percent=400');
}
